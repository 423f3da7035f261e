/**
 * The worker's core, the same on every host: takes bundles of tasks, computes so many at once as it
 * has slots, and sends results in bundles. A bundle of tasks is acknowledged only when the queue has
 * the results of all its tasks, so a worker that dies loses nothing.
 *
 *     running --drain--> draining (no new task; what runs is finished) --> stopped
 */
import { taskName } from "../domain/job/hash.ts";
import { sleep } from "../streams/clock.ts";
import type {
  ResultStatement,
  TaskDelivery,
  TaskOrder,
  TaskSource,
} from "../streams/task-queue.ts";
import { runTask, type TaskTools } from "./run-task.ts";

const heartbeatMs = 1_000;
/** Well within the queue's ack wait of 30 s. */
const workingMs = 10_000;
/** Results kept to be sent again when a task that was already computed comes again. */
const finishedKept = 1_000;
const retryMs = 500;

export type WorkerNotice =
  | { readonly type: "task-started"; readonly task: TaskOrder }
  | { readonly type: "task-ended"; readonly task: TaskOrder; readonly result: ResultStatement }
  | { readonly type: "trouble"; readonly what: string; readonly error: unknown };

export interface Worker {
  held(): number;
  /** Takes no new task, finishes what runs, gives back what waits, sends all results. */
  drain(): Promise<void>;
}

interface Bundle {
  readonly delivery: TaskDelivery;
  left: number;
}

interface Held {
  readonly order: TaskOrder;
  readonly name: string;
  /** Every delivery that asked for it. */
  readonly bundles: Bundle[];
}

/**
 * @param instance - Random for each start of the worker: names its messages.
 */
export const runWorker = ({
  source,
  slots,
  backlog,
  instance,
  notify,
  ...tools
}: TaskTools & {
  readonly source: TaskSource;
  readonly slots: number;
  readonly backlog: number;
  readonly instance: string;
  readonly notify: (notice: WorkerNotice) => void;
}): Worker => {
  const { clock } = tools;
  const held = new Map<string, Held>();
  const waiting: Held[] = [];
  const finished = new Map<string, ResultStatement>();
  const bundles = new Set<Bundle>();
  let running = 0;
  let draining = false;
  let outbox: { held: Held; result: ResultStatement }[] = [];
  let sending: Promise<void> | undefined;
  let messages = 0;

  const trouble = (what: string, error: unknown) => notify({ type: "trouble", what, error });

  const complete = (bundle: Bundle) => {
    bundles.delete(bundle);
    // If the queue does not hear it, the bundle comes again and is answered from `finished`.
    bundle.delivery.ack().catch((error: unknown) => trouble("an ack was not heard", error));
  };

  const letGo = (task: Held) => {
    held.delete(task.name);
    for (const bundle of task.bundles) if (--bundle.left === 0) complete(bundle);
  };

  const send = async () => {
    while (outbox.length > 0) {
      const batch = outbox;
      outbox = [];
      const messageId = `${instance}-${messages++}`;
      const results = batch.map(({ result }) => result);
      for (;;) {
        try {
          await source.publishResults(results, messageId);
          break;
        } catch (error) {
          trouble("results were not sent", error);
          await sleep(clock, retryMs);
        }
      }
      for (const { held: task, result } of batch) {
        remember(finished, task.name, result);
        letGo(task);
      }
    }
  };

  const flush = () => {
    sending ??= send().finally(() => {
      sending = undefined;
      if (outbox.length > 0) flush(); // It came when the last look was over.
    });
  };

  const answer = (task: Held, result: ResultStatement) => {
    outbox.push({ held: task, result });
    flush();
  };

  const compute = async (task: Held) => {
    const { order } = task;
    notify({ type: "task-started", task: order });
    const result = await runTask(order, tools);
    running--;
    notify({ type: "task-ended", task: order, result });
    answer(task, result);
    startMore();
  };

  const startMore = () => {
    while (running < slots && !draining) {
      const task = waiting.shift();
      if (!task) return;
      if (task.order.expiresAt <= clock.now()) {
        const late = new Error(`job ${task.order.jobHash} is another node's by now`);
        trouble("the lease of a task ended while it waited here", late);
        letGo(task);
        continue;
      }
      running++;
      void compute(task);
    }
  };

  const take = (delivery: TaskDelivery) => {
    const bundle: Bundle = { delivery, left: 0 };
    const now = clock.now();
    for (const order of delivery.tasks) {
      const name = taskName(order);
      const known = held.get(name);
      if (!known && order.expiresAt <= now) {
        // Its lease is over: another node has it.
        const late = new Error(`its lease ended ${now - order.expiresAt} ms ago by this clock`);
        trouble("a task came too late; if all do, set this machine's clock", late);
        continue;
      }
      bundle.left++;
      if (known) {
        known.bundles.push(bundle);
        continue;
      }
      const task: Held = { order, name, bundles: [bundle] };
      held.set(name, task);
      const done = finished.get(name);
      if (done) answer(task, done);
      else if (draining) answer(task, givenBack(order));
      else waiting.push(task);
    }
    if (bundle.left === 0) complete(bundle);
    else bundles.add(bundle);
    startMore();
  };

  const wanted = () => (draining ? 0 : Math.max(0, slots + backlog - held.size));
  const consumption = source.consumeTasks(wanted, take);
  const beat = () => source.heartbeat({ instance, held: held.size, draining });
  beat();
  const beating = clock.every(heartbeatMs, beat);
  const working = clock.every(workingMs, () => {
    for (const { delivery } of bundles) delivery.working();
  });

  return {
    held: () => held.size,
    drain: async () => {
      draining = true;
      beat();
      await consumption.stop();
      for (const task of waiting.splice(0)) answer(task, givenBack(task.order));
      while (running > 0 || sending) await (sending ?? sleep(clock, 20));
      beating.cancel();
      working.cancel();
    },
  };
};

const givenBack = ({ jobHash, replica, attempt }: TaskOrder): ResultStatement => ({
  jobHash,
  replica,
  attempt,
  outcome: "failed",
  code: "node-draining",
  message: "the node stops and gives the task back",
  retryable: true,
});

const remember = (
  finished: Map<string, ResultStatement>,
  name: string,
  result: ResultStatement,
): void => {
  finished.set(name, result);
  if (finished.size <= finishedKept) return;
  const oldest = finished.keys().next().value;
  if (oldest !== undefined) finished.delete(oldest);
};
