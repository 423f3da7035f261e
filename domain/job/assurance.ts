/**
 * What is particular about jobs with an assurance: the lottery of audits, the judgement by
 * credibility, and that a completed job is opened again when all that it rests on was convicted.
 * What follows from recorded values is computed here, so that nobody can record a false sum.
 */
import { accept, type Command, type Decision, type Instant, refuse } from "../decider.ts";
import type { Digest, NodeId } from "../ids.ts";
import { arbitersMax, consider, type JudgedResult } from "../verification/assurance.ts";
import { boundsOf } from "../verification/bounds.ts";
import { credibilityOf, groupCredibilities } from "../verification/credibility.ts";
import { isAudited } from "../verification/lottery.ts";
import { runtimeOf } from "../verification/runtime.ts";
import type {
  Accepted,
  AuditDraw,
  Compared,
  JobCompleted,
  JobEvent,
  ReplicaWanted,
  ResultAccepted,
  ResultRejected,
} from "./events.ts";
import { taskName } from "./hash.ts";
import { received, toDraw } from "./needs.ts";
import { sealedOutput } from "./sealed.ts";
import type { JobSpec } from "./spec.ts";
import { type Job, type OpenJob, refOf, type Task } from "./state.ts";

export type AssuranceCommand =
  | Command<
      "DrawAudits",
      {
        beacon: Digest;
        from: number;
        to: number;
        policy: number;
        draws: readonly AuditDraw[];
        checks?: true;
      }
    >
  | Command<
      "ReopenJob",
      {
        /** All nodes of the job that were convicted. */
        convicts: readonly NodeId[];
        /** Revision in the ledger stream of the event that paid their awards back into escrow. */
        fundedAt: number;
      }
    >;

export type AssuranceRefusal =
  | "AuditsOutdated"
  /** A draw that does not follow from its beacon. */
  | "DrawDiffers"
  | "RoleDiffers"
  | "JobStands"
  | "AssuranceMissing";

/** What the judgement of a job with an assurance rests on besides the results. */
export interface AssuranceTerms {
  /** Version of the policy. */
  readonly policy: number;
  /** Up to which position of the log the counts below were taken. */
  readonly asOf?: number;
  readonly adversaryShare: number;
  readonly epsilon: number;
  readonly arbitersToConvict: number;
  /** Audits that the node of each result survived. */
  readonly survived: readonly { readonly replica: number; readonly survived: number }[];
  /** Replicas whose nodes have been convicted since: their results count no more. */
  readonly convicted: readonly number[];
}

type DrawCommand = Extract<AssuranceCommand, { type: "DrawAudits" }>;
type ReopenCommand = Extract<AssuranceCommand, { type: "ReopenJob" }>;
type Received = Extract<Task, { status: "received" }>;

export const drawAudits = (
  { beacon, from, to, policy, draws, checks, now: at }: DrawCommand,
  job: OpenJob,
): Decision<JobEvent, AssuranceRefusal> => {
  const tasks = toDraw(job);
  if (tasks.length === 0) return accept();
  if (draws.length !== tasks.length) return refuse("AuditsOutdated");
  for (const [i, task] of tasks.entries()) {
    const draw = draws[i];
    if (!draw || !isOf(draw, task)) return refuse("AuditsOutdated");
    if (draw.runtime !== runtimeOf(job.spec.app, task.executionClass)) return refuse("DrawDiffers");
    if (!(draw.share >= 0 && draw.share <= 1)) return refuse("DrawDiffers");
    const { share, audited } = draw;
    if (isAudited({ beacon, task: taskName(task), share }) !== audited)
      return refuse("DrawDiffers");
  }
  const { jobHash } = job;
  const drawn = { jobHash, beacon, from, to, policy, draws, ...(checks ? { checks } : {}) };
  return accept({ type: "AuditDrawn", ...drawn, at });
};

const isOf = (draw: AuditDraw, task: Task): boolean =>
  draw.replica === task.replica && draw.attempt === task.attempt && draw.nodeId === task.nodeId;

/** Whether a completion may be undone: its awards are held, and no two arbiters vouch for it. */
export const mayBeReopened = ({ held, accepted }: JobCompleted): boolean =>
  held === true && accepted.filter(({ arbiter }) => arbiter).length < 2;

/** Undoes the completion of a job that rests on a convict, and on no arbiter that was not convicted. */
export const reopenJob = (
  { convicts, fundedAt, now: at }: ReopenCommand,
  job: Job,
): Decision<JobEvent, AssuranceRefusal> => {
  if (job.status !== "completed" || !job.before || !job.accepted) return accept();
  const isConvict = ({ nodeId }: Accepted) => convicts.includes(nodeId);
  const isVouchedFor = job.accepted.some((one) => one.arbiter && !isConvict(one));
  if (isVouchedFor || !job.accepted.some(isConvict)) return refuse("JobStands");
  const { jobHash, spec, checks } = job.before;
  const all = [...new Set(convicts)].filter((nodeId) =>
    job.tasks.some((task) => task.nodeId === nodeId),
  );
  const deadlineAt = at + spec.deadlineMs;
  const again = { jobHash, convicts: all, deadlineAt, fundedAt, ...(checks ? { checks } : {}) };
  return accept({ type: "JobReopened", ...again, at });
};

/**
 * What a comparison of the received results found; replicas that agree stand in one group, the one
 * that speaks for the group first.
 */
export interface AssuredJudgement {
  readonly comparator: string;
  readonly groups: readonly (readonly number[])[];
  /** Greatest distance inside the largest group. */
  readonly distanceInside: number;
  /** Greatest distance between groups' representatives; 0 with one group. */
  readonly distanceBetween: number;
  readonly reason: string;
  /** There for jobs with an assurance. */
  readonly assurance?: AssuranceTerms;
}

