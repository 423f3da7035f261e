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
  const kinds = new Map<string, { readonly priority: number; readonly jobs: Set<JobHash> }>();
  const kindOf = new Map<JobHash, string>();
  let byPriority: readonly (readonly [string, Set<JobHash>])[] = [];

  return {
    join: (jobHash, { priority, kind }) => {
      const name = `${priority} ${kind}`;
      let queue = kinds.get(name);
      if (!queue) {
        queue = { priority, jobs: new Set() };
        kinds.set(name, queue);
        byPriority = [...kinds]
          .sort(([, a], [, b]) => b.priority - a.priority)
          .map(([key, { jobs }]) => [key, jobs]);
      }
      queue.jobs.add(jobHash);
      kindOf.set(jobHash, name);
    },

    leave: (jobHash) => {
      const name = kindOf.get(jobHash);
      if (name === undefined) return;
      kinds.get(name)?.jobs.delete(jobHash);
      kindOf.delete(jobHash);
    },

    serve: (offer) => {
      for (const [, jobs] of byPriority) {
        const unfit: JobHash[] = [];
        for (const jobHash of jobs) {
          const answer = offer(jobHash);
          if (answer === "no-room") break;
          if (answer === "unfit") {
            if (unfit.push(jobHash) === unfitMax) break;
            continue;
          }
          jobs.delete(jobHash);
          kindOf.delete(jobHash);
        }
        if (unfit.length < unfitMax) continue;
        for (const jobHash of unfit) {
          jobs.delete(jobHash);
          jobs.add(jobHash);
        }
      }
    },

    size: () => kindOf.size,
  };
};
