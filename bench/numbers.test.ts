import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { medianBy, percentile, spreadOf } from "./numbers.ts";

describe("a percentile", () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);

  test("is a value that was measured, in whatever order they came", () => {
    assert.deepEqual(spreadOf(hundred), { p50: 50, p95: 95, p99: 99 });
    assert.equal(percentile([5, 1, 3], 0.5), 3);
    assert.equal(percentile([5, 1], 0.5), 1);
    assert.equal(percentile([7], 0.99), 7);
    assert.equal(percentile(hundred, 0), 1);
    assert.equal(percentile(hundred, 1), 100);
  });

  test("of nothing is refused", () => {
    assert.throws(() => percentile([], 0.5), RangeError);
  });
});

test("the median run is the middle one, and never the better of two", () => {
  const runs = [{ rate: 30 }, { rate: 10 }, { rate: 20 }];
  assert.equal(medianBy(runs, ({ rate }) => rate).rate, 20);
  assert.equal(medianBy([{ rate: 2 }, { rate: 1 }], ({ rate }) => rate).rate, 1);
  assert.throws(() => medianBy([], () => 0), RangeError);
});
