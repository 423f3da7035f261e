/**
 * The worker's core, the same on every host: takes bundles of tasks, computes so many at once as it
 * has slots, and sends results in bundles. A bundle of tasks is acknowledged only when the queue has
 * the results of all its tasks, so a worker that dies loses nothing.
 *
 *     running --drain--> draining (no new task; what runs is finished) --> stopped
 *        '<--resume-- ordered to drain (the same, by its owner, and it goes on beating)
 */
import { hexOf, utf8 } from "../crypto/bytes.ts";
import { keyBytes, type Primitives } from "../crypto/primitives.ts";
import { openResultTag } from "../crypto/result-tag.ts";
import type { Instant } from "../domain/decider.ts";
import type { NodeId } from "../domain/ids.ts";
import { taskName } from "../domain/job/hash.ts";
import { sleep, type Timer } from "../streams/clock.ts";
import type {
  ResultStatement,
  TaskDelivery,
  TaskKey,
  TaskOrder,
  TaskSource,
} from "../streams/task-queue.ts";
import { startBeats } from "./beats.ts";
import { type Bound, createCommits } from "./commits.ts";
import { openOutbox } from "./outbox.ts";
import { runTask, type TaskTools } from "./run-task.ts";
import { type Circumstances, type Signer, signedForm } from "./statements.ts";

/** Well within the queue's ack wait of 30 s. */
const workingMs = 10_000;
/** Answers kept to be sent again when a task that was already computed comes again. */
const finishedKept = 1_000;
/** How long a worker that leaves waits to be asked for what it is bound to. */
const revealWaitMs = 5_000;

export type WorkerNotice =
  | { readonly type: "task-started"; readonly task: TaskOrder }
  | { readonly type: "task-ended"; readonly task: TaskOrder; readonly result: ResultStatement }
  /** Its owner told it to take no tasks, or to go on. */
  | { readonly type: "drain"; readonly drains: boolean }
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

/** An answer, and what its signed form says beyond it. */
interface Answer {
  readonly statement: ResultStatement;
  readonly about: Circumstances | undefined;
}

interface Held {
  readonly order: TaskOrder;
  readonly name: string;
  /** Every delivery that asked for it. */
  readonly bundles: Bundle[];
  /** Ends its computation. */
  readonly stop: AbortController;
}

/**
 * @param instance - Random for each start of the worker: names its messages.
 * @param signer - Signs what the node states; left out for a node that belongs to no identity.
 */
