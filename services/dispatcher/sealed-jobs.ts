/**
 * What the dispatcher knows of sealed jobs: which nodes can read one, what a node is handed for it,
 * and whose client is to be asked for more recipients.
 */
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { OpenJob } from "../../domain/job/job.ts";
import type { SealedOrder } from "../../streams/task-queue.ts";
import { createEncryptionKeys } from "../encryption-keys.ts";
import type { Fact } from "../facts.ts";

/** A client is to be asked for more recipients. */
export interface Await {
  readonly jobHash: JobHash;
  /** For how many recipients the job was wrapped when nobody was found among them. */
  readonly recipients: number;
}

export interface SealedJobs {
  hear(fact: Fact): void;
  /** The nodes that can open the job's inputs, each as often as it is wrapped for. */
  readersOf(job: OpenJob): readonly NodeId[];
  /** Undefined if the node's owner gave up every key that the job is wrapped for meanwhile. */
  orderFor(job: OpenJob, nodeId: NodeId): SealedOrder | undefined;
  /** Nobody is left who could read and compute the job. Its client is asked once for each set of wraps. */
  askForMore(job: OpenJob): void;
  takeAwaits(): readonly Await[];
  undoAwait(wish: Await): void;
}

/** An identity may own thousands of nodes: so many of those that can read a job are looked at. */
const readersMax = 1_024;

export const createSealedJobs = (): SealedJobs => {
  const keys = createEncryptionKeys();
  /** By job: for how many recipients it was wrapped when its client was asked for more. */
  const asked = new Map<JobHash, number>();
  let awaits: Await[] = [];

  return {
    hear: (fact) => {
      keys.hear(fact);
      switch (fact.event.type) {
        case "KeysWrapped":
        case "KeysAwaited":
        case "JobCompleted":
        case "JobFailed":
        case "JobRejected":
        case "JobCancelled":
          asked.delete(fact.event.jobHash);
      }
    },

    readersOf: ({ wraps }) => {
      const readers: NodeId[] = [];
      for (const keyId of wraps.keys())
        for (const nodeId of keys.nodesWith(keyId)) {
          if (readers.length === readersMax) return readers;
          readers.push(nodeId);
        }
      return readers;
    },

    orderFor: ({ spec, wraps }, nodeId) => {
      const keyId = keys.encryptionKeysOf(nodeId).find((one) => wraps.has(one));
      const wrap = keyId === undefined ? undefined : wraps.get(keyId);
      if (wrap === undefined) return undefined;
      const { app: _, params: __, inputs: ___, wallMs: ____, ...rest } = spec;
      return { spec: rest, wrap };
    },

    askForMore: ({ jobHash, wraps, awaitingKeys }) => {
      const recipients = wraps.size;
      if (awaitingKeys || asked.get(jobHash) === recipients) return;
      asked.set(jobHash, recipients);
      awaits.push({ jobHash, recipients });
    },

    takeAwaits: () => {
      const taken = awaits;
      awaits = [];
      return taken;
    },

    undoAwait: ({ jobHash }) => asked.delete(jobHash),
  };
};
