/**
 * A job: what a client pays for, computed by replicas on distinct nodes until enough results agree.
 *
 *     unknown --submit--> open --judge--> completed
 *                          |---reject----> rejected   (before any task)
 *                          |---fail------> failed     (attempts, quorum or deadline ran out)
 *                          '---cancel----> cancelled
 *
 * Jobs with an assurance are judged in `assurance.ts`; while what nodes are awarded is held, such a
 * job may come back: completed --reopen--> open.
 *
 * An open job always has something due: a task under way, a vacancy, a judgement, or else its end.
 * A vacancy of a sealed job can be filled only by a node that its key is wrapped for; where there is
 * none, the client is asked for more wraps (`KeysAwaited`, `KeysWrapped`) while the job stays open.
 *
 * Each replica has at most one live attempt; a new attempt fences the old one:
 *
 *     assigned --record--> received
 *         '---fail/expire--> vacant --assign (attempt + 1)--> assigned
 *
 * Where the spec wants commits, no result is shown before all nodes are bound to theirs; once the
 * last has committed, each reveals within `revealMs` or its attempt comes to nothing:
 *
 *     assigned --commit--> committed --record--> received
 *         |                    |
 *         '----fail/expire-----'--> vacant --assign (attempt + 1)--> assigned
 */
import {
  accept,
  type Command,
  type Decider,
  type Decision,
  type Instant,
  type Millis,
  refuse,
} from "../decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../ids.ts";
import { opens } from "../receipts/commit.ts";
import type { StoredReceipt } from "../receipts/stored-receipt.ts";
import {
  type AssuranceCommand,
  type AssuranceRefusal,
  type AssuredJudgement,
  acceptedOf,
  comparedBy,
  drawAudits,
  judgeAssured,
  reopenJob,
} from "./assurance.ts";
import { spareReplica, stopsOf } from "./backup.ts";
import type { Batch } from "./batch.ts";
import type {
  Answer,
  AssignmentReason,
  JobCompleted,
  JobEvent,
  RejectionReason,
  ResultAccepted,
  ResultRejected,
  ResultsDisagreed,
  TaskAssigned,
  TaskExpired,
  TaskRef,
} from "./events.ts";
import {
  endIfHopeless,
  needsJudgement,
  needsOneClass,
  pinnedClass,
  received,
  type Vacancy,
  vacancies,
} from "./needs.ts";
import {
  awaitKeys,
  clientOf,
  type SealingRefusal,
  sameResult,
  sealedOutput,
  wrapKeys,
} from "./sealed.ts";
import type { JobSpec } from "./spec.ts";
import { evolve, type Job, type OpenJob, refOf, type Task } from "./state.ts";
import type { Wrap } from "./wraps.ts";

export type { AssuranceTerms } from "./assurance.ts";
export { oldestAssigned, spareReplica } from "./backup.ts";
export type { Batch } from "./batch.ts";
export {
  attemptsMax,
  needsJudgement,
  needsOneClass,
  pinnedClass,
  received,
  revealMs,
  toDraw,
  toReveal,
  type Vacancy,
  vacancies,
} from "./needs.ts";
export type { Job, OpenJob, Task } from "./state.ts";

export type JobCommand =
  | Command<
      "SubmitJob",
      { jobHash: JobHash; spec: JobSpec; wraps?: readonly Wrap[]; batch?: Batch }
    >
  | Command<"WrapKeys", { client: AccountId; wraps: readonly Wrap[] }>
  | Command<
      "AwaitKeys",
      {
        /** For how many recipients the job was wrapped when nobody was found among them. */
        recipients: number;
      }
    >
  | Command<"RejectJob", { reason: RejectionReason }>
  | Command<
      "AssignTasks",
      {
        assignments: readonly Assignment[];
        leaseMs: Millis;
        fundedAt: number;
      }
    >
  | Command<
      "RecordResult",
      {
        task: TaskRef;
        executionClass: string;
        outputDigest: Digest;
        outputSize: number;
        elapsedMs: number;
        resultTag?: Digest;
        salt?: string;
        receipt?: StoredReceipt;
      }
    >
  | Command<"RecordCommit", { task: TaskRef; commit: Digest }>
  | Command<"RecordFailure", { task: TaskRef; code: string; retryable: boolean }>
  | Command<
      "ExpireTasks",
      {
        /** No node at all was heard: the line is to blame. */
        isCut?: true;
      }
    >
  | Command<"JudgeResults", Judgement>
  | Command<"CancelJob", { client: AccountId }>
  | Command<"ExpireJob", object>
  | AssuranceCommand;

