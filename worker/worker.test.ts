import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { native } from "../crypto/primitives-native.ts";
import { openResultTag } from "../crypto/result-tag.ts";
import { keyRules } from "../crypto/signatures.ts";
import { appDigest } from "../domain/catalogue.ts";
import { checkBundle } from "../domain/receipts/bundle.ts";
import { commitOf } from "../domain/receipts/commit.ts";
import { newIdentity } from "../sdk/identity/own-identity.ts";
import type {
  Heartbeat,
  Report,
  TaskDelivery,
  TaskKey,
  TaskOrder,
  TaskSource,
} from "../streams/task-queue.ts";
import { signedStatementsMax, statementsOf } from "../streams/task-queue.ts";
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
  let halt: (tasks: readonly TaskKey[]) => void = () => assert.fail("nothing is heard");
  let tellDrain: (drains: boolean) => void = () => assert.fail("nothing is heard");
  const beats: Heartbeat[] = [];
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
    onStop: (handle) => {
      halt = handle;
    },
    heartbeat: (heartbeat) => {
      beats.push(heartbeat);
    },
    onRollCall: () => undefined,
    onDrain: (handle) => {
      tellDrain = handle;
    },
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
    beats,
    tellDrain: (drains: boolean) => tellDrain(drains),
    ask: (...tasks: readonly TaskKey[]) => ask(tasks),
    stop: (...tasks: readonly TaskKey[]) => halt(tasks),
    acks: () => acks,
    give: (...tasks: readonly TaskOrder[]) =>
      deliver({
        tasks,
        delivered: 1,
        working: () => undefined,
        ack: () => {
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
  test("ends what nobody needs any more, says nothing of it, and goes on with the next", async () => {
    const { worker, computed, published, give, stop, finish, hear, acks } = openWorker(1);
    const [a, b, c] = [orderOf("a"), orderOf("b"), orderOf("c")];
    give(a, b);
    give(c);
    await turn();
    assert.deepEqual(computed, ["a"]);
    stop(orderOf("a", { attempt: 2 }), orderOf("d")); // Neither is here.
    stop(b);
    stop(a, b);
    await turn();
    assert.deepEqual(computed, ["a", "c"], "the slot is free for the next");
    assert.equal(acks(), 1, "its bundle is done with");
    assert.equal(worker.held(), 1);
    finish("a");
    finish("c");
    await turn();
    hear();
    await turn();
    stop(c); // It is answered.
    assert.deepEqual(published, ["c"]);
    assert.equal(acks(), 2);
    await worker.drain();
  });

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

describe("a worker whose owner wants it to take no tasks", () => {
  test("finishes what runs, gives back what waits, says so, and goes on when it is told to", async () => {
    const { worker, computed, give, finish, hear, reports, beats, tellDrain } = openWorker(1);
    give(orderOf("a"), orderOf("b"));
    await turn();
    tellDrain(true);
    assert.equal(beats.at(-1)?.draining, true);
    give(orderOf("c"));
    finish("a");
    await settle(hear);
    assert.deepEqual(computed, ["a"]);
    const failed = plainIn(reports).filter(({ outcome }) => outcome === "failed");
    assert.deepEqual(
      failed.map((statement) => ("code" in statement ? statement.code : "")),
      ["node-draining", "node-draining"],
    );
    tellDrain(false);
    assert.equal(beats.at(-1)?.draining, false);
    give(orderOf("d"));
    await turn();
    assert.deepEqual(computed, ["a", "d"]);
    finish("d");
    await settle(hear);
    await worker.drain();
  });
});

const own = newIdentity({ roles: ["worker"] }, native);
const signer: Signer = { worker: own.id, rootKey: own.rootKey, sign: own.sign };
const { verify } = keyRules(native);

/** Lets everything that is published arrive, again and again. */
const settle = async (hear: () => void) => {
  for (let i = 0; i < 5; i++) {
    await turn();
    hear();
  }
  await turn();
};

const statementsIn = (reports: readonly Report[]) =>
  reports.flatMap((report) => {
    assert.ok("bundle" in report, "it is not signed");
    return report.statements;
  });
const plainIn = (reports: readonly Report[]) =>
  reports.flatMap((report) => {
    assert.ok(!("bundle" in report));
    return report;
  });

describe("a worker with a signer", () => {
  test("signs once for what it sends together, failures too", async () => {
    const { worker, reports, give, finish, hear } = openWorker(3, 0, signer);
    give(orderOf("a"), orderOf("b"), orderOf("c", { executionClass: "other@1" }));
    await turn();
    hear();
    finish("a");
    finish("b");
    await settle(hear);
    assert.equal(statementsIn(reports).length, 3);
    for (const report of reports)
      assert.equal(checkBundle(report, { publicKey: own.rootKey, verify }).ok, true);
    const failed = statementsIn(reports).find((one) => "code" in one);
    assert.ok(failed && "code" in failed && failed.code === "worker-fault");
    const done = statementsIn(reports).find((one) => "resultTag" in one);
    assert.ok(done && "resultTag" in done);
    assert.deepEqual([done.nodeId, done.worker, done.salt], ["ada", own.id, undefined]);
    const { jobHash, output } = done;
    const tag = openResultTag(native, { jobHash, outputDigest: output.digest });
    assert.deepEqual([done.resultTag, done.appDigest], [tag, appDigest("echo")]);
    await worker.drain();
  });

  test("puts at most so many statements under one signature", async () => {
    const { worker, reports, give, hear } = openWorker(500, 0, signer);
    const other = { executionClass: "other@1" };
    give(...Array.from({ length: 201 }, (_, replica) => orderOf("a", { ...other, replica })));
    for (let i = 0; i < 10; i++) await settle(hear);
    const sizes = reports.map((report) => statementsOf(report).length);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      201,
    );
    assert.ok(Math.max(...sizes) <= signedStatementsMax, `${sizes}`);
    await worker.drain();
  });
});

describe("a task that is to be committed", () => {
  const commit = { commit: true } as const;
  const keyOf = ({ jobHash, replica, attempt }: TaskOrder) => ({ jobHash, replica, attempt });

  for (const [whose, by] of [
    ["an identity", signer],
    ["a node of nobody", undefined],
  ] as const)
    test(`binds ${whose}, and is shown when it is asked for`, async () => {
      const { worker, reports, acks, ask, give, finish, hear } = openWorker(1, 0, by);
      give(orderOf("a", commit));
      await turn();
      finish("a");
      await settle(hear);
      assert.equal(reports.length, 1, "nothing is shown before it is asked for");
      assert.equal(acks(), 1, "the task is done with");
      ask(keyOf(orderOf("a")));
      await settle(hear);
      const [bound, shown] = by === undefined ? plainIn(reports) : statementsIn(reports);
      assert.ok(bound && "commit" in bound && shown && "salt" in shown);
      const { resultTag = "", salt = "" } = shown;
      const reveal = { ...keyOf(orderOf("a")), worker: by?.worker ?? "ada", resultTag, salt };
      assert.equal(bound.commit, commitOf(reveal));
      await worker.drain();
    });

  test("is shown again when the request comes again, but not twice at once", async () => {
    const { worker, clock, published, ask, give, finish, hear } = openWorker(1);
    give(orderOf("a", commit));
    await turn();
    finish("a");
    await settle(hear);
    for (let i = 0; i < 3; i++) ask(keyOf(orderOf("a")));
    await settle(hear);
    assert.equal(published.length, 2);
    await clock.pass(3_000);
    ask(keyOf(orderOf("a")));
    await settle(hear);
    assert.equal(published.length, 3);
    await worker.drain();
  });

  test("has another salt each time", async () => {
    const { reports, give, finish, hear } = openWorker(2);
    give(orderOf("a", commit), orderOf("b", commit));
    await turn();
    finish("a");
    finish("b");
    await settle(hear);
    const commits = plainIn(reports).map((one) => ("commit" in one ? one.commit : ""));
    assert.equal(new Set(commits).size, 2);
  });

  test("is lost to a worker that has started anew, which says so", async () => {
    const { worker, reports, ask, hear } = openWorker(1);
    ask(keyOf(orderOf("a")));
    await settle(hear);
    const [lost] = plainIn(reports);
    assert.ok(lost?.outcome === "failed" && lost.code === "reveal-lost" && lost.retryable);
    await worker.drain();
  });

  test("is said nothing of while it is computed", async () => {
    const { worker, published, ask, give, finish, hear } = openWorker(1);
    give(orderOf("a", commit));
    await turn();
    ask(keyOf(orderOf("a")));
    await settle(hear);
    assert.deepEqual(published, []);
    finish("a");
    await settle(hear);
    ask(keyOf(orderOf("a")));
    await settle(hear);
    assert.equal(published.length, 2);
    await worker.drain();
  });

  test("is given back by a worker that leaves and is not asked for it in time", async () => {
    const { worker, clock, reports, give, finish, hear } = openWorker(1);
    give(orderOf("a", commit));
    await turn();
    finish("a");
    await settle(hear);
    let left = false;
    void worker.drain().then(() => {
      left = true;
    });
    await clock.pass(4_000);
    assert.equal(left, false, "it waits to be asked");
    await clock.pass(1_100);
    await settle(hear);
    const back = plainIn(reports).at(-1);
    assert.ok(back?.outcome === "failed" && back.code === "node-draining");
    assert.equal(left, true);
  });
});
