/**
 * The reading half of an event store, for another thread of this process: the store stays where it
 * is, and events travel as the records of the log where the store has them, which costs this side
 * next to nothing; as text otherwise, which costs both a third of what copied objects do.
 */
import { eventsIn } from "./embedded/recorded.ts";
import type { EmbeddedStore } from "./embedded/store.ts";
import {
  type EventFilter,
  type EventStore,
  EventStoreError,
  type EventStoreErrorCode,
  type Position,
  type RecordedEvent,
  type Subscription,
} from "./event-store.ts";

export type ReadableStore = Pick<EventStore, "subscribe" | "readAll" | "head"> &
  Partial<Pick<EmbeddedStore, "subscribeRecords">>;

/** What both a port and a worker are. */
export interface Line {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
}

/** Batches under way to the other thread before the next one waits. */
const batchesAhead = 8;
/** A read over the line is answered whole. */
const readMax = 10_000;

type Batch =
  | { readonly records: Uint8Array<ArrayBuffer> }
  | { readonly text: string; readonly places: BigInt64Array<ArrayBuffer> }
  | { readonly events: readonly RecordedEvent[] };

interface Fault {
  readonly code: EventStoreErrorCode;
  readonly message: string;
}

type Question =
  | {
      readonly relay: "subscribe";
      readonly id: number;
      readonly after: Position | "end";
      readonly filter: EventFilter | undefined;
    }
  | { readonly relay: "handled" | "close"; readonly id: number }
  | { readonly relay: "head"; readonly id: number }
  | {
      readonly relay: "read";
      readonly id: number;
      readonly from: Position | "start" | "end";
      readonly direction: "forwards" | "backwards";
      readonly maxCount: number;
    };

type Answer =
  | { readonly relay: "events" | "page"; readonly id: number; readonly batch: Batch }
  | { readonly relay: "checkpoint" | "position"; readonly id: number; readonly position: Position }
  | { readonly relay: "caught-up" | "closed"; readonly id: number }
  | { readonly relay: "broken"; readonly id: number; readonly fault: Fault };

type Row = readonly [string, string, string, unknown, unknown, number];

const pack = (events: readonly RecordedEvent[]): Batch => {
  // Bytes that are no JSON are rare and foreign: they travel as they are.
  if (events.some(({ data }) => data instanceof Uint8Array)) return { events };
  const places = new BigInt64Array(events.length * 2);
  const rows: Row[] = [];
  for (const { id, stream, type, data, metadata, recordedAt, revision, position } of events) {
    places[rows.length * 2] = revision;
    places[rows.length * 2 + 1] = position;
    rows.push([id, stream, type, data, metadata ?? null, recordedAt]);
  }
  return { text: JSON.stringify(rows), places };
};

const unpack = (batch: Batch): readonly RecordedEvent[] => {
  if ("events" in batch) return batch.events;
  if ("records" in batch) {
    const { buffer, byteOffset, length } = batch.records;
    return eventsIn(Buffer.from(buffer, byteOffset, length));
  }
  const { text, places } = batch;
  return (JSON.parse(text) as Row[]).map(
    ([id, stream, type, data, metadata, recordedAt], index): RecordedEvent => {
      const revision = places[index * 2] ?? -1n;
      const position = places[index * 2 + 1] ?? -1n;
      const base = { id, stream, revision, position, type, data, recordedAt };
      return metadata === null ? base : { ...base, metadata };
    },
  );
};

const faultOf = (error: unknown): Fault => ({
  code: error instanceof EventStoreError ? error.code : "unavailable",
  message: error instanceof Error ? error.message : String(error),
});