export interface Assignment {
  readonly replica: number;
  readonly nodeId: NodeId;
  readonly executionClass: string;
  readonly reason: AssignmentReason;
  /** Left out for an ordinary node. */
  readonly role?: "arbiter";
  /** Raises how many ordinary results a job with an assurance starts with. */
  readonly wanted?: number;
  /** A backup for this task, which is under way: stands alone in its command. */
  readonly backs?: { readonly replica: number; readonly attempt: number };
}

/** What a comparison of the received results found. */
export type Judgement = AssuredJudgement;

export type JobRefusal =
  | "JobUnknown"
  | "JobEnded"
  | "JobHasTasks"
  | "TaskUnknown"
  | "AttemptFenced"
  | "NotTheAssignedNode"
  | "WrongExecutionClass"
  | "ResultDiffers"
  | "CommitNotAsked"
  | "CommitMissing"
  | "CommitDiffers"
  | "RevealTooEarly"
  | "RevealDoesNotOpen"
  | "ReplicaNotNeeded"
  /** The job can have no backup, or the task is not under way any more. */
  | "BackupNotNeeded"
  | "NodeHasThisJob"
  | "NotTheClient"
  | "DeadlinePassed"
  | "DeadlineNotPassed"
  | "JudgementOutdated"
  | AssuranceRefusal
  | SealingRefusal;

export const job: Decider<JobCommand, JobEvent, Job, JobRefusal> = {
  initial: { status: "unknown" },

  decide: (command, job) => {
    const at = command.now;
    if (command.type === "SubmitJob") {
      if (job.status !== "unknown") return accept(); // The hash names the spec: said before.
      const { jobHash, spec, wraps = [], batch } = command;
      if (wraps.length > 0 && spec.sealed !== true) return refuse("NotSealed");
      const deadlineAt = at + spec.deadlineMs;
      const also = batch === undefined ? {} : { batch };
      const submitted: JobEvent = { type: "JobSubmitted", jobHash, spec, deadlineAt, ...also, at };
      if (wraps.length === 0) return accept(submitted);
      return accept<JobEvent>(submitted, { type: "KeysWrapped", jobHash, wraps, at });
    }
    if (job.status === "unknown") return refuse("JobUnknown");

    switch (command.type) {
      case "RejectJob": {
        if (job.status === "rejected") return accept();
        if (job.status !== "open") return refuse("JobEnded");
        if (job.tasks.length > 0) return refuse("JobHasTasks");
        return accept({ type: "JobRejected", jobHash: job.jobHash, reason: command.reason, at });
      }

      case "WrapKeys":
        return wrapKeys(command, job);

      case "AwaitKeys":
        return awaitKeys(command, job);

      case "AssignTasks": {
        if (job.status !== "open") return refuse("JobEnded");
        return assign(command, job);
      }

      case "RecordCommit": {
        const { task: ref, commit } = command;
        const task = job.tasks[ref.replica];
        const refusal = fenced(task, ref);
        if (refusal) return refuse(refusal);
        if (task?.status === "committed" || (task?.status === "received" && task.commit))
          return task.commit === commit ? accept() : refuse("CommitDiffers");
        if (job.status !== "open") return refuse("JobEnded");
        if (!job.spec.commit) return refuse("CommitNotAsked");
        if (task?.status !== "assigned") return refuse("AttemptFenced");
        return accept({
          type: "ResultCommitted",
          ...refOf(task),
          commit,
          ...answerTo(task, job.spec, at),
          at,
        });
      }

      case "RecordResult": {
        const { task: ref, executionClass, outputDigest, outputSize, elapsedMs } = command;
        const { resultTag, salt, receipt } = command;
        const task = job.tasks[ref.replica];
        const refusal = fenced(task, ref);
        if (refusal) return refuse(refusal);
        if (task?.status === "received")
          return sameResult(task, command) ? accept() : refuse("ResultDiffers");
        if (job.status !== "open") return refuse("JobEnded");
        if (!task || task.status === "vacant") return refuse("AttemptFenced");
        if (job.spec.commit) {
          if (task.status !== "committed") return refuse("CommitMissing");
          if (job.revealBy === undefined) return refuse("RevealTooEarly");
          if (!isRevealOf(task, command)) return refuse("RevealDoesNotOpen");
        }
        if (task.executionClass !== executionClass) return refuse("WrongExecutionClass");
        if (job.spec.sealed && resultTag === undefined) return refuse("ResultTagMissing");
        const result = { executionClass, outputDigest, outputSize, elapsedMs };
        return accept({
          type: "ResultReceived",
          ...refOf(task),
          ...result,
          ...(task.status === "assigned" ? answerTo(task, job.spec, at) : {}),
          ...(resultTag === undefined ? {} : { resultTag }),
          ...(salt === undefined ? {} : { salt }),
          ...(receipt === undefined ? {} : { receipt }),
          at,
        });
      }

      case "RecordFailure": {
        const { task: ref, code, retryable } = command;
        const task = job.tasks[ref.replica];
        const refusal = fenced(task, ref);
        if (refusal) return refuse(refusal);
        if (task?.status === "vacant") return accept();
        if (job.status !== "open") return refuse("JobEnded");
        if (task?.status !== "assigned" && task?.status !== "committed")
          return refuse("AttemptFenced");
        const failed = { type: "TaskFailed", ...refOf(task), code, retryable, at } as const;
        return accept<JobEvent>(failed, ...endIfHopeless(evolve(job, failed), at));
      }

      case "ExpireTasks": {
        if (job.status !== "open") return accept();
        const whose = command.isCut ? ({ excused: true } as const) : {};
        const expired = job.tasks
          .filter((task) => isOverdue(task, job, at))
          .map((task): TaskExpired => ({ type: "TaskExpired", ...refOf(task), ...whose, at }));
        return accept<JobEvent>(...expired, ...endIfHopeless(expired.reduce<Job>(evolve, job), at));
      }

      case "DrawAudits":
        return job.status === "open" ? drawAudits(command, job) : accept();

      case "ReopenJob":
        return reopenJob(command, job);

      case "JudgeResults":
        if (job.status !== "open") return accept();
        return judge(command, job, at);

      case "CancelJob": {
        if (command.client !== clientOf(job)) return refuse("NotTheClient");
        if (job.status === "cancelled") return accept();
        if (job.status !== "open") return refuse("JobEnded");
        const accepted = received(job).map(acceptedOf);
        return accept({ type: "JobCancelled", jobHash: job.jobHash, accepted, at });
      }

      case "ExpireJob": {
        if (job.status !== "open") return accept();
        if (at < job.deadlineAt) return refuse("DeadlineNotPassed");
        return accept({ type: "JobFailed", jobHash: job.jobHash, reason: "deadline-passed", at });
      }
    }
  },

  evolve,
};

