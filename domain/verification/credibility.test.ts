import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { auditsToTrust, credibilityOf, groupCredibilities } from "./credibility.ts";

const near = (actual: number, expected: number, within = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected}`);

describe("the credibility of a node", () => {
  test("is 1 - f before its first audit, and after a conviction", () => {
    near(credibilityOf(0, 0.35), 0.65);
    near(credibilityOf(0, 0.2), 0.8);
  });

  test("needs 20 audits for an epsilon of 0.01, and 199 for 0.001", () => {
    assert.equal(auditsToTrust(0.01, 0.35), 20);
    assert.equal(auditsToTrust(0.006, 0.35), 34);
    assert.equal(auditsToTrust(0.001, 0.35), 199); // 198.09 audits, and there are no parts of one.
    near((0.35 / 0.65 / Math.E) * 1000, 198.09, 0.005);
    assert.ok(credibilityOf(19, 0.35) < 0.99 && credibilityOf(20, 0.35) >= 0.99);
    assert.ok(credibilityOf(198, 0.35) < 0.999 && credibilityOf(199, 0.35) >= 0.999);
    assert.equal(auditsToTrust(0.01, 0.01), 0);
  });

  test("bounds Sarmenta's probability from below, whatever the share of lies", () => {
    const liar = fc.double({ min: 1e-4, max: 1, noNaN: true });
    const adversaries = fc.double({ min: 0.01, max: 0.6, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), liar, adversaries, (k, s, f) => {
        const survivors = f * (1 - s) ** k;
        const wrong = (s * survivors) / (1 - f + survivors);
        assert.ok(1 - wrong >= credibilityOf(k, f) - 1e-12, `k ${k} s ${s} f ${f}`);
      }),
    );
  });

  test("rises with each audit and never reaches 1", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (k) => {
        const [now, next] = [credibilityOf(k, 0.35), credibilityOf(k + 1, 0.35)];
        assert.ok(now <= next && next < 1);
      }),
    );
  });

  test("is of whole audits and of a share that there can be", () => {
    for (const [survived, share] of [
      [-1, 0.35],
      [1.5, 0.35],
      [Number.NaN, 0.35],
      [1, 0],
      [1, 1],
      [1, Number.NaN],
    ] as const)
      assert.throws(() => credibilityOf(survived, share), RangeError);
  });
});

describe("the credibility of groups", () => {
  test("is that of the node where one has answered", () =>
    near(groupCredibilities([[0.65]])[0] ?? 0, 0.65));

  test("is what all cases that can be say", () => {
    // Two newcomers agree: 0.65² / (0.65² + 0.35²).
    near(groupCredibilities([[0.65, 0.65]])[0] ?? 0, 0.4225 / (0.4225 + 0.1225));
    // 0.9 against 0.8: 0.9·0.2, 0.1·0.8, and 0.1·0.2 that both are wrong.
    const [a = 0, b = 0] = groupCredibilities([[0.9], [0.8]]);
    near(a, 0.18 / 0.28);
    near(b, 0.08 / 0.28);
  });

  test("are probabilities of which at most one comes true, in any order", () => {
    const credibility = fc.double({ min: 0, max: 1, noNaN: true });
    const groups = fc.array(fc.array(credibility, { minLength: 1, maxLength: 9 }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(groups, (list) => {
        const all = groupCredibilities(list);
        assert.ok(all.every((each) => each >= 0 && each <= 1));
        assert.ok(all.reduce((a, b) => a + b, 0) <= 1 + 1e-9);
        const reversed = groupCredibilities(list.toReversed()).toReversed();
        for (const [index, each] of all.entries()) near(reversed[index] ?? Number.NaN, each);
      }),
    );
  });

  test("grow with a member that is more often right than wrong", () => {
    const credibility = fc.double({ min: 0.51, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(fc.array(credibility, { minLength: 1, maxLength: 8 }), credibility, (a, one) => {
        const [before = 1] = groupCredibilities([a]);
        const [after = 0] = groupCredibilities([[...a, one]]);
        assert.ok(after > before || after > 1 - 1e-9);
      }),
    );
  });

  test("have members", () => {
    assert.throws(() => groupCredibilities([[0.9], []]), RangeError);
    assert.throws(() => groupCredibilities([[1.1]]), RangeError);
  });
});
