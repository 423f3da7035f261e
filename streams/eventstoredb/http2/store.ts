/**
 * The event store port on HTTP/2 itself, for one node without TLS: what is done with every job
 * (append, read, subscribe) costs a fraction of what it costs through the library, which does what
 * is rare. See docs/decisions/0010-own-client.md.
 */

import { randomUUID } from "node:crypto";
import { constants } from "node:http2";
import { formatMetadata, metadataOf, metadataType } from "../../embedded/metadata.ts";
import {
  beforeFirst,
  type EventStore,
  EventStoreError,
  type NewEvent,
  type ReadOptions,
  type RecordedEvent,
} from "../../event-store.ts";
import { bad, checkEvent, checkExpected, checkStream, toCount } from "../checks.ts";
import { toStoreError } from "../errors.ts";
import { readAnswer } from "./answers.ts";
import { openAppender } from "./appender.ts";
import { answersOf } from "./call.ts";
import { openConnection } from "./connection.ts";
import {
  type EventText,
  jsonText,
  type ReadLimits,
  readAllRequest,
  readStreamRequest,
} from "./requests.ts";
import { subscribe } from "./subscription.ts";

/** What is done so rarely that the library may do it. */
export type RareOperations = Pick<EventStore, "deleteStream" | "tombstoneStream" | "close">;

export interface Http2StoreOptions {
  /** Host and port of the node. */
  readonly authority: string;
  readonly timeoutMs: number;
  readonly rare: RareOperations;
}

export const openHttp2Store = ({ authority, timeoutMs, rare }: Http2StoreOptions): EventStore => {
  const connection = openConnection(authority);
  const appender = openAppender(connection, { timeoutMs });

  async function* read(request: Buffer): AsyncGenerator<RecordedEvent> {
    const stream = connection.open("Read");
    try {
      stream.end(request);
      for await (const messages of answersOf(stream).messages(timeoutMs))
        for (const message of messages) {
          const answer = readAnswer(message);
          if (answer.kind === "event") yield answer.event;
        }
    } finally {
      stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  const store: EventStore = {
    append: async (stream, events, expected) => {
      checkStream(stream);
      checkExpected(expected);
      if (events.length === 0) throw bad(`an append to ${stream} has no events`);
      return appender.append(stream, events.map(toText), expected);
    },

    async *readStream(stream, from, options = {}) {
      checkStream(stream);
      const how = toLimits(options);
      if (from === "end" && !how.backwards) return;
      if (typeof from === "bigint" && from < 0n) throw bad(`a stream has no revision ${from}`);
      try {
        yield* read(readStreamRequest(stream, from, how));
      } catch (error) {
        if (error instanceof EventStoreError && error.code === "stream-deleted") return;
        throw toStoreError(error);
      }
    },

    async *readAll(from, options = {}) {
      const how = toLimits(options);
      if (from === "end" && !how.backwards) return;
      if (from === "start" && how.backwards) return;
      try {
        yield* read(readAllRequest(from, how));
      } catch (error) {
        throw toStoreError(error);
      }
    },

    subscribe: (options) => subscribe(connection, options),

    deleteStream: rare.deleteStream,
    tombstoneStream: rare.tombstoneStream,

    getMetadata: async (stream) => {
      const last = { direction: "backwards", maxCount: 1 } as const;
      for await (const { data } of store.readStream(`$$${stream}`, "end", last))
        if (typeof data === "object" && data !== null)
          return metadataOf(data as Readonly<Record<string, unknown>>);
      return {};
    },
    setMetadata: (stream, metadata, expected) => {
      const data = formatMetadata(metadata);
      return store.append(
        `$$${stream}`,
        [{ id: randomUUID(), type: metadataType, data }],
        expected,
      );
    },

    head: async () => {
      const last = { direction: "backwards", maxCount: 1 } as const;
      for await (const { position } of store.readAll("end", last)) return position;
      return beforeFirst;
    },

    close: async () => {
      await connection.close();
      await rare.close();
    },
  };
  return store;
};

const toLimits = (options: ReadOptions): ReadLimits => ({
  backwards: options.direction === "backwards",
  count: toCount(options),
});

const toText = (event: NewEvent): EventText => {
  checkEvent(event);
  const { id, type, data, metadata } = event;
  return {
    id,
    type,
    data: jsonText(`the data of event ${id}`, data),
    metadata: metadata === undefined ? "" : jsonText(`the metadata of event ${id}`, metadata),
  };
};
