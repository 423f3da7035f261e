import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AppName, catalogue } from "../catalogue.ts";
import { type Comparator, parseComparator } from "./comparator.ts";
import { misfitOf } from "./fits.ts";

const codeOf = (app: AppName, comparator: Comparator): string | undefined => {
  assert.ok(parseComparator(comparator).ok, "else it would be refused for another reason");
  return misfitOf(comparator, app, catalogue[app].comparators)?.code;
};

describe("the comparators of an app", () => {
  test("include its own, and exact only where two nodes can have the same bytes", () => {
    for (const [name, { comparator, comparators }] of Object.entries(catalogue))
      assert.equal(misfitOf(comparator, name, comparators), undefined, name);
    assert.equal(codeOf("ocr", { kind: "exact" }), undefined);
    assert.equal(codeOf("collect", { kind: "exact" }), "comparator-misfit");
  });

  test("are those that can read its outputs", () => {
    assert.equal(codeOf("ocr", { kind: "iou" }), "comparator-misfit");
    assert.equal(codeOf("ocr", { kind: "tolerance" }), "comparator-misfit");
    assert.equal(codeOf("faces", { kind: "text" }), "comparator-misfit");
    assert.equal(codeOf("onnx", { kind: "text" }), "comparator-misfit");
    assert.equal(codeOf("wasm", { kind: "tolerance" }), "comparator-misfit");
    assert.equal(
      misfitOf({ kind: "iou" }, "ocr", catalogue.ocr.comparators)?.message,
      "the comparator iou cannot read outputs of ocr; it takes text, exact",
    );
  });

  test("are no looser than the app's manifest says", () => {
    assert.equal(codeOf("ocr", { kind: "text", maxDistance: 0.1 }), undefined);
    assert.equal(codeOf("ocr", { kind: "text", maxDistance: 0.3 }), "tolerance-too-wide");
    assert.equal(codeOf("faces", { kind: "iou", threshold: 0.5 }), undefined);
    assert.equal(codeOf("faces", { kind: "iou", threshold: 0.3 }), "tolerance-too-wide");
    assert.equal(codeOf("collect", { kind: "items", maxDifferent: 0.4 }), "tolerance-too-wide");
    assert.equal(codeOf("collect", { kind: "items", maxDistance: 0.2 }), "tolerance-too-wide");
    // A model's own tolerance is left to the job, within what parseComparator takes at all.
    assert.equal(codeOf("onnx", { kind: "tolerance", atol: 1, rtol: 0.1 }), undefined);
    assert.equal(
      misfitOf({ kind: "tolerance", atol: 0.5 }, "x", { tolerance: { atolMax: 0.1 } })?.message,
      "for x atol is at most 0.1, not 0.5: more would let wrong results pass",
    );
  });
});
