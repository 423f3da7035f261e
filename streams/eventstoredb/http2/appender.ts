/** Appends on one `BatchAppend` call: all of one turn in one write, answered in any order. */

import type { ClientHttp2Stream } from "node:http2";
import { type AppendResult, EventStoreError, type Expected } from "../../event-store.ts";
import { readAppendAnswer } from "./answers.ts";
import { answersOf } from "./call.ts";
import type { Connection } from "./connection.ts";
import { type EventText, Outgoing, writeAppend } from "./requests.ts";

export interface Appender {
  /** @throws {EventStoreError} After `unavailable` and `timeout` it may have been written. */
  append(stream: string, events: readonly EventText[], expected: Expected): Promise<AppendResult>;
}

interface Waiting {
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineAt: number;
}

/** One call; when it breaks, the next append makes another one. */
interface Line {
  readonly stream: ClientHttp2Stream;
  /** By correlation id, in the order of their deadlines. */
  readonly waiting: Map<string, Waiting>;
  outgoing: Outgoing | undefined;
}

const firstBufferBytes = 16_384;

export const openAppender = (
  connection: Connection,
  { timeoutMs }: { readonly timeoutMs: number },
): Appender => {
  let line: Line | undefined;
  let count = 0;
  let isWatched = false;

  const correlationOf = (n: number): string =>
    `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

  const hear = async (own: Line): Promise<void> => {
    let error: unknown = new EventStoreError("unavailable", "the server ended the appends");
    try {
      for await (const messages of answersOf(own.stream).messages())
        for (const message of messages) {
          const { correlation, outcome } = readAppendAnswer(message);
          const waiting = own.waiting.get(correlation);
          own.waiting.delete(correlation);
          if (outcome instanceof Error) waiting?.reject(outcome);
          else waiting?.resolve(outcome);
        }
    } catch (failure) {
      error = failure;
      own.stream.close();
    }
    if (line === own) line = undefined;
    const reason =
      error instanceof EventStoreError
        ? error
        : new EventStoreError("unavailable", "the server's answer cannot be read", error);
    for (const { reject } of own.waiting.values()) reject(reason);
    own.waiting.clear();
  };

  const open = (): Line => {
    const opened: Line = {
      stream: connection.open("BatchAppend"),
      waiting: new Map(),
      outgoing: undefined,
    };
    void hear(opened);
    return opened;
  };

  const flush = (own: Line): void => {
    const bytes = own.outgoing?.take();
    own.outgoing = undefined;
    if (bytes !== undefined && !own.stream.destroyed) own.stream.write(bytes);
  };

  const watchIn = (ms: number): void => {
    if (isWatched) return;
    isWatched = true;
    setTimeout(watch, ms).unref();
  };

  /** All have the same time, so the oldest is the first to be late. */
  const watch = (): void => {
    isWatched = false;
    const now = Date.now();
    for (const [correlation, { deadlineAt, reject }] of line?.waiting ?? []) {
      if (deadlineAt > now) {
        watchIn(deadlineAt - now);
        return;
      }
      line?.waiting.delete(correlation);
      reject(new EventStoreError("timeout", `no answer within ${timeoutMs} ms`));
    }
  };

  return {
    append: (stream, events, expected) =>
      new Promise((resolve, reject) => {
        line ??= open();
        const own = line;
        const correlation = correlationOf(count++);
        const deadlineAt = Date.now() + timeoutMs;
        if (own.outgoing === undefined) {
          own.outgoing = new Outgoing(firstBufferBytes);
          process.nextTick(flush, own);
        }
        writeAppend(own.outgoing, { correlation, stream, events, expected, deadlineAt });
        own.waiting.set(correlation, { resolve, reject, deadlineAt });
        watchIn(timeoutMs);
      }),
  };
};
