/** Append, BatchAppend, Delete and Tombstone. */

import { type AppendResult, EventStoreError } from "../../event-store.ts";
import type { LogExpected } from "../decide.ts";
import type { LogEvent } from "../log.ts";
import type { EmbeddedStore } from "../store.ts";
import {
  appendAnswer,
  type BatchFailure,
  batchAnswer,
  batchFailures,
  deleteAnswer,
} from "./answers.ts";
import { type Call, CallError, statusCodes } from "./call.ts";
import type { Message } from "./frames.ts";
import {
  inner,
  readBatchPart,
  readProposed,
  readWriteTarget,
  type WriteTarget,
} from "./requests.ts";

/** Appends of one batch stream that may wait for the disk at a time. */
const pendingMax = 16_384;

const expectedOnWire = (expected: LogExpected): string =>
  expected === "any" ? "-2" : expected === "stream-exists" ? "-4" : String(expected);

const isSystemStream = (stream: string): boolean =>
  stream.startsWith("$") && !stream.startsWith("$$");

/** The store's error as the real server would say it in a call's trailers. */
export const callErrorOf = (error: unknown, stream: string, maxAppendBytes: number): CallError => {
  if (error instanceof CallError) return error;
  if (!(error instanceof EventStoreError))
    return new CallError(statusCodes.internal, error instanceof Error ? error.message : "internal");
  const { code, message } = error;
  const named = (exception: string): Record<string, string> => ({
    exception,
    "stream-name": stream,
  });
  if (code === "stream-deleted")
    return new CallError(statusCodes.failedPrecondition, message, named("stream-deleted"));
  if (code === "too-large")
    return new CallError(statusCodes.invalidArgument, message, {
      exception: "maximum-append-size-exceeded",
      "maximum-append-size": String(maxAppendBytes),
    });
  if (code === "bad-request" && isSystemStream(stream))
    return new CallError(statusCodes.permissionDenied, message, named("access-denied"));
  const status =
    code === "bad-request"
      ? statusCodes.invalidArgument
      : code === "disk-full"
        ? statusCodes.resourceExhausted
        : code === "corrupt"
          ? statusCodes.dataLoss
          : statusCodes.unavailable;
  return new CallError(status, `${code}: ${message}`);
};

const options = (request: Message): WriteTarget => {
  const found = inner(request, 1);
  if (found === undefined)
    throw new CallError(statusCodes.invalidArgument, "the first message has no options");
  return readWriteTarget(found);
};

export const append = async (store: EmbeddedStore, call: Call): Promise<void> => {
  let target: WriteTarget | undefined;
  let bytes = 0;
  const events: LogEvent[] = [];
  for await (const message of call.messages()) {
    if (target === undefined) {
      target = options(message);
      continue;
    }
    bytes += message.end - message.start;
    // Remembered beyond the limit only as far as the refusal needs.
    if (bytes > 2 * store.maxAppendBytes + (1 << 20)) continue;
    const proposed = inner(message, 2);
    if (proposed === undefined)
      throw new CallError(statusCodes.invalidArgument, "a message holds no event");
    const event = readProposed(proposed);
    if (event.type === "")
      throw new CallError(statusCodes.invalidArgument, "an event has no type", {
        exception: "missing-required-metadata-property",
        "required-metadata-properties": "type,content-type",
      });
    events.push(event);
  }
  if (call.isOver) return;
  if (target === undefined)
    throw new CallError(statusCodes.invalidArgument, "the request has no options");
  const { stream, expected } = target;
  try {
    const result = await store.writer.append(stream, events, expected);
    await call.send(appendAnswer(result, expected));
  } catch (error) {
    throw callErrorOf(error, stream, store.maxAppendBytes);
  }
};

const batchFailureOf = (error: unknown, stream: string, maxAppendBytes: number): BatchFailure => {
  if (!(error instanceof EventStoreError)) throw error;
  const { code, message } = error;
  if (code === "stream-deleted") return batchFailures.streamDeleted(stream);
  if (code === "too-large") return batchFailures.tooLarge(maxAppendBytes);
  if (code === "bad-request" && isSystemStream(stream)) return batchFailures.accessDenied();
  return batchFailures.other(code, message);
};

interface Pending {
  target: WriteTarget;
  bytes: number;
  readonly events: LogEvent[];
}

export const batchAppend = async (store: EmbeddedStore, call: Call): Promise<void> => {
  const open = new Map<string, Pending>();
  let waiting = 0;
  let rouse: (() => void) | undefined;
  let broken: unknown;

  const answerAppend = async (correlation: Buffer, pending: Pending): Promise<void> => {
    const { target, events } = pending;
    const { stream, expected } = target;
    try {
      let outcome: (AppendResult & { ok: true }) | BatchFailure;
      try {
        if (store.now() > target.deadlineMs) outcome = batchFailures.timeout();
        else {
          const result = await store.writer.append(stream, events, expected);
          outcome = result.ok
            ? result
            : batchFailures.wrongExpectedVersion(result.actual, expected);
        }
      } catch (error) {
        outcome = batchFailureOf(error, stream, store.maxAppendBytes);
      }
      call.sendSoon(batchAnswer(correlation, stream, outcome));
    } catch (error) {
      broken ??= error;
    }
    waiting--;
    rouse?.();
  };

  for await (const message of call.messages()) {
    const part = readBatchPart(message);
    const key = part.correlation.toString("latin1");
    let pending = open.get(key);
    if (pending === undefined) {
      if (part.target === undefined)
        throw new CallError(statusCodes.invalidArgument, "an append begins without options");
      pending = { target: part.target, bytes: 0, events: [] };
      if (!part.isFinal) open.set(key, pending);
    }
    pending.bytes += part.bytes;
    // Remembered beyond the limit only as far as the refusal needs.
    if (pending.bytes <= 4 * store.maxAppendBytes + messageSlack)
      for (const event of part.events) pending.events.push(event);
    if (part.isFinal) {
      open.delete(key);
      waiting++;
      void answerAppend(part.correlation, pending);
    }
    if (broken !== undefined) throw broken;
    while (waiting >= pendingMax && !call.isOver)
      await new Promise<void>((resolve) => {
        rouse = resolve;
      });
    await call.ready();
  }
  while (waiting > 0)
    await new Promise<void>((resolve) => {
      rouse = resolve;
    });
  if (broken !== undefined) throw broken;
};

const messageSlack = 4 << 20;

export const removal =
  (how: "deleteStream" | "tombstoneStream") =>
  async (store: EmbeddedStore, call: Call): Promise<void> => {
    const { stream, expected } = options(await call.message());
    let result: AppendResult;
    try {
      result = await store.writer[how](stream, expected);
    } catch (error) {
      throw callErrorOf(error, stream, store.maxAppendBytes);
    }
    if (result.ok) return call.send(deleteAnswer(result.position));
    throw new CallError(
      statusCodes.failedPrecondition,
      `${stream} is at ${result.actual}, expected ${expected}`,
      {
        exception: "wrong-expected-version",
        "stream-name": stream,
        "expected-version": expectedOnWire(expected),
        ...(result.actual === "no-stream" ? {} : { "actual-version": String(result.actual) }),
      },
    );
  };
