/**
 * The other side: how a client treats those who work for it. Node owners can look at it; nothing is
 * decided by it. A job that nodes failed, or on which they disagreed, says nothing against its client.
 */
import { isJobFault } from "../app-errors.ts";
import type { AccountId } from "../ids.ts";
import { type Score, score } from "./score.ts";

/** What is looked at of a job. */
export interface RequesterJob {
  readonly status: "open" | "completed" | "failed" | "rejected" | "cancelled";
  readonly reason: string | null;
  readonly tasks: readonly { readonly status: string }[];
}

export interface RequesterRecord {
  readonly account: AccountId;
  /** Jobs that were looked at. */
  readonly jobs: number;
  readonly completed: number;
  readonly failedByInput: number;
  readonly failedOtherwise: number;
  readonly cancelledUnstarted: number;
  readonly cancelledAfterWork: number;
  readonly unfunded: number;
  /** Tasks that were under way when their job was called off: their nodes worked for nothing. */
  readonly tasksInVain: number;
}

/** Jobs of a client that are looked at, the latest. */
export const requesterJobsMax = 1_000;

export const requesterRecord = (
  account: AccountId,
  jobs: Iterable<RequesterJob>,
): RequesterRecord => {
  const counts = {
    jobs: 0,
    completed: 0,
    failedByInput: 0,
    failedOtherwise: 0,
    cancelledUnstarted: 0,
    cancelledAfterWork: 0,
    unfunded: 0,
    tasksInVain: 0,
  };
  for (const { status, reason, tasks } of jobs) {
    counts.jobs++;
    if (status === "completed") counts.completed++;
    else if (status === "rejected") counts.unfunded++;
    else if (status === "failed")
      counts[isJobFault(reason ?? "") ? "failedByInput" : "failedOtherwise"]++;
    else if (status === "cancelled") {
      counts[tasks.length > 0 ? "cancelledAfterWork" : "cancelledUnstarted"]++;
      for (const task of tasks) if (task.status === "dropped") counts.tasksInVain++;
    }
  }
  return { account, ...counts };
};

/** Completed jobs, of those that were completed or ended by the client's doing. */
export const fairness = ({
  completed,
  failedByInput,
  cancelledAfterWork,
  unfunded,
}: RequesterRecord): Score => score(completed, failedByInput + cancelledAfterWork + unfunded);
