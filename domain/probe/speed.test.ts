import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  memory,
  type Speed,
  samplesLeast,
  speedShown,
  surelyAtLeast,
  withSample,
} from "./speed.ts";

const measured = (shown: readonly number[]): Speed =>
  shown.reduce<Speed | undefined>(withSample, undefined) as Speed;
const shown = fc.integer({ min: 1, max: 10_000_000_000 });

const isNear = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b));

describe("the speed of a node", () => {
  test("is mean and variance of all measurements, as long as they are few", () => {
    fc.assert(
      fc.property(fc.array(shown, { minLength: 2, maxLength: memory }), (all) => {
        const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
        const squares = all.reduce((sum, one) => sum + (one - mean) ** 2, 0);
        const speed = measured(all);
        assert.equal(speed.samples, all.length);
        assert.ok(isNear(speed.mean, mean));
        assert.ok(isNear(speed.variance, squares / (all.length - 1)));
      }),
    );
  });

  test("forgets what was long ago: each later one takes 1/16 of its weight", () => {
    const old = Array.from({ length: 40 }, () => 1_000);
    const later = Array.from({ length: 100 }, () => 2_000);
    assert.ok(Math.abs(measured([...old, 2_000]).mean - (1_000 + 1_000 / memory)) < 1e-6);
    const { mean, variance } = measured([...old, ...later]);
    assert.ok(mean > 1_995 && mean < 2_000);
    assert.ok(variance < 10_000 && variance >= 0);
  });

  test("is surely two standard errors below the mean, and nothing before three measurements", () => {
    assert.equal(samplesLeast, 3);
    assert.equal(surelyAtLeast(measured([5, 5])), undefined);
    assert.equal(surelyAtLeast(measured([5, 5, 5])), 5);
    const expected = 20 - 2 * Math.sqrt(100 / 3);
    assert.ok(isNear(surelyAtLeast(measured([10, 20, 30])) ?? 0, expected));
    assert.equal(surelyAtLeast(measured([1, 1, 1_000])), 0);
  });

  test("is never raised to more than twice by answering trivial tasks late", () => {
    fc.assert(
      fc.property(shown, fc.nat(100_000), fc.nat(1_000_000), (work, millis, late) => {
        const plain = speedShown({ instructions: work, millis, trivialMillis: 0 });
        const raised = speedShown({ instructions: work, millis, trivialMillis: late });
        assert.ok(raised >= plain && raised <= 2 * plain + 1);
      }),
    );
  });
});
