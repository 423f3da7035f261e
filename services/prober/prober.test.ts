import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../../domain/chance.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import type { Capabilities, NodeEvent } from "../../domain/node/node.ts";
import { type Policy, policyDefaults } from "../../domain/policy/policy.ts";
import { createProber, type Prober, type Wish } from "./prober.ts";

const executionClass = "wasm@1/v8/any/1t/deterministic";
const capabilities: Capabilities = {
  apps: [
    { app: "wasm", executionClass },
    { app: "ocr", executionClass: "ort-node@1.30.0/cpu/x64-avx2/1t/all" },
  ],
  slots: 1,
  backlog: 8,
  cpus: 4,
  memoryMb: 8_000,
  platform: "linux-x64",
  version: "0.1.0",
};
const probing = { perHour: 60, joinSamples: 2, meanIntervalMs: 1_000_000 };

/** A prober, and what a runner does with it: tasks are named `job-1`, `job-2` … and answer `right-…`. */
const aProber = (changes: Partial<Policy["probing"]> = {}, arbiters: readonly string[] = []) => {
  const { verification } = policyDefaults;
  const policy: Policy = {
    ...policyDefaults,
    probing: { ...probing, ...changes },
    verification: { ...verification, arbiters },
  };
  const prober = createProber({ policy: () => policy });
  const random = seededRandom(7);
  const idle = new Set<string>();
  let jobs = 0;
  const begin = (wish: Wish, now: number) => {
    const jobHash = `job-${++jobs}`;
    const outputDigest = `right-${jobs}`;
    const seed = `seed-${jobs}`;
    const client = wish.client ?? `client:c${jobs}`;
    const probe = { jobHash, client, seed, instructions: 1_000_000, outputDigest };
    assert.equal(prober.begin(wish, probe, now), true);
    return jobHash;
  };
  /** Looks each second; answers the wishes with the seconds in which they came. */
  const look = (from: number, to: number, each: (wish: Wish, now: number) => void): void => {
    for (let now = from; now <= to; now += 1_000)
      for (let wish = next(now); wish; wish = next(now)) each(wish, now);
  };
  const next = (now: number) => prober.next(now, random, (nodeId) => idle.has(nodeId));
  const node = (type: NodeEvent["type"], nodeId: string, more: object = {}) =>
    prober.hear({ event: { type, nodeId, at: 0, ...more } as NodeEvent });
  const register = (nodeId: string, owner = nodeId) => {
    idle.add(nodeId);
    node("NodeRegistered", nodeId, { owner, capabilities });
  };
  const job = (event: Omit<JobEvent, "at"> & object, at = 0) =>
    prober.hear({ event: { ...event, at } as JobEvent });
  return { prober, idle, begin, look, next, node, register, job };
};

const answer = (jobHash: string, nodeId: string, outputDigest: string, turnaroundMs = 500) => ({
  type: "ResultReceived" as const,
  jobHash,
  ...{ replica: 0, attempt: 1, nodeId, executionClass, outputDigest, outputSize: 9, elapsedMs: 1 },
  ...{ app: "wasm", turnaroundMs },
});

const only = <Item>(items: readonly Item[]): Item => {
  assert.equal(items.length, 1);
  return items[0] as Item;
};

const firstWish = (at: ReturnType<typeof aProber>, from = 0): { wish: Wish; now: number } => {
  const found: { wish: Wish; now: number }[] = [];
  for (let now = from; now < from + 60_000 && found.length === 0; now += 1_000) {
    const wish = at.next(now);
    if (wish) found.push({ wish, now });
  }
  return only(found);
};

/** A round up to the answer of its trivial task. */
const trivialDone = (at: ReturnType<typeof aProber>) => {
  const { wish, now } = firstWish(at);
  const jobHash = at.begin(wish, now);
  at.job(answer(jobHash, "n1", "right-1", 80), now);
  return now;
};

const settled = (prober: Prober, jobHash: string) => assert.equal(prober.withholds(jobHash), false);

