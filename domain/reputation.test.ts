import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noon } from "../testing/given.ts";
import {
  blankTrack,
  correctness,
  evolveTrack,
  reliability,
  score,
  standing,
  type TrackEvent,
} from "./reputation.ts";

const task = { jobHash: "ab".repeat(32), replica: 0, attempt: 1, nodeId: "bob", at: noon };
const assigned: TrackEvent = {
  type: "TaskAssigned",
  ...task,
  executionClass: "ort-node",
  expiresAt: noon,
  fundedAt: 0,
  reason: { policy: 1, seed: 1, candidates: 1, score: 1 },
};
const answered: TrackEvent = {
  type: "ResultReceived",
  ...task,
  executionClass: "ort-node",
  outputDigest: "cd".repeat(32),
  outputSize: 1,
  elapsedMs: 40,
};
const verdict = { ...task, comparator: "text", distance: 0 };
const accepted: TrackEvent = { type: "ResultAccepted", ...verdict };
const rejected: TrackEvent = { type: "ResultRejected", ...verdict, reason: "other words" };
const expired: TrackEvent = { type: "TaskExpired", ...task };
const failed = (retryable: boolean): TrackEvent => ({
  type: "TaskFailed",
  ...task,
  code: "no-image",
  retryable,
});
const trackAfter = (...events: readonly TrackEvent[]) =>
  events.reduce(evolveTrack, blankTrack("bob"));

describe("a node's track", () => {
  test("counts what became of its tasks", () =>
    assert.deepEqual(trackAfter(assigned, assigned, answered, expired, accepted, rejected), {
      nodeId: "bob",
      assigned: 2,
      answered: 1,
      broken: 1,
      accepted: 1,
      rejected: 1,
      elapsedMs: 40,
    }));

  test("holds a failure against the node only if the input was not at fault", () => {
    assert.equal(trackAfter(failed(true)).broken, 1);
    assert.deepEqual(trackAfter(failed(false)), blankTrack("bob"));
  });

  test("keeps answering in time and answering right apart", () => {
    const late = trackAfter(expired, expired, answered, accepted);
    assert.deepEqual(reliability(late), score(1, 2));
    assert.deepEqual(correctness(late), score(1, 0));
    assert.equal(standing(late), (2 / 5) * (2 / 3));
  });
});

describe("a score", () => {
  test("of a new node is one half, with nothing to rest on", () => {
    assert.deepEqual(score(0, 0), { mean: 0.5, lower: 0, weight: 0 });
    assert.equal(standing(blankTrack("bob")), 0.25);
  });

  test("of a spotless record is bounded from below by n / (n + 3.84)", () => {
    const lower = (n: number) => Number(score(n, 0).lower.toFixed(3));
    assert.deepEqual([10, 50, 198].map(lower), [0.722, 0.929, 0.981]);
  });

  test("is bounded from below as Wilson's published interval says", () =>
    // 81 good ones of 263: Newcombe, Statistics in Medicine 17 (1998), table I.
    assert.equal(score(81, 182).lower.toFixed(4), "0.2553"));

  test("lies between 0 and 1, its lower end never above the mean, and each outcome moves it", () => {
    const count = fc.nat({ max: 1_000_000 });
    fc.assert(
      fc.property(count, count, (good, bad) => {
        const { mean, lower, weight } = score(good, bad);
        assert.ok(lower >= 0 && lower <= mean && mean < 1 && mean > 0);
        assert.equal(weight, good + bad);
        assert.ok(score(good + 1, bad).mean > mean && score(good, bad + 1).mean < mean);
        assert.ok(score(good + 1, bad).lower > lower);
      }),
    );
  });

  test("of what is no count is our bug, and said so", () => {
    for (const bad of [-1, 0.5, Number.NaN])
      assert.throws(() => score(1, bad), { name: "RangeError", message: /whole count/ });
  });
});
