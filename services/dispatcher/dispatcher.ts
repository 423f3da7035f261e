/**
 * The dispatcher's head: folds facts and heartbeats, and says what must happen next. No I/O, no
 * clock, no chance of its own; `run-dispatcher.ts` carries out what it says.
 *
 * Here its parts are put together: which jobs wait (`open-jobs.ts`), which nodes are heard
 * (`presence.ts`) and stand where (`seating.ts`), who gets what (`planning.ts`), and what was ordered
 * (`orders.ts`).
 */
import type { Random } from "../../domain/chance.ts";
import type { Instant, Millis } from "../../domain/decider.ts";
import { createRoster } from "../../domain/dispatch/roster.ts";
import { portableSha256, type Sha256 } from "../../domain/hashing.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { JobEvent, TaskRef } from "../../domain/job/events.ts";
import { replicaName } from "../../domain/job/hash.ts";
import { type Assignment, type Job, type OpenJob, vacancies } from "../../domain/job/job.ts";
import type { NodeEvent } from "../../domain/node/node.ts";
import type { PolicyEvent } from "../../domain/policy/adoption.ts";
import { policyDefaults, withDefaults } from "../../domain/policy/policy.ts";
import type { Heartbeat, TaskKey } from "../../streams/task-queue.ts";
import { createCredibility } from "../credibility.ts";
import type { Fact } from "../facts.ts";
import { findBackups } from "./backups.ts";
import { createJobHearing } from "./job-hearing.ts";
import { createMaintenance } from "./maintenance.ts";
import { createOpenJobs } from "./open-jobs.ts";
import { createOrders, type Order } from "./orders.ts";
import { createPlanner } from "./planning.ts";
import { createPresence } from "./presence.ts";
import { createQuotas, type Quota } from "./quotas.ts";
import { type Await, createSealedJobs } from "./sealed-jobs.ts";
import { createSeating } from "./seating.ts";
import { createStops } from "./stops.ts";
import { createUsage } from "./usage.ts";

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
  /** Tasks that nobody needs any more since the last call, by the node that may be at work on them. */
  takeStops(now: Instant): ReadonlyMap<NodeId, readonly TaskKey[]>;
  /** Nodes to be told to take no tasks, or to go on, since the last call. */
  takeTellings(): ReadonlyMap<NodeId, boolean>;
  /** What has run out of time. Call it about once a second. */
  tick(now: Instant): Overdue;
  /** Names the job in a tick once more, at that instant: what was due could not be done. */
  remind(jobHash: JobHash, at: Instant): void;
  /** Whether the node's answer to this order is still awaited. */
  isAwaited(nodeId: NodeId, order: Order): boolean;
  /** Orders of a node that were sent before `before` and are still unanswered. */
  unanswered(nodeId: NodeId, before: Instant): readonly Order[];
  nodeIds(): Iterable<NodeId>;
  /**
   * The job goes to this node and to no other. Nothing in the log says so: it holds for this process,
   * until the job ends or it is taken back with undefined.
   */
  steer(jobHash: JobHash, nodeId: NodeId | undefined): void;
  /** Whether an ordinary node is heard, takes tasks, and has none. */
  isIdle(nodeId: NodeId): boolean;
  /** How many tasks of an app a node may have, and why. */
  quotaOf(nodeId: NodeId, app: string): Quota;
  counts(): { readonly waiting: number; readonly underWay: number; readonly nodesLive: number };
}

export interface Beat {
  /** Of a worker that started anew and has lost what it held: its unanswered orders, due again. */
  readonly again: readonly Order[];
  /** Whether there may be something to plan now that there was not before. */
  readonly changed: boolean;
  /** Of any node, since we started or since the line was cut: the others are to be asked. */
  readonly isFirst: boolean;
}

export interface Plan {
  readonly jobHash: JobHash;
  readonly app: string;
  readonly assignments: readonly Assignment[];
  readonly leaseMs: Millis;
  readonly fundedAt: number;
}

export interface Overdue {
  /** Jobs that may have a task past its lease or a deadline behind them. */
  readonly jobs: readonly JobHash[];
  /** Tasks of nodes that fell silent. */
  readonly lost: readonly TaskRef[];
  /** No node at all is heard: what runs out now is held against nobody. */
  readonly isCut: boolean;
  /** Nodes to be asked whether they live. */
  readonly ask: readonly NodeId[];
}