type AssignCommand = Extract<JobCommand, { type: "AssignTasks" }>;

const assign = (command: AssignCommand, job: OpenJob) => {
  const { assignments, leaseMs, fundedAt, now: at } = command;
  const repeated = assignments.every(({ replica, nodeId }) => {
    const task = job.tasks[replica];
    return task?.nodeId === nodeId && task.status !== "vacant";
  });
  if (repeated) return accept<TaskAssigned>();
  if (at >= job.deadlineAt) return refuse("DeadlinePassed");

  const wanted = Math.max(job.wanted, ...assignments.map((assignment) => assignment.wanted ?? 0));
  const isRaised = wanted > job.wanted;
  if (isRaised && !mayStartWith(wanted, job)) return refuse("ReplicaNotNeeded");
  const isBackup = assignments.some(({ backs }) => backs !== undefined);
  const vacant = isBackup
    ? backupVacancy(assignments, job)
    : vacancies(isRaised ? { ...job, wanted } : job);
  if (vacant === undefined) return refuse("BackupNotNeeded");
  const open = [...vacant];
  const nodes = [...job.nodes];
  const pinned = pinnedClass(job) ?? assignments[0]?.executionClass;
  const events: TaskAssigned[] = [];
  let replicas = job.tasks.length;
  for (const { replica, nodeId, executionClass, reason, role, backs } of assignments) {
    const place = open.findIndex((vacancy) => vacancy.replica === replica);
    const vacancy = open[place];
    if (vacancy === undefined || replica > replicas) return refuse("ReplicaNotNeeded");
    const { attempt } = vacancy;
    if (vacancy.by !== role) return refuse("RoleDiffers");
    if (nodes.includes(nodeId)) return refuse("NodeHasThisJob");
    if (needsOneClass(job.spec) && executionClass !== pinned) return refuse("WrongExecutionClass");
    if (!executionClass.startsWith(job.spec.engine)) return refuse("WrongExecutionClass");
    open.splice(place, 1);
    replicas = Math.max(replicas, replica + 1); // New replicas come in order, without a gap.
    nodes.push(nodeId);
    const task = { jobHash: job.jobHash, replica, attempt, nodeId };
    const expiresAt = at + leaseMs;
    const lease = { executionClass, expiresAt, fundedAt, reason };
    const also = {
      ...(role ? { role } : {}),
      ...(isRaised ? { wanted } : {}),
      ...(backs ? { backs: backs.replica } : {}),
    };
    events.push({ type: "TaskAssigned", ...task, ...lease, ...also, at });
  }
  return accept(...events);
};