/** A result that is to be paid. */
export const acceptedOf = ({ replica, nodeId, role }: Task): Accepted => ({
  replica,
  nodeId,
  ...(role ? { arbiter: true } : {}),
});

/** How results were compared, for the verdict. Tags of sealed results are equal or not. */
export const comparedBy = (
  { comparator }: Pick<AssuredJudgement, "comparator">,
  spec: Pick<JobSpec, "comparator" | "sealed">,
): Compared => {
  const bounds = spec.sealed ? undefined : boundsOf(spec.comparator);
  return bounds === undefined ? { comparator } : { comparator, bounds };
};

/** Judges by credibility. The caller has made sure that the groups are those of the results. */
export const judgeAssured = (
  judgement: AssuredJudgement,
  job: OpenJob,
  at: Instant,
): Decision<JobEvent, AssuranceRefusal> => {
  const { groups, reason, distanceInside, distanceBetween, assurance } = judgement;
  if (!assurance) return refuse("AssuranceMissing");
  const compared = comparedBy(judgement, job.spec);
  const { policy, adversaryShare, epsilon, arbitersToConvict } = assurance;
  const told = assurance.asOf === undefined ? {} : { asOf: assurance.asOf };
  const { jobHash, spec } = job;
  const results = received(job);
  const survived = (replica: number): number =>
    assurance.survived.find((one) => one.replica === replica)?.survived ?? 0;
  const groupOf = (replica: number): number => groups.findIndex((group) => group.includes(replica));
  const judged = results
    .filter(({ replica }) => !assurance.convicted.includes(replica))
    .map(({ replica, role }): JudgedResult => {
      const arbiter = role === "arbiter";
      const credibility = arbiter
        ? arbiterCredibility
        : credibilityOf(survived(replica), adversaryShare);
      return { replica, group: groupOf(replica), credibility, arbiter };
    });
  const limits = { epsilon, replicasMax: spec.replicasMax, arbitersToConvict };
  const verdict = consider(judged, limits, { audited: job.audited });
  const threshold = 1 - epsilon;

  const failed = { type: "JobFailed", jobHash, reason: "no-quorum", ...told, at } as const;
  if (verdict.kind === "none") return accept<JobEvent>(failed);
  if (verdict.kind !== "accept") {
    const isArbiter = verdict.kind === "arbiter";
    const ordinary = results.filter(({ role }) => role === undefined).length;
    const arbiters = results.length - ordinary;
    if (isArbiter && arbiters >= arbitersMax(limits)) return accept<JobEvent>(failed);
    const wanted: ReplicaWanted = {
      type: "ReplicaWanted",
      jobHash,
      wanted: isArbiter ? ordinary : ordinary + 1,
      arbitersWanted: isArbiter ? arbiters + 1 : arbiters,
      credibility: bestOf(judged),
      threshold,
      ...whyMore(judged, judgement, job),
      ...told,
      at,
    };
    return accept<JobEvent>(wanted);
  }

  const { group, credibility, audited, wrong } = verdict;
  const believed = judged.filter((result) => result.group === group);
  const isBelieved = (replica: number) => believed.some((result) => result.replica === replica);
  // Arbiters that agree have checked each other.
  const isChecked = believed.filter(({ arbiter }) => arbiter).length > 1;
  const verdicts = results.map((task): ResultAccepted | ResultRejected => {
    const { replica, role } = task;
    const record = role ? {} : { survived: survived(replica) };
    if (isBelieved(replica)) {
      const sure = audited && (!role || isChecked) ? { audited } : {};
      const how = { ...compared, distance: distanceInside, ...sure, ...record };
      return { type: "ResultAccepted", ...refOf(task), ...how, at };
    }
    const isKnown = assurance.convicted.includes(replica);
    const proof = wrong.includes(replica) ? { convicted: true as const } : {};
    const why = isKnown ? "node-convicted" : reason;
    const how = { ...compared, distance: distanceBetween, reason: why, ...proof, ...record };
    return { type: "ResultRejected", ...refOf(task), ...how, at };
  });
  const first = speakerOf(groups[group] ?? [], results, isBelieved);
  if (!first) return refuse("AuditsOutdated");
  const completed: JobCompleted = {
    type: "JobCompleted",
    jobHash,
    outputDigest: first.outputDigest,
    outputSize: first.outputSize,
    ...sealedOutput(spec, first),
    accepted: results.filter(({ replica }) => isBelieved(replica)).map(acceptedOf),
    assurance: { credibility, threshold, policy, ...told, audited },
    held: true,
    at,
  };
  return accept<JobEvent>(...verdicts, completed);
};

/** Why results are wanted beyond those that are there. */
const whyMore = (
  judged: readonly JudgedResult[],
  { groups, distanceBetween: distance }: AssuredJudgement,
  { audited }: OpenJob,
): Pick<ReplicaWanted, "why" | "groups" | "distance"> => {
  if (new Set(judged.map(({ group }) => group)).size > 1)
    return { why: "results-differ", groups, distance };
  return { why: audited ? "audited" : "not-credible" };
};

/** Of an arbiter: its word is not doubted, and yet no result is certain. */
export const arbiterCredibility = 0.999_999;

/** The group's representative, or the first of its members whose result counts. */
const speakerOf = (
  group: readonly number[],
  results: readonly Received[],
  isBelieved: (replica: number) => boolean,
): Received | undefined => {
  const replica = group.find(isBelieved);
  return results.find((task) => task.replica === replica);
};

const bestOf = (judged: readonly JudgedResult[]): number => {
  const groups = new Map<number, number[]>();
  for (const { group, credibility } of judged)
    groups.set(group, [...(groups.get(group) ?? []), credibility]);
  return Math.max(0, ...groupCredibilities([...groups.values()]));
};
