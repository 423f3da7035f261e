import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { JobEvent } from "../../domain/job/events.ts";
import { job as decider, type Job } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { noon } from "../../testing/given.ts";
import { createUsage, shareSpread, type Usage } from "./usage.ts";

const halfLifeMs = 86_400_000;
const specOf = (client: string) =>
  ({ client, app: "echo", quorum: 1, replicasMax: 1, comparator: { kind: "exact" } }) as JobSpec;

describe("usage", () => {
  let usage: Usage;
  let jobs: Map<string, Job>;
  let count: number;

  const tell = (event: JobEvent) => {
    const job = decider.evolve(jobs.get(event.jobHash) ?? decider.initial, event);
    jobs.set(event.jobHash, job);
    usage.hear(event, job);
  };
  const assign = (client: string, at: number, leaseMs = 60_000) => {
    const jobHash = `${++count}`.padStart(64, "0");
    const spec = specOf(client);
    tell({ type: "JobSubmitted", jobHash, spec, deadlineAt: at + leaseMs, at });
    const task = { jobHash, replica: 0, attempt: 1, nodeId: "bob" };
    const why = { fundedAt: 0, reason: { policy: 1, seed: 1, candidates: 1, score: 1 } };
    const rest = { executionClass: "plain", expiresAt: at + leaseMs, ...why };
    tell({ type: "TaskAssigned", ...task, ...rest, at });
    return task;
  };
  /** A task that takes so long, of which the node says the same, or something else. */
  const use = (client: string, at: number, ms: number, elapsedMs = ms) => {
    const task = assign(client, at);
    const result = { executionClass: "plain", outputDigest: "d".repeat(64), outputSize: 1 };
    tell({ type: "ResultReceived", ...task, ...result, elapsedMs, at: at + ms });
  };

  beforeEach(() => {
    usage = createUsage({ halfLifeMs });
    jobs = new Map();
    count = 0;
  });

  test("counts the time of each task, and half of it a half-life later", () => {
    use("client:ada", noon, 1_000);
    use("client:ada", noon + 1_000, 500);
    assert.ok(Math.abs(usage.of("client:ada", noon + 1_500) - 1_500) < 0.1);
    assert.ok(Math.abs(usage.of("client:ada", noon + 1_500 + halfLifeMs) - 750) < 0.1);
    assert.equal(usage.of("client:bob", noon), 0);
  });

  test("believes a node no more time than there was", () => {
    use("client:ada", noon, 1_000, 1e12);
    assert.ok(Math.abs(usage.of("client:ada", noon + 1_000) - 1_000) < 0.1);
  });

  test("counts nothing that the node has to answer for, and what runs when the job ends", () => {
    const lost = assign("client:ada", noon);
    tell({ type: "TaskFailed", ...lost, code: "node-lost", retryable: true, at: noon + 900 });
    tell({ type: "TaskExpired", ...assign("client:ada", noon), at: noon + 60_000 });
    assert.equal(usage.of("client:ada", noon), 0);
    const { jobHash } = assign("client:ada", noon);
    tell({ type: "JobCancelled", jobHash, at: noon + 700 });
    assert.ok(Math.abs(usage.of("client:ada", noon + 700) - 700) < 0.1);
  });

  test("gives who has used more a smaller share, and nobody none", () => {
    use("client:ada", noon, 3_000);
    use("client:bob", noon, 1_000);
    for (const client of ["client:ada", "client:bob"]) usage.waits(client, true);
    assert.ok(Math.abs(usage.weightOf("client:ada") - 2 / 3) < 0.01);
    assert.ok(Math.abs(usage.weightOf("client:bob") - 2) < 0.01);
    usage.waits("client:new", true);
    assert.equal(usage.weightOf("client:new"), shareSpread);
    for (let i = 0; i < 100; i++) use("client:ada", noon + i, 60_000);
    for (let i = 0; i < 30; i++) usage.waits(`client:${i}`, true);
    assert.equal(usage.weightOf("client:ada"), 1 / shareSpread);
  });

  test("comes to the same however far the past reaches, and when the half-life changes", () => {
    use("client:ada", noon, 60_000);
    use("client:bob", noon + 2_000 * halfLifeMs, 1_000);
    const now = noon + 2_000 * halfLifeMs + 1_000;
    assert.ok(Math.abs(usage.of("client:bob", now) - 1_000) < 0.1);
    assert.ok(usage.of("client:ada", now) < 1e-6);
    usage.setHalfLife(1_000, now);
    assert.ok(Math.abs(usage.of("client:bob", now) - 1_000) < 0.1);
    assert.ok(Math.abs(usage.of("client:bob", now + 2_000) - 250) < 0.1);
  });

  test("learns what a task of an app takes", () => {
    const before = usage.usualMs("echo");
    for (let i = 0; i < 200; i++) use("client:ada", noon, 20);
    assert.ok(before > 100 && Math.abs(usage.usualMs("echo") - 20) < 5);
  });
});
