import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JobEvent } from "../../domain/job/events.ts";
import { job as decider, type Job } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { BlobSource } from "../../streams/blob-store.ts";
import { at, noon } from "../../testing/given.ts";
import { judgeResults } from "./judge.ts";

const jobHash = "a".repeat(64);
const spec: JobSpec = {
  version: 1,
  client: "client:ada",
  app: "ocr",
  params: {},
  inputs: { image: { digest: "d".repeat(64), size: 200 } },
  comparator: { kind: "text" },
  quorum: 2,
  replicasMax: 4,
  price: "100",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
  sealed: true,
};
const untouched: BlobSource = { get: () => assert.fail("no output is fetched") };

/** A sealed job with these tags as results, each in a body of its own. */
const withTags = (...tags: readonly string[]): Extract<Job, { status: "open" }> => {
  const events: JobEvent[] = [
    { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon },
  ];
  for (const [replica, tag] of tags.entries()) {
    const task = { jobHash, replica, attempt: 1, nodeId: `node-${replica}` };
    const reason = { policy: 1, seed: 1, candidates: 1, score: 1 };
    const lease = { executionClass: "c@1", expiresAt: at(1), fundedAt: 0, reason };
    const output = { outputDigest: `${replica}`.repeat(64), outputSize: 200, elapsedMs: 1 };
    const result = { executionClass: "c@1", ...output, resultTag: tag.repeat(64) };
    events.push({ type: "TaskAssigned", ...task, ...lease, at: noon });
    events.push({ type: "ResultReceived", ...task, ...result, at: noon });
  }
  const job = events.reduce<Job>(decider.evolve, decider.initial);
  assert.ok(job.status === "open");
  return job;
};

describe("a judgement of sealed results", () => {
  test("goes by the tags, whatever the comparator, and fetches nothing", async () => {
    assert.deepEqual(await judgeResults(withTags("e", "e"), untouched), {
      comparator: "tag",
      groups: [[0, 1]],
      distanceInside: 0,
      distanceBetween: 0,
      reason: "same-tag",
    });
  });

  test("tells those apart that say something else", async () => {
    const judgement = await judgeResults(withTags("e", "f", "e"), untouched);
    assert.deepEqual(judgement.groups, [[0, 2], [1]]);
    assert.deepEqual([judgement.distanceBetween, judgement.reason], [1, "different-tags"]);
  });
});
