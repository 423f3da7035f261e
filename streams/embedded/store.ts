/**
 * The embedded event store: the event store port on a log in one directory, for one process. Its
 * gRPC face for other processes is `grpc/server.ts`.
 */

import { randomUUID } from "node:crypto";
import {
  beforeFirst,
  type EventStore,
  EventStoreError,
  type Expected,
  type NewEvent,
  type Subscription,
} from "../event-store.ts";
import type { LogExpected } from "./decide.ts";
import { checkFormat, lockDirectory } from "./directory.ts";
import { diskFiles, type Files } from "./files.ts";
import type { FsyncPolicy, Log, LogEvent } from "./log.ts";
import { formatMetadata, metadataType, parseMetadata } from "./metadata.ts";
import { openLog } from "./open-log.ts";
import { readAll, readStream } from "./read.ts";
import { type SubscribeRecordsOptions, subscribe, subscribeRecords } from "./subscription.ts";
import { createWriter, type Writer } from "./writer.ts";

export interface EmbeddedStoreOptions {
  /** Made if it is not there. */
  readonly directory: string;
  /** When a write is answered: after it is on disk, or before. Default "always". */
  readonly fsync?: FsyncPolicy;
  /** Size from which a segment file is sealed. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Largest append, in bytes of data, metadata and types. Default 1 MiB. */
  readonly maxAppendBytes?: number;
  /** The disk, for tests that need a faulty one. */
  readonly files?: Files;
  /** Keeps others out of the directory; for tests whose disk is not a real one. */
  readonly lock?: typeof lockDirectory;
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
}

export interface EmbeddedStore extends EventStore {
  readonly directory: string;
  readonly log: Log;
  readonly writer: Writer;
  readonly maxAppendBytes: number;
  readonly now: () => number;
  /** Follows as `subscribe` does, with the bytes of the events. */
  subscribeRecords(options: SubscribeRecordsOptions): Subscription;
}

const defaultSegmentBytes = 64 << 20;
const defaultMaxAppendBytes = 1 << 20;

/**
 * Opens the event store of a directory, and makes it if there is none.
 *
 * @throws {EventStoreError} `locked` if a process has it open, `newer-version` if a later program
 *   wrote it, `corrupt` with file and byte if it is damaged where it had been durable.
 *
 * @example
 * const store = await openEmbeddedStore({ directory: ".cnct/events" });
 * await store.append("job-1", [{ id: randomUUID(), type: "JobSubmitted", data: {} }], "no-stream");
 */
export const openEmbeddedStore = async (options: EmbeddedStoreOptions): Promise<EmbeddedStore> => {
  const { directory, fsync = "always", segmentBytes = defaultSegmentBytes } = options;
  const { maxAppendBytes = defaultMaxAppendBytes, files = diskFiles, now = Date.now } = options;
  await files.makeDirectory(directory);
  const lock = (options.lock ?? lockDirectory)(directory);
  let log: Log;
  try {
    await checkFormat(files, directory);
    log = await openLog({ files, directory, fsync, segmentBytes, now });
  } catch (error) {
    lock.release();
    throw error;
  }
  const writer = createWriter(log, { maxAppendBytes });
  let closed: Promise<void> | undefined;
  const store: EmbeddedStore = {
    directory,
    log,
    writer,
    maxAppendBytes,
    now,

    append: (stream, events, expected) => {
      // Not an async function: a second promise for each append would be felt.
      try {
        if (events.length === 0)
          throw new EventStoreError("bad-request", `an append to ${stream} has no events`);
        return writer.append(stream, events.map(toLogEvent), toLogExpected(expected));
      } catch (error) {
        return Promise.reject(error);
      }
    },

    readStream: (stream, from, options) => readStream(log, now, stream, from, options),
    readAll: (from, options) => readAll(log, from, options),
    subscribe: (options) => subscribe(log, options),
    subscribeRecords: (options) => subscribeRecords(log, options),

    deleteStream: async (stream, expected) => writer.deleteStream(stream, toLogExpected(expected)),
    tombstoneStream: async (stream, expected) =>
      writer.tombstoneStream(stream, toLogExpected(expected)),

    getMetadata: async (stream) => {
      const known = log.index.findStream(stream);
      const json = known === undefined ? undefined : log.lastMetadataJson(known);
      return json === undefined ? {} : parseMetadata(json);
    },
    setMetadata: (stream, metadata, expected) => {
      const data = formatMetadata(metadata);
      return store.append(
        `$$${stream}`,
        [{ id: randomUUID(), type: metadataType, data }],
        expected,
      );
    },

    head: async () => (log.committed === 0 ? beforeFirst : BigInt(log.position(log.committed - 1))),

    close: () => {
      closed ??= log.close().finally(() => lock.release());
      return closed;
    },
  };
  return store;
};

/** JSON text; undefined, functions and symbols have none, whatever the type of `stringify` says. */
const jsonText = (id: string, value: unknown): string => {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new EventStoreError("bad-request", `event ${id} cannot be said in JSON`, error);
  }
  if (text === undefined)
    throw new EventStoreError("bad-request", `the data of event ${id} is no JSON value`);
  return text;
};

/** Metadata that many events share, as objects that do not change; each is written as text once. */
const metadataTexts = new WeakMap<object, string>();

const metadataText = ({ id, metadata }: NewEvent): string => {
  if (metadata === undefined) return "";
  if (typeof metadata !== "object" || metadata === null || !Object.isFrozen(metadata))
    return jsonText(id, metadata);
  let text = metadataTexts.get(metadata);
  if (text === undefined) {
    text = jsonText(id, metadata);
    metadataTexts.set(metadata, text);
  }
  return text;
};

const toLogEvent = (event: NewEvent): LogEvent => ({
  id: event.id.toLowerCase(),
  type: event.type,
  json: true,
  data: jsonText(event.id, event.data),
  metadata: metadataText(event),
  value: event,
});

const toLogExpected = (expected: Expected): LogExpected => {
  if (expected === "any") return "any";
  if (expected === "no-stream") return -1;
  if (expected < 0n)
    throw new EventStoreError("bad-request", `a stream has no revision ${expected}`);
  return Number(expected);
};
