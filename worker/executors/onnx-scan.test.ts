import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { linearModel } from "../../testing/fixtures/onnx-model.ts";
import { readModelFile } from "./model-files.ts";
import { scanOnnx } from "./onnx-scan.ts";

test("real models are fine", async () => {
  for (const model of [
    linearModel({ a: 1, b: 2 }),
    await readModelFile("ocr", "recogniser"),
    await readModelFile("faces", "detector"),
  ]) {
    const { fault, loadBytes = 0 } = scanOnnx(model) as { fault?: string; loadBytes?: number };
    assert.equal(fault, undefined);
    assert.ok(loadBytes > model.length && loadBytes < 64 * 1024 + 8 * model.length, `${loadBytes}`);
  }
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
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      const { fault } = scanOnnx(bytes);
      return [undefined, "external-data", "malformed", "overstated"].includes(fault);
    }),
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
  assert.deepEqual(scanOnnx(model), { fault: "malformed" });
});
