import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { comparable, needsOutputs, parseComparator } from "./comparator.ts";

describe("a comparator from outside", () => {
  const accepted = [
    { kind: "exact" },
    { kind: "tolerance" },
    { kind: "tolerance", atol: 0, rtol: 0 },
    { kind: "tolerance", atol: 1, rtol: 0.1 },
    { kind: "text", maxDistance: 0.5 },
    { kind: "iou", threshold: 0.1 },
    { kind: "iou", threshold: 1 },
  ];
  for (const value of accepted)
    test(`is taken: ${JSON.stringify(value)}`, () => {
      const once = parseComparator(value);
      assert.deepEqual(once, { ok: true, comparator: value });
      assert.ok(once.ok);
      assert.deepEqual(parseComparator(once.comparator), once);
    });

  const refused: readonly (readonly [unknown, string])[] = [
    [undefined, "not-an-object"],
    [null, "not-an-object"],
    ["exact", "not-an-object"],
    [["exact"], "not-an-object"],
    [{}, "unknown-kind"],
    [{ kind: "same" }, "unknown-kind"],
    [{ kind: "toString" }, "unknown-kind"],
    [{ kind: ["exact"] }, "unknown-kind"],
    [{ kind: "exact", atol: 0.1 }, "unknown-field"],
    [{ kind: "tolerance", threshold: 0.9 }, "unknown-field"],
    [{ kind: "tolerance", toString: 1 }, "unknown-field"],
    [{ kind: "tolerance", atol: "0.1" }, "not-a-number"],
    [{ kind: "tolerance", atol: Number.NaN }, "not-a-number"],
    [{ kind: "tolerance", atol: Number.POSITIVE_INFINITY }, "not-a-number"],
    [{ kind: "tolerance", atol: -1e-9 }, "negative"],
    [{ kind: "tolerance", rtol: -1 }, "negative"],
    [{ kind: "text", maxDistance: -0.1 }, "negative"],
    [{ kind: "tolerance", atol: 1.001 }, "accepts-everything"],
    [{ kind: "tolerance", rtol: 0.101 }, "accepts-everything"],
    [{ kind: "text", maxDistance: 0.501 }, "accepts-everything"],
    [{ kind: "iou", threshold: 0 }, "accepts-everything"],
    [{ kind: "iou", threshold: 0.099 }, "accepts-everything"],
    [{ kind: "iou", threshold: 1.1 }, "accepts-nothing"],
  ];
  for (const [value, reason] of refused)
    test(`is refused as ${reason}: ${JSON.stringify(value)}`, () =>
      assert.deepEqual(parseComparator(value), { ok: false, reason }));
});

describe("what may be held against what", () => {
  const native = "ort-node@1.30.0/cpu/x64-avx2/1t/all";
  const wasm = "ort-web@1.30.0/wasm/any/1t/all";

  test("exact results only inside one execution class", () => {
    assert.equal(comparable({ kind: "exact" }, { classA: wasm, classB: wasm }), true);
    assert.equal(comparable({ kind: "exact" }, { classA: wasm, classB: native }), false);
  });

  test("never exact ones of a machine that could not be measured", () => {
    const classA = "ort-node@1.30.0/cpu-darwin/arm64-unmeasured/1t/all";
    assert.equal(comparable({ kind: "exact" }, { classA, classB: classA }), false);
    assert.equal(comparable({ kind: "text" }, { classA, classB: classA }), true);
  });

  test("others across classes", () => {
    for (const kind of ["tolerance", "text", "iou"] as const)
      assert.equal(comparable({ kind }, { classA: wasm, classB: native }), true);
  });

  test("only exact ones by their digests alone", () => {
    assert.equal(needsOutputs({ kind: "exact" }), false);
    for (const kind of ["tolerance", "text", "iou"] as const)
      assert.equal(needsOutputs({ kind }), true);
  });
});
