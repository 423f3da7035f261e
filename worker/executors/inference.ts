/**
 * What the executors need of an inference engine, so that an app is written once and runs on the
 * native and on the wasm runtime. `ort-node.ts` and `ort-web.ts` implement it.
 */

import type { Dtype } from "../../domain/verification/tensor-json.ts";
import type { ExecutionClass } from "../executor.ts";

export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** `data` is row-major; its class follows from `dtype`, and a `bool` is a byte of 0 or 1. */
export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** What a model declares about one input or output. */
export interface TensorInfo {
  readonly name: string;
  /** As ONNX names it, such as `float32`; a model may use a dtype that no job can pass. */
  readonly dtype: string;
  /** One entry a dimension: its size, or a name where any size goes. */
  readonly shape: readonly (number | string)[];
}

export interface InferenceSession {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** @throws {Error} What the runtime says, in its own words. Blocks the thread while it computes. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

export interface InferenceEngine {
  readonly executionClass: ExecutionClass;
  /** @throws {Error} When the bytes are no model that the runtime can run. */
  load(model: Uint8Array): Promise<InferenceSession>;
}

export type EngineName = "ort-node" | "ort-web";
