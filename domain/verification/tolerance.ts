/** Comparator `tolerance`: tensors whose numbers are close. */

import type { Comparator } from "./comparator.ts";
import type { Comparison } from "./comparison.ts";
import { isObject, member, readObject, readText } from "./read-json.ts";
import {
  type Dtype,
  elementCount,
  isDtype,
  type ReadElement,
  readBool,
  readFloat,
  readInt32,
  readInt64,
  readUint8,
} from "./tensor-json.ts";

/**
 * Without an `atol`, it is this share of the tensor's largest magnitude: the native and the wasm
 * runtime differ by at most 2.1e-5 of it in 8 of 9 models measured; an ill-conditioned one needs more.
 */
export const atolOfScale = 1e-4;

/**
 * Agrees when names, dtypes and shapes are the same, NaN and infinities stand in the same places,
 * and every |a - b| <= atol + rtol * max(|a|, |b|). `rtol` is 0 by default. The larger of the two
 * magnitudes stands where others have |b|, so that the order does not matter.
 *
 * Integers know no rounding in proportion to their size (they are indexes, as a rule): |a - b| <=
 * atol, where that is given, and else equality. Booleans are equal or not.
 *
 * The distance is the largest |a - b| / largest magnitude of any tensor, at most 1.
 */
export const compareTensors = (
  { atol, rtol = 0 }: Extract<Comparator, { kind: "tolerance" }>,
  a: Uint8Array,
  b: Uint8Array,
): Comparison => {
  const left = readTensors(a);
  const right = readTensors(b);
  if (!left || !right) return differ("unreadable");
  if (left.size !== right.size) return differ("names-differ");

  let distance = 0;
  let agree = true;
  for (const [name, one] of left) {
    const other = right.get(name);
    if (!other) return differ("names-differ");
    if (one.dtype !== other.dtype) return differ("dtypes-differ");
    if (one.shape.join() !== other.shape.join()) return differ("shapes-differ");
    const measured = measure(one, other, { atol, rtol });
    agree &&= measured.agree;
    distance = Math.max(distance, measured.distance);
  }
  return { agree, distance, reason: agree ? "within-tolerance" : "out-of-tolerance" };
};

const differ = (reason: Comparison["reason"]): Comparison => ({
  agree: false,
  distance: 1,
  reason,
});

interface Numbers {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly values: readonly (number | bigint)[];
}

const readTensors = (bytes: Uint8Array): ReadonlyMap<string, Numbers> | undefined => {
  const text = readText(bytes);
  const object = text === undefined ? undefined : readObject(text);
  if (!object) return undefined;
  const tensors = new Map<string, Numbers>();
  for (const [name, value] of Object.entries(object)) {
    const tensor = readNumbers(value);
    if (!tensor) return undefined;
    tensors.set(name, tensor);
  }
  return tensors;
};

const readNumbers = (value: unknown): Numbers | undefined => {
  if (!isObject(value)) return undefined;
  const [dtype, shape, data] = ["dtype", "shape", "data"].map((name) => member(value, name));
  if (!isDtype(dtype) || !Array.isArray(shape) || !Array.isArray(data)) return undefined;
  if (elementCount(shape) !== data.length) return undefined;
  const values: (number | bigint)[] = [];
  for (const element of data) {
    const number = readers[dtype](element);
    if (number === undefined) return undefined;
    values.push(number);
  }
  return { dtype, shape: shape as readonly number[], values };
};

const readers: Readonly<Record<Dtype, ReadElement<number | bigint>>> = {
  float32: (element) => {
    const value = readFloat(element);
    return value === undefined ? undefined : Math.fround(value);
  },
  float64: readFloat,
  int32: readInt32,
  int64: readInt64,
  uint8: readUint8,
  bool: (element) => {
    const value = readBool(element);
    return value === undefined ? undefined : Number(value);
  },
};

const measure = (
  one: Numbers,
  other: Numbers,
  { atol, rtol }: { readonly atol: number | undefined; readonly rtol: number },
): { readonly agree: boolean; readonly distance: number } => {
  const real = one.dtype === "float32" || one.dtype === "float64";
  const scale = Math.max(magnitude(one.values), magnitude(other.values));
  const absolute = one.dtype === "bool" ? 0 : (atol ?? (real ? atolOfScale * scale : 0));
  const relative = real ? rtol : 0;

  let worst = 0;
  let agree = true;
  one.values.forEach((x, index) => {
    const y = other.values[index] as number | bigint;
    const apart = difference(x, y);
    if (apart === 0) return;
    const size = Math.max(Math.abs(Number(x)), Math.abs(Number(y)));
    // Not `apart > bound`: a bound or a difference that is infinite or no number never agrees.
    if (!(Number.isFinite(apart) && apart <= absolute + relative * size)) agree = false;
    worst = Math.max(worst, apart);
  });
  const distance = worst === 0 ? 0 : Math.min(1, scale === 0 ? 1 : worst / scale);
  return { agree, distance };
};

/** Largest finite magnitude. */
const magnitude = (values: readonly (number | bigint)[]): number =>
  values.reduce<number>((largest, value) => {
    const size = Math.abs(Number(value));
    return Number.isFinite(size) && size > largest ? size : largest;
  }, 0);

/** |x - y|; 0 for the same NaN or infinity, infinite where only one is finite. */
const difference = (x: number | bigint, y: number | bigint): number => {
  if (typeof x === "bigint" && typeof y === "bigint") return Number(x > y ? x - y : y - x);
  const [a, b] = [Number(x), Number(y)];
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const apart = Math.abs(a - b);
  return Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
};
