/** Clients: they submit until they are heard, and some change their minds. */
import type { Millis } from "../../domain/decider.ts";
import type { JobHash } from "../../domain/ids.ts";
import { jobHash } from "../../domain/job/hash.ts";
import { job as decider, type JobCommand } from "../../domain/job/job.ts";
import { type JobSpec, parseSpec } from "../../domain/job/spec.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { jobStream } from "../../streams/names.ts";
import type { Life } from "./life.ts";
import { sha256 } from "./services.ts";
import type { Puzzle } from "./work.ts";
import { beginLife, freshIds, isWeather, pause, type World } from "./world.ts";

export interface JobPlan {
  readonly spec: JobSpec;
  readonly puzzle: Puzzle;
  /** After the start. */
  readonly submitAfterMs: Millis;
  /** After it was accepted; undefined for never. */
  readonly cancelAfterMs: Millis | undefined;
  /** How often the client says it although it was heard. */
  readonly repeats: number;
}

/** The gateway as one client meets it: any error makes it say the same again. */
export const openClients = (world: World, skewMs: Millis) => {
  const { trace, watch, random } = world;
  const life: Life = beginLife(world, "gateway", skewMs);
  const store = world.store.link(life);
  const ids = freshIds(random);
  let busy = 0;

  const say = async (hash: JobHash, command: JobCommand): Promise<string> => {
    for (;;)
      try {
        const stream = jobStream(hash);
        const isNew = command.type === "SubmitJob";
        const now = life.clock.now();
        const answer = await handleCommand(
          { store, ids },
          decider,
          { stream, isNew },
          { ...command, now },
        );
        return answer.ok ? "ok" : answer.reason;
      } catch (error) {
        if (!isWeather(error)) throw error;
        await pause(life, 300 + random() * 1_000);
      }
  };

  const play = async ({ spec, puzzle, cancelAfterMs, repeats }: JobPlan): Promise<void> => {
    const parsed = parseSpec(spec);
    if (!parsed.ok) throw new Error(`a planned job is no job: ${parsed.message}`);
    const hash = jobHash(spec, sha256);
    const by = { actor: spec.client as `client:${string}`, now: 0 };
    watch.submitted(hash, spec, puzzle);
    for (let time = 0; time <= repeats; time++) {
      const answer = await say(hash, { type: "SubmitJob", jobHash: hash, spec, ...by });
      if (answer !== "ok") watch.blame(`job ${hash} was refused: ${answer}`);
      if (time === 0) {
        trace.say(`job ${hash.slice(0, 8)} is accepted`);
        watch.accepted(hash);
      } else await pause(life, random() * 5_000);
    }
    if (cancelAfterMs === undefined) return;
    await pause(life, cancelAfterMs);
    const answer = await say(hash, { type: "CancelJob", client: spec.client, ...by });
    trace.say(`job ${hash.slice(0, 8)} cancelled: ${answer}`);
    if (answer === "ok") watch.cancelled(hash);
    else if (answer !== "JobEnded") watch.blame(`cancelling job ${hash} was refused: ${answer}`);
  };

  return {
    /** Submissions and cancellations that are not through yet. */
    busy: () => busy,
    play: (plan: JobPlan): void => {
      busy++;
      play(plan)
        .catch((error: unknown) => watch.blame(`a client met ${String(error)}`))
        .finally(() => {
          busy--;
        });
    },
  };
};
export type Clients = ReturnType<typeof openClients>;
