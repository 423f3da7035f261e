/**
 * The event store port on EventStoreDB's and KurrentDB's client library. This folder alone imports
 * it, and works around what it leaves open: it has no deadline on batch appends, it lets raw gRPC
 * errors through, and it throws out of its own callbacks when data is no JSON.
 */

import { randomUUID } from "node:crypto";
import {
  type AllStreamResolvedEvent,
  END,
  type EventData,
  EventStoreDBClient,
  jsonEvent,
  type ReadRevision,
  START,
} from "@eventstore/db-client";
import { formatMetadata, metadataOf, metadataType } from "../embedded/metadata.ts";
import { revisionMax } from "../embedded/record.ts";
import {
  type AppendResult,
  beforeFirst,
  type EventStore,
  EventStoreError,
  type Expected,
  type NewEvent,
  type Position,
} from "../event-store.ts";
import { bad, checkEvent, checkExpected, checkStream, toCount } from "./checks.ts";
import { actualRevision, toStoreError, typeOfError } from "./errors.ts";
import { jsonText } from "./http2/requests.ts";
import { toRecorded } from "./recorded.ts";
import { subscribe } from "./subscription.ts";

const createClient = (url: string): EventStoreDBClient => {
  try {
    return EventStoreDBClient.connectionString(url);
  } catch (error) {
    throw new EventStoreError("bad-request", "the connection string cannot be read", error);
  }
};

/** @throws {EventStoreError} `bad-request` if the connection string cannot be read. */
export const openLibraryStore = (
  url: string,
  { timeoutMs }: { readonly timeoutMs: number },
): EventStore => {
  const client = createClient(url);

  /** Runs a write; conflicts are answers, everything else is an error of the port. */
  const write = async (run: () => Promise<AppendResult>): Promise<AppendResult> => {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        run(),
        new Promise<never>((_, reject) => {
          timer = setTimeout(
            () => reject(new EventStoreError("timeout", `no answer within ${timeoutMs} ms`)),
            timeoutMs,
          );
        }),
      ]);
    } catch (error) {
      const actual = actualRevision(error);
      if (actual !== undefined) return { ok: false, actual };
      throw toStoreError(error);
    } finally {
      clearTimeout(timer);
    }
  };

  const store: EventStore = {
    append: (stream, events, expected) =>
      write(async () => {
        checkStream(stream);
        if (events.length === 0) throw bad(`an append to ${stream} has no events`);
        const result = await client.appendToStream(stream, events.map(toEventData), {
          expectedRevision: toExpected(expected),
        });
        if (result.position === undefined)
          throw new EventStoreError("unavailable", "the server names no position");
        return {
          ok: true,
          revision: result.nextExpectedRevision,
          position: result.position.commit,
        };
      }),

    async *readStream(stream, from, options = {}) {
      checkStream(stream);
      const maxCount = toCount(options);
      const fromRevision: ReadRevision = from === "start" ? START : from === "end" ? END : from;
      const direction = options.direction ?? "forwards";
      if (from === "end" && direction === "forwards") return;
      if (typeof from === "bigint" && from < 0n) throw bad(`a stream has no revision ${from}`);
      const events = client.readStream(stream, { fromRevision, direction, maxCount });
      try {
        for await (const { event } of timed(events, timeoutMs))
          if (event !== undefined) yield toRecorded(event);
      } catch (error) {
        const type = typeOfError(error);
        if (type === "stream-not-found" || type === "stream-deleted") return;
        throw toStoreError(error);
      } finally {
        await events.cancel();
      }
    },

    async *readAll(from, options = {}) {
      const maxCount = toCount(options);
      const direction = options.direction ?? "forwards";
      if (from === "end" && direction === "forwards") return;
      if (from === "start" && direction === "backwards") return;
      const fromPosition = from === "start" || from === "end" ? from : toPosition(from);
      const events = client.readAll({ fromPosition, direction, maxCount });
      try {
        for await (const { event } of timed<AllStreamResolvedEvent>(events, timeoutMs))
          if (event !== undefined) yield toRecorded(event);
      } catch (error) {
        throw toStoreError(error);
      } finally {
        await events.cancel();
      }
    },

    subscribe: (options) => subscribe(client, options),

    deleteStream: (stream, expected) =>
      write(async () => {
        checkStream(stream);
        const revision = await lastRevision(stream, expected);
        const { position } = await client.deleteStream(stream, {
          expectedRevision: toExpected(expected),
        });
        return { ok: true, revision, position: position?.commit ?? beforeFirst };
      }),
    tombstoneStream: (stream, expected) =>
      write(async () => {
        checkStream(stream);
        const { position } = await client.tombstoneStream(stream, {
          expectedRevision: toExpected(expected),
        });
        return { ok: true, revision: revisionMax, position: position?.commit ?? beforeFirst };
      }),

    getMetadata: async (stream) => {
      for await (const { data } of store.readStream(`$$${stream}`, "end", {
        direction: "backwards",
        maxCount: 1,
      }))
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
      for await (const { position } of store.readAll("end", {
        direction: "backwards",
        maxCount: 1,
      }))
        return position;
      return beforeFirst;
    },

    close: () => client.dispose(),
  };

  /** Deletions are answered without a revision; it is what was expected, or the last one there is. */
  const lastRevision = async (stream: string, expected: Expected): Promise<bigint> => {
    if (typeof expected === "bigint") return expected;
    for await (const { revision } of store.readStream(stream, "end", {
      direction: "backwards",
      maxCount: 1,
    }))
      return revision;
    return -1n;
  };

  return store;
};

const encoder = new TextEncoder();

const toEventData = (event: NewEvent): EventData => {
  checkEvent(event);
  const { id, type, data, metadata } = event;
  // Checked here: inside the client a failure would be an unhandled rejection.
  jsonText(`the data of event ${id}`, data);
  const content = { id, type, data: data as Record<string, unknown> };
  if (metadata === undefined) return jsonEvent(content) as EventData;
  const text = jsonText(`the metadata of event ${id}`, metadata);
  // As bytes, because the client drops metadata like `0` or `""`.
  return { ...jsonEvent(content), metadata: encoder.encode(text) } as EventData;
};

const toExpected = (expected: Expected): bigint | "any" | "no_stream" => {
  if (expected === "no-stream") return "no_stream";
  checkExpected(expected);
  return expected;
};

const toPosition = (position: Position): { commit: bigint; prepare: bigint } | typeof START =>
  position < 0n ? START : { commit: position, prepare: position };

/** Passes events on, and gives up when the next one takes too long. */
async function* timed<Event>(
  events: AsyncIterable<Event>,
  timeoutMs: number,
): AsyncGenerator<Event> {
  const iterator = events[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  let late: (error: Error) => void = () => undefined;
  const giveUp = (): void =>
    late(new EventStoreError("timeout", `no event within ${timeoutMs} ms`));
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Event>>((resolve, reject) => {
        late = reject;
        if (timer === undefined) timer = setTimeout(giveUp, timeoutMs);
        else timer.refresh();
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
  }
}
