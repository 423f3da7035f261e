/** Small work with bytes. */
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export { bytesToHex as hexOf, utf8ToBytes as utf8 };

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** Whether both are equal, in a time that depends on the lengths alone. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
};

const hexForm = /^(?:[0-9a-f]{2})*$/;

/** Whether a value is lower-case hex of exactly so many bytes. Each value has one such text. */
export const isHexOf = (bytes: number, value: unknown): value is string =>
  typeof value === "string" && value.length === 2 * bytes && hexForm.test(value);

/**
 * The bytes of lower-case hex; undefined if it is not the hex of so many bytes.
 *
 * @param bytes - Length expected.
 */
export const fromHex = (bytes: number, value: unknown): Uint8Array | undefined =>
  isHexOf(bytes, value) ? hexToBytes(value) : undefined;

/** A whole number of at least 0 as big-endian bytes. */
export const bigEndian = (value: number, bytes: number): Uint8Array => {
  const out = new Uint8Array(bytes);
  let rest = value;
  for (let i = bytes - 1; i >= 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  if (rest !== 0) throw new RangeError(`${value} does not fit into ${bytes} bytes`);
  return out;
};
