/**
 * The part that the native and the wasm build of ONNX Runtime share: both have the same JavaScript
 * interface, described here as far as we use it.
 */

import { isDtype } from "../../domain/verification/tensor-json.ts";
import type { InferenceSession, Tensor, TensorData, TensorInfo } from "./inference.ts";

interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

interface OrtValueMetadata {
  readonly name: string;
  readonly isTensor: boolean;
}

interface OrtSession {
  readonly inputMetadata: readonly OrtValueMetadata[];
  readonly outputMetadata: readonly OrtValueMetadata[];
  run(
    feeds: Record<string, never>,
    options: { readonly logSeverityLevel: 4 },
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** Makes a tensor of the runtime. Both builds take `(dtype, data, shape)`. */
export type MakeOrtTensor = (
  dtype: Tensor["dtype"],
  data: TensorData,
  shape: readonly number[],
) => unknown;

/** One session of either build behind our interface. */
export const adaptSession = (session: OrtSession, makeTensor: MakeOrtTensor): InferenceSession => ({
  inputs: session.inputMetadata.map(describe),
  outputs: session.outputMetadata.map(describe),

  async run(feeds) {
    const entries = Object.entries(feeds).map(([name, { dtype, shape, data }]) => [
      name,
      makeTensor(dtype, data, shape),
    ]);
    const results = await session.run(Object.fromEntries(entries), { logSeverityLevel: 4 });
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [name, fromOrt(name, tensor)]),
    );
  },

  release: () => session.release(),
});

const describe = (value: OrtValueMetadata): TensorInfo => {
  const { type, shape } = value as OrtValueMetadata & {
    readonly type?: string;
    readonly shape?: readonly (number | string)[];
  };
  return value.isTensor
    ? { name: value.name, dtype: type ?? "unknown", shape: shape ?? [] }
    : { name: value.name, dtype: "not-a-tensor", shape: [] };
};

const fromOrt = (name: string, { type, dims, data }: OrtTensor): Tensor => {
  if (!isDtype(type))
    throw new Error(`output "${name}" has dtype ${type}, which CNCT cannot carry`);
  return { dtype: type, shape: dims, data: data as TensorData };
};
