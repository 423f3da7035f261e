/** Carries out what the prober says: makes tasks, submits them as any client would, writes findings. */
import { catalogue } from "../../domain/catalogue.ts";
import type { Random } from "../../domain/chance.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { AccountId, JobHash, NodeId } from "../../domain/ids.ts";
import { jobHash as hashOf } from "../../domain/job/hash.ts";
import {
  type BlobRef,
  defaultReplicasMax,
  type JobSpec,
  specDefaults,
} from "../../domain/job/spec.ts";
import { node } from "../../domain/node/node.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import { type AnsweredProbe, measuredApp, type ProbeSize } from "../../domain/probe/task.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { nodeStream } from "../../streams/names.ts";
import { type Fact, type Listener, serviceActor } from "../facts.ts";
import type { JobBook } from "../job-book.ts";
import { createProber, type Finding, type Prober, type Wish } from "./prober.ts";

const actor = serviceActor("prober");
const tickMs = 1_000;

/** Makes known-answer tasks, and computes them somewhere where nobody has to wait for it. */
export interface KnownAnswers {
  make(seed: string, size: ProbeSize): Promise<AnsweredProbe>;
  close(): Promise<void>;
}

export interface RunningProber extends Listener {
  readonly withholds: Prober["withholds"];
  close(): Promise<void>;
}

export const runProber = ({
  book,
  store,
  ids,
  clock,
  policy,
  random,
  newSeed,
  sha256,
  newClient,
  answers,
  storeBlob,
  dispatcher,
  onTrouble,
}: {
  readonly book: JobBook;
  readonly store: EventStore;
  readonly ids: EventIds;
  readonly clock: Clock;
  /** In force as far as facts were told. */
  readonly policy: () => Policy;
  /** For the times of rounds. */
  readonly random: Random;
  /** Seeds of tasks: 128 bits that nobody can guess, in lower-case hex. */
  readonly newSeed: () => string;
  /** An account that nobody has ever used, named like those of other clients. */
  readonly newClient: () => AccountId;
  readonly sha256: Sha256;
  /** Closed with the prober. */
  readonly answers: KnownAnswers;
  /** Stores bytes where workers find them, as if a client had. */
  readonly storeBlob: (bytes: Uint8Array, mediaType: string) => Promise<BlobRef>;
  readonly dispatcher: {
    readonly steer: (jobHash: JobHash, nodeId: NodeId | undefined) => void;
    readonly isIdle: (nodeId: NodeId) => boolean;
  };
  readonly onTrouble: (what: string, error: unknown) => void;
}): RunningProber => {
  const prober = createProber({ policy });
  /** Found and not yet written. */
  let owed: Finding[] = [];
  const writing = new Set<Finding>();
  const calledOff = new Set<JobHash>();
  let live = false;
  let closed = false;

  const submit = async (wish: Wish): Promise<void> => {
    const seed = newSeed();
    const made = await answers.make(seed, wish.size);
    const [module, data] = await Promise.all([
      storeBlob(made.module, "application/wasm"),
      storeBlob(made.data, "application/octet-stream"),
    ]);
    if (closed) return;
    const client: AccountId = wish.client ?? newClient();
    const spec = specOf(client, { module, data }, policy());
    const jobHash = hashOf(spec, sha256);
    const { instructions, outputDigest } = made;
    const now = clock.now();
    const probe = { jobHash, client, seed, instructions, outputDigest };
    if (!prober.begin(wish, probe, now)) return;
    dispatcher.steer(jobHash, wish.nodeId);
    try {
      // Under the client's name, as a gateway writes it.
      await book.handle(jobHash, [
        { type: "SubmitJob", jobHash, spec, actor: client as string, now },
      ]);
    } catch (error) {
      dispatcher.steer(jobHash, undefined);
      throw error;
    }
  };

  const begin = async (wish: Wish): Promise<void> => {
    try {
      await submit(wish);
    } catch (error) {
      prober.giveUp(wish);
      if (!closed) onTrouble(`node ${wish.nodeId} was not tested`, error);
    }
  };

  const callOff = async (jobHash: JobHash, client: AccountId): Promise<void> => {
    if (calledOff.has(jobHash)) return;
    calledOff.add(jobHash);
    try {
      const by = { actor: client as string, now: clock.now() };
      await book.handle(jobHash, [{ type: "CancelJob", client, ...by }]);
    } catch (error) {
      onTrouble(`job ${jobHash} was not called off`, error);
    } finally {
      calledOff.delete(jobHash);
    }
  };

  /** An answer that this machine got wrong once must not expel a node. */
  const isStillWrong = async ({ known }: Extract<Finding, { kind: "wrong" }>): Promise<boolean> => {
    const { seed, size, outputDigest } = known;
    return (await answers.make(seed, size)).outputDigest === outputDigest;
  };

  const write = async (finding: Finding): Promise<void> => {
    const { nodeId } = finding;
    if (finding.kind === "wrong" && !(await isStillWrong(finding))) {
      const why = `computed twice, its task has two answers: seed ${finding.known.seed}`;
      onTrouble(`node ${nodeId} is not convicted`, new Error(why));
      return;
    }
    const by = { nodeId, actor, now: clock.now() };
    const stream = { stream: nodeStream(nodeId) };
    const command =
      finding.kind === "measured"
        ? ({ type: "MeasureNode", measurement: finding.measurement, ...by } as const)
        : ({
            type: "ConvictNode",
            ...{ jobHash: finding.jobHash, replica: finding.replica, known: finding.known },
            reason: "known-answer-differs",
            ...by,
          } as const);
    const answer = await handleCommand({ store, ids }, node, stream, command);
    if (!answer.ok) onTrouble(`what node ${nodeId} showed was refused`, new Error(answer.reason));
  };

  const writeOwed = (): void => {
    owed.push(...prober.takeFindings());
    for (const finding of owed) {
      if (writing.has(finding)) continue;
      writing.add(finding);
      write(finding).then(
        () => {
          owed = owed.filter((other) => other !== finding);
          writing.delete(finding);
        },
        (error: unknown) => {
          writing.delete(finding); // The next tick writes it.
          if (!closed) onTrouble(`what node ${finding.nodeId} showed was not written`, error);
        },
      );
    }
  };

  const ticking = clock.every(tickMs, () => {
    if (!live || closed) return;
    const now = clock.now();
    for (const { jobHash, client } of prober.overdue(now)) void callOff(jobHash, client);
    for (;;) {
      const wish = prober.next(now, random, dispatcher.isIdle);
      if (!wish) break;
      void begin(wish);
    }
    writeOwed();
  });

  return {
    hear: (fact: Fact) => prober.hear(fact),
    act: () => {
      live = true;
      if (!closed) writeOwed();
    },
    withholds: prober.withholds,
    close: async () => {
      closed = true;
      ticking.cancel();
      await answers.close();
    },
  };
};

/** What a client submits who leaves everything out but that one result is enough. */
const specOf = (client: AccountId, inputs: JobSpec["inputs"], { pricing }: Policy): JobSpec => {
  const { comparator, limits, priceMicroPoints } = catalogue[measuredApp];
  const price = Math.max(Number(priceMicroPoints), pricing.floorMicroPoints[measuredApp]);
  const quorum = 1;
  return {
    ...specDefaults,
    ...{ client, app: measuredApp, inputs, comparator, quorum },
    replicasMax: defaultReplicasMax(quorum),
    price: String(price),
    wallMs: limits.wallMs,
  };
};