/** Answers the other end of the line from a store. Returns how to stop. */
export const shareStore = (store: ReadableStore, line: Line): (() => Promise<void>) => {
  const subscriptions = new Map<number, { subscription: Subscription; handled: () => void }>();
  const say = (answer: Answer, transfer?: readonly ArrayBuffer[]): void =>
    line.postMessage(answer, transfer);

  const subscribe = ({ id, after, filter }: Question & { readonly relay: "subscribe" }): void => {
    let ahead = 0;
    let goOn: (() => void) | undefined;
    const pace = (): Promise<void> | undefined =>
      ++ahead < batchesAhead
        ? undefined
        : new Promise<void>((resolve) => {
            goOn = resolve;
          });
    const options = {
      after,
      ...(filter === undefined ? {} : { filter }),
      onCheckpoint: (position: Position) => say({ relay: "checkpoint", id, position }),
      onCaughtUp: () => say({ relay: "caught-up", id }),
    };
    const subscription =
      store.subscribeRecords?.({
        ...options,
        onRecords: (records) => {
          say({ relay: "events", id, batch: { records } }, [records.buffer]);
          return pace();
        },
      }) ??
      store.subscribe({
        ...options,
        onEvents: (events) => {
          say({ relay: "events", id, batch: pack(events) });
          return pace();
        },
      });
    const handled = (all = 1): void => {
      ahead -= all;
      goOn?.();
      goOn = undefined;
    };
    subscriptions.set(id, { subscription, handled });
    subscription.closed
      .then(
        () => say({ relay: "closed", id }),
        (error: unknown) => say({ relay: "broken", id, fault: faultOf(error) }),
      )
      .finally(() => subscriptions.delete(id));
  };

  const close = async (id: number): Promise<void> => {
    const known = subscriptions.get(id);
    if (!known) return;
    const closing = known.subscription.close();
    known.handled(); // It may wait for an acknowledgement that will not come any more.
    await closing;
  };

  const head = async (id: number): Promise<void> =>
    say({ relay: "position", id, position: await store.head() });

  const read = async (question: Question & { readonly relay: "read" }): Promise<void> => {
    const { id, from, direction, maxCount } = question;
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll(from, { direction, maxCount })) events.push(event);
    say({ relay: "page", id, batch: pack(events) });
  };

  const hear = (message: unknown): void => {
    const question = message as Question;
    const broken = (error: unknown): void =>
      say({ relay: "broken", id: question.id, fault: faultOf(error) });
    switch (question.relay) {
      case "subscribe":
        subscribe(question);
        break;
      case "handled":
        subscriptions.get(question.id)?.handled();
        break;
      case "close":
        void close(question.id);
        break;
      case "head":
        head(question.id).catch(broken);
        break;
      case "read":
        read(question).catch(broken);
    }
  };
  line.on("message", hear);
  return async () => {
    line.off("message", hear);
    await Promise.all(Array.from(subscriptions.keys(), close));
  };
};

/** The store at the other end of the line. */
export const relayedStore = (line: Line): ReadableStore => {
  const listeners = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  line.on("message", (message: unknown) => {
    const answer = message as Answer;
    if (typeof answer.relay === "string") listeners.get(answer.id)?.(answer);
  });
  const say = (question: Question): void => line.postMessage(question);

  const ask = (question: Question): Promise<Answer> =>
    new Promise((resolve, reject) => {
      listeners.set(question.id, (answer) => {
        listeners.delete(question.id);
        if (answer.relay === "broken") reject(errorOf(answer.fault));
        else resolve(answer);
      });
      say(question);
    });

  return {
    subscribe: ({ after, filter, onEvents, onCheckpoint, onCaughtUp }) => {
      const id = ++lastId;
      const outcome = Promise.withResolvers<void>();
      // Whoever does not look at `closed` must not bring the thread down.
      outcome.promise.catch(() => undefined);
      let open = true;
      /** Callbacks run one after the other. */
      let work: Promise<void> = Promise.resolve();
      const close = async (): Promise<void> => {
        if (open) say({ relay: "close", id });
        open = false;
        await outcome.promise.catch(() => undefined);
        await work;
      };
      const run = (callback: () => void | Promise<void>): void => {
        work = work
          .then(() => (open ? callback() : undefined))
          .catch((error: unknown) => {
            outcome.reject(error);
            void close();
          });
      };
      listeners.set(id, (answer) => {
        switch (answer.relay) {
          case "events":
            run(async () => {
              await onEvents(unpack(answer.batch));
              say({ relay: "handled", id });
            });
            break;
          case "checkpoint":
            run(() => onCheckpoint?.(answer.position));
            break;
          case "caught-up":
            run(() => onCaughtUp?.());
            break;
          case "broken":
            listeners.delete(id);
            outcome.reject(errorOf(answer.fault));
            break;
          case "closed":
            listeners.delete(id);
            outcome.resolve();
        }
      });
      say({ relay: "subscribe", id, after, filter });
      return { closed: outcome.promise, close };
    },

    async *readAll(from, { direction = "forwards", maxCount = Number.POSITIVE_INFINITY } = {}) {
      if (maxCount > readMax)
        throw new EventStoreError("bad-request", `a relayed read has at most ${readMax} events`);
      const page = await ask({ relay: "read", id: ++lastId, from, direction, maxCount });
      if (page.relay === "page") yield* unpack(page.batch);
    },

    head: async () => {
      const answer = await ask({ relay: "head", id: ++lastId });
      if (answer.relay !== "position") throw new EventStoreError("unavailable", "no position came");
      return answer.position;
    },
  };
};

const errorOf = ({ code, message }: Fault): EventStoreError => new EventStoreError(code, message);
