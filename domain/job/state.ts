/**
 * What a job remembers, folded from its events. It holds no rules: those are in `job.ts`, and what a
 * job still needs is worked out in `needs.ts`.
 */
import type { Instant, Millis } from "../decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../ids.ts";
import type { Accepted, AuditDraw, JobEvent, JobReopened, TaskRef } from "./events.ts";
import { faultsNeeded, revealMs, vacancies } from "./needs.ts";
import type { JobSpec } from "./spec.ts";
import type { Wrap } from "./wraps.ts";

export type Task = TaskRef & {
  readonly executionClass: string;
  /** Left out for an ordinary node. */
  readonly role?: "arbiter";
} & (
    | {
        readonly status: "assigned";
        readonly assignedAt: Instant;
        readonly expiresAt: Instant;
        /** Of a backup: the replica that it stands in for. */
        readonly backs?: number;
      }
    | {
        readonly status: "committed";
        readonly commit: Digest;
      }
    | {
        readonly status: "received";
        readonly outputDigest: Digest;
        readonly outputSize: number;
        readonly resultTag?: Digest;
        /** That it opened. */
        readonly commit?: Digest;
        /** From the assignment; left out where it was committed first. */
        readonly turnaroundMs?: Millis;
      }
    | { readonly status: "vacant"; readonly code: string; readonly retryable: boolean }
  );

export type Job =
  | { readonly status: "unknown" }
  | OpenJob
  | {
      readonly status: "completed" | "failed" | "rejected" | "cancelled";
      readonly client: AccountId;
      readonly tasks: readonly Task[];
      /** What it was before it completed; there where it may be opened again. */
      readonly before?: OpenJob;
      /** Whose results it rests on; there where it may be opened again. */
      readonly accepted?: readonly Accepted[];
    };

export interface OpenJob {
  readonly status: "open";
  readonly jobHash: JobHash;
  readonly spec: JobSpec;
  readonly deadlineAt: Instant;
  /** The present attempt of each replica, by replica number. */
  readonly tasks: readonly Task[];
  /**
   * Nodes that have a task of this job, have answered, found fault with its input, or did not show what
   * they were bound to when others had: none gets another.
   */
  readonly nodes: readonly NodeId[];
  /** Nodes whose task came to nothing: they get another only when no fresh node can take it. */
  readonly tried: readonly NodeId[];
  /** Size of the largest group of agreeing results; received ones count as one group until judged. */
  readonly agreeing: number;
  /** How many results the last judgement looked at. */
  readonly judged: number;
  /** Nodes that reported a fault of the input, by code. */
  readonly inputFaults: Readonly<Record<string, number>>;
  /** Ordinary results that are wanted, with those that are there: the quorum at first. */
  readonly wanted: number;
  /** Results of arbiters that are wanted, with those that are there. */
  readonly arbitersWanted: number;
  /** The lottery of each replica that took part. */
  readonly draws: ReadonlyMap<number, AuditDraw>;
  /** Whether an arbiter must have its say before a result is accepted. */
  readonly audited: boolean;
  /** An arbiter that would decide alone takes part in a lottery first. */
  readonly checks?: true;
  /** Until when what is committed must be revealed; undefined as long as it may not be. */
  readonly revealBy: Instant | undefined;
  /** The content key of a sealed job for each recipient, by the id of the recipient's key. */
  readonly wraps: ReadonlyMap<Digest, Wrap>;
  /** The client was asked to wrap for more, and neither did so nor was a node found since. */
  readonly awaitingKeys: boolean;
  /** It was given a backup, whatever became of it: there is one at most. */
  readonly backedUp: boolean;
}

/** Folds an event into a job; believes the past, whatever it says. */
export const evolve = (job: Job, event: JobEvent): Job => {
  if (event.type === "JobSubmitted") {
    const { jobHash, spec, deadlineAt } = event;
    const none = { tasks: [], nodes: [], tried: [], agreeing: 0, judged: 0, inputFaults: {} };
    const keys = { wraps: noWraps, awaitingKeys: false };
    const sure = { wanted: spec.quorum, arbitersWanted: 0, draws: noDraws, audited: false };
    const rest = { ...none, ...keys, ...sure, revealBy: undefined, backedUp: false };
    return { status: "open", jobHash, spec, deadlineAt, ...rest };
  }
  if (event.type === "JobReopened" && job.status === "completed") return reopened(job, event);
  if (job.status !== "open") return job;
  const next = evolveOpen(job, event);
  return next.status === "open" && next.spec.commit ? withReveal(next, event.at) : next;
};

