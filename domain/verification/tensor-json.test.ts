import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { elementCount, readFloat, readInt64, writeFloat32, writeFloat64 } from "./tensor-json.ts";

describe("a number in a tensor", () => {
  test("is written in as few digits as its dtype needs", () => {
    assert.equal(writeFloat32(Math.fround(0.1)), "0.1");
    assert.equal(writeFloat32(Math.fround(1 / 3)), "0.33333334");
    assert.equal(writeFloat32(2 ** -149), "1e-45");
    assert.equal(writeFloat32(16_777_216), "16777216");
    assert.equal(writeFloat64(0.1), "0.1");
  });

  test("is a string where JSON has no word for it", () => {
    for (const write of [writeFloat32, writeFloat64]) {
      assert.equal(write(Number.NaN), '"NaN"');
      assert.equal(write(Number.POSITIVE_INFINITY), '"Infinity"');
      assert.equal(write(Number.NEGATIVE_INFINITY), '"-Infinity"');
      assert.equal(write(-0), '"-0"');
    }
  });

  test("reads back as the same bits", () => {
    const back = (text: string) => readFloat(JSON.parse(text));
    fc.assert(
      fc.property(fc.float(), (value) => {
        assert.ok(Object.is(Math.fround(back(writeFloat32(value)) ?? 7), value));
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.double(), (value) => Object.is(back(writeFloat64(value)), value)));
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) =>
        assert.equal(readInt64(String(value)), value),
      ),
    );
  });

  test("has one spelling", () => {
    for (const spelling of ["01", "+1", "-0", "1.0", "", " 1", "9223372036854775808"])
      assert.equal(readInt64(spelling), undefined, spelling);
    for (const spelling of ["nan", "1", "inf", "toString"])
      assert.equal(readFloat(spelling), undefined, spelling);
  });
});

test("a shape holds the product of its sizes, and none of that is negative or broken", () => {
  assert.equal(elementCount([]), 1);
  assert.equal(elementCount([2, 3]), 6);
  assert.equal(elementCount([2, 0]), 0);
  for (const shape of [[-1], [1.5], ["2"], [2 ** 40, 2 ** 40]])
    assert.equal(elementCount(shape), undefined);
});