export const createDispatcher = (
  jobOf: (jobHash: JobHash) => Job,
  sha256: Sha256 = portableSha256,
): Dispatcher => {
  const presence = createPresence();
  const maintenance = createMaintenance();
  const roster = createRoster((told) => seating.seat(told));
  const quotas = createQuotas(
    (nodeId) => seating.seatAgain(nodeId),
    () => roster.policy.dispatch.quotaStart,
  );
  const seating = createSeating({ roster, presence, quotas, maintenance });
  const usage = createUsage({ halfLifeMs: policyDefaults.dispatch.usageHalfLifeMs });
  const openJobs = createOpenJobs(usage);
  const orders = createOrders();
  const stops = createStops();
  const sealedJobs = createSealedJobs();
  const credibility = createCredibility();
  const steered = new Map<JobHash, NodeId>();
  let asOf: Fact["position"] = -1n;

  /** Whether tasks that hang are to be looked for: once after each tick. */
  let isLookDue = false;
  /** Jobs whose backup is not yet a fact: they get no other meanwhile. */
  const backedUp = new Set<JobHash>();

  const { assignmentsFor, backupFor } = createPlanner({
    stopping: seating.stopping,
    roster,
    index: seating.index,
    arbiters: seating.arbiters,
    isJudged: seating.isJudged,
    sealedJobs,
    steeredTo: (jobHash) => steered.get(jobHash),
    survived: credibility.survived,
    reservedOf: seating.reservedOf,
    reserve: (nodeId, jobHash, replica) => {
      seating.reserve(nodeId, jobHash, replica);
      const job = jobOf(jobHash);
      if (job.status === "open")
        quotas.reserve(nodeId, job.spec.app, replicaName(jobHash, replica));
      seating.seatNow(nodeId);
    },
    asOf: () => String(asOf),
    sha256,
  });

  const hearJob = createJobHearing({
    usage,
    quotas,
    seating,
    roster,
    openJobs,
    orders,
    sealedJobs,
    stops,
  });

  let tellings = new Map<NodeId, boolean>();

  const hearNode = (event: NodeEvent) => {
    roster.hear(event);
    const { nodeId } = event;
    if (event.type === "NodeRegistered") presence.register(nodeId, event.at);
    if (event.type === "NodeDrainOrdered") {
      const isPutOff = event.from > event.at && maintenance.isOrdered(nodeId, event.at);
      maintenance.order(nodeId, event.from);
      // One that begins is told by `tick`.
      if (isPutOff) tellings.set(nodeId, false);
      else tellings.delete(nodeId);
    }
    if (event.type === "NodeDrainLifted") {
      maintenance.order(nodeId, undefined);
      tellings.set(nodeId, false);
    }
  };

  const planFor = (
    job: OpenJob,
    { fundedAt, random }: { readonly fundedAt: number; readonly random: Random },
  ): Plan | "unreadable" => {
    const { jobHash, spec } = job;
    const assignments = assignmentsFor(job, random);
    if (assignments === "unreadable") return assignments;
    return { jobHash, app: spec.app, assignments, leaseMs: leaseFor(job, assignments), fundedAt };
  };

  const leaseFor = ({ spec }: OpenJob, assignments: readonly Assignment[]): Millis => {
    let leaseMs = 0;
    for (const { nodeId } of assignments)
      leaseMs = Math.max(leaseMs, seating.leaseOf(nodeId, spec.wallMs) ?? 0);
    return leaseMs;
  };

  /** To be called when all who wait have been served. */
  const planBackups = (random: Random): readonly Plan[] => {
    if (!isLookDue) return [];
    isLookDue = false;
    const plans: Plan[] = [];
    const mayHave = (jobHash: JobHash) =>
      openJobs.fundedAt(jobHash) !== undefined && !backedUp.has(jobHash);
    const tools = { roster, jobOf, backupFor, mayHave };
    for (const { job, assignment } of findBackups(tools, presence.now(), random)) {
      const { jobHash, spec } = job;
      const fundedAt = openJobs.fundedAt(jobHash);
      if (fundedAt === undefined) continue;
      const assignments = [assignment];
      backedUp.add(jobHash);
      const leaseMs = leaseFor(job, assignments);
      plans.push({ jobHash, app: spec.app, assignments, leaseMs, fundedAt });
    }
    return plans;
  };

  const hasRoomFor = (job: OpenJob): boolean =>
    vacancies(job).some(({ by }) =>
      (by === "arbiter" ? seating.arbiters : seating.index).hasRoom(job.spec),
    );

  return {
    hear: (fact, job) => {
      const { event } = fact;
      asOf = fact.position;
      sealedJobs.hear(fact);
      credibility.hear(event);
      if (event.type === "JobFunded") {
        const funding = jobOf(event.jobHash);
        if (funding.status !== "open") return; // It ended in the meantime.
        openJobs.fund(event.jobHash, Number(fact.revision));
        openJobs.enlist(event.jobHash, funding);
      } else if (event.type === "PolicyAdopted") {
        roster.hear(event satisfies PolicyEvent);
        usage.setHalfLife(withDefaults(event.policy).dispatch.usageHalfLifeMs, event.at);
      } else if (fact.stream.startsWith("job-")) {
        if (event.type === "TaskAssigned" && event.backs !== undefined)
          backedUp.delete(event.jobHash);
        hearJob(event as JobEvent, fact, job);
        if (steered.size > 0 && job.status !== "open") steered.delete((event as JobEvent).jobHash);
      } else if (fact.stream.startsWith("node-")) hearNode(event as NodeEvent);
    },

    heartbeat: (nodeId, heartbeat, now) => {
      const beat = presence.beat(nodeId, heartbeat, now);
      if (!beat) return { again: [], changed: false, isFirst: false };
      const isTold = heartbeat.drainAt === maintenance.announced(nodeId);
      maintenance.announce(nodeId, heartbeat.drainAt);
      const changed = beat.changed || !isTold;
      if (changed) seating.seatAgain(nodeId);
      const drains = maintenance.isOrdered(nodeId, now);
      if (maintenance.wasOrdered(nodeId) && drains !== heartbeat.draining)
        tellings.set(nodeId, drains);
      const again = beat.startedAnew ? [...orders.of(nodeId)] : [];
      return { again, changed, isFirst: beat.isFirst };
    },

    plan: (random) => {
      const plans: Plan[] = [];
      if (presence.isCut()) return plans;
      seating.settle();
      openJobs.serve((jobHash) => {
        const job = jobOf(jobHash);
        const fundedAt = openJobs.fundedAt(jobHash);
        if (job.status !== "open" || fundedAt === undefined) return "gone";
        // Another dispatcher was first, or an append came about whose answer was lost.
        if (vacancies(job).length === 0) return "gone";
        const plan = planFor(job, { fundedAt, random });
        if (plan === "unreadable") {
          if (presence.isSettled()) sealedJobs.askForMore(job);
          return hasRoomFor(job) ? "unfit" : "no-room";
        }
        // What stays vacant is enlisted again when the assignment is heard.
        if (plan.assignments.length === 0) return hasRoomFor(job) ? "unfit" : "no-room";
        plans.push(plan);
        return "served";
      });
      return plans.concat(planBackups(random));
    },

    undo: ({ jobHash, app, assignments }) => {
      backedUp.delete(jobHash);
      for (const { replica, nodeId } of assignments) {
        const key = replicaName(jobHash, replica);
        seating.unreserve(nodeId, jobHash, replica);
        if (!roster.node(nodeId)?.held.has(key)) quotas.giveBack(nodeId, app, key);
        seating.seatAgain(nodeId);
      }
      openJobs.enlist(jobHash, jobOf(jobHash));
    },

    takeAwaits: sealedJobs.takeAwaits,
    undoAwait: sealedJobs.undoAwait,

    takeOrders: orders.take,
    takeStops: stops.take,
    takeTellings: () => {
      const taken = tellings;
      tellings = new Map();
      return taken;
    },

    remind: (jobHash, at) => openJobs.ring(jobHash, at),

    tick: (now) => {
      isLookDue = true;
      const { isCut, silent, fell, ask } = presence.tick(now, orders.since);
      for (const nodeId of quotas.due(now)) seating.seatAgain(nodeId);
      for (const nodeId of fell) seating.seatAgain(nodeId);
      for (const nodeId of maintenance.begun(now)) {
        seating.seatAgain(nodeId);
        tellings.set(nodeId, true);
      }
      const lost: TaskRef[] = [];
      for (const nodeId of silent)
        for (const { task } of orders.of(nodeId)) {
          const { jobHash, replica, attempt } = task;
          lost.push({ jobHash, replica, attempt, nodeId });
        }
      return { jobs: openJobs.due(now), lost, isCut, ask };
    },

    quotaOf: (nodeId, app) => quotas.quotaOf(nodeId, app, presence.now()),

    isAwaited: orders.isAwaited,

    unanswered: (nodeId, before) =>
      [...orders.of(nodeId)].filter(({ assignedAt }) => assignedAt < before),

    nodeIds: presence.nodeIds,

    steer: (jobHash, nodeId) => {
      if (nodeId === undefined) steered.delete(jobHash);
      else steered.set(jobHash, nodeId);
    },
    isIdle: seating.isIdle,

    counts: () => ({
      waiting: openJobs.waiting(),
      underWay: orders.size(),
      nodesLive: seating.live(),
    }),
  };
};