const evolveOpen = (job: OpenJob, event: JobEvent): Job => {
  switch (event.type) {
    case "KeysWrapped": {
      const wraps = new Map(job.wraps);
      for (const wrap of event.wraps) wraps.set(wrap.keyId, wrap);
      return { ...job, wraps, awaitingKeys: false };
    }
    case "KeysAwaited":
      return { ...job, awaitingKeys: true };
    case "TaskAssigned": {
      const { executionClass, expiresAt, role, backs, at: assignedAt } = event;
      const held = { status: "assigned", assignedAt, expiresAt } as const;
      const lease = {
        ...(role ? { role } : {}),
        ...(backs === undefined ? {} : { backs }),
        ...held,
      };
      const backedUp = job.backedUp || backs !== undefined;
      const task: Task = { ...refOf(event), executionClass, ...lease };
      const nodes = [...job.nodes, event.nodeId];
      const tried = without(job.tried, event.nodeId);
      const wanted = Math.max(job.wanted, event.wanted ?? 0);
      const tasks = withTask(job.tasks, task);
      return { ...job, tasks, nodes, tried, wanted, backedUp, awaitingKeys: false };
    }
    case "ResultCommitted": {
      const { commit } = event;
      const before = job.tasks[event.replica];
      const held = { ...roleOf(before), status: "committed", commit } as const;
      const task: Task = {
        ...refOf(event),
        executionClass: before?.executionClass ?? "",
        ...held,
      };
      return { ...job, tasks: withTask(job.tasks, task) };
    }
    case "ResultReceived": {
      const { executionClass, outputDigest, outputSize, resultTag, turnaroundMs } = event;
      const before = job.tasks[event.replica];
      const task: Task = {
        ...refOf(event),
        ...roleOf(before),
        status: "received",
        executionClass,
        outputDigest,
        outputSize,
        ...(resultTag === undefined ? {} : { resultTag }),
        ...(before?.status === "committed" ? { commit: before.commit } : {}),
        ...(turnaroundMs === undefined ? {} : { turnaroundMs }),
      };
      return { ...job, tasks: withTask(job.tasks, task), agreeing: job.agreeing + 1 };
    }
    case "TaskFailed": {
      const { code, retryable } = event;
      if (retryable) return giveUp(job, event, code);
      const tasks = vacate(job.tasks, event, { code, retryable });
      const before = Object.hasOwn(job.inputFaults, code) ? job.inputFaults[code] : undefined;
      const word = job.tasks[event.replica]?.role ? faultsNeeded(job.spec) : 1;
      return { ...job, tasks, inputFaults: { ...job.inputFaults, [code]: (before ?? 0) + word } };
    }
    case "TaskExpired":
      return giveUp(job, event, "expired");
    case "TaskStopped":
      return { ...job, tasks: vacate(job.tasks, event, { code: "stopped", retryable: true }) };
    case "ResultsDisagreed": {
      const agreeing = Math.max(0, ...event.groups.map((group) => group.length));
      return { ...job, agreeing, judged: event.groups.flat().length };
    }
    case "AuditDrawn": {
      const draws = new Map(job.draws);
      for (const draw of event.draws) draws.set(draw.replica, draw);
      const drawn = event.draws.filter((draw) => draw.audited);
      const ofArbiters = drawn.filter(({ replica }) => job.tasks[replica]?.role === "arbiter");
      const audited = job.audited || drawn.length > ofArbiters.length;
      const least = ofArbiters.length > 0 ? 2 : audited ? 1 : 0;
      const arbitersWanted = Math.max(least, job.arbitersWanted);
      const checks = event.checks ? { checks: true as const } : {};
      return { ...job, draws, audited, arbitersWanted, ...checks };
    }
    case "ReplicaWanted": {
      const judged = job.tasks.filter(({ status }) => status === "received").length;
      const { wanted, arbitersWanted } = event;
      return { ...job, wanted, arbitersWanted, judged };
    }
    case "JobReopened":
      return job; // It was open: said twice.
    case "ResultAccepted":
    case "ResultRejected":
      return job; // The events that follow in the same append end the job.
    case "JobSubmitted":
      return job; // Said before it was open, or twice: the hash names the spec.
    case "JobCompleted": {
      const ended = { status: "completed", client: job.spec.client, tasks: job.tasks } as const;
      return event.held ? { ...ended, before: job, accepted: event.accepted } : ended;
    }
    case "JobFailed":
      return { status: "failed", client: job.spec.client, tasks: job.tasks };
    case "JobRejected":
      return { status: "rejected", client: job.spec.client, tasks: job.tasks };
    case "JobCancelled":
      return { status: "cancelled", client: job.spec.client, tasks: job.tasks };
  }
};

