/** gRPC's frames: each message has a byte that says whether it is compressed, and its length. */

/** A message inside a frame. */
export interface Message {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What arrived is no sequence of frames, or one is larger than allowed. */
export class FrameError extends Error {
  readonly reason: "compressed" | "too-large";
  constructor(reason: FrameError["reason"], message: string) {
    super(message);
    this.name = "FrameError";
    this.reason = reason;
  }
}

export interface FrameSplitter {
  /**
   * The messages that are whole with this chunk, in order.
   *
   * @throws {FrameError}
   */
  take(chunk: Buffer): readonly Message[];
  /** Bytes of a message that is not whole yet. */
  readonly held: number;
}

const headBytes = 5;

export const splitFrames = (messageBytesMax: number): FrameSplitter => {
  let chunks: Buffer[] = [];
  let held = 0;
  let needed = headBytes;
  return {
    take: (chunk) => {
      chunks.push(chunk);
      held += chunk.length;
      if (held < needed) return [];
      const buffer = chunks.length === 1 ? chunk : Buffer.concat(chunks);
      const messages: Message[] = [];
      let at = 0;
      needed = headBytes;
      while (buffer.length - at >= headBytes) {
        if (buffer[at] !== 0)
          throw new FrameError("compressed", "compressed messages are not supported");
        const length = buffer.readUInt32BE(at + 1);
        if (length > messageBytesMax)
          throw new FrameError(
            "too-large",
            `a message of ${length} bytes is larger than the maximum of ${messageBytesMax}`,
          );
        const start = at + headBytes;
        if (buffer.length - start < length) {
          needed = headBytes + length;
          break;
        }
        messages.push({ buffer, start, end: start + length });
        at = start + length;
      }
      chunks = at === buffer.length ? [] : [buffer.subarray(at)];
      held = buffer.length - at;
      return messages;
    },
    get held() {
      return held;
    },
  };
};