/** What a backup may be; undefined where there can be none. */
const backupVacancy = (
  assignments: readonly Assignment[],
  job: OpenJob,
): readonly Vacancy[] | undefined => {
  const [first] = assignments;
  const { backs } = first ?? {};
  const task = backs && job.tasks[backs.replica];
  if (assignments.length !== 1 || task?.status !== "assigned") return undefined;
  if (task.attempt !== backs?.attempt) return undefined;
  const spare = spareReplica(job);
  return spare && [spare];
};

/** More results are wanted from the start where one alone could not be believed. */
const mayStartWith = (wanted: number, { spec, draws }: OpenJob): boolean =>
  spec.assurance !== undefined && wanted <= spec.replicasMax && draws.size === 0;

const judge = (judgement: Judgement, job: OpenJob, at: Instant): Decision<JobEvent, JobRefusal> => {
  const results = received(job);
  if (!isOf(judgement, results)) return refuse("JudgementOutdated");
  if (results.length <= job.judged) return accept<JobEvent>();
  if (job.spec.assurance)
    return needsJudgement(job) ? judgeAssured(judgement, job, at) : refuse("JudgementOutdated");
  if (results.length < job.spec.quorum) return refuse("JudgementOutdated");
  const { groups, reason } = judgement;
  const { jobHash } = job;
  const compared = comparedBy(judgement, job.spec);
  const largest = groups.reduce((best, group) => (group.length > best.length ? group : best), []);

  if (largest.length < job.spec.quorum) {
    const distance = judgement.distanceBetween;
    const seen = { jobHash, ...compared, groups, distance, reason, at };
    const disagreed: ResultsDisagreed = { type: "ResultsDisagreed", ...seen };
    return accept<JobEvent>(disagreed, ...endIfHopeless(evolve(job, disagreed), at));
  }

  const verdicts = results.map((task): ResultAccepted | ResultRejected =>
    largest.includes(task.replica)
      ? {
          type: "ResultAccepted",
          ...refOf(task),
          ...compared,
          distance: judgement.distanceInside,
          at,
        }
      : {
          type: "ResultRejected",
          ...refOf(task),
          ...compared,
          distance: judgement.distanceBetween,
          reason,
          at,
        },
  );
  const accepted = results.filter((task) => largest.includes(task.replica));
  const first = accepted.find(({ replica }) => replica === largest[0]);
  if (!first) return refuse("JudgementOutdated");
  const completed: JobCompleted = {
    type: "JobCompleted",
    jobHash,
    outputDigest: first.outputDigest,
    outputSize: first.outputSize,
    ...sealedOutput(job.spec, first),
    accepted: accepted.map(acceptedOf),
    at,
  };
  return accept<JobEvent>(...verdicts, ...stopsOf(job, accepted, at), completed);
};

/** How long the node took. */
const answerTo = (
  { assignedAt }: Extract<Task, { status: "assigned" }>,
  { app }: JobSpec,
  at: Instant,
): Answer => ({ app, turnaroundMs: Math.max(0, at - assignedAt) });

/** Past its lease, or past the time in which it should have been revealed. */
const isOverdue = (task: Task, { revealBy }: OpenJob, at: Instant): boolean => {
  if (task.status === "assigned") return task.expiresAt <= at;
  return task.status === "committed" && revealBy !== undefined && revealBy <= at;
};

type ResultCommand = Extract<JobCommand, { type: "RecordResult" }>;

/** Who signs, or a node that belongs to no identity by its own name, is who must have committed. */
const isRevealOf = (
  task: Extract<Task, { status: "committed" }>,
  { resultTag, salt, receipt }: ResultCommand,
): boolean => {
  if (resultTag === undefined || salt === undefined) return false;
  const by = { ...refOf(task), worker: receipt?.worker ?? task.nodeId };
  return opens(task.commit, { ...by, resultTag, salt }, by);
};

/** Whether each of these results, and nothing else, stands in exactly one group. */
const isOf = ({ groups }: Judgement, results: readonly Task[]): boolean => {
  const looked = groups.flat();
  const replicas = new Set(looked);
  return looked.length === results.length && results.every(({ replica }) => replicas.has(replica));
};

/** Why this statement about a task may not count; undefined if it may. */
const fenced = (task: Task | undefined, ref: TaskRef): JobRefusal | undefined => {
  if (!task || ref.jobHash !== task.jobHash) return "TaskUnknown";
  if (ref.attempt > task.attempt) return "TaskUnknown";
  if (ref.attempt < task.attempt) return "AttemptFenced";
  return ref.nodeId === task.nodeId ? undefined : "NotTheAssignedNode";
};
