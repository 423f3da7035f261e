/**
 * The dispatcher's head: folds facts and heartbeats, and says what must happen next. No I/O, no
 * clock, no chance of its own; `run-dispatcher.ts` carries out what it says.
 *
 * A job waits here from its funding until it needs no more tasks. A task is watched here from its
 * assignment until it was answered, failed or expired.
 */
import { catalogue, isAppName } from "../../domain/catalogue.ts";
import type { Random } from "../../domain/chance.ts";
import type { Instant, Millis } from "../../domain/decider.ts";
import { createNodeIndex } from "../../domain/dispatch/node-index.ts";
import {
  createRoster,
  groupOf,
  isArbiter,
  isNew,
  type RosterNode,
} from "../../domain/dispatch/roster.ts";
import { portableSha256, type Sha256 } from "../../domain/hashing.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { JobEvent, TaskRef } from "../../domain/job/events.ts";
import { type Assignment, type Job, type OpenJob, vacancies } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { Capabilities, NodeEvent } from "../../domain/node/node.ts";
import type { PolicyEvent } from "../../domain/policy/adoption.ts";
import { policyDefaults, withDefaults } from "../../domain/policy/policy.ts";
import type { Heartbeat, TaskOrder } from "../../streams/task-queue.ts";
import { createAlarms } from "../alarms.ts";
import { createCredibility } from "../credibility.ts";
import type { Fact } from "../facts.ts";
import { createMaintenance, leaseFor, leaseSlackMs, leaseTurnsMax } from "./maintenance.ts";
import { createPlanner } from "./planning.ts";
import { createQuotas, type Quota } from "./quotas.ts";
import { type Await, createSealedJobs } from "./sealed-jobs.ts";
import { createUsage } from "./usage.ts";
import { createWaitingLine } from "./waiting-line.ts";

/** A node whose heartbeat is so old gets no new task, and its tasks go to others. */
export const lostAfterMs = 6_000;
/**
 * Since the first heartbeat after silence: until then a node may live and not have been heard yet, and
 * no client is asked to wrap for others. Nodes beat every two seconds.
 */
const settledAfterMs = 2_500;
/** Starts of a worker that are remembered, so that two workers under one name are not taken for restarts. */
const instancesKept = 8;

export interface Dispatcher {
  /** Folds a fact. `job` is the state after it, or newer. */
  hear(fact: Fact, job: Job): void;
  /** Notes that a node lives. */
  heartbeat(nodeId: NodeId, heartbeat: Heartbeat, now: Instant): Beat;
  /**
   * What the waiting jobs get now: nothing while no node at all is heard, since an order that cannot
   * arrive costs an attempt. Room is set aside until the assignment is heard or given back.
   */
  plan(random: Random): readonly Plan[];
  /** An assignment did not come about: gives the room back, and the job waits again. */
  undo(plan: Plan): void;
  /**
   * Sealed jobs whose client is to be asked for more recipients, since nobody is left who could read
   * and compute them; each once, until its wraps change or `undoAwait`.
   */
  takeAwaits(): readonly Await[];
  /** The client could not be asked. */
  undoAwait(wish: Await): void;
  /** Task orders to be sent since the last call, by node. */
  takeOrders(): ReadonlyMap<NodeId, readonly Order[]>;
  /** What has run out of time. Call it about once a second. */
  tick(now: Instant): Overdue;
  /** Names the job in a tick once more, at that instant: what was due could not be done. */
  remind(jobHash: JobHash, at: Instant): void;
  /** Whether the node's answer to this order is still awaited. */
  isAwaited(nodeId: NodeId, order: Order): boolean;
  /** Orders of a node that were sent before `before` and are still unanswered. */
  unanswered(nodeId: NodeId, before: Instant): readonly Order[];
  nodeIds(): Iterable<NodeId>;
  /** How many tasks of an app a node may have, and why. */
  quotaOf(nodeId: NodeId, app: string): Quota;
  counts(): { readonly waiting: number; readonly underWay: number; readonly nodesLive: number };
}

export interface Beat {
  /** Of a worker that started anew and has lost what it held: its unanswered orders, due again. */
  readonly again: readonly Order[];
  /** Whether there may be something to plan now that there was not before. */
  readonly changed: boolean;
}

export interface Plan {
  readonly jobHash: JobHash;
  readonly app: string;
  readonly assignments: readonly Assignment[];
  readonly leaseMs: Millis;
  readonly fundedAt: number;
}

