/**
 * Jobs in the order in which they came, read with a cursor: one that cannot be served now is passed
 * and keeps its place. An array and not a set, whose first member costs a walk over all those before
 * it that are gone; it holds one reference for each job.
 */
import type { JobHash } from "../../domain/ids.ts";

export interface JobQueue {
  add(jobHash: JobHash): void;
  /** The first that was not passed; undefined when there is none. */
  next(): JobHash | undefined;
  /** Leaves the next one where it is, for the one behind it. */
  pass(): void;
  /** A job of this queue that `isHere` does not know any more; cheap in whatever place it is. */
  remove(): void;
  /** Begins with the first again. The passed ones keep their places, or take the last ones. */
  rewind(toBack: boolean): void;
  /** How many wait, the passed ones with them. */
  readonly size: number;
}

/** A queue is made shorter when more than this and more than half of it is gone. */
const slack = 64;

/** @param isHere - Whether a job that was added still waits here. */
export const createJobQueue = (isHere: (jobHash: JobHash) => boolean): JobQueue => {
  let jobs: JobHash[] = [];
  /** Before it nobody waits, but for the passed ones. */
  let cursor = 0;
  let passed: JobHash[] = [];
  let size = 0;

  const shorten = (): void => {
    if (jobs.length <= 2 * size + slack) return;
    const skipped = new Set(passed);
    const left = jobs.slice(cursor).filter((job) => isHere(job) && !skipped.has(job));
    jobs = [...passed, ...new Set(left)];
    cursor = passed.length;
  };

  return {
    get size() {
      return size;
    },
    add: (jobHash) => {
      jobs.push(jobHash);
      size++;
    },
    next: () => {
      for (; cursor < jobs.length; cursor++) {
        const job = jobs[cursor];
        if (job !== undefined && isHere(job)) return job;
      }
      return undefined;
    },
    pass: () => {
      const job = jobs[cursor];
      if (job === undefined) return;
      passed.push(job);
      cursor++;
    },
    remove: () => {
      size--;
      shorten();
    },
    rewind: (toBack) => {
      if (toBack) jobs.push(...passed);
      else {
        cursor -= passed.length;
        for (const [i, job] of passed.entries()) jobs[cursor + i] = job;
      }
      passed = [];
    },
  };
};
