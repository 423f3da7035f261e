import assert from "node:assert/strict";
import { test } from "node:test";
import type { BeaconDrawn } from "../../domain/beacon/beacon.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { jobHash as hashOf } from "../../domain/job/hash.ts";
import { type Job, job as rules } from "../../domain/job/job.ts";
import { type JobSpec, specDefaults } from "../../domain/job/spec.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { beaconStream, jobStream } from "../../streams/names.ts";
import { at, noon } from "../../testing/given.ts";
import { createLottery } from "./lottery.ts";

const assured: JobSpec = {
  ...{ ...specDefaults, client: "client:ada", app: "echo", comparator: { kind: "text" } },
  ...{ quorum: 1, replicasMax: 5, price: "1000", commit: true, assurance: "standard" },
};

/** What each event opens, heard with the state right after it or with the last one. */
const opened = (spec: JobSpec, isAhead: boolean, role?: "arbiter"): readonly boolean[] => {
  const jobHash = hashOf(spec);
  const task = { jobHash, replica: 0, attempt: 1, nodeId: "bob", at: noon };
  const reason = { policy: 1, seed: 0, candidates: 1, score: 1 };
  const lease = { executionClass: "plain@1", expiresAt: at(60), fundedAt: 0, reason };
  const output = { outputDigest: "cd".repeat(32), outputSize: 1 };
  const events: readonly JobEvent[] = [
    { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon },
    { type: "TaskAssigned", ...task, ...lease, ...(role ? { role } : {}) },
    { type: "ResultCommitted", ...task, commit: "ab".repeat(32) },
    { type: "ResultReceived", ...task, executionClass: "plain@1", ...output, elapsedMs: 1 },
    { type: "JobFailed", jobHash, reason: "deadline-passed", at: noon },
  ];
  const last = events.reduce<Job>(rules.evolve, rules.initial);
  let present: Job = rules.initial;
  const lottery = createLottery({
    ...{ jobOf: () => last, policy: () => policyDefaults },
    ...{ survived: () => 0, atRisk: () => 0n, sha256: () => "" },
  });
  return events.map((event, i) => {
    present = rules.evolve(present, event);
    const where = { id: "", stream: jobStream(jobHash), revision: BigInt(i), position: BigInt(i) };
    return lottery.hear({ event, ...where }, isAhead ? last : present);
  });
};

test("a result begins to wait for a beacon also where its job has ended in the meantime", () => {
  // Or who draws again from the log, and hears each fact in its time, would begin it elsewhere.
  assert.deepEqual(opened(assured, false), [false, false, false, true, false]);
  assert.deepEqual(opened(assured, true), opened(assured, false));
  const { assurance: _, ...plain } = assured;
  for (const isAhead of [false, true]) {
    assert.ok(!opened(plain, isAhead).includes(true), "no beacon for a plain quorum");
    assert.ok(!opened(assured, isAhead, "arbiter").includes(true), "arbiters are not drawn");
  }
});

test("no beacon that is older than one of the results draws them, though the state is ahead", () => {
  const jobHash = hashOf(assured);
  const tasks = ["bob", "cyd"].map((nodeId, replica) => ({
    ...{ jobHash, replica, attempt: 1, nodeId, at: noon },
  }));
  const reason = { policy: 1, seed: 0, candidates: 1, score: 1 };
  const lease = { executionClass: "plain@1", expiresAt: at(60), fundedAt: 0, reason, wanted: 2 };
  const output = { executionClass: "plain@1", outputDigest: "cd".repeat(32), outputSize: 1 };
  const results = tasks.map(
    (task): JobEvent => ({ type: "ResultReceived", ...task, ...output, elapsedMs: 1 }),
  );
  const submitted: JobEvent = {
    ...{ type: "JobSubmitted", jobHash, spec: assured, deadlineAt: at(60), at: noon },
  };
  const ahead = [
    submitted,
    ...tasks.map((task): JobEvent => ({ type: "TaskAssigned", ...task, ...lease })),
    ...tasks.map(
      (task): JobEvent => ({ type: "ResultCommitted", ...task, commit: "ab".repeat(32) }),
    ),
    ...results,
  ].reduce<Job>(rules.evolve, rules.initial);
  assert.ok(ahead.status === "open");
  const lottery = createLottery({
    ...{ jobOf: () => ahead, policy: () => policyDefaults },
    ...{ survived: () => 0, atRisk: () => 0n, sha256: () => "0".repeat(64) },
  });
  let position = 0n;
  const tell = (event: JobEvent | BeaconDrawn, stream: string) =>
    lottery.hear({ event, id: "", stream, revision: 0n, position: position++ }, ahead);
  const [first, second] = results as [JobEvent, JobEvent];
  const draw = (to: number) =>
    tell({ type: "BeaconDrawn", from: 0, to, digest: "be".repeat(32), at: noon }, beaconStream);
  tell(submitted, jobStream(jobHash));
  tell(first, jobStream(jobHash));
  draw(1);
  assert.equal(lottery.drawOf(ahead), undefined);
  tell(second, jobStream(jobHash));
  assert.equal(lottery.drawOf(ahead), undefined);
  draw(3);
  assert.equal(lottery.drawOf(ahead)?.draws.length, 2);
});