describe("the prober", () => {
  test("tests a new node soon, with a trivial task first", () => {
    const at = aProber();
    at.register("n1");
    const { wish, now } = firstWish(at);
    assert.deepEqual(wish, { nodeId: "n1", executionClass, size: "trivial", client: undefined });
    assert.ok(now <= 5_000);
  });

  test("waits until the node has nothing to do, and until its trivial task is answered", () => {
    const at = aProber();
    at.register("n1");
    at.idle.clear();
    at.look(0, 30_000, () => assert.fail("it was not idle"));
    at.idle.add("n1");
    const { wish, now } = firstWish(at, 31_000);
    const jobHash = at.begin(wish, now);
    at.look(now, now + 60_000, () => assert.fail("its task is not answered"));
    at.job(answer(jobHash, "n1", "right-1"), now + 60_000);
    at.idle.clear();
    at.look(now + 61_000, now + 70_000, () => assert.fail("it was not idle"));
    at.idle.add("n1");
    const next = firstWish(at, now + 71_000);
    assert.equal(next.wish.size, "benchmark");
    assert.equal(next.wish.client, "client:c1");
  });

  test("measures who answers both tasks rightly", () => {
    const at = aProber();
    at.register("n1");
    const now = trivialDone(at);
    assert.deepEqual(at.prober.takeFindings(), []);
    const second = firstWish(at, now + 1_000);
    const jobHash = at.begin(second.wish, second.now);
    assert.equal(at.prober.withholds(jobHash), true);
    at.job(answer(jobHash, "n1", "right-2", 900));
    settled(at.prober, jobHash);
    const benchmark = { jobHash: "job-2", seed: "seed-2", millis: 900, instructions: 1_000_000 };
    const trivial = { jobHash: "job-1", seed: "seed-1", millis: 80 };
    assert.deepEqual(at.prober.takeFindings(), [
      {
        kind: "measured",
        nodeId: "n1",
        measurement: { app: "wasm", executionClass, trivial, benchmark },
      },
    ]);
    assert.deepEqual(at.prober.takeFindings(), []);
    assert.equal(at.prober.size, 0);
  });

  test("finds a wrong answer, whoever gave it, and lets nobody judge it before the job ends", () => {
    for (const nodeId of ["n1", "n2"]) {
      const at = aProber();
      at.register("n1");
      const { wish, now } = firstWish(at);
      const jobHash = at.begin(wish, now);
      at.job(answer(jobHash, nodeId, "wrong"));
      const known = { seed: "seed-1", size: "trivial", outputDigest: "right-1" };
      const finding = { kind: "wrong", nodeId, jobHash, replica: 0, known };
      assert.deepEqual(at.prober.takeFindings(), [finding]);
      assert.equal(at.prober.withholds(jobHash), true);
      at.job({ type: "JobFailed", jobHash, reason: "deadline-passed" } as Omit<JobEvent, "at">);
      settled(at.prober, jobHash);
    }
  });

  test("withholds after a restart, too, what the log says was proven wrong, until the job ends", () => {
    const at = aProber();
    at.register("n1");
    const known = { seed: "seed-1", size: "trivial", outputDigest: "right-1" };
    at.node("NodeConvicted", "n1", { jobHash: "job-1", replica: 0, reason: "x", known });
    assert.equal(at.prober.withholds("job-1"), true);
    at.job({ type: "JobFailed", jobHash: "job-1", reason: "x" } as Omit<JobEvent, "at">);
    settled(at.prober, "job-1");
  });

  test("says nothing of who fails, is late or goes: the task is called off, and another comes later", () => {
    for (const trouble of ["TaskFailed", "TaskExpired", "silence"] as const) {
      const at = aProber();
      at.register("n1");
      const { wish, now } = firstWish(at);
      const jobHash = at.begin(wish, now);
      const task = { jobHash, replica: 0, attempt: 1, nodeId: "n1" };
      if (trouble !== "silence") at.job({ type: trouble, ...task } as Omit<JobEvent, "at">);
      const later = now + (trouble === "silence" ? 200_000 : 1_000);
      assert.deepEqual(only(at.prober.overdue(later)), { jobHash, client: "client:c1" });
      at.job({ type: "JobCancelled", jobHash } as Omit<JobEvent, "at">);
      assert.deepEqual(at.prober.overdue(later), []);
      assert.deepEqual(at.prober.takeFindings(), []);
      assert.equal(at.prober.size, 0);
      assert.equal(firstWish(at, later).wish.size, "trivial");
    }
  });

  test("takes no time from an answer after a failure", () => {
    const at = aProber();
    at.register("n1");
    const { wish, now } = firstWish(at);
    const jobHash = at.begin(wish, now);
    const task = { jobHash, replica: 0, attempt: 1, nodeId: "n1", code: "timed-out" };
    at.job({ type: "TaskFailed", ...task, retryable: true } as Omit<JobEvent, "at">);
    at.job(answer(jobHash, "n1", "right-1"));
    assert.deepEqual(at.prober.takeFindings(), []);
    assert.equal(at.prober.size, 0);
  });

  test("has more of a new runtime, then one now and then at random", () => {
    const at = aProber();
    at.register("n1");
    const began: number[] = [];
    at.look(0, 50_000_000, (wish, now) => {
      const jobHash = at.begin(wish, now);
      at.job(answer(jobHash, "n1", jobHash.replace("job", "right")), now);
      if (wish.size === "trivial") began.push(now);
    });
    const gaps = began.slice(1).map((now, i) => now - (began[i] ?? 0));
    assert.ok((gaps[0] ?? 0) < 10_000);
    const later = gaps.slice(1);
    const mean = later.reduce((sum, gap) => sum + gap, 0) / later.length;
    assert.ok(later.length > 25 && mean > 600_000 && mean < 1_600_000, `${mean}`);
    // Without memory: some come right after another, some late.
    assert.ok(Math.min(...later) < 200_000 && Math.max(...later) > 2_000_000);
  });

  test("keeps to so many rounds an hour, and to none where the policy says 0", () => {
    const count = (perHour: number) => {
      const at = aProber({ perHour });
      for (let i = 0; i < 40; i++) at.register(`n${i}`);
      let begun = 0;
      at.look(0, 3_500_000, (wish, now) => {
        const jobHash = at.begin(wish, now);
        at.job(answer(jobHash, wish.nodeId, jobHash.replace("job", "right")), now);
        if (wish.size === "trivial") begun++;
      });
      return begun;
    };
    assert.equal(count(0), 0);
    assert.equal(count(5), 5);
    assert.ok(count(10_000) > 70);
  });

  test("leaves out arbiters, who are expelled, and what is not offered any more", () => {
    const at = aProber({}, ["judge"]);
    at.register("n1", "judge");
    at.register("n2");
    at.node("NodeConvicted", "n2", { jobHash: "j", replica: 0, reason: "x" });
    at.register("n3");
    at.node("NodeCapabilitiesChanged", "n3", {
      capabilities: { ...capabilities, apps: [{ app: "noop", executionClass: "plain" }] },
    });
    at.look(0, 100_000, ({ nodeId }) => assert.fail(nodeId));
  });

  test("calls off what a node is doing when it stops to offer it", () => {
    const at = aProber();
    at.register("n1");
    const { wish, now } = firstWish(at);
    const jobHash = at.begin(wish, now);
    at.node("NodeConvicted", "n1", { jobHash: "j", replica: 0, reason: "x" });
    assert.equal(only(at.prober.overdue(now)).jobHash, jobHash);
  });

  test("goes on when a task could not be made", () => {
    const at = aProber();
    at.register("n1");
    const { wish, now } = firstWish(at);
    at.prober.giveUp(wish);
    assert.equal(firstWish(at, now).wish.size, "trivial");
  });

  test("forgets a task that could not be submitted: nobody waits for it, and it is not called off", () => {
    const at = aProber();
    at.register("n1");
    const { wish, now } = firstWish(at);
    const jobHash = at.begin(wish, now);
    at.prober.giveUp(wish);
    settled(at.prober, jobHash);
    assert.deepEqual(at.prober.overdue(now + 1_000_000), []);
  });

  test("leaves rounds for others when a node declares one new runtime after the other", () => {
    const at = aProber();
    at.register("n1");
    let begun = 0;
    let classes = 0;
    at.look(0, 3_500_000, (wish, now) => {
      const jobHash = at.begin(wish, now);
      at.job(answer(jobHash, "n1", jobHash.replace("job", "right")), now);
      if (wish.size === "benchmark") return;
      begun++;
      const anew = [{ app: "wasm", executionClass: `${executionClass}-${++classes}` }];
      at.node("NodeCapabilitiesChanged", "n1", { capabilities: { ...capabilities, apps: anew } });
      at.prober.overdue(now);
    });
    assert.ok(begun >= 4 && begun < 30, `${begun} of 60 rounds`);
  });
});
