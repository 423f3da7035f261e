/**
 * What the log says of batches: how much of each is done, and how long its tasks take, so that one that
 * takes far longer than the others is seen. Folded in place, like the ledger.
 *
 * What is usual is taken from the batch itself: an app's tasks take milliseconds or an hour, those that
 * a client submits together are mostly alike.
 */
import type { Millis } from "../decider.ts";
import type { AccountId, JobHash } from "../ids.ts";
import type { JobEvent, JobSubmitted } from "../job/events.ts";
import {
  addTurnaround,
  noTurnaround,
  type Turnaround,
  turnaroundBound,
} from "../reputation/turnaround.ts";

/** The end of a batch: few of its jobs are open, and the most part has ended. */
export interface Tail {
  readonly jobHashes: ReadonlySet<JobHash>;
  /** Jobs that are open. */
  readonly open: number;
  /** Jobs that the batch has. */
  readonly size: number;
  /** From when on a task of the app hangs; undefined while too little is known. */
  readonly hangsAfterMs: (app: string) => Millis | undefined;
}

export interface Batches {
  hear(event: JobEvent): void;
  /** @param share - At most this part of a batch, and at least one job, is its tail; 0 for none. */
  tails(share: number): Iterable<Tail>;
  /** The tail that this open job belongs to; undefined if to none. */
  tailOf(jobHash: JobHash, share: number): Tail | undefined;
}

interface Batch {
  readonly key: string;
  size: number;
  submitted: number;
  ended: number;
  readonly open: Set<JobHash>;
  /** By app. */
  readonly usual: Map<string, Turnaround>;
}

/** Batches without an open job that are remembered: more of their jobs may come. */
const idleMax = 1_000;
/** Where every task takes as long as the next, a hair more is no sign of anything. */
const leastFactor = 1.5;
const leastMs: Millis = 1_000;
/** Of 100 tasks at most 10 take longer, however they are spread; of a bell curve one in a thousand. */
const deviations = 3;

export const createBatches = (): Batches => {
  const batches = new Map<string, Batch>();
  const batchOf = new Map<JobHash, Batch>();
  /** Those without an open job, the longest so first. */
  const idle = new Set<Batch>();

  const submit = ({ jobHash, spec, batch: told }: JobSubmitted): void => {
    if (!told || batchOf.has(jobHash)) return;
    const key = keyOf(spec.client, told.id);
    const blank = { submitted: 0, ended: 0, open: new Set<JobHash>() };
    const batch = batches.get(key) ?? { key, size: 0, ...blank, usual: new Map() };
    batches.set(key, batch);
    batchOf.set(jobHash, batch);
    idle.delete(batch);
    batch.submitted++;
    batch.size = Math.max(told.size, batch.size, batch.submitted);
    batch.open.add(jobHash);
  };

  const end = (jobHash: JobHash): void => {
    const batch = batchOf.get(jobHash);
    if (!batch) return;
    batchOf.delete(jobHash);
    batch.open.delete(jobHash);
    batch.ended++;
    if (batch.open.size > 0) return;
    if (batch.ended >= batch.size) {
      batches.delete(batch.key);
      return;
    }
    idle.add(batch);
    if (idle.size <= idleMax) return;
    for (const oldest of idle) {
      idle.delete(oldest);
      batches.delete(oldest.key);
      return;
    }
  };

  return {
    hear: (event) => {
      switch (event.type) {
        case "JobSubmitted":
          return submit(event);
        case "ResultReceived": {
          const { jobHash, app, turnaroundMs } = event;
          const usual = batchOf.get(jobHash)?.usual;
          if (!usual || app === undefined || turnaroundMs === undefined) return;
          usual.set(app, addTurnaround(usual.get(app) ?? noTurnaround, turnaroundMs));
          return;
        }
        case "JobCompleted":
        case "JobFailed":
        case "JobRejected":
        case "JobCancelled":
          return end(event.jobHash);
      }
    },

    tails: function* (share) {
      for (const batch of batches.values()) {
        const tail = tailIn(batch, share);
        if (tail) yield tail;
      }
    },

    tailOf: (jobHash, share) => {
      const batch = batchOf.get(jobHash);
      return batch && tailIn(batch, share);
    },
  };
};

/** A space is in neither. */
const keyOf = (client: AccountId, id: string): string => `${client} ${id}`;

const tailIn = ({ open, ended, size, usual }: Batch, share: number): Tail | undefined => {
  if (!(share > 0) || open.size === 0) return undefined;
  // While a large batch is still being submitted, few of its jobs are open, and few have ended.
  if (open.size > Math.max(1, Math.floor(share * size)) || 2 * ended < size) return undefined;
  const hangsAfterMs = (app: string): Millis | undefined => {
    const known = usual.get(app);
    const bound = turnaroundBound(known, deviations);
    if (known === undefined || bound === undefined) return undefined;
    return Math.ceil(Math.max(leastMs, leastFactor * known.meanMs, bound));
  };
  return { jobHashes: open, open: open.size, size, hangsAfterMs };
};
