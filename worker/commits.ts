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

/** Shown results that are kept, should they be asked for again. */
const shownMax = 1_000;
/** Results that wait to be asked for, an audit takes its time; of more, those that have waited longest are lost. */
const unshownMax = 20_000;
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
  const unshown = new Map<string, Bound>();
  const shown = new Map<string, Bound & { shownAt: Instant }>();
  const lost = new Map<string, Instant>();

  const limit = (map: Map<string, unknown>, most: number): void => {
    const oldest = map.size > most ? map.keys().next().value : undefined;
    if (oldest !== undefined) map.delete(oldest);
  };

  return {
    bind: (done, about) => {
      const { jobHash, replica, attempt } = done;
      const task = { jobHash, replica, attempt };
      const salt = newSalt();
      const { resultTag } = about;
      const result = { ...done, resultTag, salt };
      unshown.set(taskName(task), { result, about });
      limit(unshown, unshownMax);
      const commit = commitOf({ ...task, worker, resultTag, salt });
      return { ...task, outcome: "committed", commit };
    },

    show: (task, now) => {
      const name = taskName(task);
      const bound = unshown.get(name) ?? shown.get(name);
      const saidAt = unshown.has(name) ? undefined : (shown.get(name)?.shownAt ?? lost.get(name));
      if (saidAt !== undefined && now - saidAt < againMs) return undefined;
      if (bound) {
        const { result, about } = bound;
        unshown.delete(name);
        shown.delete(name);
        shown.set(name, { result, about, shownAt: now });
        limit(shown, shownMax);
        return { result, about };
      }
      lost.delete(name);
      lost.set(name, now);
      limit(lost, shownMax);
      return "lost";
    },

    unshown: () =>
      Array.from(unshown.values(), ({ result: { jobHash, replica, attempt } }) => {
        return { jobHash, replica, attempt };
      }),
  };
};
