/**
 * The log, for many listeners at once. One subscription feeds all who are at its end, from a ring of
 * the latest events; who is further behind reads by itself until it has caught up. Each listener asks
 * for its next batch when it has dealt with the last one, so a slow one holds nothing but its place.
 */
import {
  beforeFirst,
  type EventStore,
  type Position,
  type RecordedEvent,
  type Subscription,
} from "../streams/event-store.ts";
import type { Logger } from "./logger.ts";

export interface Batch<Item> {
  /** How far the log was looked at. */
  readonly position: Position;
  readonly items: readonly Item[];
}

export interface Following<Item> {
  readonly after: Position | "end";
  readonly batchMax: number;
  /** What the listener gets for an event; undefined for nothing. */
  readonly pick: (event: RecordedEvent) => Item | undefined;
  /** Runs before `pick` where that needs something first. */
  readonly prepare?: (event: RecordedEvent) => Promise<unknown> | undefined;
  /** Ends the listening. */
  readonly signal: AbortSignal;
}

export interface LogTail {
  /**
   * Batches in order, each event once; a batch without items only says how far the log was looked
   * at. Who follows from the end first gets an empty one that says where that is.
   */
  follow<Item>(following: Following<Item>): AsyncGenerator<Batch<Item>, void>;
  /** Hears of everything from when this resolves. It begins by itself with the first follower. */
  start(): Promise<void>;
  /** Whether the subscription stands; what a tail did not hear while it was broken it hears later. */
  hears(): boolean;
  /** How many follow now. */
  followers(): number;
  close(): Promise<void>;
}

/** A listener to whom nothing applies hears of its place after so many events. */
const checkpointEvery = 5_000;
/** Events of the ring that are looked at in one go, or a few more. */
const stepMax = 1_000;
const retryMs = 200;

export const logTail = ({
  store,
  logger,
  onEvent = () => undefined,
  onBroken = () => undefined,
  ringMax = 10_000,
}: {
  readonly store: EventStore;
  readonly logger: Logger;
  /** Hears each event at the end of the log, before the listeners do. */
  readonly onEvent?: (event: RecordedEvent) => void;
  /** Hears that the subscription broke: news come late now. */
  readonly onBroken?: () => void;
  /** Events that are kept for those who are nearly up to date. */
  readonly ringMax?: number;
}): LogTail => {
  /** The latest events, as they came; nothing up to `floor`, everything after it up to `newest`. */
  const ring: (readonly RecordedEvent[])[] = [];
  let ringSize = 0;
  let floor: Position = beforeFirst;
  let newest: Position = beforeFirst;
  let followers = 0;
  const waiting = new Set<() => void>();
  let subscription: Subscription | undefined;
  let started: Promise<void> | undefined;
  let closed = false;
  let hears = false;

  const wakeAll = (): void => {
    const all = [...waiting];
    waiting.clear();
    for (const wake of all) wake();
  };

  const take = (events: readonly RecordedEvent[]): void => {
    const fresh = events.filter(({ position }) => position > newest);
    const last = fresh.at(-1);
    if (!last) return;
    for (const event of fresh) onEvent(event);
    ring.push(fresh);
    ringSize += fresh.length;
    newest = last.position;
    for (let oldest = ring[0]; oldest && ringSize - oldest.length >= ringMax; oldest = ring[0]) {
      ring.shift();
      ringSize -= oldest.length;
      floor = oldest.at(-1)?.position ?? floor;
    }
    wakeAll();
  };

  const subscribe = (): void => {
    subscription = store.subscribe({ after: newest, onEvents: take });
    hears = true;
    subscription.closed.catch((error: unknown) => {
      if (closed) return;
      hears = false;
      onBroken();
      logger.warn({ error: String(error) }, "the subscription to the log broke; it is made anew");
      setTimeout(() => {
        if (!closed) subscribe();
      }, retryMs).unref();
    });
  };

  const start = async (): Promise<void> => {
    floor = newest = await store.head();
    if (!closed) subscribe();
  };
  const ensureStarted = (): Promise<void> => {
    started ??= start().catch((error: unknown) => {
      started = undefined;
      throw error;
    });
    return started;
  };

  /** Some of the events after a place that the ring reaches back to. */
  const inRing = (after: Position): readonly RecordedEvent[] => {
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const last = ring[middle]?.at(-1)?.position ?? beforeFirst;
      if (last > after) high = middle;
      else low = middle + 1;
    }
    const found: RecordedEvent[] = [];
    for (let at = low; at < ring.length && found.length < stepMax; at++)
      for (const event of ring[at] ?? []) if (event.position > after) found.push(event);
    return found;
  };

  const nextEvents = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve(); // It will not say so again.
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
      signal.addEventListener("abort", wake);
    });

  async function* follow<Item>(following: Following<Item>): AsyncGenerator<Batch<Item>, void> {
    const { after, batchMax, pick, prepare, signal } = following;
    await ensureStarted();
    let cursor = after === "end" ? newest : after;
    let items: Item[] = [];
    let looked = 0;

    /** Deals with an event; true when it is time to hand over a batch. */
    const look = (event: RecordedEvent): boolean => {
      const item = pick(event);
      if (item !== undefined) items.push(item);
      cursor = event.position;
      looked++;
      return items.length >= batchMax || looked >= checkpointEvery;
    };
    const handOver = (): Batch<Item> => {
      const batch = { position: cursor, items };
      items = [];
      looked = 0;
      return batch;
    };

    followers++;
    try {
      if (after === "end") yield handOver();
      while (!signal.aborted && !closed) {
        if (cursor < floor) {
          const reached = floor;
          for await (const event of store.readAll(cursor === beforeFirst ? "start" : cursor)) {
            if (event.position <= cursor) continue;
            const ready = prepare?.(event);
            if (ready) await ready;
            if (look(event)) yield handOver();
            if (signal.aborted || cursor >= floor) break;
          }
          if (!signal.aborted && cursor < reached) cursor = reached; // What stood there was deleted.
          continue;
        }
        for (const event of inRing(cursor)) {
          const ready = prepare?.(event);
          if (ready) await ready;
          if (look(event)) yield handOver();
          if (signal.aborted) break;
        }
        if (cursor < newest) continue;
        if (items.length > 0) yield handOver();
        else await nextEvents(signal);
      }
    } finally {
      followers--;
    }
  }

  return {
    follow,
    start: ensureStarted,
    hears: () => hears,
    followers: () => followers,
    close: async () => {
      closed = true;
      wakeAll();
      await started?.catch(() => undefined); // Its followers heard of it.
      await subscription?.close();
    },
  };
};