export interface Order {
  /** The event that assigned it: names the message. */
  readonly eventId: string;
  readonly assignedAt: Instant;
  readonly task: TaskOrder;
}

export interface Overdue {
  /** Jobs that may have a task past its lease or a deadline behind them. */
  readonly jobs: readonly JobHash[];
  /** Tasks of nodes that fell silent. */
  readonly lost: readonly TaskRef[];
  /** No node at all is heard: what runs out now is held against nobody. */
  readonly isCut: boolean;
}

interface NodeView {
  /** What the log says of it. */
  readonly told: RosterNode;
  draining: boolean;
  /** Whether it has been heard since it was registered, lost or we started. */
  heard: boolean;
  /** Of the workers that were heard, the latest last. */
  instances: readonly string[];
  /** Since when it is silent. */
  lastSeen: Instant;
  listed: boolean;
  /** Room set aside for plans that are not yet facts, by `<job hash>/<replica>`. */
  readonly reserved: Set<string>;
  /** By `<job hash>/<replica>`. */
  readonly orders: Map<string, Order>;
  /** What it declares but for some apps, as long as neither changes. */
  offered:
    | { readonly of: Capabilities; readonly closed: string; readonly offers: Capabilities }
    | undefined;
  /** What is counted in `judged`: what it declares, if it is a listed arbiter. */
  judges: Capabilities | undefined;
}

