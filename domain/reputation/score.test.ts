import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { badOnesToFloor, isBelow, score } from "./score.ts";

describe("a score", () => {
  test("of a new node is one half, with nothing to rest on", () =>
    assert.deepEqual(score(0, 0), { mean: 0.5, lower: 0, upper: 1, weight: 0 }));

  test("of a spotless record is bounded from below by n / (n + 3.84)", () => {
    const lower = (n: number) => Number(score(n, 0).lower.toFixed(3));
    assert.deepEqual([10, 50, 198].map(lower), [0.722, 0.929, 0.981]);
  });

  test("is bounded on both sides as Wilson's published interval says", () => {
    // 81 good ones of 263: Newcombe, Statistics in Medicine 17 (1998), table I.
    const { lower, upper } = score(81, 182);
    assert.deepEqual([lower.toFixed(4), upper.toFixed(4)], ["0.2553", "0.3662"]);
  });

  test("lies between 0 and 1, its mean between the two ends, and each outcome moves it", () => {
    const sum = fc.double({ min: 0, max: 1_000_000, noNaN: true });
    fc.assert(
      fc.property(sum, sum, (good, bad) => {
        const { mean, lower, upper, weight } = score(good, bad);
        assert.ok(lower >= 0 && lower <= mean && mean <= upper && upper <= 1);
        assert.ok(mean > 0 && mean < 1);
        assert.equal(weight, good + bad);
        assert.ok(score(good + 1, bad).mean > mean && score(good, bad + 1).mean < mean);
        assert.ok(score(good + 1, bad).lower >= lower && score(good, bad + 1).upper <= upper);
      }),
    );
  });

  test("of what is no sum is our bug, and said so", () => {
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => score(1, bad), { name: "RangeError", message: /finite sums/ });
  });
});

describe("a floor", () => {
  test("is missed only when the whole interval lies below it", () => {
    assert.equal(isBelow(score(0, 1), 0.75), false, "one outcome proves nothing");
    assert.equal(isBelow(score(0, 2), 0.75), true);
    assert.equal(isBelow(score(70, 30), 0.75), false, "70 % of 100 may still be 75 % in truth");
    assert.equal(isBelow(score(700, 300), 0.75), true);
  });

  test("is missed by nobody for being worse than others: only what a node does itself counts", () => {
    // With a cut at z <= -1 the least of these would go, though it is right 999 times of 1,000.
    const scores = [score(1000, 0), score(1000, 0), score(1000, 0), score(999, 1)];
    assert.deepEqual(
      scores.map((each) => isBelow(each, 0.75)),
      [false, false, false, false],
    );
  });

  test("is so many bad outcomes away", () => {
    assert.equal(badOnesToFloor({ good: 0, bad: 0 }, 0.75, 5), 2);
    assert.equal(badOnesToFloor({ good: 0, bad: 2 }, 0.75, 5), 0);
    assert.equal(badOnesToFloor({ good: 100, bad: 0 }, 0.75, 5), undefined);
  });
});