export const runWorker = ({
  source,
  nodeId,
  signer,
  primitives,
  slots,
  backlog,
  instance,
  drainAt,
  notify,
  ...tools
}: TaskTools & {
  readonly source: TaskSource;
  readonly nodeId: NodeId;
  readonly signer?: Signer | undefined;
  readonly primitives: Primitives;
  readonly slots: number;
  readonly backlog: number;
  readonly instance: string;
  /** When the node will be drained: it gets no task that may last until then. */
  readonly drainAt?: Instant;
  readonly notify: (notice: WorkerNotice) => void;
}): Worker => {
  const { clock } = tools;
  const held = new Map<string, Held>();
  const waiting: Held[] = [];
  const finished = new Map<string, Answer>();
  const bundles = new Set<Bundle>();
  let running = 0;
  /** It leaves. */
  let leaving = false;
  /** Its owner wants it to take no tasks. */
  let ordered = false;
  const isDraining = () => leaving || ordered;

  const trouble = (what: string, error: unknown) => notify({ type: "trouble", what, error });
  const sha256 = (bytes: Uint8Array | string) =>
    hexOf(primitives.sha256(typeof bytes === "string" ? utf8(bytes) : bytes));
  const outbox = openOutbox({ source, clock, instance, signer, sha256, onTrouble: trouble });
  const commits = createCommits({
    worker: signer?.worker ?? nodeId,
    newSalt: () => hexOf(primitives.randomBytes(keyBytes)),
  });

  const say = ({ statement, about }: Answer, onSent: () => void) => {
    const worker = signer?.worker;
    const signed = worker && signedForm(statement, { nodeId, worker }, about);
    outbox.put({ plain: statement, signed, onSent });
  };

  const complete = (bundle: Bundle) => {
    bundles.delete(bundle);
    // If the queue does not hear it, the bundle comes again and is answered from `finished`.
    bundle.delivery.ack();
  };

  const letGo = (task: Held) => {
    held.delete(task.name);
    for (const bundle of task.bundles) if (--bundle.left === 0) complete(bundle);
  };

  const answer = (task: Held, answer: Answer) =>
    say(answer, () => {
      remember(finished, task.name, answer);
      letGo(task);
    });

  /** What is said of a task's outcome now: the outcome itself, or that the node is bound to it. */
  const answerOf = (order: TaskOrder, result: ResultStatement, startedAt: Instant): Answer => {
    const mustTell = order.commit === true || signer !== undefined;
    if (result.outcome !== "done" || !mustTell) return { statement: result, about: undefined };
    const { jobHash, outputDigest } = result;
    const resultTag = result.resultTag ?? openResultTag(primitives, { jobHash, outputDigest });
    const about = { app: order.app, startedAt, resultTag };
    if (!order.commit) return { statement: result, about };
    return { statement: commits.bind(result, about), about: undefined };
  };

  const show = (task: TaskKey) => {
    if (held.has(taskName(task))) return; // It is not yet known that we are bound.
    const bound = commits.show(task, clock.now());
    if (bound === undefined) return;
    const isLost = bound === "lost";
    const answer = isLost ? failureOf(task, revealLost) : shown(bound);
    say(answer, () => undefined);
  };

  const compute = async (task: Held) => {
    const { order } = task;
    notify({ type: "task-started", task: order });
    const startedAt = clock.now();
    const result = await runTask(order, tools, task.stop.signal);
    running--;
    notify({ type: "task-ended", task: order, result });
    // What was stopped is asked for by nobody: nothing is said of it.
    if (task.stop.signal.aborted) letGo(task);
    else answer(task, answerOf(order, result, startedAt));
    startMore();
  };

  /** One that has its answer already is let go when that has been sent. */
  const stop = (key: TaskKey) => {
    const task = held.get(taskName(key));
    if (!task) return;
    task.stop.abort();
    const place = waiting.indexOf(task);
    if (place < 0) return;
    waiting.splice(place, 1);
    letGo(task);
  };

  /** What waits here goes to others. */
  const giveBack = () => {
    for (const task of waiting.splice(0)) answer(task, failureOf(task.order, givenBack));
  };

  const startMore = () => {
    while (running < slots && !isDraining()) {
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
      const task: Held = { order, name, bundles: [bundle], stop: new AbortController() };
      held.set(name, task);
      const done = finished.get(name);
      if (done) answer(task, done);
      else if (isDraining()) answer(task, failureOf(order, givenBack));
      else waiting.push(task);
    }
    if (bundle.left === 0) complete(bundle);
    else bundles.add(bundle);
    if (held.size > 0) {
      beats.wake();
      working ??= clock.after(workingMs, sayWorking);
    }
    startMore();
  };

  const wanted = () => (isDraining() ? 0 : Math.max(0, slots + backlog - held.size));
  const announced = drainAt === undefined ? {} : { drainAt };
  const beats = startBeats({
    clock,
    isBusy: () => held.size > 0,
    beat: () =>
      source.heartbeat({ instance, held: held.size, draining: isDraining(), ...announced }),
  });
  source.onRollCall(beats.now);
  const consumption = source.consumeTasks(wanted, take);
  source.onReveal((tasks) => {
    for (const task of tasks) show(task);
  });
  source.onStop((tasks) => {
    for (const task of tasks) stop(task);
  });
  source.onDrain((drains) => {
    if (drains === ordered) return;
    ordered = drains;
    if (drains) giveBack();
    beats.now();
    notify({ type: "drain", drains });
    startMore();
  });
  let working: Timer | undefined;
  const sayWorking = () => {
    for (const { delivery } of bundles) delivery.working();
    working = bundles.size > 0 ? clock.after(workingMs, sayWorking) : undefined;
  };

  return {
    held: () => held.size,
    drain: async () => {
      leaving = true;
      beats.now();
      await consumption.stop();
      giveBack();
      const isBusy = () => running > 0 || outbox.sending() !== undefined;
      while (isBusy()) await (outbox.sending() ?? sleep(clock, 20));
      const until = clock.now() + revealWaitMs;
      while (commits.unshown().length > 0 && clock.now() < until) await sleep(clock, 20);
      for (const task of commits.unshown()) say(failureOf(task, givenBack), () => undefined);
      while (isBusy()) await outbox.sending();
      beats.now(); // With nothing in its hands it is as good as gone.
      beats.stop();
      working?.cancel();
    },
  };
};

const givenBack = {
  code: "node-draining",
  message: "the node stops and gives the task back",
} as const;
const revealLost = {
  code: "reveal-lost",
  message: "the node has started anew and has lost what it was bound to",
} as const;

const failureOf = (
  { jobHash, replica, attempt }: TaskKey,
  why: { readonly code: string; readonly message: string },
): Answer => ({
  statement: { jobHash, replica, attempt, outcome: "failed", ...why, retryable: true },
  about: undefined,
});

const shown = ({ result, about }: Bound): Answer => ({ statement: result, about });

const remember = (finished: Map<string, Answer>, name: string, answer: Answer): void => {
  finished.set(name, answer);
  if (finished.size <= finishedKept) return;
  const oldest = finished.keys().next().value;
  if (oldest !== undefined) finished.delete(oldest);
};
