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
import { eventsFrom } from "./read.ts";

/** Events looked at between two checkpoints, and the most that one batch holds. */
const window = 1_024;

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

export const subscribe = (log: Log, options: SubscribeOptions): Subscription => {
  const { after, filter, onEvents, onCheckpoint, onCaughtUp } = options;
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
    let events = recentEvents(log, next, end, accept);
    let reached = end;
    if (events === undefined) {
      while (next < end && accept !== undefined && !accept(next)) next++;
      if (next < end) {
        const read = await eventsFrom(log, next, end, accept);
        events = read.events;
        reached = read.endSeq;
      }
    }
    next = reached;
    if (!open) return;
    if (events !== undefined && events.length > 0) {
      const handled = onEvents(events);
      if (handled instanceof Promise) await handled;
    }
    if (open && onCheckpoint !== undefined) {
      const handled = onCheckpoint(BigInt(log.position(reached - 1)));
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
