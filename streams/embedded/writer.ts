/** Appends, deletions and metadata: what comes before the log takes an event. */

import { randomUUID } from "node:crypto";
import { type AppendResult, beforeFirst, EventStoreError } from "../event-store.ts";
import { type Decision, decide, type LogExpected } from "./decide.ts";
import type { Log, LogEvent } from "./log.ts";
import { limitsOf, metadataType, softDeletedJson, tombstoneType } from "./metadata.ts";
import { nameBytesMax, revisionMax } from "./record.ts";

/**
 * Answers come when they are durable. An append without events only checks the expectation, and
 * answers with position -1. Errors of the caller are thrown at once, those of the disk rejected.
 */
export interface Writer {
  append(stream: string, events: readonly LogEvent[], expected: LogExpected): Promise<AppendResult>;
  deleteStream(stream: string, expected: LogExpected): Promise<AppendResult>;
  tombstoneStream(stream: string, expected: LogExpected): Promise<AppendResult>;
}

const uuid = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

const bad = (message: string): EventStoreError => new EventStoreError("bad-request", message);

/** Names of streams and types: not empty, well-formed, not too long for a record. */
const checkName = (what: string, name: string): void => {
  if (name === "") throw bad(`a ${what} needs a name`);
  // A third of the limit in UTF-16 units can never exceed it in UTF-8 bytes.
  if (name.length * 3 > nameBytesMax && Buffer.byteLength(name) > nameBytesMax)
    throw bad(`the name of a ${what} has more than ${nameBytesMax} bytes`);
  if (!name.isWellFormed()) throw bad(`the name of a ${what} is not well-formed Unicode`);
};

const checkStream = (stream: string): void => {
  checkName("stream", stream);
  if (stream.charCodeAt(0) === 36 && !(stream.length > 2 && stream.charCodeAt(1) === 36))
    throw bad(`${stream} is a system stream: only $$ metadata streams can be written`);
};

const bytesOf = (part: string | Uint8Array): number =>
  typeof part === "string" ? Buffer.byteLength(part) : part.length;

const eventBytes = ({ type, data, metadata }: LogEvent): number =>
  bytesOf(data) + bytesOf(metadata) + 2 * type.length;

export const createWriter = (
  log: Log,
  { maxAppendBytes }: { readonly maxAppendBytes: number },
): Writer => {
  const checkSize = (events: readonly LogEvent[]): void => {
    let most = 0;
    for (const { data, metadata, type } of events)
      most += 3 * data.length + 3 * metadata.length + 2 * type.length;
    if (most <= maxAppendBytes) return;
    const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
    if (bytes > maxAppendBytes)
      throw new EventStoreError(
        "too-large",
        `an append of ${bytes} bytes is larger than the maximum of ${maxAppendBytes}`,
      );
  };

  /** Puts events whose writing was decided, and notes what they say about other streams. */
  const put = (stream: number, events: readonly LogEvent[]): number => {
    const name = log.index.streamName(stream);
    const isMetadata = name.startsWith("$$");
    const last = events.length - 1;
    let seq = -1;
    for (let at = 0; at <= last; at++) {
      const event = events[at] as LogEvent;
      seq = log.put(stream, event, at < last);
      if (isMetadata)
        log.putLimits(log.index.streamId(name.slice(2)), limitsOf(textOf(event.data)));
    }
    return seq;
  };

  const written = (seq: number, revision: number): AppendResult => ({
    ok: true,
    revision: BigInt(revision),
    position: BigInt(log.position(seq)),
  });

  const refused = (stream: number, decision: Decision): Promise<AppendResult> => {
    if ("tombstoned" in decision)
      throw new EventStoreError(
        "stream-deleted",
        `the stream ${log.index.streamName(stream)} is tombstoned`,
      );
    if ("repeats" in decision) {
      const seq = decision.repeats;
      return log.whenDurable(written(seq, revisionOf(log, stream, seq)));
    }
    const actual = "conflict" in decision ? decision.conflict : -1;
    return log.whenDurable({ ok: false, actual: actual < 0 ? "no-stream" : BigInt(actual) });
  };

  const ensureOpen = (): void => {
    if (log.isClosed) throw new EventStoreError("unavailable", "the event store is closed");
  };

  return {
    append: (name, events, expected) => {
      ensureOpen();
      checkStream(name);
      for (const { id, type } of events) {
        if (!uuid.test(id)) throw bad(`an event id is not a UUID: ${id.slice(0, 40)}`);
        checkName("type", type);
      }
      checkSize(events);
      const stream = log.index.streamId(name);
      const decision = decide(log, stream, events, expected);
      if (!decision.write) return refused(stream, decision);
      if (events.length === 0)
        return log.whenDurable({
          ok: true,
          revision: BigInt(log.index.lastRevision(stream)),
          position: beforeFirst,
        });
      if (decision.softDeleted) revive(log, stream);
      const seq = put(stream, events);
      return log.whenDurable(written(seq, log.index.lastRevision(stream)));
    },

    deleteStream: (name, expected) => {
      ensureOpen();
      checkStream(name);
      const stream = log.index.streamId(name);
      const decision = decide(log, stream, [], expected);
      if (!decision.write) return refused(stream, decision);
      const meta = log.index.streamId(`$$${name}`);
      const seq = put(meta, [metadataEvent(softDeletedJson)]);
      return log.whenDurable(written(seq, log.index.lastRevision(stream)));
    },

    tombstoneStream: (name, expected) => {
      ensureOpen();
      checkStream(name);
      const stream = log.index.streamId(name);
      const decision = decide(log, stream, [], expected);
      if (!decision.write) return refused(stream, decision);
      const event: LogEvent = {
        id: randomUUID(),
        type: tombstoneType,
        json: true,
        data: "{}",
        metadata: "",
        value: undefined,
      };
      const seq = log.put(stream, event, false, true);
      return log.whenDurable({
        ok: true,
        revision: revisionMax,
        position: BigInt(log.position(seq)),
      });
    },
  };
};

const textOf = (data: string | Uint8Array): string =>
  typeof data === "string" ? data : Buffer.from(data).toString("utf8");

const metadataEvent = (json: string): LogEvent => ({
  id: randomUUID(),
  type: metadataType,
  json: true,
  data: json,
  metadata: "",
  value: undefined,
});

/** A stream that is appended to after a soft delete begins anew at its next revision. */
const revive = (log: Log, stream: number): void => {
  const meta = log.index.streamId(`$$${log.index.streamName(stream)}`);
  const truncateBefore = log.index.lastRevision(stream) + 1;
  const json = JSON.stringify({ $tb: truncateBefore });
  log.put(meta, metadataEvent(json), true);
  log.putLimits(stream, limitsOf(json));
};

const revisionOf = (log: Log, stream: number, seq: number): number => {
  let low = 0;
  let high = log.index.lastRevision(stream);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log.index.seqOf(stream, middle) as number) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
};
