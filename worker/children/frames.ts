/**
 * Frames on a pipe between the supervisor and a child: a JSON header and parts of raw bytes, so that
 * pictures travel as they are.
 *
 *     u32 length of the header | u32 count of parts | u32 length of each part | header | parts
 *
 * Numbers are big-endian. Node's own IPC would do the same with V8's deserialiser, which is not made
 * for bytes from a process that may have been taken over; the supervisor holds keys, so it reads
 * nothing but lengths within bounds and JSON.
 */

import type { Socket } from "node:net";

export interface Frame {
  /** What the JSON says; nobody has checked it yet. */
  readonly header: unknown;
  readonly parts: readonly Uint8Array[];
}

/** A frame that breaks these is not read at all. */
export interface FrameLimits {
  readonly headerBytesMax: number;
  readonly partsMax: number;
  /** Of all parts of one frame together. */
  readonly partBytesMax: number;
}

/** The other side sent what is no frame, or a larger one than it may; `bytes` are of its parts. */
export class FrameError extends Error {
  readonly reason: "malformed" | "too-large";
  constructor(reason: "malformed" | "too-large", message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "FrameError";
    this.reason = reason;
  }
}

/** The parts are not copied: they must stay as they are until they are written. */
export const writeFrame = (
  pipe: Pick<Socket, "cork" | "uncork" | "write">,
  { header, parts }: Frame,
): void => {
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.allocUnsafe(8 + 4 * parts.length);
  head.writeUInt32BE(text.length, 0);
  head.writeUInt32BE(parts.length, 4);
  for (const [index, { byteLength }] of parts.entries())
    head.writeUInt32BE(byteLength, 8 + 4 * index);
  pipe.cork();
  pipe.write(head);
  pipe.write(text);
  for (const part of parts) if (part.byteLength > 0) pipe.write(part);
  pipe.uncork();
};

/**
 * Feed it the chunks of a pipe in order; it calls `onFrame` for each whole frame. Each part is an
 * array of its own.
 *
 * @returns What takes a chunk. @throws {FrameError} On the first bad frame; feed it no more then.
 */
export const frameReader = (
  limits: FrameLimits,
  onFrame: (frame: Frame) => void,
): ((chunk: Uint8Array) => void) => {
  const parser = parseFrames(limits, onFrame);
  let target = new Uint8Array(parser.next().value);
  let filled = 0;
  return (chunk) => {
    for (let read = 0; read < chunk.length; ) {
      const taken = Math.min(chunk.length - read, target.length - filled);
      target.set(chunk.subarray(read, read + taken), filled);
      read += taken;
      filled += taken;
      if (filled < target.length) return;
      target = new Uint8Array(parser.next(target).value);
      filled = 0;
    }
  };
};

/** Yields how many bytes it needs next, at least 1, and is given exactly those. */
function* parseFrames(
  { headerBytesMax, partsMax, partBytesMax }: FrameLimits,
  onFrame: (frame: Frame) => void,
): Generator<number, never, Uint8Array> {
  for (;;) {
    const head = viewOf(yield 8);
    const headerBytes = head.getUint32(0);
    const count = head.getUint32(4);
    if (headerBytes < 2 || headerBytes > headerBytesMax || count > partsMax)
      throw new FrameError("malformed", `a frame states ${headerBytes} bytes and ${count} parts`);
    const sizesView = count === 0 ? undefined : viewOf(yield 4 * count);
    const sizes = Array.from({ length: count }, (_, at) => sizesView?.getUint32(4 * at) ?? 0);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total > partBytesMax)
      throw new FrameError("too-large", `a frame has ${total} bytes, more than ${partBytesMax}`);
    const header = parse(yield headerBytes);
    const parts: Uint8Array[] = [];
    for (const size of sizes) parts.push(size === 0 ? new Uint8Array(0) : yield size);
    onFrame({ header, parts });
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

const parse = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FrameError("malformed", "a frame's header is not JSON", cause);
  }
};
