/**
 * A subscription is a cursor that pulls: it reads from where it stands to the last durable event,
 * then sleeps until the next commit. History and live are the same walk, so nothing can be lost,
 * doubled or reordered between them, and a slow subscriber holds nothing but its place.
 */

import {
  EventStoreError,
  type RecordedEvent,
  type SubscribeOptions,
  type Subscription,
} from "../event-store.ts";
import { matcherOf } from "./filter.ts";
import type { Log } from "./log.ts";
import { eventsFrom, recordsFrom } from "./read.ts";

/** Events looked at between two checkpoints, and the most that one batch holds. */
const window = 1_024;

export type SubscribeRecordsOptions = Omit<SubscribeOptions, "onEvents"> & {
  /**
   * Hears the records of events (`recorded.ts` reads them) as `onEvents` would hear the events. The
   * bytes and the buffer below them are the listener's own.
   */
  readonly onRecords: (records: Uint8Array<ArrayBuffer>) => void | Promise<void>;
};

type Accept = ((seq: number) => boolean) | undefined;

/** What passes of the events up to `endSeq`; undefined if nothing does. */
interface Passed<Items> {
  readonly items: Items | undefined;
  readonly endSeq: number;
}
/** Reads from `seq` on, not beyond `endSeq`, which lies behind it. */
type Read<Items> = (seq: number, endSeq: number, accept: Accept) => Promise<Passed<Items>>;

/** Recent events that pass, from memory; undefined when they must be read. */
const recentEvents = (
  log: Log,
  seq: number,
  endSeq: number,
  accept: ((seq: number) => boolean) | undefined,
): RecordedEvent[] | undefined => {
  const events: RecordedEvent[] = [];
  for (let at = seq; at < endSeq; at++) {
    if (accept !== undefined && !accept(at)) continue;
    const event = log.tail.event(at);
    if (event === undefined) return undefined;
    events.push(event);
  }
  return events;
};

const eventsPassing =
  (log: Log): Read<readonly RecordedEvent[]> =>
  async (seq, endSeq, accept) => {
    const recent = recentEvents(log, seq, endSeq, accept);
    if (recent !== undefined) return { items: recent.length > 0 ? recent : undefined, endSeq };
    let from = seq;
    while (from < endSeq && accept !== undefined && !accept(from)) from++;
    if (from === endSeq) return { items: undefined, endSeq };
    const { events, endSeq: reached } = await eventsFrom(log, from, endSeq, accept);
    return { items: events, endSeq: reached };
  };

const recordsPassing =
  (log: Log): Read<Uint8Array<ArrayBuffer>> =>
  async (seq, endSeq, accept) => {
    let from = seq;
    while (from < endSeq && accept !== undefined && !accept(from)) from++;
    if (from === endSeq) return { items: undefined, endSeq };
    const { records, endSeq: reached } = await recordsFrom(log, from, endSeq, accept);
    return { items: records, endSeq: reached };
  };

export const subscribe = (log: Log, options: SubscribeOptions): Subscription =>
  follow(log, options, eventsPassing(log), options.onEvents);

/** As `subscribe`, with the bytes of the events: for readers elsewhere, which copy objects dearly. */
export const subscribeRecords = (log: Log, options: SubscribeRecordsOptions): Subscription =>
  follow(log, options, recordsPassing(log), options.onRecords);

const follow = <Items>(
  log: Log,
  options: Omit<SubscribeOptions, "onEvents">,
  read: Read<Items>,
  handOver: (items: Items) => void | Promise<void>,
): Subscription => {
  const { after, filter, onCheckpoint, onCaughtUp } = options;
  const accept = matcherOf(log.index, filter);
  let next = after === "end" ? log.committed : log.seqAtOrAfter(after + 1n);
  let open = true;
  let wake: (() => void) | undefined;
  const rouse = (): void => {
    const sleeping = wake;
    wake = undefined;
    sleeping?.();
  };
  const stopListening = log.onCommit(rouse);

  const advance = async (): Promise<void> => {
    const end = Math.min(log.committed, next + window);
    const { items, endSeq } = await read(next, end, accept);
    next = endSeq;
    if (!open) return;
    if (items !== undefined) {
      const handled = handOver(items);
      if (handled instanceof Promise) await handled;
    }
    if (open && onCheckpoint !== undefined) {
      const handled = onCheckpoint(BigInt(log.position(endSeq - 1)));
      if (handled instanceof Promise) await handled;
    }
  };

  const run = async (): Promise<void> => {
    await undefined; // No callback before the caller holds the subscription.
    let caughtUp = false;
    while (open) {
      if (next < log.committed) {
        await advance();
        continue;
      }
      if (!caughtUp) {
        caughtUp = true;
        onCaughtUp?.();
        continue;
      }
      if (log.isClosed) throw new EventStoreError("unavailable", "the event store was closed");
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };

  const running = run().finally(() => {
    open = false;
    stopListening();
  });
  const closed = running;
  // Whoever does not look at `closed` must not bring the process down.
  closed.catch(() => undefined);
  return {
    closed,
    close: async () => {
      open = false;
      rouse();
      await running.catch(() => undefined);
    },
  };
};
