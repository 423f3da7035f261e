import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { linearModel } from "../../testing/fixtures/onnx-model.ts";
import { readModelFile } from "./model-files.ts";
import { scanOnnx } from "./onnx-scan.ts";

test("real models are fine", async () => {
  assert.equal(scanOnnx(linearModel({ a: 1, b: 2 })), "fine");
  assert.equal(scanOnnx(await readModelFile("ocr", "recogniser")), "fine");
  assert.equal(scanOnnx(await readModelFile("faces", "detector")), "fine");
});

test("anything else ends with a finding", () => {
  const model = linearModel({ a: 1, b: 2 });
  const damaged = fc
    .array(fc.tuple(fc.nat(model.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    .map((changes) => {
      const copy = model.slice();
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) =>
      ["fine", "external-data", "malformed"].includes(scanOnnx(bytes)),
    ),
    { numRuns: 500 },
  );
});

test("a message within a message without end is malformed, not a stack overflow", () => {
  // graph > node > attribute > graph > …, each with the length of what follows.
  let bytes: number[] = [];
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
  for (let depth = 0; depth < 200; depth++)
    for (const field of [6, 5, 1]) bytes = [field * 8 + 2, ...varint(bytes.length), ...bytes];
  const model = Uint8Array.from([7 * 8 + 2, ...varint(bytes.length), ...bytes]);
  assert.equal(scanOnnx(model), "malformed");
});
