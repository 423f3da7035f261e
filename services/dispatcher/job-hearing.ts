/** What each event of a job means to the parts of the dispatcher. */
import type { Roster } from "../../domain/dispatch/roster.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { JobEvent, TaskAssigned } from "../../domain/job/events.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Fact } from "../facts.ts";
import type { OpenJobs } from "./open-jobs.ts";
import { type Orders, orderFor } from "./orders.ts";
import type { Quotas } from "./quotas.ts";
import type { SealedJobs } from "./sealed-jobs.ts";
import type { Seating } from "./seating.ts";
import type { Stops } from "./stops.ts";
import type { Usage } from "./usage.ts";

/** Folds an event of a job but its funding. `job` is the state after it, or newer. */
export type JobHearing = (event: JobEvent, fact: Fact, job: Job) => void;

export const createJobHearing = ({
  usage,
  quotas,
  seating,
  roster,
  openJobs,
  orders,
  sealedJobs,
  stops,
}: {
  readonly usage: Usage;
  readonly quotas: Quotas;
  readonly seating: Seating;
  readonly roster: Roster;
  readonly openJobs: OpenJobs;
  readonly orders: Orders;
  readonly sealedJobs: SealedJobs;
  readonly stops: Stops;
}): JobHearing => {
  const release = (jobHash: JobHash, replica: number, nodeId: NodeId) => {
    const order = orders.release(jobHash, replica, nodeId);
    if (order) openJobs.forget(jobHash, order.task.expiresAt);
    return order;
  };

  /** What its node may be at, and nobody needs any more. */
  const stop = (jobHash: JobHash, replica: number, nodeId: NodeId) => {
    const order = release(jobHash, replica, nodeId);
    if (order) stops.add(nodeId, order);
  };

  const hearAssignment = (event: TaskAssigned, fact: Fact, job: Job) => {
    const { jobHash, nodeId, expiresAt } = event;
    // We ended it ourselves before we heard of this.
    if (!roster.node(nodeId) || job.status !== "open") return;
    openJobs.ring(jobHash, expiresAt);
    const sealed = job.spec.sealed && sealedJobs.orderFor(job, nodeId);
    // One that cannot read the inputs is told nothing: the lease runs out, and another gets it.
    if (sealed || !job.spec.sealed)
      orders.add(nodeId, orderFor(event, job, { eventId: fact.id, sealed }));
    openJobs.enlist(jobHash, job);
  };

  return (event, fact, job) => {
    const { jobHash } = event;
    usage.hear(event, job);
    quotas.hear(event, job);
    if (event.type === "TaskAssigned") seating.unreserve(event.nodeId, jobHash, event.replica);
    roster.hear(event);
    switch (event.type) {
      case "JobSubmitted":
        openJobs.submit(jobHash, event.deadlineAt);
        return;
      case "TaskAssigned":
        hearAssignment(event, fact, job);
        return;
      case "ResultCommitted":
        if (job.status === "open" && job.revealBy !== undefined)
          openJobs.ring(jobHash, job.revealBy);
        release(jobHash, event.replica, event.nodeId);
        return;
      case "ResultReceived":
      case "TaskFailed":
      case "TaskExpired":
        release(jobHash, event.replica, event.nodeId);
        openJobs.enlist(jobHash, job);
        return;
      case "TaskStopped":
        stop(jobHash, event.replica, event.nodeId);
        return;
      case "ResultsDisagreed":
      case "AuditDrawn":
      case "ReplicaWanted":
        openJobs.enlist(jobHash, job);
        return;
      case "JobReopened":
        openJobs.submit(jobHash, event.deadlineAt);
        if (job.status === "open") openJobs.fund(jobHash, event.fundedAt);
        openJobs.enlist(jobHash, job);
        return;
      case "KeysWrapped":
      case "KeysAwaited":
        return; // It waits in the line all the while.
      case "ResultAccepted":
      case "ResultRejected":
        return;
      case "JobCompleted":
      case "JobFailed":
      case "JobRejected":
      case "JobCancelled":
        openJobs.close(jobHash);
        if (job.status === "unknown") return;
        for (const { replica, nodeId } of job.tasks) stop(jobHash, replica, nodeId);
    }
  };
};
