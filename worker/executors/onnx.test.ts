import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { compareOutputs } from "../../domain/verification/compare.ts";
import { execute, parseJson, refusedAs, tensorInput } from "../../testing/fixtures/execute.ts";
import {
  type Constant,
  type ElementType,
  identityModel,
  layerModel,
  linearModel,
  onnxModel,
  type Value,
} from "../../testing/fixtures/onnx-model.ts";
import type { Executor } from "../executor.ts";
import { openExecutors } from "./open.ts";

const linear = linearModel({ a: 2, b: 0.1 });
const vector = (name: string, type: ElementType, size: number | string = "n"): Value => ({
  name,
  type,
  shape: [size],
});
const floats = (...data: readonly unknown[]) => tensorInput("float32", [data.length], data);

for (const engine of ["ort-node", "ort-web"] as const)
  describe(`onnx on ${engine}`, () => {
    let onnx: Executor;
    before(async () => {
      [onnx] = (await openExecutors(["onnx"], { engine })) as [Executor];
    });
    after(() => onnx.close());

    test("computes a model, exactly written", async () => {
      const { output, mediaType } = await execute(onnx, { model: linear, x: floats(1, 2, 0.3) });
      const text = '{"y":{"data":[2.1,4.1,0.70000005],"dtype":"float32","shape":[3]}}';
      assert.equal(new TextDecoder().decode(output), text);
      assert.equal(mediaType, "application/json");
    });

    test("gives several jobs at once their own results", async () => {
      const inputs = [1, 2, 3, 4, 5, 6, 7, 8];
      const outputs = await Promise.all(
        inputs.map(async (x) =>
          parseJson((await execute(onnx, { model: linear, x: floats(x) })).output),
        ),
      );
      const expected = inputs.map((x) =>
        Number(Math.fround(2 * x + Math.fround(0.1)).toPrecision(7)),
      );
      assert.deepEqual(
        outputs.map((output) => (output as { y: { data: number[] } }).y.data[0]),
        expected,
      );
    });

    test("carries every dtype there and back, names in order", async () => {
      const tensors = {
        f32: ["float32", [0.1, "NaN", "-Infinity"]],
        f64: ["float64", [5e-324, "-0", 0.1]],
        i32: ["int32", [-(2 ** 31), 0, 2 ** 31 - 1]],
        i64: ["int64", ["-9223372036854775808", "0", "9223372036854775807"]],
        u8: ["uint8", [0, 1, 255]],
        flag: ["bool", [true, false, true]],
      } as const;
      const names = ["10", "9", "b", "a", "Z", "é"];
      const pairs = Object.entries(tensors).map(([name, [type]], index) => ({
        from: vector(name, type, 3),
        to: names[index]!,
      }));
      const inputs = Object.fromEntries(
        Object.entries(tensors).map(([name, [type, data]]) => [name, tensorInput(type, [3], data)]),
      );
      const { output } = await execute(onnx, { ...inputs, model: identityModel(pairs) });
      const expected = Object.values(tensors).map(
        ([dtype, data], index) =>
          [
            names[index]!,
            `{"data":${JSON.stringify(data)},"dtype":"${dtype}","shape":[3]}`,
          ] as const,
      );
      const members = expected
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, tensor]) => `"${name}":${tensor}`);
      assert.equal(new TextDecoder().decode(output), `{${members.join(",")}}`);
    });

    test("says what is wrong with a model", async () => {
      const x = floats(1);
      const refuse = (model: Uint8Array, says: RegExp, inputs = { x }) =>
        refusedAs(execute(onnx, { ...inputs, model }), "bad-model", says);
      const relu = { inputs: [vector("x", "float32")], outputs: [vector("y", "float32")] };
      const node = { operator: "Relu", inputs: ["x"], outputs: ["y"] };

      await refuse(new TextEncoder().encode("GIF89a, not a model"), /not ONNX, or it is cut off/);
      await refuse(new Uint8Array(0), /not ONNX, or it is cut off/);
      for (const length of [1, 40, linear.length - 1])
        await refuse(linear.subarray(0, length), /not ONNX, or it is cut off/);
      await refuse(onnxModel({ ...relu, nodes: [node], opset: 999 }), /operator set/);
      await refuse(onnxModel({ ...relu, nodes: [{ ...node, operator: "Elu9" }] }), /an operator/);
      await refuse(
        onnxModel({ ...relu, nodes: [{ ...node, inputs: ["z"] }] }),
        /graph is not valid/,
      );
      await refuse(
        identityModel([{ from: vector("x", "float16"), to: "y" }]),
        /"x" has the dtype float16/,
      );
      await refuse(identityModel([{ from: vector("model", "float32"), to: "y" }]), /input "model"/);
    });

    test("never lets a model read this machine's files", async () => {
      const y = { inputs: [vector("x", "float32")], outputs: [vector("y", "float32")] };
      const add = { operator: "Add", inputs: ["x", "c"], outputs: ["y"] };
      const constant = { name: "c", shape: [1], data: [5] };
      const outside = { ...constant, externalFile: "package.json" };
      const node = { operator: "Constant", inputs: [], outputs: ["c"] };
      const ways = (c: Constant) => [
        onnxModel({ ...y, constants: [c], nodes: [add] }),
        onnxModel({ ...y, nodes: [{ ...node, value: c }, add] }),
      ];
      for (const model of ways(constant))
        assert.match(
          new TextDecoder().decode((await execute(onnx, { model, x: floats(1) })).output),
          /"data":\[6\]/,
        );
      for (const model of ways(outside))
        await refusedAs(execute(onnx, { model, x: floats(1) }), "bad-model", /in another file/);
    });

    test("says which input is missing or unknown", async () => {
      await refusedAs(execute(onnx, { x: floats(1) }), "missing-input", /"model" .*given: x/);
      await refusedAs(execute(onnx, { model: linear }), "missing-input", /"x" .*given: model/);
      const inputs = { model: linear, x: floats(1), z: floats(1) };
      await refusedAs(execute(onnx, inputs), "bad-tensor", /no input "z"; it has: x/);
      const params = { threads: 2 };
      await refusedAs(execute(onnx, { model: linear }, { params }), "bad-params", /"threads"/);
      await refusedAs(execute(onnx, {}, { app: "ocr" }), "unknown-app", /not ocr/);
    });

    test("says what is wrong with a tensor", async () => {
      const refuse = (x: Uint8Array, says: RegExp) =>
        refusedAs(execute(onnx, { model: linear, x }), "bad-tensor", says);
      await refuse(new TextEncoder().encode("[1"), /"x" is not JSON/);
      await refuse(new TextEncoder().encode("7"), /not a JSON object/);
      await refuse(tensorInput("float8", [1], [1]), /dtype "float8"; known are float32/);
      await refuse(tensorInput("float32", [3], [1, 2]), /2 elements, its shape \[3\] holds 3/);
      await refuse(tensorInput("float32", [-1], []), /shape \[-1\]/);
      await refuse(tensorInput("float32", [2], [1, "2"]), /"2" at index 1, which is no float32/);
      await refuse(tensorInput("float32", [1], [null]), /null at index 0/);
      await refuse(tensorInput("int64", [1], [1]), /1 at index 0, which is no int64/);
      await refuse(tensorInput("uint8", [1], [256]), /256 at index 0/);
    });

    test("names the input, what the model expects and what came", async () => {
      const layer = layerModel({ depth: 2, width: 1, data: [1, 1] });
      await refusedAs(
        execute(onnx, { model: layer, x: tensorInput("float32", [4, 3], Array(12).fill(0)) }),
        "shape-mismatch",
        /"x" is float32\[4,3\], the model expects float32\[rows,2\]/,
      );
      await refusedAs(
        execute(onnx, { model: linear, x: tensorInput("float64", [1], [1]) }),
        "shape-mismatch",
        /"x" is float64\[1\], the model expects float32\[n\]/,
      );
      const sum = onnxModel({
        inputs: [vector("x", "float32"), vector("z", "float32")],
        outputs: [vector("y", "float32")],
        nodes: [{ operator: "Add", inputs: ["x", "z"], outputs: ["y"] }],
      });
      await refusedAs(
        execute(onnx, { model: sum, x: floats(1, 2), z: floats(1, 2, 3) }),
        "shape-mismatch",
        /"x" and "z" disagree on the size "n": 2 and 3/,
      );
    });

    test("says which node cannot compute", async () => {
      const product = onnxModel({
        inputs: [
          { name: "x", type: "float32", shape: ["a", "b"] },
          { name: "z", type: "float32", shape: ["c", "d"] },
        ],
        outputs: [{ name: "y", type: "float32", shape: ["a", "d"] }],
        nodes: [{ operator: "MatMul", inputs: ["x", "z"], outputs: ["y"], name: "mix" }],
      });
      const x = tensorInput("float32", [1, 2], [1, 1]);
      const z = tensorInput("float32", [3, 1], [1, 1, 1]);
      await refusedAs(
        execute(onnx, { model: product, x, z }),
        "shape-mismatch",
        /MatMul node "mix"/,
      );

      const pick = onnxModel({
        inputs: [vector("x", "float32"), vector("at", "int64", "k")],
        outputs: [vector("y", "float32", "k")],
        nodes: [{ operator: "Gather", inputs: ["x", "at"], outputs: ["y"], name: "pick" }],
      });
      const inputs = { model: pick, x: floats(1, 2), at: tensorInput("int64", [1], ["9"]) };
      await refusedAs(execute(onnx, inputs), "bad-tensor", /Gather node "pick" cannot compute/);
    });

    test("refuses an output that no message could carry", async () => {
      const square = onnxModel({
        inputs: [
          { name: "x", type: "float32", shape: ["a", 1] },
          { name: "z", type: "float32", shape: [1, "b"] },
        ],
        outputs: [{ name: "y", type: "float32", shape: ["a", "b"] }],
        nodes: [{ operator: "MatMul", inputs: ["x", "z"], outputs: ["y"] }],
      });
      const ones = Array(3_000).fill(1);
      await refusedAs(
        execute(onnx, {
          model: square,
          x: tensorInput("float32", [3_000, 1], ones),
          z: tensorInput("float32", [1, 3_000], ones),
        }),
        "output-too-large",
        /9000000 elements/,
      );
    });

    test("stops when it is told to", async () => {
      const signal = AbortSignal.abort(new Error("cancelled"));
      await assert.rejects(execute(onnx, { model: linear, x: floats(1) }, { signal }), /cancelled/);
    });
  });

test("both runtimes agree on a layer within the default tolerance, and not on another layer", async () => {
  const weights = Array.from({ length: 64 * 16 }, (_, i) => Math.sin(i));
  const model = layerModel({ depth: 64, width: 16, data: weights });
  const other = layerModel({ depth: 64, width: 16, data: weights.with(0, 0.05) });
  const x = tensorInput(
    "float32",
    [2, 64],
    Array.from({ length: 128 }, (_, i) => Math.cos(i)),
  );
  const [native] = (await openExecutors(["onnx"], { engine: "ort-node" })) as [Executor];
  const [wasm] = (await openExecutors(["onnx"], { engine: "ort-web" })) as [Executor];
  const { output: a } = await execute(native, { model, x });
  const { output: b } = await execute(wasm, { model, x });
  const { output: c } = await execute(wasm, { model: other, x });
  await native.close();
  await wasm.close();
  assert.notEqual(native.executionClass, wasm.executionClass);
  assert.equal(compareOutputs({ kind: "tolerance" }, a, b).agree, true);
  assert.equal(compareOutputs({ kind: "tolerance" }, a, c).agree, false);
});
