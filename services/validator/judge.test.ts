import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { JobEvent } from "../../domain/job/events.ts";
import { job as decider, type Job } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { comparedBytesMax } from "../../domain/verification/compare.ts";
import type { BlobSource } from "../../streams/blob-store.ts";
import { wallClock } from "../../streams/clock.ts";
import { at, noon } from "../../testing/given.ts";
import { type Comparer, openComparer } from "./comparer.ts";
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
const untouched: { readonly blobs: BlobSource; readonly comparer: Comparer } = {
  blobs: { get: () => assert.fail("no output is fetched") },
  comparer: { compareAll: () => assert.fail("nothing is compared"), close: async () => undefined },
};

/** A sealed job with these tags as results, each in a body of its own. */
const withTags = (...tags: readonly string[]) => withResults(spec, tags);

const withResults = (spec: JobSpec, tags: readonly string[]): Extract<Job, { status: "open" }> => {
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

describe("outputs that differ", () => {
  const comparer = openComparer({ clock: wallClock });
  after(() => comparer.close());
  const { sealed: _, ...open } = spec;
  const job = withResults({ ...open, comparator: { kind: "text", maxDistance: 0.5 } }, [
    "e",
    "f",
    "e",
  ]);
  const holding = (...texts: readonly string[]): BlobSource => ({
    get: async (digest) => Buffer.from(texts[Number(digest[0])] ?? ""),
  });

  test("are compared where the comparator allows a difference", async () => {
    const blobs = holding("ten words", "ten wards", "none of it at all");
    const { groups, reason } = await judgeResults(job, { blobs, comparer });
    assert.deepEqual([groups, reason], [[[0, 1], [2]], "text-differs"]);
  });

  test("and are too large to be read keep nobody waiting, and agree with none", async () => {
    const large = "a b ".repeat(comparedBytesMax / 4);
    const blobs = holding("ten words", "ten wards", `${large}1`);
    const { groups, reason } = await judgeResults(job, { blobs, comparer });
    assert.deepEqual([groups, reason], [[[0, 1], [2]], "too-large"]);
    const told: BlobSource = {
      ...blobs,
      get: (digest) => (digest.startsWith("2") ? assert.fail("it is not read") : blobs.get(digest)),
    };
    const stat = async (digest: string) => ({
      digest,
      size: digest.startsWith("2") ? comparedBytesMax + 1 : 9,
    });
    assert.deepEqual(
      (await judgeResults(job, { blobs: { ...told, stat }, comparer })).groups,
      groups,
    );
  });

  test("leave the process free while they are read", async () => {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 1);
    try {
      const blobs = holding("one two ".repeat(20_000), "three ".repeat(20_000), "c");
      assert.equal((await judgeResults(job, { blobs, comparer })).reason, "text-differs");
      assert.ok(ticks >= 1, "on the spot no timer would have run");
    } finally {
      clearInterval(ticking);
    }
  });

  test("and take longer than a job may agree with none, and the next job is compared again", async () => {
    const [late, patient] = [{ jobMs: 0 }, {}];
    for (const [settings, expected] of [
      [late, "too-costly"],
      [patient, "text-differs"],
    ] as const) {
      const own = openComparer({ clock: wallClock, ...settings });
      const blobs = holding("x ".repeat(200_000), "y ".repeat(200_000), "z ".repeat(200_000));
      const { groups, reason } = await judgeResults(job, { blobs, comparer: own });
      assert.deepEqual([groups, reason], [[[0], [1], [2]], expected]);
      if (settings === late)
        assert.equal((await judgeResults(job, { blobs, comparer: own })).reason, expected);
      await own.close();
    }
  });

  test("and are read while the validator closes end in no verdict", async () => {
    const closing = openComparer({ clock: wallClock });
    const blobs = holding("x y ".repeat(500_000), "z ".repeat(900_000), "c");
    const judging = judgeResults(job, { blobs, comparer: closing });
    const ended = assert.rejects(judging, /closed/);
    setTimeout(() => void closing.close(), 50);
    await ended;
  });
});
