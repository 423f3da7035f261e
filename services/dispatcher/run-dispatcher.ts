/** Carries out what the dispatcher says: appends assignments, sends orders, keeps time. */
import type { Random } from "../../domain/chance.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { TaskRef } from "../../domain/job/events.ts";
import { type Clock, sleep } from "../../streams/clock.ts";
import type { TaskDesk } from "../../streams/task-queue.ts";
import { type Fact, type Listener, serviceActor } from "../facts.ts";
import type { JobBook } from "../job-book.ts";
import { createDispatcher, type Dispatcher, type Plan } from "./dispatcher.ts";
import type { Order } from "./orders.ts";
import type { Await } from "./sealed-jobs.ts";

const actor = serviceActor("dispatcher");
const tickMs = 1_000;
const reconcileMs = 5_000;
/** An order this old that neither runs nor waits anywhere was lost by the queue. */
const overdueOrderMs = 10_000;
const retrySendMs = 500;

export interface RunningDispatcher extends Listener {
  readonly counts: Dispatcher["counts"];
  readonly steer: Dispatcher["steer"];
  readonly isIdle: Dispatcher["isIdle"];
  close(): Promise<void>;
}

/**
 * @param onTrouble - Hears what failed and will be tried again.
 */
export const runDispatcher = ({
  book,
  desk,
  clock,
  random,
  sha256,
  onTrouble,
}: {
  readonly book: JobBook;
  readonly desk: TaskDesk;
  readonly clock: Clock;
  readonly random: Random;
  /** For the digests of decisions; the servers give a fast one. */
  readonly sha256?: Sha256;
  readonly onTrouble: (what: string, error: unknown) => void;
}): RunningDispatcher => {
  const dispatcher = createDispatcher(book.get, sha256);
  const sending = new Map<NodeId, Order[]>();
  /** Nodes for which the queue has no place yet. */
  let fresh: NodeId[] = [];
  let live = false;
  let closed = false;

  const assign = async (plan: Plan) => {
    const { jobHash, assignments, leaseMs, fundedAt } = plan;
    const command = { type: "AssignTasks", assignments, leaseMs, fundedAt } as const;
    try {
      const [refusal] = await book.handle(jobHash, [{ ...command, actor, now: clock.now() }]);
      if (refusal) dispatcher.undo(plan);
    } catch (error) {
      dispatcher.undo(plan);
      onTrouble(`tasks of job ${jobHash} were not assigned`, error);
    }
  };

  const askForKeys = async (wish: Await) => {
    const { jobHash, recipients } = wish;
    const command = { type: "AwaitKeys", recipients, actor, now: clock.now() } as const;
    try {
      const [refusal] = await book.handle(jobHash, [command]);
      if (refusal) dispatcher.undoAwait(wish);
    } catch (error) {
      dispatcher.undoAwait(wish);
      onTrouble(`the client of job ${jobHash} was not asked for keys`, error);
    }
  };

  const fail = async ({ jobHash, ...rest }: TaskRef, code: string) => {
    const task = { jobHash, ...rest };
    const command = { type: "RecordFailure", task, code, retryable: true } as const;
    try {
      await book.handle(jobHash, [{ ...command, actor, now: clock.now() }]);
    } catch (error) {
      onTrouble(`the failure of a task of job ${jobHash} was not recorded`, error);
    }
  };

  const expire = async (jobHash: string, isCut: boolean) => {
    if (book.get(jobHash).status !== "open") return; // History, or its end crossed the alarm.
    const by = { actor, now: clock.now() };
    try {
      await book.handle(jobHash, [
        { type: "ExpireTasks", ...by, ...(isCut ? { isCut } : {}) },
        { type: "ExpireJob", ...by },
      ]);
    } catch (error) {
      dispatcher.remind(jobHash, clock.now() + tickMs);
      onTrouble(`job ${jobHash} was not looked at in time`, error);
    }
  };

  /** One bundle at a time per node: what comes while it is sent goes together with the next. */
  const send = async (nodeId: NodeId, orders: readonly Order[], messageId?: string) => {
    const queue = sending.get(nodeId);
    if (queue && messageId === undefined) {
      queue.push(...orders);
      return;
    }
    let batch = orders;
    const next: Order[] = [];
    if (messageId === undefined) sending.set(nodeId, next);
    while (batch.length > 0 && !closed) {
      try {
        const tasks = batch.map(({ task }) => task);
        await desk.publishTasks(nodeId, tasks, messageId ?? nameOf(batch));
        batch = messageId === undefined ? next.splice(0) : [];
      } catch (error) {
        onTrouble(`orders for node ${nodeId} were not sent`, error);
        if (messageId !== undefined) return; // The reconciler comes by again.
        await sleep(clock, retrySendMs);
        batch = batch.filter((order) => dispatcher.isAwaited(nodeId, order));
        if (batch.length === 0) batch = next.splice(0);
      }
    }
    if (messageId === undefined) sending.delete(nodeId);
  };

  const ensureNewNodes = () => {
    if (fresh.length === 0) return;
    const made = fresh;
    fresh = [];
    desk.callRoll(made); // Its first heartbeats may have come before the news of it.
    desk.ensure(made).catch((error: unknown) => {
      fresh.push(...made);
      onTrouble("the queue has no place yet for a new node", error);
    });
  };

  const act = () => {
    live = true;
    ensureNewNodes();
    for (const [nodeId, drains] of dispatcher.takeTellings()) desk.tellDrain(nodeId, drains);
    for (const [nodeId, orders] of dispatcher.takeOrders()) void send(nodeId, orders);
    for (const [nodeId, tasks] of dispatcher.takeStops(clock.now()))
      desk.requestStops(nodeId, tasks);
    for (const plan of dispatcher.plan(random)) void assign(plan);
    for (const wish of dispatcher.takeAwaits()) void askForKeys(wish);
  };

  /** Under a new name, or the queue would take it for the same message. */
  const sendAgain = async (nodeId: NodeId, orders: readonly Order[]) => {
    const [first] = orders;
    if (first) await send(nodeId, orders, `${first.eventId}-again-${clock.now()}`);
  };

  /** Sends again what the log says is owed and the queue does not have. */
  const reconcile = async () => {
    const before = clock.now() - overdueOrderMs;
    try {
      await desk.ensure(dispatcher.nodeIds());
      if ((await desk.resultsWaiting()) > 0) return; // The answer may be among them.
      const waiting = await desk.waiting();
      for (const nodeId of dispatcher.nodeIds()) {
        if ((waiting.get(nodeId) ?? 0) > 0 || sending.has(nodeId)) continue;
        await sendAgain(nodeId, dispatcher.unanswered(nodeId, before));
      }
    } catch (error) {
      onTrouble("the queue could not be compared with the log", error);
    }
  };

  desk.onHeartbeat((nodeId, heartbeat) => {
    const { again, changed, isFirst } = dispatcher.heartbeat(nodeId, heartbeat, clock.now());
    if (!live) return;
    if (isFirst) desk.callRoll(dispatcher.nodeIds());
    void sendAgain(nodeId, again);
    for (const [told, drains] of dispatcher.takeTellings()) desk.tellDrain(told, drains);
    if (changed) act(); // Thousands of nodes beat: most have no news.
  });
  desk.onExhausted((nodeId, tasks) => {
    for (const { jobHash, replica, attempt } of tasks)
      void fail({ jobHash, replica, attempt, nodeId }, "deliveries-exhausted");
  });

  const ticking = clock.every(tickMs, () => {
    if (!live) return;
    const { jobs, lost, isCut, ask } = dispatcher.tick(clock.now());
    desk.callRoll(ask);
    for (const jobHash of jobs) void expire(jobHash, isCut);
    for (const task of lost) void fail(task, "node-lost");
    act();
  });
  let reconciling = false;
  const reconciler = clock.every(reconcileMs, () => {
    if (!live || reconciling) return;
    reconciling = true;
    void reconcile().finally(() => {
      reconciling = false;
    });
  });

  return {
    hear: (fact: Fact) => {
      if (fact.event.type === "NodeRegistered") fresh.push(fact.event.nodeId);
      const jobHash = "jobHash" in fact.event ? fact.event.jobHash : "";
      dispatcher.hear(fact, book.get(jobHash));
    },
    act,
    counts: dispatcher.counts,
    steer: dispatcher.steer,
    isIdle: dispatcher.isIdle,
    close: async () => {
      closed = true;
      ticking.cancel();
      reconciler.cancel();
    },
  };
};

/**
 * The name of a bundle: the events that assigned its first and its last order. After a restart the
 * unanswered orders of several bundles go together; named by the first alone, all of them would be
 * dropped for a repeat of a bundle that held only some.
 */
const nameOf = (orders: readonly Order[]): string =>
  `${orders[0]?.eventId ?? ""}-${orders.at(-1)?.eventId ?? ""}`;