/** Results of convicts count no more, and their nodes get nothing more of it; one arbiter decides. */
const reopened = (
  job: Exclude<Job, OpenJob | { status: "unknown" }>,
  { convicts, deadlineAt }: JobReopened,
): Job => {
  const { before } = job;
  if (!before) return job;
  const tasks = before.tasks.map((task): Task => {
    if (!convicts.includes(task.nodeId)) return task;
    const why = { status: "vacant", code: "convicted", retryable: false } as const;
    return { ...refOf(task), executionClass: task.executionClass, ...roleOf(task), ...why };
  });
  const left = tasks.filter(({ status }) => status === "received");
  const arbiters = left.filter(({ role }) => role === "arbiter").length;
  const sure = { wanted: left.length - arbiters, arbitersWanted: arbiters + 1, audited: true };
  return { ...before, tasks, ...sure, deadlineAt, judged: left.length, revealBy: undefined };
};

/**
 * With the last commit that is wanted all may be revealed, for `revealMs`. When another node is to
 * have a replica, it must not see what those before it have not shown yet.
 */
const withReveal = (job: OpenJob, at: Instant): OpenJob => {
  const has = (status: Task["status"]) => job.tasks.some((task) => task.status === status);
  const isDue = has("committed") && !has("assigned") && vacancies(job).length === 0;
  if (isDue === (job.revealBy !== undefined)) return job;
  return { ...job, revealBy: isDue ? at + revealMs : undefined };
};
/** Shared by all jobs that are not sealed. */
const noWraps: ReadonlyMap<Digest, Wrap> = new Map();
/** Shared by all jobs without an assurance. */
const noDraws: OpenJob["draws"] = new Map();

const roleOf = (task: Task | undefined): Pick<Task, "role"> =>
  task?.role ? { role: task.role } : {};

const withTask = (tasks: readonly Task[], task: Task): readonly Task[] => {
  const next = [...tasks];
  next[task.replica] = task;
  return next;
};

const without = (nodes: readonly NodeId[], nodeId: NodeId): readonly NodeId[] =>
  nodes.includes(nodeId) ? nodes.filter((other) => other !== nodeId) : nodes;

/** The attempt came to nothing through no fault of the input. */
const giveUp = (job: OpenJob, ref: TaskRef, code: string): OpenJob => {
  const tasks = vacate(job.tasks, ref, { code, retryable: true });
  if (hasSeenOthers(job, ref)) return { ...job, tasks };
  const tried = [...without(job.tried, ref.nodeId), ref.nodeId];
  return { ...job, tasks, nodes: without(job.nodes, ref.nodeId), tried };
};

/**
 * Whether a node was bound to a result and did not show it when others had shown theirs: if it got the
 * replica again, it could bind itself to what it has read there. An arbiter may have read all it likes.
 */
const hasSeenOthers = ({ tasks }: OpenJob, { replica }: TaskRef): boolean => {
  const task = tasks[replica];
  if (task?.status !== "committed" || task.role) return false;
  return tasks.some(({ status }) => status === "received");
};

const vacate = (
  tasks: readonly Task[],
  ref: TaskRef,
  why: { readonly code: string; readonly retryable: boolean },
): readonly Task[] => {
  const task = tasks[ref.replica];
  if (!task) return tasks;
  const { executionClass } = task;
  const rest = { executionClass, ...roleOf(task) };
  return withTask(tasks, { ...refOf(ref), ...rest, status: "vacant", ...why });
};

export const refOf = ({ jobHash, replica, attempt, nodeId }: TaskRef): TaskRef => ({
  jobHash,
  replica,
  attempt,
  nodeId,
});
