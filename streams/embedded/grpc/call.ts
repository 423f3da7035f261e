/**
 * One gRPC call on an HTTP/2 stream: frames in, frames out with back pressure, a status at the end.
 */

import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { FrameError, type FrameSplitter, type Message, splitFrames } from "./frames.ts";

/** gRPC status codes in use here (grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export const statusCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
} as const;

/** Ends a call with a status other than OK. */
export class CallError extends Error {
  readonly code: number;
  readonly trailers: Readonly<Record<string, string>>;
  constructor(code: number, message: string, trailers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "CallError";
    this.code = code;
    this.trailers = trailers;
  }
}

/** The largest message a client may send: the real server's limit of 16 MiB, and its envelope. */
const messageBytesMax = 17 << 20;

/** Header values must be printable ASCII; gRPC says to percent-encode the rest. */
const headerText = (value: string): string =>
  value.replace(/[^\x20-\x24\x26-\x7e]/gu, (char) =>
    [...Buffer.from(char, "utf8")]
      .map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`)
      .join(""),
  );

const timeoutUnitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

const timeoutMs = (header: string | readonly string[] | undefined): number | undefined => {
  const match = typeof header === "string" ? /^(\d{1,8})([HMSmun])$/.exec(header) : null;
  return match === null ? undefined : Number(match[1]) * (timeoutUnitsMs[match[2] ?? ""] ?? 0);
};

const whole = (frames: FrameSplitter, chunk: Buffer): readonly Message[] => {
  try {
    return frames.take(chunk);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    const { unimplemented, resourceExhausted } = statusCodes;
    const code = error.reason === "compressed" ? unimplemented : resourceExhausted;
    throw new CallError(code, error.message);
  }
};

export class Call {
  readonly #stream: ServerHttp2Stream;
  #ended = false;
  #outgoing: Buffer[] = [];
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;
  #status: { code: number; message: string; trailers: Readonly<Record<string, string>> } = {
    code: statusCodes.ok,
    message: "",
    trailers: {},
  };

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    stream.once("close", () => {
      this.#ended = true;
      clearTimeout(this.#timer);
    });
    // The peer's reset: "close" follows, and there is nobody to tell.
    stream.on("error", () => undefined);
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => {
      const { code, message, trailers } = this.#status;
      stream.sendTrailers({
        "grpc-status": String(code),
        ...(message === "" ? {} : { "grpc-message": headerText(message) }),
        ...Object.fromEntries(
          Object.entries(trailers).map(([name, value]) => [name, headerText(value)]),
        ),
      });
    });
    const limit = timeoutMs(headers["grpc-timeout"]);
    if (limit !== undefined)
      this.#timer = setTimeout(
        () => this.fail(new CallError(statusCodes.deadlineExceeded, "the deadline passed")),
        Math.min(limit, 0x7fffffff),
      );
  }

  /** Whether nobody listens any more, or the status was sent. */
  get isOver(): boolean {
    return this.#ended;
  }
  /**
   * Calls back when the call is over, whoever ended it; returns how to stop that. No promise: what
   * races against one is kept until it settles, and a subscription waits for every commit.
   */
  onOver(listener: () => void): () => void {
    this.#stream.once("close", listener);
    return () => this.#stream.off("close", listener);
  }

  /** The client's messages, in order; a slow consumer slows the client down. */
  async *messages(): AsyncGenerator<Message> {
    const frames = splitFrames(messageBytesMax);
    // Leaving the loop early must not reset the stream: its status is still to be sent.
    const incoming = this.#stream.iterator({ destroyOnReturn: false });
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      if (this.#ended) return;
      yield* whole(frames, chunk);
    }
    if (frames.held > 0 && !this.#ended)
      throw new CallError(statusCodes.internal, "the request ends inside a message");
  }

  /** The only message of a unary call. */
  async message(): Promise<Message> {
    let only: Message | undefined;
    for await (const message of this.messages()) {
      if (only !== undefined)
        throw new CallError(statusCodes.internal, "a unary call has more than one message");
      only = message;
    }
    if (only === undefined) throw new CallError(statusCodes.internal, "the request has no message");
    return only;
  }

  /** Sends frames; resolves when the client has room for more, or is gone. */
  async send(frames: Uint8Array): Promise<void> {
    if (this.#ended || frames.length === 0) return;
    if (this.#stream.write(frames)) return;
    await this.#drained();
  }

  /** Sends a frame soon, with all others of this turn in one write. */
  sendSoon(frame: Buffer): void {
    this.#outgoing.push(frame);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const frames = this.#outgoing;
    this.#outgoing = [];
    if (!this.#ended && frames.length > 0) this.#stream.write(Buffer.concat(frames));
  }

  /** Resolves at once unless the client reads more slowly than we write. */
  async ready(): Promise<void> {
    if (!this.#ended && this.#stream.writableNeedDrain) await this.#drained();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.off("drain", done);
        stop();
        resolve();
      };
      this.#stream.once("drain", done);
      const stop = this.onOver(done);
    });
  }

  finish(): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    this.#stream.end();
  }

  fail(error: CallError): void {
    if (this.#ended) return;
    const { code, message, trailers } = error;
    this.#status = { code, message, trailers };
    this.finish();
    // Whatever the client still sends is of no interest, and must not fill the window.
    this.#stream.resume();
  }
}
