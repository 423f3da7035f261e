import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cluster } from "./cluster.ts";

interface Reading {
  readonly id: string;
  readonly value: number;
}

const within =
  (tolerance: number) =>
  (a: Reading, b: Reading): { agree: boolean; distance: number } => {
    const distance = Math.abs(a.value - b.value);
    return { agree: distance <= tolerance, distance };
  };

const readings = (...values: readonly number[]): readonly Reading[] =>
  values.map((value, index) => ({ id: `n${index}`, value }));

const shape = (groups: ReturnType<typeof cluster<Reading>>) =>
  groups.map(({ medoid, members }) => [medoid.id, members.map(({ id }) => id)]);

describe("results in groups", () => {
  test("of none there are none", () => assert.deepEqual(cluster([], within(1)), []));

  test("agree with their medoid, and the liar stands alone", () =>
    assert.deepEqual(shape(cluster(readings(10, 99, 11, 12), within(1))), [
      ["n2", ["n0", "n2", "n3"]],
      ["n1", ["n1"]],
    ]));

  test("are no chain: agreeing with a neighbour of the medoid is not enough", () =>
    assert.deepEqual(shape(cluster(readings(0, 1, 2, 3), within(1))), [
      ["n1", ["n0", "n1", "n2"]],
      ["n3", ["n3"]],
    ]));

  test("of one size come in the order of their medoids' ids", () =>
    assert.deepEqual(shape(cluster(readings(5, 0, 5, 0), within(1))), [
      ["n0", ["n0", "n2"]],
      ["n1", ["n1", "n3"]],
    ]));

  test("must have ids of their own", () =>
    assert.throws(
      () => cluster([{ id: "n0" }, { id: "n0" }], () => ({ agree: true, distance: 0 })),
      RangeError,
    ));

  test("are the same for any order, hold each result once, and agree with their medoid", () => {
    const values = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 9 });
    const shuffled = values.chain((list) => {
      const given = readings(...list);
      return fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray([...given], { minLength: given.length }),
      );
    });
    // Agreement that depends on who comes first must not matter either.
    const uneven = (a: Reading, b: Reading) => ({
      agree: Math.abs(a.value - b.value) <= (a.value > b.value ? 1 : 2),
      distance: Math.abs(a.value - b.value),
    });
    fc.assert(
      fc.property(shuffled, fc.constantFrom(within(2), uneven), ([given, other], agree) => {
        const groups = cluster(given, agree);
        assert.deepEqual(cluster(other, agree), groups);
        const members = groups.flatMap((group) => group.members.map(({ id }) => id));
        assert.deepEqual(members.sort(), given.map(({ id }) => id).sort());
        for (const { medoid, members } of groups)
          for (const member of members) {
            const [first, second] = member.id < medoid.id ? [member, medoid] : [medoid, member];
            assert.ok(member.id === medoid.id || agree(first, second).agree);
          }
        for (const [index, group] of groups.entries())
          assert.ok(
            group.members.length <= (groups[index - 1]?.members.length ?? Number.MAX_VALUE),
          );
      }),
      { numRuns: 300 },
    );
  });
});
