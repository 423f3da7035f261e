/**
 * How a tensor is written as canonical JSON: `{"data":[…],"dtype":"float32","shape":[2,3]}`.
 *
 * Numbers are exact: the shortest decimal that reads back as the same number of that dtype. What
 * JSON numbers cannot say is a string: `"NaN"`, `"Infinity"`, `"-Infinity"`, `"-0"`, and every int64.
 */

export const dtypes = ["float32", "float64", "int32", "int64", "uint8", "bool"] as const;
export type Dtype = (typeof dtypes)[number];

export const isDtype = (value: unknown): value is Dtype => dtypes.some((dtype) => dtype === value);

/** Reads one element of this dtype; undefined when it is none. */
export type ReadElement<T> = (element: unknown) => T | undefined;

const namedNumbers: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "-0": -0,
};

/** A finite number, or one of the strings for what JSON cannot say. */
export const readFloat: ReadElement<number> = (element) => {
  if (typeof element === "number") return Number.isFinite(element) ? element : undefined;
  if (typeof element !== "string" || !Object.hasOwn(namedNumbers, element)) return undefined;
  return namedNumbers[element];
};

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** A whole number as a decimal string such as `"-12"`, without leading zeros or a plus. */
export const readInt64: ReadElement<bigint> = (element) => {
  if (typeof element !== "string" || !/^(?:0|-?[1-9]\d{0,18})$/.test(element)) return undefined;
  const value = BigInt(element);
  return value >= int64Min && value <= int64Max ? value : undefined;
};

/** A whole JSON number within bounds. */
export const readInteger =
  (min: number, max: number): ReadElement<number> =>
  (element) =>
    typeof element === "number" && Number.isInteger(element) && element >= min && element <= max
      ? element
      : undefined;

export const readInt32 = readInteger(-(2 ** 31), 2 ** 31 - 1);
export const readUint8 = readInteger(0, 255);

export const readBool: ReadElement<boolean> = (element) =>
  typeof element === "boolean" ? element : undefined;

/** How many elements a shape holds; undefined when a dimension is no count or the total too large. */
export const elementCount = (shape: readonly unknown[]): number | undefined => {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
  }
  return Number.isSafeInteger(count) ? count : undefined;
};

/** The canonical JSON of a float64. */
export const writeFloat64 = (value: number): string => {
  if (Number.isFinite(value) && !Object.is(value, -0)) return JSON.stringify(value);
  return Object.is(value, -0) ? '"-0"' : `"${value}"`;
};

const float32NormalMin = 2 ** -126;

/**
 * The canonical JSON of a float32: the fewest digits that read back as the same float32, so 0.1
 * and not 0.10000000149011612.
 */
export const writeFloat32 = (value: number): string => {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (Number.isInteger(value) && size < 2 ** 24))
    return writeFloat64(value);
  // Six digits always survive in a normal float32, so that fewer need not be tried.
  for (let digits = size < float32NormalMin ? 1 : 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return JSON.stringify(shorter);
  }
  return JSON.stringify(Number(value.toPrecision(9)));
};