test("a job that cannot be drawn yet is named once, and again when something is heard of it", () => {
  const jobs = [0, 1, 2].map((n) => ({ ...assured, params: { n } }));
  const states = new Map<string, Job>();
  const lottery = createLottery({
    jobOf: (jobHash) => states.get(jobHash) ?? rules.initial,
    ...{ policy: () => policyDefaults, survived: () => 0, atRisk: () => 0n },
    sha256: () => "0".repeat(64),
  });
  let position = 0n;
  const tell = (event: JobEvent | BeaconDrawn): void => {
    const isOfJob = event.type !== "BeaconDrawn";
    const stream = isOfJob ? jobStream(event.jobHash) : beaconStream;
    const before = isOfJob ? (states.get(event.jobHash) ?? rules.initial) : rules.initial;
    const job = isOfJob ? rules.evolve(before, event) : before;
    if (isOfJob) states.set(event.jobHash, job);
    lottery.hear({ event, id: "", stream, revision: 0n, position: position++ }, job);
  };
  const draw = (): void => {
    const to = Number(position) - 1;
    tell({ type: "BeaconDrawn", from: 0, to, digest: "be".repeat(32), at: noon });
  };
  const reason = { policy: 1, seed: 0, candidates: 1, score: 1 };
  const lease = { executionClass: "plain@1", expiresAt: at(60), fundedAt: 0, reason, wanted: 2 };
  const output = { executionClass: "plain@1", outputDigest: "cd".repeat(32), outputSize: 1 };
  const hashes = jobs.map((spec) => {
    const jobHash = hashOf(spec);
    tell({ type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon });
    for (const [replica, nodeId] of ["bob", "cyd"].entries())
      tell({ type: "TaskAssigned", jobHash, replica, attempt: 1, nodeId, ...lease, at: noon });
    const task = { jobHash, replica: 0, attempt: 1, nodeId: "bob" };
    tell({ type: "ResultReceived", ...task, ...output, elapsedMs: 1, at: noon });
    return jobHash;
  });
  const [first = "", second = "", third = ""] = hashes;
  assert.deepEqual(lottery.takeDue(), [], "no beacon yet");
  draw();
  assert.deepEqual(lottery.takeDue(), hashes);
  assert.deepEqual(lottery.takeDue(), [], "the other replica is awaited");
  draw();
  assert.deepEqual(lottery.takeDue(), [], "each has its beacon");

  const other = { replica: 1, attempt: 1, nodeId: "cyd", at: noon };
  tell({ type: "TaskExpired", jobHash: second, ...other });
  assert.deepEqual(lottery.takeDue(), [second]);
  tell({ type: "ResultReceived", jobHash: third, ...other, ...output, elapsedMs: 1 });
  assert.deepEqual(lottery.takeDue(), [], "its new result needs a beacon");
  tell({ type: "JobFailed", jobHash: first, reason: "deadline-passed", at: noon });
  draw();
  assert.deepEqual(lottery.takeDue(), [third]);
});
