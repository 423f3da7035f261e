/**
 * How many tasks of an app a node may have at once: one more with each accepted result, half as many
 * with each round of failures, never fewer than one, so that a node that breaks an app gets little of
 * it and one that mends gets more again. A node that fails with its last one gets none for a while,
 * longer each time, and then a single task as a probe. Folded from facts, with their times.
 *
 *     open --fails with a quota of 1--> closed --time passes--> probing --succeeds--> open
 *                                         ^------------fails------'
 *
 * What the node alone can be at fault for counts at once. Other failures may be the job's own, such as
 * a limit that is too short: they count when another node has managed the same job, or any client
 * could shut the network's nodes by jobs that must fail.
 */
import type { Instant, Millis } from "../../domain/decider.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { replicaName, type TaskNumber } from "../../domain/job/hash.ts";
import type { Job } from "../../domain/job/job.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";

export interface Quotas {
  /** Folds a fact. `job` is the state after it, or newer. */
  hear(event: JobEvent, job: Job): void;
  /** A task is about to be assigned: it counts until it was answered or given back. */
  reserve(nodeId: NodeId, app: string, task: TaskName): void;
  giveBack(nodeId: NodeId, app: string, task: TaskName): void;
  /** Apps of which the node gets no further task now. */
  closedApps(nodeId: NodeId, now: Instant): readonly string[];
  /** Why a node gets tasks of an app, or none. */
  quotaOf(nodeId: NodeId, app: string, now: Instant): Quota;
  /** Nodes that may be given a probe since the last call. */
  due(now: Instant): readonly NodeId[];
}

/** `<job hash>/<replica>`. */
export type TaskName = string;

export interface Quota {
  readonly state: "open" | "full" | "closed" | "probing";
  /** Tasks of the app that it may have at once. */
  readonly tasksMax: number;
  readonly held: number;
  /** Until when it gets none; only while it is closed. */
  readonly closedUntil?: Instant;
  /** The failure that halved it last. */
  readonly lastFailure?: Failure;
  /** For people. */
  readonly reason: string;
}

export interface Failure {
  readonly jobHash: JobHash;
  /** Of `TaskFailed`, or `expired` or `rejected`. */
  readonly code: string;
  readonly at: Instant;
}

/** Enough for any room that a node can declare usefully. */
const quotaMax = 100_000;
/** How long a node is closed at first; twice as long each time that its probe fails. */
export const closedMs: Millis = 30_000;
export const closedMsMax: Millis = 3_600_000;
/** Nobody but the node, or its line, can be at fault. */
const ownFault: ReadonlySet<string> = new Set(["node-lost", "reveal-lost", "deliveries-exhausted"]);
/** It said in time that it would not do it. */
const noFault: ReadonlySet<string> = new Set(["node-draining"]);

interface Account {
  readonly nodeId: NodeId;
  readonly app: string;
  tasksMax: number;
  readonly held: Set<TaskName>;
  /** Failures of tasks that were assigned before it count no more: one round halves once. */
  shrunkAt: Instant;
  /** Times that it was closed since its last success. */
  closures: number;
  closedUntil: Instant;
  lastFailure: Failure | undefined;
}

interface Task {
  readonly replica: number;
  readonly attempt: number;
  readonly account: Account;
  readonly nodeId: NodeId;
  readonly assignedAt: Instant;
  /** What it came to, if that is not yet known to be the node's fault. */
  doubt: string | undefined;
}

/**
 * @param onChange - Hears of a node whose quota has changed without a task of its own ending.
 * @param start - Tasks at once of an app of which the node had none yet.
 */
