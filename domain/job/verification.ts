/**
 * How a job's results were checked, as its events tell it: how they were compared, which audits were
 * drawn, what was wanted beyond the first results and why, what was believed and how sure it is, and
 * how often the job was opened again. For those who read; nothing is decided by it.
 */
import type { Instant } from "../decider.ts";
import type { NodeId } from "../ids.ts";
import type { Bounds } from "../verification/bounds.ts";
import type {
  Assurance,
  AuditDrawn,
  JobEvent,
  ReplicaWanted,
  ResultAccepted,
  ResultRejected,
  TaskRef,
} from "./events.ts";
import type { JobSpec } from "./spec.ts";
import { evolve, type Job, type OpenJob } from "./state.ts";

export interface JobVerification {
  readonly spec: JobSpec;
  /** Of the last completion; undefined before it, and for a job without an assurance. */
  readonly assurance: Assurance | undefined;
  /** Everything that was judged, in order; a job that was opened again has several verdicts of a task. */
  readonly verdicts: readonly TaskVerdict[];
  readonly draws: readonly Draw[];
  /** When more results were wanted than before. */
  readonly wishes: readonly Wish[];
  readonly reopenings: readonly Reopening[];
}

/** What was found about one result. */
export interface TaskVerdict extends Pick<TaskRef, "replica" | "attempt" | "nodeId"> {
  readonly at: Instant;
  readonly arbiter: boolean;
  readonly accepted: boolean;
  readonly comparator: string;
  readonly bounds: Bounds | undefined;
  readonly distance: number;
  /** Why it was rejected. */
  readonly reason: string | undefined;
  /** An arbiter computed the same: the node has survived an audit. */
  readonly audited: boolean;
  /** It was proven wrong. */
  readonly convicted: boolean;
  /** Audits that the node had survived before; undefined of arbiters, and without an assurance. */
  readonly survived: number | undefined;
}

/** The lottery for one result. */
export type Draw = AuditDrawn["draws"][number] &
  Pick<AuditDrawn, "beacon" | "from" | "to" | "policy" | "at">;

export type WishReason =
  | NonNullable<ReplicaWanted["why"]>
  /** The first node's word alone would not have been enough. */
  | "one-not-enough"
  /** The lottery drew a result. */
  | "audit-drawn"
  /** What the job rested on was a convict's. */
  | "reopened";

export interface Wish {
  readonly at: Instant;
  /** Undefined where the first rules did not say. */
  readonly why: WishReason | undefined;
  /** Ordinary results that are wanted from now on, with those that are there. */
  readonly wanted: number;
  /** Results of arbiters, likewise. */
  readonly arbitersWanted: number;
  /** Of the best group of results, and what it would have to be; of a judgement alone. */
  readonly credibility: number | undefined;
  readonly threshold: number | undefined;
  /** Results that differ. */
  readonly groups: readonly (readonly number[])[] | undefined;
  readonly distance: number | undefined;
}

export interface Reopening {
  readonly at: Instant;
  /** Whose results count no more. */
  readonly convicts: readonly NodeId[];
}

/** @param events - Of one job, from its first. @returns Undefined for none. */
export const verificationOf = (events: Iterable<JobEvent>): JobVerification | undefined => {
  let job: Job = { status: "unknown" };
  let spec: JobSpec | undefined;
  let assurance: Assurance | undefined;
  const verdicts: TaskVerdict[] = [];
  const draws: Draw[] = [];
  const wishes: Wish[] = [];
  const reopenings: Reopening[] = [];
  const ofArbiters = new Set<number>();

  for (const event of events) {
    const before = job;
    job = evolve(job, event);
    if (event.type === "JobSubmitted") spec ??= event.spec;
    if (event.type === "TaskAssigned" && event.role) ofArbiters.add(event.replica);
    if (event.type === "ResultAccepted" || event.type === "ResultRejected")
      verdicts.push(verdictOf(event, ofArbiters.has(event.replica)));
    if (event.type === "AuditDrawn") {
      const { beacon, from, to, policy, at } = event;
      for (const draw of event.draws) draws.push({ ...draw, beacon, from, to, policy, at });
    }
    if (event.type === "JobCompleted") ({ assurance } = event);
    if (event.type === "JobReopened") {
      assurance = undefined;
      reopenings.push({ at: event.at, convicts: event.convicts });
    }
    const wish = job.status === "open" ? wishOf(event, before, job) : undefined;
    if (wish) wishes.push(wish);
  }
  return spec && { spec, assurance, verdicts, draws, wishes, reopenings };
};

/** What more an event wants of the job. */
const wishOf = (event: JobEvent, before: Job, job: OpenJob): Wish | undefined => {
  const { wanted, arbitersWanted } = job;
  const wish = { ...noJudgement, at: event.at, wanted, arbitersWanted };
  const isMore =
    before.status !== "open" || wanted > before.wanted || arbitersWanted > before.arbitersWanted;
  switch (event.type) {
    case "TaskAssigned":
      return isMore ? { ...wish, why: "one-not-enough" } : undefined;
    case "AuditDrawn":
      return isMore ? { ...wish, why: "audit-drawn" } : undefined;
    case "ResultsDisagreed": {
      const { groups, distance } = event;
      return { ...wish, why: "results-differ", wanted: groups.flat().length + 1, groups, distance };
    }
    case "ReplicaWanted": {
      const { why, credibility, threshold, groups, distance } = event;
      return { ...wish, why, credibility, threshold, groups, distance };
    }
    case "JobReopened":
      return { ...wish, why: "reopened" };
    default:
      return undefined;
  }
};

const noJudgement = {
  credibility: undefined,
  threshold: undefined,
  groups: undefined,
  distance: undefined,
} as const;

const verdictOf = (event: ResultAccepted | ResultRejected, arbiter: boolean): TaskVerdict => {
  const { replica, attempt, nodeId, at, comparator, bounds, distance, survived } = event;
  const isAccepted = event.type === "ResultAccepted";
  return {
    ...{ replica, attempt, nodeId, at, arbiter, comparator, bounds, distance, survived },
    accepted: isAccepted,
    reason: isAccepted ? undefined : event.reason,
    audited: isAccepted && event.audited === true,
    convicted: !isAccepted && event.convicted === true,
  };
};
