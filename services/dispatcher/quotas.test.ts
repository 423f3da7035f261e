import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../domain/chance.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { job as decider, type Job } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { Capabilities } from "../../domain/node/node.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { noon } from "../../testing/given.ts";
import { createDispatcher } from "./dispatcher.ts";
import { closedMs, closedMsMax, createQuotas, type Quotas } from "./quotas.ts";

const { quotaStart } = policyDefaults.dispatch;
const minute = 60_000;
const spec = {
  client: "client:ada",
  app: "ocr",
  quorum: 1,
  replicasMax: 3,
  comparator: { kind: "exact" },
} as JobSpec;

describe("a node's quota of an app", () => {
  let quotas: Quotas;
  let jobs: Map<string, Job>;
  let count: number;
  let now: number;
  let changed: string[];

  const tell = (event: JobEvent) => {
    const job = decider.evolve(jobs.get(event.jobHash) ?? decider.initial, event);
    jobs.set(event.jobHash, job);
    quotas.hear(event, job);
  };
  const assign = (nodeId = "bob", jobHash = `${++count}`.padStart(64, "0"), attempt = 1) => {
    if (attempt === 1)
      tell({ type: "JobSubmitted", jobHash, spec, deadlineAt: now + 60 * minute, at: now });
    const task = { jobHash, replica: 0, attempt, nodeId };
    const why = { fundedAt: 0, reason: { policy: 1, seed: 1, candidates: 1, score: 1 } };
    const rest = { executionClass: "plain", expiresAt: now + minute, ...why };
    tell({ type: "TaskAssigned", ...task, ...rest, at: now });
    return task;
  };
  const fail = (task: ReturnType<typeof assign>, code = "node-lost") =>
    tell({ type: "TaskFailed", ...task, code, retryable: true, at: now });
  const manage = (task: ReturnType<typeof assign>) => {
    const { jobHash, replica, nodeId } = task;
    const digest = { outputDigest: "d".repeat(64), outputSize: 1 };
    tell({
      type: "ResultReceived",
      ...task,
      executionClass: "plain",
      ...digest,
      elapsedMs: 1,
      at: now,
    });
    tell({ type: "ResultAccepted", ...task, comparator: "exact", distance: 0, at: now });
    tell({ type: "JobCompleted", jobHash, ...digest, accepted: [{ replica, nodeId }], at: now });
  };
  const quota = (nodeId = "bob") => quotas.quotaOf(nodeId, "ocr", now);
  /** One round: a task is assigned and fails later. */
  const failOnce = (code?: string) => {
    const task = assign();
    now += 1_000;
    fail(task, code);
  };

  beforeEach(() => {
    changed = [];
    quotas = createQuotas((nodeId) => changed.push(nodeId));
    [jobs, count, now] = [new Map(), 0, noon];
  });

  test("grows by one with each accepted result, and halves once for a round of failures", () => {
    assert.equal(quota().tasksMax, quotaStart);
    for (let i = 0; i < 4; i++) manage(assign());
    assert.equal(quota().tasksMax, quotaStart + 4);
    const round = Array.from({ length: 10 }, () => assign());
    now += 1_000;
    for (const task of round) fail(task);
    assert.equal(quota().tasksMax, (quotaStart + 4) / 2);
    assert.match(quota().reason, /may have 10 ocr tasks at once and has 0; it failed last with/);
  });

  test("closes at one, lets a probe through, and opens again when that succeeds", () => {
    for (let i = 0; i < 4; i++) failOnce();
    assert.equal(quota().tasksMax, 1);
    failOnce();
    assert.equal(quota().state, "closed");
    assert.deepEqual(quotas.closedApps("bob", now), ["ocr"]);
    assert.equal(quota().closedUntil, now + closedMs);
    assert.deepEqual(quotas.due(now + closedMs - 1), []);
    now += closedMs;
    assert.deepEqual(quotas.due(now), ["bob"]);
    assert.equal(quota().state, "probing");
    const probe = assign();
    assert.equal(quota().state, "full", "one probe at a time");
    now += 1_000;
    fail(probe);
    assert.equal(quota().closedUntil, now + 2 * closedMs, "longer each time");
    now += 2 * closedMs;
    manage(assign());
    assert.equal(quota().state, "open");
    assert.equal(quota().tasksMax, 2);
    for (let i = 0; i < 20; i++) {
      failOnce();
      now = Math.max(now, quota().closedUntil ?? now);
    }
    failOnce();
    assert.ok((quota().closedUntil ?? 0) - now <= closedMsMax);
  });

  test("does not count what may be the job's fault, until another node has managed it", () => {
    for (let i = 0; i < 100; i++) {
      const task = assign();
      fail(task, "timed-out");
      tell({ type: "JobFailed", jobHash: task.jobHash, reason: "attempts-exhausted", at: now });
    }
    assert.equal(quota().tasksMax, quotaStart, "jobs that must fail shut no node");
    const task = assign();
    fail(task, "worker-fault");
    assert.equal(quota().tasksMax, quotaStart);
    manage(assign("eve", task.jobHash, 2));
    assert.equal(quota().tasksMax, quotaStart / 2);
    assert.equal(quota("eve").tasksMax, quotaStart + 1);
    assert.deepEqual(changed, ["bob"]);
    fail(assign(), "node-draining");
    const again = assign();
    fail(again, "worker-fault");
    manage(assign("bob", again.jobHash, 2));
    assert.equal(quota().tasksMax, quotaStart / 2 + 1, "it managed the job itself in the end");
  });

  test("counts an expiry and a rejected result", () => {
    const late = assign();
    now += 1_000;
    tell({ type: "TaskExpired", ...late, at: now });
    assert.equal(quota().lastFailure?.code, "expired");
    const wrong = assign();
    now += 1_000;
    const verdict = { comparator: "exact", distance: 1, reason: "differs" };
    tell({ type: "ResultRejected", ...wrong, ...verdict, at: now });
    assert.equal(quota().lastFailure?.code, "rejected");
    assert.equal(quota().tasksMax, quotaStart / 4);
  });

  test("counts what is set aside until it is given back, answered or over", () => {
    for (let i = 0; i < quotaStart; i++) quotas.reserve("bob", "ocr", `job ${i}/0`);
    assert.deepEqual(quotas.closedApps("bob", now), ["ocr"]);
    quotas.giveBack("bob", "ocr", "job 0/0");
    assert.deepEqual(quotas.closedApps("bob", now), []);
    const { jobHash } = assign();
    assert.equal(quota().held, quotaStart);
    tell({ type: "JobCancelled", jobHash, at: now });
    assert.equal(quota().held, quotaStart - 1);
  });

  test("is never below one, and what a node holds is what it was given and has not answered", () => {
    const step = fc.record({ of: fc.nat(9), what: fc.constantFrom("give", "lose", "manage") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        quotas = createQuotas();
        jobs = new Map();
        const given: ReturnType<typeof assign>[] = [];
        for (const { of, what } of steps) {
          now += 1_000;
          if (what === "give") given.push(assign());
          const [task] = what === "give" ? [] : given.splice(of % Math.max(1, given.length), 1);
          if (task && what === "lose") fail(task);
          if (task && what === "manage") manage(task);
          assert.ok(quota().tasksMax >= 1);
          assert.equal(quota().held, given.length);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test("the dispatcher gives a node no more tasks of an app than its quota", () => {
  const jobs = new Map<string, Job>();
  const dispatcher = createDispatcher((jobHash) => jobs.get(jobHash) ?? decider.initial);
  let revision = 0n;
  const tell = (event: AnyEvent, stream: string) => {
    const jobHash = "jobHash" in event ? event.jobHash : "";
    const before = jobs.get(jobHash) ?? decider.initial;
    const isOfJob = stream.startsWith("job-");
    const job = isOfJob ? decider.evolve(before, event as JobEvent) : before;
    jobs.set(jobHash, job);
    revision++;
    dispatcher.hear({ event, id: `${revision}`, stream, revision, position: revision }, job);
  };
  const apps = [{ app: "ocr", executionClass: "plain" }];
  const capabilities = { apps, slots: 100, backlog: 100 } as unknown as Capabilities;
  tell({ type: "NodeRegistered", nodeId: "bob", owner: "bob", capabilities, at: noon }, "node-bob");
  dispatcher.heartbeat("bob", { instance: "one", held: 0, draining: false }, noon);
  for (let i = 0; i < 2 * quotaStart; i++) {
    const jobHash = `${i}`.padStart(64, "0");
    const whole = { ...spec, engine: "", wallMs: minute };
    tell(
      { type: "JobSubmitted", jobHash, spec: whole, deadlineAt: noon + minute, at: noon },
      "job-",
    );
    const funding = { client: "client:ada", amount: "1", forgetAt: noon + minute };
    tell({ type: "JobFunded", jobHash, ...funding, at: noon }, "ledger");
  }
  const plans = dispatcher.plan(seededRandom(1));
  assert.equal(plans.length, quotaStart);
  assert.equal(dispatcher.quotaOf("bob", "ocr").state, "full");
  for (const plan of plans.slice(0, 3)) dispatcher.undo(plan);
  assert.equal(
    dispatcher.plan(seededRandom(1)).length,
    3,
    "what did not come about was given back",
  );
});
