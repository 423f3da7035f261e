/**
 * Moves a history from one event store to another, whichever they are: one JSON object a line, in
 * log order, with ids, streams and revisions kept. Positions and times are the new store's own.
 */

import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import {
  type EventStore,
  EventStoreError,
  type NewEvent,
  type RecordedEvent,
} from "../event-store.ts";
import { tombstoneType } from "./metadata.ts";
import { revisionMax } from "./record.ts";

/** First line of an export. */
const heading = { cnctEvents: 1 };
/** Events of one stream that follow each other are appended together, up to so many and so large. */
const batchEventsMax = 200;
const batchBytesMax = 512 << 10;
/** Appends to different streams that are on their way at once. */
const inFlightMax = 256;

interface Line {
  readonly id: string;
  readonly stream: string;
  /** A decimal number, as text because it may exceed what JSON numbers hold. */
  readonly revision: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: unknown;
}

/** The system's own streams (statistics, users) belong to one server; metadata goes along. */
const travels = (stream: string): boolean =>
  !stream.startsWith("$") || (stream.startsWith("$$") && !stream.startsWith("$$$"));

/**
 * Writes the whole history as lines; the writable is not ended.
 *
 * @returns How many events were written.
 * @throws {EventStoreError} As reading does; `bad-request` for an event whose data is not JSON.
 */
export const exportStore = async (store: EventStore, writable: Writable): Promise<number> => {
  let count = 0;
  const say = async (value: unknown): Promise<void> => {
    if (!writable.write(`${JSON.stringify(value)}\n`)) await once(writable, "drain");
  };
  await say(heading);
  for await (const event of store.readAll("start")) {
    const { id, stream, revision, type, data, metadata } = event;
    if (!travels(stream)) continue;
    if (data instanceof Uint8Array)
      throw new EventStoreError("bad-request", `event ${id} of ${stream} is not JSON`);
    const line: Line = { id, stream, revision: String(revision), type, data };
    await say(metadata === undefined ? line : { ...line, metadata });
    count++;
  }
  return count;
};

const parse = (text: string, number: number): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new EventStoreError("bad-request", `line ${number} is not JSON`, error);
  }
};

const isLine = (value: unknown): value is Line => {
  if (typeof value !== "object" || value === null) return false;
  const { id, stream, revision, type } = value as Record<string, unknown>;
  return (
    [id, stream, type].every((text) => typeof text === "string") &&
    typeof revision === "string" &&
    /^\d{1,19}$/.test(revision) &&
    "data" in value
  );
};

interface Batch {
  readonly stream: string;
  readonly from: bigint;
  readonly events: NewEvent[];
  bytes: number;
}

/**
 * Appends the lines of an export. Said again after a failure, it goes on where it stopped: what is
 * already there, with the same ids and revisions, is left as it is.
 *
 * @returns How many events the readable held.
 * @throws {EventStoreError} `bad-request` for lines that are no export, or that contradict what the
 *   store already holds; else as appending does.
 */
export const importStore = async (store: EventStore, readable: Readable): Promise<number> => {
  let count = 0;
  let number = 0;
  let batch: Batch | undefined;
  /** The last write of each stream, so that one stream's events stay in order. */
  const last = new Map<string, Promise<void>>();
  const inFlight = new Set<Promise<void>>();
  let failure: unknown;

  const start = (stream: string, run: () => Promise<void>): void => {
    const running = (last.get(stream) ?? Promise.resolve())
      .then(() => (failure === undefined ? run() : undefined))
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => {
        inFlight.delete(running);
        if (last.get(stream) === running) last.delete(stream);
      });
    last.set(stream, running);
    inFlight.add(running);
  };
  const flush = (): void => {
    const full = batch;
    batch = undefined;
    if (full !== undefined) start(full.stream, () => write(store, full));
  };
  /** Metadata says how its stream is read and revived: all before it comes first. */
  const settle = async (): Promise<void> => {
    flush();
    await Promise.all(inFlight);
    if (failure !== undefined) throw failure;
  };

  for await (const text of createInterface({
    input: readable,
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number++;
    if (text === "") continue;
    const line = parse(text, number);
    if (number === 1) {
      if (JSON.stringify(line) === JSON.stringify(heading)) continue;
      throw new EventStoreError("bad-request", "the first line is not that of an event export");
    }
    if (!isLine(line)) throw new EventStoreError("bad-request", `line ${number} is not an event`);
    count++;
    const { id, stream, type, data, metadata } = line;
    const revision = BigInt(line.revision);
    if (type === tombstoneType && revision === revisionMax) {
      await settle();
      await endStream(store, stream);
      continue;
    }
    const follows =
      batch !== undefined &&
      batch.stream === stream &&
      batch.from + BigInt(batch.events.length) === revision &&
      batch.events.length < batchEventsMax &&
      batch.bytes + text.length < batchBytesMax;
    if (!follows) flush();
    if (stream.startsWith("$$")) await settle();
    batch ??= { stream, from: revision, events: [], bytes: 0 };
    batch.events.push(metadata === undefined ? { id, type, data } : { id, type, data, metadata });
    batch.bytes += text.length;
    if (stream.startsWith("$$")) await settle();
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight);
    if (failure !== undefined) throw failure;
  }
  await settle();
  return count;
};

const endStream = async (store: EventStore, stream: string): Promise<void> => {
  try {
    await store.tombstoneStream(stream, "any");
  } catch (error) {
    if (!(error instanceof EventStoreError) || error.code !== "stream-deleted") throw error;
  }
};

const write = async (store: EventStore, { stream, from, events }: Batch): Promise<void> => {
  const expected = from === 0n ? "no-stream" : from - 1n;
  try {
    const result = await store.append(stream, events, expected);
    if (result.ok && result.revision === from + BigInt(events.length) - 1n) return;
    if (await isThere(store, { stream, from, events, bytes: 0 })) return;
    const actual = result.ok ? result.revision : result.actual;
    throw new EventStoreError(
      "bad-request",
      `${stream} cannot take revision ${from}: the store has it at ${actual}`,
    );
  } catch (error) {
    // A stream that ends with a tombstone was imported whole before.
    if (!(error instanceof EventStoreError) || error.code !== "stream-deleted") throw error;
  }
};

/** Whether these events already stand there: by id, or as metadata that says the same. */
const isThere = async (store: EventStore, { stream, from, events }: Batch): Promise<boolean> => {
  const found: RecordedEvent[] = [];
  for await (const event of store.readStream(stream, from, { maxCount: events.length }))
    found.push(event);
  return (
    found.length === events.length &&
    found.every((event, at) => {
      const wanted = events[at];
      if (event.revision !== from + BigInt(at) || wanted === undefined) return false;
      return (
        event.id === wanted.id ||
        (stream.startsWith("$$") && JSON.stringify(event.data) === JSON.stringify(wanted.data))
      );
    })
  );
};
