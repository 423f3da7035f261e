/** Why the nodes of a job got its tasks, as its stream tells it. */
import type { JobHash } from "../domain/ids.ts";
import type { TaskAssigned } from "../domain/job/events.ts";
import { decode } from "../streams/codec.ts";
import type { EventStore } from "../streams/event-store.ts";
import { jobStream } from "../streams/names.ts";
import type { Assignment } from "./schema.types.ts";

export type Assignments = () => Promise<ReadonlyMap<string, Assignment>>;

/** The assignments of a job by `<replica>/<attempt>`: one read of its stream, when the first is asked for. */
export const assignmentsIn = (store: EventStore, jobHash: JobHash): Assignments => {
  let read: ReturnType<Assignments> | undefined;
  const all = async () => {
    const assignments = new Map<string, Assignment>();
    for await (const recorded of store.readStream(jobStream(jobHash), "start")) {
      const event = decode(recorded);
      if (event?.type === "TaskAssigned")
        assignments.set(
          `${event.replica}/${event.attempt}`,
          assignmentOf(event, recorded.position),
        );
    }
    return assignments;
  };
  return () => {
    read ??= all();
    return read;
  };
};

const assignmentOf = ({ reason, executionClass }: TaskAssigned, position: bigint): Assignment => {
  const { policy: rules, parameters, asOf, digest, explores, seed, candidates, score } = reason;
  return {
    position: position.toString(),
    asOf: asOf ?? null,
    rules,
    policy: parameters ?? null,
    seed,
    candidates,
    explores: explores ?? false,
    score,
    ranked: (reason.looked ?? []).map(([nodeId, standing, held, reserved, slots, ms, other]) => ({
      nodeId,
      executionClass: other ?? executionClass,
      standing: standing / 10_000,
      held,
      reserved,
      slots,
      turnaroundMs: ms > 0 ? ms : null,
    })),
    digest: digest ?? null,
  };
};
