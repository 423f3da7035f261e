import assert from "node:assert/strict";
import { test } from "node:test";
import { openOnnx } from "../../worker/executors/onnx.ts";
import { openOrtNode } from "../../worker/executors/ort-node.ts";
import { execute, parseJson, tensorInput } from "../fixtures/execute.ts";
import { layerModel, linearModel } from "../fixtures/onnx-model.ts";
import { toBfloat16, toInt8, withWeights } from "./weights.ts";

test("a model with other weights gives what those weights give", async (context) => {
  const executor = openOnnx(await openOrtNode(), Number.POSITIVE_INFINITY);
  context.after(() => executor.close());
  const shape = { depth: 8, width: 9 };
  const data = Array.from({ length: 72 }, (_, at) => Math.fround(Math.sin(at)));
  const halved = data.map((weight) => Math.fround(weight / 2));
  const x = tensorInput("float32", [1, 8], [1, 2, 3, 4, 5, 6, 7, 8]);
  const outputOf = async (model: Uint8Array) =>
    parseJson((await execute(executor, { model, x })).output);
  const model = layerModel({ ...shape, data });
  assert.deepEqual(
    await outputOf(withWeights(model, (weight) => weight / 2)),
    await outputOf(layerModel({ ...shape, data: halved })),
  );
  assert.deepEqual(
    withWeights(model, (weight) => weight),
    model,
  );
});

test("factors are no weights", () =>
  assert.throws(() => withWeights(linearModel({ a: 1, b: 2 }), () => 0), /no float32 weights/));

test("bfloat16 keeps 8 bits, int8 254 parts", () => {
  assert.equal(toBfloat16(1 + 2 ** -7), 1 + 2 ** -7);
  assert.equal(toBfloat16(Math.fround(1 + 2 ** -9)), 1);
  assert.equal(toBfloat16(-0.15625), -0.15625);
  assert.equal(toInt8(1, 2), (64 / 127) * 2);
  assert.equal(toInt8(-2, 2), -2);
  assert.equal(toInt8(0, 0), 0);
});
