import type { JobHash } from "../../domain/ids.ts";

/**
 * Jobs that wait for a node: by priority, then in the order in which they came. Jobs with the same
 * kind of need stand in one queue, so that a kind for which no node has room costs one look however
 * many wait; a job that no node with room fits lets the others of its kind pass.
 */
export interface WaitingLine {
  join(jobHash: JobHash, place: { readonly priority: number; readonly kind: string }): void;
  leave(jobHash: JobHash): void;
  /** Offers each job in turn: it leaves, no node has room for its kind, or none with room fits it. */
  serve(offer: (jobHash: JobHash) => "leave" | "no-room" | "unfit"): void;
  size(): number;
}

/** So many jobs that nobody fits are looked at in one kind; they then stand behind the others. */
const unfitMax = 64;

export const createWaitingLine = (): WaitingLine => {
  /** The highest priority first; the queues of each by kind. A kind is forgotten when nobody waits. */
  let levels: readonly Level[] = [];
  const queueOf = new Map<JobHash, Set<JobHash>>();

  const levelOf = (priority: number): Level => {
    const known = levels.find((level) => level.priority === priority);
    if (known) return known;
    const level: Level = { priority, queues: new Map() };
    levels = [...levels, level].sort((a, b) => b.priority - a.priority);
    return level;
  };

  const serveQueue = (jobs: Set<JobHash>, offer: Parameters<WaitingLine["serve"]>[0]) => {
    const unfit: JobHash[] = [];
    for (const jobHash of jobs) {
      const answer = offer(jobHash);
      if (answer === "no-room") break;
      if (answer === "unfit") {
        if (unfit.push(jobHash) === unfitMax) break;
        continue;
      }
      jobs.delete(jobHash);
      queueOf.delete(jobHash);
    }
    if (unfit.length < unfitMax) return;
    for (const jobHash of unfit) {
      jobs.delete(jobHash);
      jobs.add(jobHash);
    }
  };

  return {
    join: (jobHash, { priority, kind }) => {
      const { queues } = levelOf(priority);
      const queue = queues.get(kind) ?? new Set();
      queues.set(kind, queue.add(jobHash));
      queueOf.set(jobHash, queue);
    },

    leave: (jobHash) => {
      queueOf.get(jobHash)?.delete(jobHash);
      queueOf.delete(jobHash);
    },

    serve: (offer) => {
      for (const { queues } of levels)
        for (const [kind, jobs] of queues) {
          serveQueue(jobs, offer);
          if (jobs.size === 0) queues.delete(kind);
        }
    },

    size: () => queueOf.size,
  };
};

interface Level {
  readonly priority: number;
  readonly queues: Map<string, Set<JobHash>>;
}
