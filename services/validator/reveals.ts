/**
 * Asks nodes to show what they are bound to, at once when the last of a job has committed, and again
 * every few seconds until each has answered or its time is over: a request that is lost costs no more.
 */
import type { Instant, Millis } from "../../domain/decider.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { type Job, toReveal } from "../../domain/job/job.ts";
import type { TaskDesk, TaskKey } from "../../streams/task-queue.ts";

export interface Reveals {
  /** Folds an event of a job. */
  hear(event: JobEvent): void;
  /** Asks for what is due, in one request for each node. */
  ask(now: Instant): void;
}

/** Time enough to answer; the worker says nothing twice within 2 s. */
const againMs: Millis = 3_000;

export const createReveals = (
  jobOf: (jobHash: JobHash) => Job,
  desk: Pick<TaskDesk, "requestReveals">,
): Reveals => {
  /** Jobs with commits, and when to ask next; before anything else for those that are new. */
  const due = new Map<JobHash, Instant>();

  return {
    hear: (event) => {
      switch (event.type) {
        case "ResultCommitted":
          due.set(event.jobHash, Number.NEGATIVE_INFINITY);
          return;
        case "JobCompleted":
        case "JobFailed":
        case "JobCancelled":
        case "JobRejected":
          due.delete(event.jobHash);
      }
    },
    ask: (now) => {
      const wanted = new Map<NodeId, TaskKey[]>();
      for (const [jobHash, at] of due) {
        if (at > now) continue;
        const job = jobOf(jobHash);
        const tasks = job.status === "open" ? toReveal(job) : [];
        // Until the next commit there is nothing to ask for.
        if (tasks.length === 0) due.delete(jobHash);
        else due.set(jobHash, now + againMs);
        for (const { nodeId, replica, attempt } of tasks) {
          const own = wanted.get(nodeId);
          const task = { jobHash, replica, attempt };
          if (own) own.push(task);
          else wanted.set(nodeId, [task]);
        }
      }
      for (const [nodeId, tasks] of wanted) desk.requestReveals(nodeId, tasks);
    },
  };
};