export const createDispatcher = (
  jobOf: (jobHash: JobHash) => Job,
  sha256: Sha256 = portableSha256,
): Dispatcher => {
  const nodes = new Map<NodeId, NodeView>();
  const index = createNodeIndex();
  /** Of the nodes that compute again what others computed, and nothing else. */
  const arbiters = createNodeIndex();
  /** How many of them compute an app in an execution class, with room or without, by `<app> <class>`. */
  const judged = new Map<string, number>();
  const roster = createRoster((told) => seat(told));
  const quotas = createQuotas(
    (nodeId) => {
      const node = nodes.get(nodeId);
      if (node) seat(node.told);
    },
    () => roster.policy.dispatch.quotaStart,
  );
  let asOf: Fact["position"] = -1n;
  /** As of the last tick or heartbeat. */
  let clockAt: Instant = 0;
  const funded = new Map<JobHash, number>();
  /** Of the open jobs. */
  const deadlines = new Map<JobHash, Instant>();
  const usage = createUsage({ halfLifeMs: policyDefaults.dispatch.usageHalfLifeMs });
  const line = createWaitingLine(usage);
  const alarms = createAlarms();
  const maintenance = createMaintenance();
  const sealedJobs = createSealedJobs();
  const credibility = createCredibility();
  let outbox = new Map<NodeId, Map<string, Order>>();
  let firstHeard = Number.NEGATIVE_INFINITY;
  let lastHeard = Number.NEGATIVE_INFINITY;
  /** No node is heard: it is the line that is cut. */
  let isCut = false;

  const viewOf = (told: RosterNode): NodeView => {
    const known = nodes.get(told.nodeId);
    if (known) return known;
    const health = { draining: false, heard: false, lastSeen: 0, instances: [], listed: false };
    const blank = { offered: undefined, judges: undefined };
    const rest = { reserved: new Set<string>(), orders: new Map(), ...blank };
    const view: NodeView = { told, ...health, ...rest };
    nodes.set(told.nodeId, view);
    return view;
  };

  /** What it declares, without the apps of which its quota gives it no more now. */
  const offeredBy = (node: NodeView): Capabilities => {
    const { nodeId, capabilities } = node.told;
    const closed = quotas.closedApps(nodeId, clockAt).join(" ");
    if (closed === "") return capabilities;
    const known = node.offered;
    if (known?.of === capabilities && known.closed === closed) return known.offers;
    const names = new Set(closed.split(" "));
    const offers = {
      ...capabilities,
      apps: capabilities.apps.filter(({ app }) => !names.has(app)),
    };
    node.offered = { of: capabilities, closed, offers };
    return offers;
  };

  const noteJudge = (node: NodeView, judges: Capabilities | undefined) => {
    if (node.judges === judges) return;
    const count = (capabilities: Capabilities | undefined, one: 1 | -1) => {
      for (const { app, executionClass } of capabilities?.apps ?? []) {
        const name = `${app} ${executionClass}`;
        judged.set(name, (judged.get(name) ?? 0) + one);
        if (judged.get(name) === 0) judged.delete(name);
      }
    };
    count(node.judges, -1);
    count(judges, 1);
    node.judges = judges;
  };

  /** Puts the node where its standing, load and health say. */
  const seat = (told: RosterNode) => {
    const { nodeId } = told;
    const node = viewOf(told);
    node.listed = told.status === "active" && !node.draining && node.heard;
    const judges = isArbiter(told, roster.policy);
    noteJudge(node, judges && node.listed ? told.capabilities : undefined);
    (judges ? index : arbiters).remove(nodeId);
    const own = judges ? arbiters : index;
    if (!node.listed) return own.remove(nodeId);
    own.put({
      nodeId,
      group: groupOf(told, roster.policy),
      capabilities: offeredBy(node),
      standing: roster.standing(told),
      load: loadOf(node),
      isNew: isNew(told, roster.policy),
    });
  };

  /** Nodes that stop before a task with such a limit must be done there. */
  const stopping = (wallMs: Millis): readonly NodeId[] => {
    const found: NodeId[] = [];
    for (const nodeId of maintenance.before(clockAt + wallMs * leaseTurnsMax + leaseSlackMs)) {
      const node = nodes.get(nodeId);
      if (!node) continue;
      const { slots } = node.told.capabilities;
      const untilMs = (maintenance.stopsAt(nodeId) ?? 0) - clockAt;
      if (leaseFor({ wallMs, load: loadOf(node) + 1, slots }) > untilMs) found.push(nodeId);
    }
    return found;
  };

  const { assignmentsFor } = createPlanner({
    stopping,
    roster,
    index,
    arbiters,
    isJudged: (app, executionClass) => judged.has(`${app} ${executionClass}`),
    sealedJobs,
    survived: credibility.survived,
    reservedOf: (nodeId) => nodes.get(nodeId)?.reserved.size ?? 0,
    reserve: (nodeId, jobHash, replica) => {
      const node = nodes.get(nodeId);
      if (!node) return;
      node.reserved.add(`${jobHash}/${replica}`);
      const job = jobOf(jobHash);
      if (job.status === "open") quotas.reserve(nodeId, job.spec.app, `${jobHash}/${replica}`);
      seat(node.told);
    },
    asOf: () => String(asOf),
    sha256,
  });

  const release = (jobHash: JobHash, replica: number, nodeId: NodeId) => {
    const node = nodes.get(nodeId);
    const key = `${jobHash}/${replica}`;
    const order = node?.orders.get(key);
    if (!node || !order) return;
    node.orders.delete(key);
    // Most of what history orders is long over when it has been told.
    outbox.get(nodeId)?.delete(key);
    alarms.forget(order.task.expiresAt, jobHash);
  };

  const enlist = (jobHash: JobHash, job: Job) => {
    if (job.status !== "open" || !funded.has(jobHash)) return;
    const { client, priority, app, engine, sealed } = job.spec;
    const vacant = vacancies(job);
    if (vacant.length === 0) return;
    const judged = vacant.some(({ by }) => by === "arbiter");
    const kind = `${app} ${engine}${sealed ? " sealed" : ""}${judged ? " arbiter" : ""}`;
    line.join(jobHash, { client, priority, kind, cost: vacant.length * usage.usualMs(app) });
  };

  const hearJob = (event: JobEvent, fact: Fact, job: Job) => {
    const { jobHash } = event;
    usage.hear(event, job);
    quotas.hear(event, job);
    if (event.type === "TaskAssigned")
      nodes.get(event.nodeId)?.reserved.delete(`${jobHash}/${event.replica}`);
    roster.hear(event);
    switch (event.type) {
      case "JobSubmitted":
        deadlines.set(jobHash, event.deadlineAt);
        alarms.add(event.deadlineAt, jobHash);
        return;
      case "TaskAssigned": {
        const node = nodes.get(event.nodeId);
        if (!node || job.status !== "open") return; // We ended it ourselves before we heard of this.
        const { nodeId, replica, attempt, executionClass, expiresAt, at } = event;
        const { app, params, inputs, wallMs, commit } = job.spec;
        const sealed = job.spec.sealed && sealedJobs.orderFor(job, nodeId);
        alarms.add(expiresAt, jobHash);
        if (job.spec.sealed && !sealed) {
          enlist(jobHash, job); // It could not read the inputs: the lease runs out, and another gets it.
          return;
        }
        const whose = sealed ? { sealed } : clientFor(job.spec);
        const also = { ...(commit ? { commit } : {}), ...whose };
        const what = { app, params, inputs, executionClass, wallMs, expiresAt, ...also };
        const task: TaskOrder = { jobHash, replica, attempt, ...what };
        const order: Order = { eventId: fact.id, assignedAt: at, task };
        node.orders.set(`${jobHash}/${replica}`, order);
        const orders = outbox.get(nodeId);
        if (orders) orders.set(`${jobHash}/${replica}`, order);
        else outbox.set(nodeId, new Map([[`${jobHash}/${replica}`, order]]));
        enlist(jobHash, job);
        return;
      }
      case "ResultCommitted":
        if (job.status === "open" && job.revealBy !== undefined) alarms.add(job.revealBy, jobHash);
        release(jobHash, event.replica, event.nodeId);
        return;
      case "ResultReceived":
      case "TaskFailed":
      case "TaskExpired":
        release(jobHash, event.replica, event.nodeId);
        enlist(jobHash, job);
        return;
      case "ResultsDisagreed":
      case "AuditDrawn":
      case "ReplicaWanted":
        enlist(jobHash, job);
        return;
      case "JobReopened":
        deadlines.set(jobHash, event.deadlineAt);
        alarms.add(event.deadlineAt, jobHash);
        if (job.status === "open") funded.set(jobHash, event.fundedAt);
        enlist(jobHash, job);
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
        line.leave(jobHash);
        funded.delete(jobHash);
        alarms.forget(deadlines.get(jobHash) ?? 0, jobHash);
        deadlines.delete(jobHash);
        if (job.status === "unknown") return;
        for (const { replica, nodeId } of job.tasks) release(jobHash, replica, nodeId);
    }
  };

  const hearNode = (event: NodeEvent) => {
    roster.hear(event);
    const node = nodes.get(event.nodeId);
    if (node && event.type === "NodeRegistered") node.lastSeen = event.at;
  };

  const planFor = (
    job: OpenJob,
    { fundedAt, random }: { readonly fundedAt: number; readonly random: Random },
  ): Plan | "unreadable" => {
    const { jobHash, spec } = job;
    const assignments = assignmentsFor(job, random);
    if (assignments === "unreadable") return assignments;
    let leaseMs = 0;
    for (const { nodeId } of assignments) {
      const node = nodes.get(nodeId);
      if (!node) continue;
      const { slots } = node.told.capabilities;
      leaseMs = Math.max(leaseMs, leaseFor({ wallMs: spec.wallMs, load: loadOf(node), slots }));
    }
    return { jobHash, app: spec.app, assignments, leaseMs, fundedAt };
  };

  const hasRoomFor = (job: OpenJob): boolean =>
    vacancies(job).some(({ by }) => (by === "arbiter" ? arbiters : index).hasRoom(job.spec));

  /** Nodes that fell silent while others were heard. */
  const lostTasks = (now: Instant): readonly TaskRef[] => {
    isCut = now - lastHeard > lostAfterMs;
    if (isCut) return [];
    const lost: TaskRef[] = [];
    for (const [nodeId, node] of nodes) {
      if (now - node.lastSeen <= lostAfterMs) continue;
      if (node.heard) {
        node.heard = false;
        seat(node.told);
      }
      for (const { task } of node.orders.values()) {
        const { jobHash, replica, attempt } = task;
        lost.push({ jobHash, replica, attempt, nodeId });
      }
    }
    return lost;
  };

  return {
    hear: (fact, job) => {
      const { event } = fact;
      asOf = fact.position;
      sealedJobs.hear(fact);
      credibility.hear(event);
      if (event.type === "JobFunded") {
        const funding = jobOf(event.jobHash);
        if (funding.status !== "open") return; // It ended in the meantime.
        funded.set(event.jobHash, Number(fact.revision));
        enlist(event.jobHash, funding);
      } else if (event.type === "PolicyAdopted") {
        roster.hear(event satisfies PolicyEvent);
        usage.setHalfLife(withDefaults(event.policy).dispatch.usageHalfLifeMs, event.at);
      } else if (fact.stream.startsWith("job-")) hearJob(event as JobEvent, fact, job);
      else if (fact.stream.startsWith("node-")) hearNode(event as NodeEvent);
    },

    heartbeat: (nodeId, { instance, draining, drainAt }, now) => {
      const node = nodes.get(nodeId);
      if (!node) return { again: [], changed: false };
      const isTold = drainAt === maintenance.stopsAt(nodeId);
      const changed = isCut || draining !== node.draining || !node.heard || !isTold;
      maintenance.announce(nodeId, drainAt);
      isCut = false;
      if (now - lastHeard > lostAfterMs) {
        // We just started, or the line was cut: nobody is blamed for the silence before.
        for (const other of nodes.values()) other.lastSeen = now;
        firstHeard = now;
      }
      lastHeard = now;
      clockAt = now;
      node.heard = true;
      node.lastSeen = now;
      node.draining = draining;
      if (changed) seat(node.told);
      if (node.instances.includes(instance)) return { again: [], changed };
      const startedAnew = node.instances.length > 0;
      node.instances = [...node.instances, instance].slice(-instancesKept);
      return { again: startedAnew ? [...node.orders.values()] : [], changed };
    },

    plan: (random) => {
      const plans: Plan[] = [];
      if (isCut) return plans;
      line.serve((jobHash) => {
        const job = jobOf(jobHash);
        const fundedAt = funded.get(jobHash);
        if (job.status !== "open" || fundedAt === undefined) return "gone";
        // Another dispatcher was first, or an append came about whose answer was lost.
        if (vacancies(job).length === 0) return "gone";
        const plan = planFor(job, { fundedAt, random });
        if (plan === "unreadable") {
          if (lastHeard - firstHeard >= settledAfterMs) sealedJobs.askForMore(job);
          return hasRoomFor(job) ? "unfit" : "no-room";
        }
        // What stays vacant is enlisted again when the assignment is heard.
        if (plan.assignments.length === 0) return hasRoomFor(job) ? "unfit" : "no-room";
        plans.push(plan);
        return "served";
      });
      return plans;
    },

    undo: ({ jobHash, app, assignments }) => {
      for (const { replica, nodeId } of assignments) {
        const node = nodes.get(nodeId);
        if (!node) continue;
        node.reserved.delete(`${jobHash}/${replica}`);
        if (!node.told.held.has(`${jobHash}/${replica}`))
          quotas.giveBack(nodeId, app, `${jobHash}/${replica}`);
        seat(node.told);
      }
      enlist(jobHash, jobOf(jobHash));
    },

    takeAwaits: sealedJobs.takeAwaits,
    undoAwait: sealedJobs.undoAwait,

    takeOrders: () => {
      const taken = new Map<NodeId, readonly Order[]>();
      for (const [nodeId, orders] of outbox)
        if (orders.size > 0) taken.set(nodeId, [...orders.values()]);
      outbox = new Map();
      return taken;
    },

    remind: (jobHash, at) => alarms.add(at, jobHash),

    tick: (now) => {
      clockAt = now;
      for (const nodeId of quotas.due(now)) {
        const node = nodes.get(nodeId);
        if (node) seat(node.told);
      }
      const lost = lostTasks(now);
      return { jobs: alarms.due(now), lost, isCut };
    },

    quotaOf: (nodeId, app) => quotas.quotaOf(nodeId, app, clockAt),

    isAwaited: (nodeId, order) => {
      const { jobHash, replica } = order.task;
      return nodes.get(nodeId)?.orders.get(`${jobHash}/${replica}`) === order;
    },

    unanswered: (nodeId, before) =>
      [...(nodes.get(nodeId)?.orders.values() ?? [])].filter(
        ({ assignedAt }) => assignedAt < before,
      ),

    nodeIds: () => nodes.keys(),

    counts: () => {
      let underWay = 0;
      let nodesLive = 0;
      for (const node of nodes.values()) {
        underWay += node.orders.size;
        if (node.listed) nodesLive++;
      }
      return { waiting: line.size(), underWay, nodesLive };
    },
  };
};

const loadOf = ({ told, reserved }: NodeView): number => told.held.size + reserved.size;

/** A node that keeps clients apart must know whose task it is; the others need not. */
const clientFor = ({ app, client }: JobSpec): Pick<TaskOrder, "client"> =>
  isAppName(app) && catalogue[app].process === "client" ? { client } : {};
