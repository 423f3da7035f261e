import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { editDistance } from "./edit-distance.ts";

/** The textbook's table, without a band: slow, and plainly right. */
const slow = (a: string, b: string): number => {
  const [from, to] = [[...a], [...b]];
  const table = Array.from({ length: from.length + 1 }, (_, i) =>
    Array.from({ length: to.length + 1 }, (_, j) => (i === 0 ? j : i)),
  );
  for (let i = 1; i <= from.length; i++)
    for (let j = 1; j <= to.length; j++)
      table[i]![j] = Math.min(
        table[i - 1]![j]! + 1,
        table[i]![j - 1]! + 1,
        table[i - 1]![j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1),
      );
  return table[from.length]![to.length]!;
};

describe("the edit distance", () => {
  test("counts what must change", () => {
    assert.equal(editDistance("whale", "whale", 5), 0);
    assert.equal(editDistance("kitten", "sitting", 7), 3);
    assert.equal(editDistance("", "sea", 3), 3);
  });

  test("counts characters, not code units", () =>
    assert.equal(editDistance("a\u{1f40b}", "a\u{1f40a}", 2), 1));

  test("stops at its limit, and not one before it", () => {
    assert.equal(editDistance("kitten", "sitting", 3), 3);
    assert.equal(editDistance("kitten", "sitting", 2), undefined);
  });

  test("is that of the whole table, for any limit", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });
    fc.assert(
      fc.property(word, word, fc.nat(12), (a, b, limit) => {
        const expected = slow(a, b);
        assert.equal(editDistance(a, b, limit), expected <= limit ? expected : undefined);
      }),
      { numRuns: 1000 },
    );
  });
});
