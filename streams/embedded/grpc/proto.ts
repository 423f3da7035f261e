/** As much of protobuf's wire format as EventStoreDB's messages need. */

export class ProtoError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtoError";
  }
}

/** A field: numbers in `value` (approximate above 2^53), the rest from `start` to `end`. */
export type Visit = (field: number, value: number, start: number, end: number) => void;

/**
 * Calls back for each field of a message, unknown ones included.
 *
 * @throws {ProtoError} If the bytes are not a message.
 */
export const eachField = (buffer: Buffer, from: number, to: number, visit: Visit): void => {
  let at = from;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1, bytes = 0; ; scale *= 128) {
      if (at >= to || bytes++ === 10) throw new ProtoError("a number is cut off or too long");
      const byte = buffer[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < to) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field === 0) throw new ProtoError("a field has number 0");
    if (wire === 0) {
      const start = at;
      visit(field, varint(), start, at);
      continue;
    }
    const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : -1;
    if (length < 0) throw new ProtoError(`wire type ${wire} is not supported`);
    if (at + length > to) throw new ProtoError("a field is cut off");
    visit(field, 0, at, at + length);
    at += length;
  }
};

/** A varint with all its 64 bits, signed. */
export const bigVarint = (buffer: Buffer, start: number, end: number): bigint => {
  let value = 0n;
  for (let at = start, shift = 0n; at < end; at++, shift += 7n)
    value |= BigInt((buffer[at] as number) & 127) << shift;
  return BigInt.asIntN(64, value);
};

const varintBytes = (value: number | bigint): number[] => {
  const bytes: number[] = [];
  if (typeof value === "number" && value < 0x80000000) {
    let rest = value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
    return bytes;
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
};

export const numberField = (field: number, value: number | bigint): Buffer =>
  Buffer.from([...varintBytes(field * 8), ...varintBytes(value)]);

export const bytesField = (field: number, ...parts: readonly (Uint8Array | string)[]): Buffer => {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "utf8") : part)),
  );
  return Buffer.concat([
    Buffer.from([...varintBytes(field * 8 + 2), ...varintBytes(content.length)]),
    content,
  ]);
};

/** A message as gRPC sends it: not compressed, with its length before it. */
export const grpcFrame = (...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const frame = Buffer.allocUnsafe(5 + content.length);
  frame[0] = 0;
  frame.writeUInt32BE(content.length, 1);
  content.copy(frame, 5);
  return frame;
};
