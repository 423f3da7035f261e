import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobEvent } from "../../domain/job/events.ts";
import { jobHash as hashOf } from "../../domain/job/hash.ts";
import { type Job, job as rules } from "../../domain/job/job.ts";
import { type JobSpec, specDefaults } from "../../domain/job/spec.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { jobStream } from "../../streams/names.ts";
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
  const events: readonly JobEvent[] = [
    { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon },
    { type: "TaskAssigned", ...task, ...lease, ...(role ? { role } : {}) },
    { type: "ResultCommitted", ...task, commit: "ab".repeat(32) },
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

test("a commit begins to wait for a beacon also where its job has ended in the meantime", () => {
  // Or who draws again from the log, and hears each fact in its time, would begin it elsewhere.
  assert.deepEqual(opened(assured, false), [false, false, true, false]);
  assert.deepEqual(opened(assured, true), opened(assured, false));
  const { assurance: _, ...plain } = assured;
  for (const isAhead of [false, true]) {
    assert.ok(!opened(plain, isAhead).includes(true), "no beacon for a plain quorum");
    assert.ok(!opened(assured, isAhead, "arbiter").includes(true), "arbiters are not drawn");
  }
});
