/** Tensors of a job: from canonical JSON to the runtime's arrays and back. */

import {
  type Dtype,
  dtypes,
  elementCount,
  isDtype,
  type ReadElement,
  readBool,
  readFloat,
  readInt32,
  readInt64,
  readUint8,
  writeFloat32,
  writeFloat64,
} from "../../domain/verification/tensor-json.ts";
import { AppError } from "../executor.ts";
import type { Tensor, TensorData } from "./inference.ts";

/** One input; `name` is for the refusals. @throws {AppError} `bad-tensor`. */
export const decodeTensor = (name: string, bytes: Uint8Array): Tensor => {
  const { dtype, shape, data } = parse(name, bytes);
  if (!isDtype(dtype))
    throw bad(name, `has the dtype ${show(dtype)}; known are ${dtypes.join(", ")}`);
  if (!Array.isArray(shape)) throw bad(name, "has no array as its shape");
  const count = elementCount(shape);
  if (count === undefined) throw bad(name, `has the shape ${show(shape)}, which is no shape`);
  if (!Array.isArray(data)) throw bad(name, "has no array as its data");
  if (data.length !== count)
    throw bad(name, `has ${data.length} elements, its shape [${shape.join(",")}] holds ${count}`);
  return { dtype, shape, data: readers[dtype](name, data) };
};

const parse = (name: string, bytes: Uint8Array): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw bad(name, "is not JSON", cause);
  }
  throw bad(name, "is not a JSON object");
};

const bad = (name: string, what: string, cause?: unknown) =>
  new AppError("bad-tensor", `the tensor "${name}" ${what}`, cause);

/** Long or deep values are cut: a message is one sentence. */
const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

type Read = (name: string, data: readonly unknown[]) => TensorData;

const reader =
  <T extends number | bigint>(
    dtype: Dtype,
    make: (length: number) => TensorData,
    read: ReadElement<T>,
  ): Read =>
  (name, data) => {
    const array = make(data.length);
    const elements = array as { [index: number]: number | bigint };
    data.forEach((element, index) => {
      const value = read(element);
      if (value === undefined)
        throw bad(name, `has ${show(element)} at index ${index}, which is no ${dtype}`);
      elements[index] = value;
    });
    return array;
  };

const readers: Readonly<Record<Dtype, Read>> = {
  float32: reader("float32", (length) => new Float32Array(length), readFloat),
  float64: reader("float64", (length) => new Float64Array(length), readFloat),
  int32: reader("int32", (length) => new Int32Array(length), readInt32),
  int64: reader("int64", (length) => new BigInt64Array(length), readInt64),
  uint8: reader("uint8", (length) => new Uint8Array(length), readUint8),
  bool: reader(
    "bool",
    (length) => new Uint8Array(length),
    (element) => (element === undefined ? undefined : readBit(element)),
  ),
};

const readBit: ReadElement<number> = (element) => {
  const value = readBool(element);
  return value === undefined ? undefined : Number(value);
};

/**
 * The canonical JSON of all outputs by name: `{"y":{"data":[1],"dtype":"float32","shape":[1]}}`.
 *
 * Written by hand, because an object would put a name such as "12" before all others.
 */
export const encodeTensors = (tensors: Readonly<Record<string, Tensor>>): Uint8Array => {
  const members = Object.keys(tensors)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${encodeTensor(tensors[name] as Tensor)}`);
  return new TextEncoder().encode(`{${members.join(",")}}`);
};

const encodeTensor = ({ dtype, shape, data }: Tensor): string => {
  const write = writers[dtype];
  const elements = Array.from<number | bigint, string>(data, write);
  return `{"data":[${elements.join(",")}],"dtype":"${dtype}","shape":[${shape.join(",")}]}`;
};

const writers: Readonly<Record<Dtype, (element: number | bigint) => string>> = {
  float32: (element) => writeFloat32(Number(element)),
  float64: (element) => writeFloat64(Number(element)),
  int32: String,
  int64: (element) => `"${element}"`,
  uint8: String,
  bool: (element) => (element ? "true" : "false"),
};
