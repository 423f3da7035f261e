/** What a call answers: messages as they come, and the status at its end. */

import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { type Message, splitFrames } from "../../embedded/grpc/frames.ts";
import { EventStoreError } from "../../event-store.ts";
import { toStoreError } from "../errors.ts";

/** Larger than any event that a server takes. */
const messageBytesMax = 64 << 20;

const textOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not encoded as it should be; better than nothing.
  }
};

/** The error that a status says; undefined for OK, and where there is none. */
const errorOf = (headers: IncomingHttpHeaders): EventStoreError | undefined => {
  const code = Number(textOf(headers, "grpc-status") ?? 0);
  const message = decoded(textOf(headers, "grpc-message") ?? `gRPC status ${code}`);
  if (code !== 0) return toStoreError({ type: textOf(headers, "exception"), code, message });
  const http = headers[":status"] ?? 200;
  if (http === 200) return undefined;
  return new EventStoreError("unavailable", `the server answered with HTTP status ${http}`);
};

export interface Answers {
  /**
   * Messages that came together, in order; ends when the call ended well.
   *
   * @param withinMs - How long the next ones may take; forever if left out.
   * @throws {EventStoreError}
   */
  messages(withinMs?: number): AsyncGenerator<readonly Message[], void>;
}

/** Listens to a stream from now on. While nobody takes messages, the server waits. */
export const answersOf = (stream: ClientHttp2Stream): Answers => {
  const frames = splitFrames(messageBytesMax);
  let failure: EventStoreError | undefined;
  let answered = false;
  let over = false;
  let wake: (() => void) | undefined;
  const rouse = (): void => wake?.();
  stream.on("readable", rouse);
  stream.once("response", (headers) => {
    answered = true;
    failure ??= errorOf(headers);
  });
  stream.once("trailers", (trailers) => {
    failure ??= errorOf(trailers);
  });
  stream.on("error", (error) => {
    failure ??=
      error instanceof EventStoreError
        ? error
        : new EventStoreError("unavailable", error.message, error);
  });
  stream.once("close", () => {
    over = true;
    rouse();
  });

  const news = (withinMs: number | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer =
        withinMs === undefined
          ? undefined
          : setTimeout(
              () => reject(new EventStoreError("timeout", `no answer within ${withinMs} ms`)),
              withinMs,
            );
      wake = () => {
        wake = undefined;
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    async *messages(withinMs) {
      for (;;) {
        const chunk = stream.read() as Buffer | null;
        if (chunk !== null) {
          const messages = frames.take(chunk);
          if (messages.length > 0) yield messages;
        } else if (over) break;
        else await news(withinMs);
      }
      if (failure !== undefined) throw failure;
      if (!answered || frames.held > 0)
        throw new EventStoreError("unavailable", "the connection ended before the answer did");
    },
  };
};
