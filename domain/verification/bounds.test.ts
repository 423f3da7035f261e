import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf } from "./bounds.ts";

const version = 1;

test("the bounds that a job leaves out are recorded as they are by default", () => {
  const tolerance = { version, atolOfScale: 1e-4, rtol: 0 };
  assert.deepEqual(boundsOf({ kind: "tolerance" }), tolerance);
  assert.deepEqual(boundsOf({ kind: "text" }), { version, maxDistance: 0 });
  assert.deepEqual(boundsOf({ kind: "iou" }), { version, threshold: 0.9 });
  const items = { version, maxDifferent: 0.1, maxDistance: 0.02 };
  assert.deepEqual(boundsOf({ kind: "items" }), items);
});

test("the bounds that a job gives are recorded as it gives them", () => {
  const tolerance = { kind: "tolerance", atol: 0.5, rtol: 0.01 } as const;
  assert.deepEqual(boundsOf(tolerance), { version, atol: 0.5, rtol: 0.01 });
  assert.deepEqual(boundsOf({ kind: "text", maxDistance: 0.1 }), { version, maxDistance: 0.1 });
});

test("a comparator without bounds has none", () => {
  assert.equal(boundsOf({ kind: "exact" }), undefined);
});