export const createQuotas = (
  onChange: (nodeId: NodeId) => void = () => undefined,
  start: () => number = () => policyDefaults.dispatch.quotaStart,
): Quotas => {
  const accounts = new Map<NodeId, Map<string, Account>>();
  /** All that was given out for the open jobs: a few attempts each. */
  const tasks = new Map<JobHash, Task[]>();
  const closed = new Set<Account>();

  const accountOf = (nodeId: NodeId, app: string): Account => {
    const ofNode = accounts.get(nodeId) ?? new Map<string, Account>();
    accounts.set(nodeId, ofNode);
    const known = ofNode.get(app);
    if (known) return known;
    const blank = { shrunkAt: -1, closures: 0, closedUntil: 0, lastFailure: undefined };
    const account = { nodeId, app, tasksMax: start(), held: new Set<TaskName>(), ...blank };
    ofNode.set(app, account);
    return account;
  };

  const grow = ({ account }: Task): void => {
    account.tasksMax = Math.min(quotaMax, account.tasksMax + 1);
    account.closures = 0;
    account.closedUntil = 0;
    closed.delete(account);
  };

  const shrink = ({ account, assignedAt }: Task, { jobHash, code, at }: Failure): void => {
    if (assignedAt < account.shrunkAt) return;
    account.shrunkAt = at;
    account.lastFailure = { jobHash, code, at };
    if (account.tasksMax > 1) {
      account.tasksMax = Math.floor(account.tasksMax / 2);
      return;
    }
    const forMs = Math.min(closedMs * 2 ** account.closures, closedMsMax);
    account.closures++;
    account.closedUntil = at + forMs;
    closed.add(account);
  };

  const taskOf = ({ jobHash, replica, attempt }: TaskNumber): Task | undefined => {
    for (const task of tasks.get(jobHash) ?? [])
      if (task.replica === replica && task.attempt === attempt) return task;
    return undefined;
  };

  /** The node has it no more. */
  const end = (ref: TaskNumber): Task | undefined => {
    const task = taskOf(ref);
    task?.account.held.delete(replicaName(ref.jobHash, ref.replica));
    return task;
  };

  const close = (jobHash: JobHash): void => {
    for (const { account, nodeId, replica } of tasks.get(jobHash) ?? [])
      if (account.held.delete(replicaName(jobHash, replica))) onChange(nodeId);
    tasks.delete(jobHash);
  };

  const stateOf = (account: Account, now: Instant): Quota["state"] => {
    if (now < account.closedUntil) return "closed";
    if (account.held.size >= account.tasksMax) return "full";
    return account.closures > 0 ? "probing" : "open";
  };

  return {
    hear: (event, job) => {
      switch (event.type) {
        case "TaskAssigned": {
          const { jobHash, replica, attempt, nodeId, at } = event;
          if (job.status !== "open") {
            // It ended before this was heard: nothing comes of what was set aside.
            for (const { held } of accounts.get(nodeId)?.values() ?? [])
              held.delete(replicaName(jobHash, replica));
            return;
          }
          const account = accountOf(nodeId, job.spec.app);
          account.held.add(replicaName(jobHash, replica));
          const task = { replica, attempt, account, nodeId, assignedAt: at, doubt: undefined };
          const ofJob = tasks.get(jobHash);
          if (ofJob) ofJob.push(task);
          else tasks.set(jobHash, [task]);
          return;
        }
        case "ResultCommitted":
        case "ResultReceived":
        case "TaskStopped":
          end(event);
          return;
        case "TaskFailed": {
          const task = end(event);
          if (!task || !event.retryable || noFault.has(event.code)) return;
          if (ownFault.has(event.code)) shrink(task, event);
          else task.doubt = event.code;
          return;
        }
        case "TaskExpired": {
          const task = end(event);
          if (task && !event.excused) shrink(task, { ...event, code: "expired" });
          return;
        }
        case "ResultAccepted": {
          const task = taskOf(event);
          if (task) grow(task);
          return;
        }
        case "ResultRejected": {
          const task = taskOf(event);
          if (task) shrink(task, { ...event, code: "rejected" });
          return;
        }
        case "JobCompleted": {
          const { jobHash, accepted, at } = event;
          const managed = new Set(accepted.map(({ nodeId }) => nodeId));
          for (const task of tasks.get(jobHash) ?? []) {
            if (task.doubt === undefined || managed.has(task.nodeId)) continue;
            shrink(task, { jobHash, code: task.doubt, at });
            onChange(task.nodeId);
          }
          close(jobHash);
          return;
        }
        case "JobFailed":
        case "JobRejected":
        case "JobCancelled":
          close(event.jobHash);
      }
    },

    reserve: (nodeId, app, task) => void accountOf(nodeId, app).held.add(task),
    giveBack: (nodeId, app, task) => void accounts.get(nodeId)?.get(app)?.held.delete(task),

    closedApps: (nodeId, now) => {
      const apps: string[] = [];
      for (const account of accounts.get(nodeId)?.values() ?? []) {
        const state = stateOf(account, now);
        if (state === "closed" || state === "full") apps.push(account.app);
      }
      return apps;
    },

    quotaOf: (nodeId, app, now) => {
      const account = accounts.get(nodeId)?.get(app);
      if (!account) {
        const tasksMax = start();
        const reason = `it had no ${app} task yet: it may have ${tasksMax} at once`;
        return { state: "open", tasksMax, held: 0, reason };
      }
      const { tasksMax, held, closedUntil, lastFailure } = account;
      const state = stateOf(account, now);
      const failure = lastFailure === undefined ? {} : { lastFailure };
      const until = state === "closed" ? { closedUntil } : {};
      const reason = reasonOf(account, state);
      return { state, tasksMax, held: held.size, ...until, ...failure, reason };
    },

    due: (now) => {
      const nodes: NodeId[] = [];
      for (const account of closed) {
        if (now < account.closedUntil) continue;
        closed.delete(account);
        nodes.push(account.nodeId);
      }
      return nodes;
    },
  };
};

const reasonOf = (
  { app, tasksMax, held, closedUntil, lastFailure }: Account,
  state: Quota["state"],
): string => {
  const after = lastFailure
    ? `; it failed last with ${lastFailure.code} at ${new Date(lastFailure.at).toISOString()}`
    : "";
  switch (state) {
    case "closed":
      return `it gets no ${app} tasks until ${new Date(closedUntil).toISOString()}${after}`;
    case "probing":
      return `it gets one ${app} task as a probe${after}`;
    case "full":
      return `it has ${held.size} of the ${tasksMax} ${app} tasks that it may have at once${after}`;
    case "open":
      return `it may have ${tasksMax} ${app} tasks at once and has ${held.size}${after}`;
  }
};
