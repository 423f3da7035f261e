import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { native } from "../crypto/primitives-native.ts";
import type {
  Report,
  TaskDelivery,
  TaskKey,
  TaskOrder,
  TaskSource,
} from "../streams/task-queue.ts";
import { statementsOf } from "../streams/task-queue.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { Executor } from "./executor.ts";
import type { Signer } from "./statements.ts";
import { runWorker, type Worker } from "./worker.ts";

const executionClass = "plain@1/js/any/1t/none";
const start = 1_700_000_000_000;

const orderOf = (name: string, more: Partial<TaskOrder> = {}): TaskOrder => ({
  jobHash: name.repeat(64),
  replica: 0,
  attempt: 1,
  app: "echo",
  params: { name },
  inputs: {},
  executionClass,
  wallMs: 60_000,
  expiresAt: start + 60_000,
  ...more,
});

/**
 * A worker whose queue and computations answer when the test says so.
 *
 * @param lag - So many promises pass before it hears that the queue has its results.
 */
const openWorker = (slots: number, lag = 0, signer?: Signer) => {
  const clock = manualClock(start);
  const computed: string[] = [];
  const published: string[] = [];
  const reports: Report[] = [];
  const computing = new Map<string, () => void>();
  const publishing: (() => void)[] = [];
  let acks = 0;
  let ask: (tasks: readonly TaskKey[]) => void = () => assert.fail("nothing is heard");
  let deliver: (delivery: TaskDelivery) => void = () => assert.fail("nothing is consumed");

  const executor: Executor = {
    apps: ["echo"],
    executionClass,
    execute: async ({ params }) => {
      const name = String(params["name"]);
      computed.push(name);
      await new Promise<void>((resolve) => computing.set(name, resolve));
      return { output: new Uint8Array(), mediaType: "text/plain" };
    },
    close: async () => undefined,
  };
  const source: TaskSource = {
    consumeTasks: (_, handle) => {
      deliver = handle;
      return { stop: async () => undefined };
    },
    publishResults: async (report: Report) => {
      await new Promise<void>((resolve) => publishing.push(resolve));
      await hops(lag);
      reports.push(report);
      published.push(...statementsOf(report).map(({ jobHash }) => jobHash.slice(0, 1)));
    },
    onReveal: (handle) => {
      ask = handle;
    },
    heartbeat: () => undefined,
    close: async () => undefined,
  };
  const blobs = {
    get: async () => assert.fail("there are no inputs"),
    put: async () => assert.fail("the output is empty"),
  };
  const tools = { source, executors: [executor], blobs, clock, slots, backlog: 8 };
  const self = { nodeId: "ada", signer, primitives: native, instance: "one" };
  const worker: Worker = runWorker({ ...tools, ...self, notify: () => undefined });
  return {
    worker,
    clock,
    computed,
    published,
    reports,
    ask: (...tasks: readonly TaskKey[]) => ask(tasks),
    acks: () => acks,
    give: (...tasks: readonly TaskOrder[]) =>
      deliver({
        tasks,
        delivered: 1,
        working: () => undefined,
        ack: async () => {
          acks++;
        },
        nak: () => undefined,
      }),
    finish: (name: string) => computing.get(name)?.(),
    hear: () => publishing.shift()?.(),
  };
};

const hops = async (count: number) => {
  for (let i = 0; i < count; i++) await undefined;
};

describe("the worker", () => {
  test("sends each result, at whatever moment the one before has been sent", async () => {
    for (let lag = 0; lag <= 24; lag++) {
      const { worker, published, give, finish, hear, acks } = openWorker(2, lag);
      give(orderOf("a"), orderOf("b"));
      await turn();
      finish("a");
      await turn();
      finish("b");
      hear();
      await turn();
      hear();
      await turn();
      assert.deepEqual(published, ["a", "b"], `with ${lag} promises in between`);
      assert.equal(acks(), 1);
      assert.equal(worker.held(), 0);
      await worker.drain();
    }
  });

  test("does not compute a task whose lease ended while it waited", async () => {
    const { worker, clock, computed, published, acks, give, finish, hear } = openWorker(1);
    give(orderOf("a"), orderOf("b", { expiresAt: start + 1_000 }), orderOf("c"));
    await clock.pass(2_000);
    finish("a");
    await turn();
    finish("c");
    await turn();
    hear();
    await turn();
    hear();
    await turn();
    assert.deepEqual(computed, ["a", "c"]);
    assert.deepEqual(published, ["a", "c"]);
    assert.equal(acks(), 1, "the bundle is done with");
    assert.equal(worker.held(), 0);
    await worker.drain();
  });
});
