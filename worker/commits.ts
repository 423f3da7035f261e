/**
 * The results that a node is bound to and has not shown. They are kept in memory only: a worker that
 * starts anew says of each that it is asked for that it is lost, so that the job need not wait.
 */
import type { Instant } from "../domain/decider.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import type { Digest, NodeId } from "../domain/ids.ts";
import { taskName } from "../domain/job/hash.ts";
import { commitOf } from "../domain/receipts/commit.ts";
import type { ResultStatement, TaskKey } from "../streams/task-queue.ts";
import type { Circumstances } from "./statements.ts";

type Done = Extract<ResultStatement, { outcome: "done" }>;

export interface Bound {
  /** With what opens the commit. */
  readonly result: Done;
  readonly about: Circumstances;
}

export interface Commits {
  /** Keeps a result and binds the node to it; answers what may be said about it now. */
  bind(result: Done, about: Circumstances): ResultStatement;
  /**
   * A result that is asked for: `lost` if this worker has none; undefined if it was shown so lately
   * that it may be on its way.
   */
  show(task: TaskKey, now: Instant): Bound | "lost" | undefined;
  /** Those that nobody has asked for yet. */
  unshown(): readonly TaskKey[];
}

/** Results that are kept; of more, those that have been kept longest are lost. */
const keptMax = 1_000;
/** What was said so lately is not said again. */
const againMs = 2_000;

/** @param worker - Who signs for the node; its own name if nobody does. */
export const createCommits = ({
  worker,
  newSalt,
}: {
  readonly worker: CnctId | NodeId;
  /** 32 bytes in hex that nobody can guess. */
  readonly newSalt: () => Digest;
}): Commits => {
  const kept = new Map<string, Bound & { shownAt: Instant | undefined }>();
  const lost = new Map<string, Instant>();

  const limit = (map: Map<string, unknown>): void => {
    const oldest = map.size > keptMax ? map.keys().next().value : undefined;
    if (oldest !== undefined) map.delete(oldest);
  };

  return {
    bind: (done, about) => {
      const { jobHash, replica, attempt } = done;
      const task = { jobHash, replica, attempt };
      const salt = newSalt();
      const { resultTag } = about;
      const result = { ...done, resultTag, salt };
      kept.set(taskName(task), { result, about, shownAt: undefined });
      limit(kept);
      const commit = commitOf({ ...task, worker, resultTag, salt });
      return { ...task, outcome: "committed", commit };
    },

    show: (task, now) => {
      const name = taskName(task);
      const bound = kept.get(name);
      const saidAt = bound ? bound.shownAt : lost.get(name);
      if (saidAt !== undefined && now - saidAt < againMs) return undefined;
      if (bound) {
        bound.shownAt = now;
        return bound;
      }
      lost.delete(name);
      lost.set(name, now);
      limit(lost);
      return "lost";
    },

    unshown: () =>
      [...kept.values()]
        .filter(({ shownAt }) => shownAt === undefined)
        .map(({ result: { jobHash, replica, attempt } }) => ({ jobHash, replica, attempt })),
  };
};
