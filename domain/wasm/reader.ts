/** Reads the bytes of a WebAssembly module, strictly: nothing longer than it must be, nothing cut off. */

/** Why a module is refused: stable, one for each rule. */
export type ModuleFaultReason =
  | "not-wasm"
  | "truncated"
  | "malformed"
  | "too-large"
  | "section-order"
  | "import-refused"
  | "export-missing"
  | "export-refused"
  | "feature-refused"
  | "memory-refused"
  | "table-refused"
  | "too-many"
  | "body-too-large"
  | "segment-outside"
  | "unknown-index"
  | "type-mismatch";

/** The module breaks a rule. The message is one sentence that names what, and is for people. */
export class ModuleFault extends Error {
  readonly reason: ModuleFaultReason;
  constructor(reason: ModuleFaultReason, message: string) {
    super(message);
    this.name = "ModuleFault";
    this.reason = reason;
  }
}

/** @throws {ModuleFault} Always. */
export const refuseModule = (reason: ModuleFaultReason, message: string): never => {
  throw new ModuleFault(reason, message);
};

/** A place in the bytes; every read moves it on, and none goes beyond `end`. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;
}

const cutOff = (cursor: Cursor): never =>
  refuseModule("truncated", `the module ends in the middle of something at byte ${cursor.at}`);

export const readByte = (cursor: Cursor): number => {
  if (cursor.at >= cursor.end) cutOff(cursor);
  return cursor.bytes[cursor.at++] as number;
};

export const skip = (cursor: Cursor, bytes: number): void => {
  if (bytes > cursor.end - cursor.at) cutOff(cursor);
  cursor.at += bytes;
};

const tooLong = (cursor: Cursor): never =>
  refuseModule("malformed", `a number is written too long at byte ${cursor.at}`);

/** An unsigned LEB128 of 32 bits. */
export const readU32 = (cursor: Cursor): number => {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = readByte(cursor);
    if (shift === 28 && byte > 0x0f) tooLong(cursor);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
  return tooLong(cursor);
};

/** A signed LEB128 of 32 bits. */
export const readS32 = (cursor: Cursor): number => {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = readByte(cursor);
    if (shift === 28 && !isSignOnly(byte, 4)) tooLong(cursor);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return shift < 25 ? (value << (25 - shift)) >> (25 - shift) : value;
  }
  return tooLong(cursor);
};

/** Steps over a signed LEB128 of 64 bits. */
export const skipS64 = (cursor: Cursor): void => {
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = readByte(cursor);
    if (shift === 63 && !isSignOnly(byte, 1)) tooLong(cursor);
    if (byte < 0x80) return;
  }
  tooLong(cursor);
};

/** Whether a last byte says nothing beyond its `used` low bits but their sign, and is the last. */
const isSignOnly = (byte: number, used: number): boolean => {
  const rest = byte >> (used - 1);
  return rest === 0 || rest === 0x7f >> (used - 1);
};

/**
 * A count of things, bounded before anything is done with it, also by the bytes that are left.
 *
 * @param least - The fewest bytes that one of them takes, at least 1.
 */
export const readCount = (cursor: Cursor, what: string, most: number, least = 1): number => {
  const count = readU32(cursor);
  if (count > most) refuseModule("too-many", `the module has ${count} ${what}, more than ${most}`);
  if (count * least > cursor.end - cursor.at) cutOff(cursor);
  return count;
};

const nameBytesMax = 1_000;

/** A name in UTF-8. */
export const readName = (cursor: Cursor): string => {
  const length = readCount(cursor, "bytes in a name", nameBytesMax);
  const bytes = cursor.bytes.subarray(cursor.at, cursor.at + length);
  skip(cursor, length);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseModule("malformed", `a name is not UTF-8 at byte ${cursor.at - length}`);
  }
};
