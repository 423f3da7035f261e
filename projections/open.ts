/**
 * Keeps the views up to date: follows the log, folds batch by batch, writes rows and checkpoint
 * together, tells who listens, and begins again from the checkpoint whenever something breaks.
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Instant } from "../domain/decider.ts";
import { type Clock, sleep, type Timer } from "../streams/clock.ts";
import { decode } from "../streams/codec.ts";
import type { EventStore, Position, RecordedEvent, Subscription } from "../streams/event-store.ts";
import {
  clearTables,
  createTables,
  isUnreadable,
  openDatabase,
  presentVersions,
  removeDatabase,
  setAsideDatabase,
  type Versions,
  versionFault,
} from "./database.ts";
import { isHeard, streamPrefixes } from "./facts.ts";
import { type Fold, openFold } from "./fold.ts";
import type { FlushListener, FoldedHere } from "./projections.ts";
import { readViews } from "./read.ts";
import { openWaiters } from "./waiters.ts";

export interface ProjectionsOptions {
  readonly store: Pick<EventStore, "subscribe" | "readAll" | "head">;
  /** Holds `views.sqlite`; made if it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  /** Hears what broke; the runner goes on by itself. */
  readonly onError: (error: unknown) => void;
  /** Hears that and why the views are rebuilt. Default: a line on standard error. */
  readonly onNotice?: (text: string) => void;
  /** Versions of the projections, for tests. */
  readonly versions?: Versions;
}

export const viewsPath = (directory: string): string => join(directory, "views.sqlite");

/** Events that are folded before they are written, at most (but for the rest of a batch). */
const pendingMax = 30_000;
/** The longest that a folded event waits to be written when someone waits for it. */
const hurryMs = 50;
/**
 * What follows from an event within this time is written together with it: a short job's row once,
 * not once for each of its events.
 */
const gatherMs = 20;
/** While nobody waits, writing takes at most this share of the time, and an event waits at most so long. */
const writingShare = 0.1;
const pauseMaxMs = 1_000;
/** When someone waits so long, the log is asked whether there is anything to wait for. */
const probeAfterMs = 100;
const probeEvents = 1_000;
const backoffMs = { first: 100, most: 5_000 };

/** The file and what folds into it; what cannot be used is replaced, since the log has it all. */
const openFile = (
  path: string,
  { versions, notice }: { readonly versions: Versions; readonly notice: (text: string) => void },
): { readonly database: DatabaseSync; readonly fold: Fold } => {
  let database: DatabaseSync | undefined;
  try {
    const fault = versionFault(path, versions);
    if (fault !== undefined) {
      notice(`rebuilding from the start of the log, since ${fault}`);
      removeDatabase(path);
    }
    database = openDatabase(path);
    createTables(database, { versions, indexes: true });
    return { database, fold: openFold(database) };
  } catch (error) {
    database?.close();
    if (!isUnreadable(error)) throw error;
    const aside = setAsideDatabase(path);
    notice(
      `rebuilding from the start of the log, since SQLite cannot read ${path}; it is ${aside}`,
    );
    return openFile(path, { versions, notice });
  }
};

/**
 * Opens the views of a directory and follows the store. Answers at once: until `lag().live` the
 * views may be far behind; `waitFor(await store.head(), …)` waits for them.
 *
 * @throws {Error} SQLite's, when the file cannot be opened.
 */
export const openProjections = async (options: ProjectionsOptions): Promise<FoldedHere> => {
  const { store, directory, clock, onError, versions = presentVersions } = options;
  const notice = options.onNotice ?? ((text) => void process.stderr.write(`views: ${text}\n`));
  const path = viewsPath(directory);
  const { database, fold } = openFile(path, { versions, notice });
  const waiters = openWaiters(clock);
  const listeners = new Set<FlushListener>();

  let seen = fold.flushed();
  /** Events that are folded and not written; not the events themselves, which would fill the memory. */
  let pending = 0;
  /** When the oldest of them was written to the log. */
  let pendingSince: Instant | undefined;
  /** Since when there is something to write. */
  let changedAt: Instant | undefined;
  /** When the next writing may be, for someone who waits and for nobody. */
  let next = { hurried: 0, calm: 0 };
  let timer: { readonly at: Instant; readonly timer: Timer } | undefined;
  let live = false;
  let open = true;
  let subscription: Subscription | undefined;
  let failures = 0;
  let endPause: (() => void) | undefined;

  const stopTimer = (): void => {
    timer?.timer.cancel();
    timer = undefined;
  };

  const flush = (): void => {
    stopTimer();
    if (seen === fold.flushed()) return;
    const startedAt = clock.now();
    fold.flush(seen);
    const events = pending;
    pending = 0;
    pendingSince = undefined;
    changedAt = undefined;
    failures = 0;
    // A busy log is written in large steps, an idle one soon.
    const now = clock.now();
    const rest = live ? (now - startedAt) / writingShare : pauseMaxMs;
    next = {
      hurried: now + Math.min(events, hurryMs),
      calm: now + Math.min(rest, pauseMaxMs),
    };
    for (const listener of listeners) listener(seen, events);
    waiters.reached(seen);
  };

  /** False once something failed: what is in memory is then neither trusted nor added to. */
  let sound = false;
  let broken: ((error: unknown) => void) | undefined;
  const guard = (work: () => void): void => {
    if (!sound) return;
    try {
      work();
    } catch (error) {
      sound = false;
      stopTimer();
      broken?.(error);
    }
  };

  const flushAt = (at: Instant): void => {
    if (timer && timer.at <= at) return;
    stopTimer();
    const run = (): void => {
      timer = undefined;
      guard(flush);
    };
    timer = { at, timer: clock.after(at - clock.now(), run) };
  };

  const settle = (): void => {
    if (seen === fold.flushed()) return;
    const now = clock.now();
    changedAt ??= now;
    const isAwaited = (waiters.nearest() ?? seen + 1n) <= seen;
    const dueAt = isAwaited ? next.hurried : Math.max(changedAt + gatherMs, next.calm);
    // Where only the checkpoint moved, there is nothing to gather for someone who waits.
    const isDue = dueAt <= now || (isAwaited && pending === 0);
    if (isDue || pending >= pendingMax) flush();
    else flushAt(dueAt);
  };

  const onEvents = (events: readonly RecordedEvent[]): void => {
    for (const recorded of events) {
      const { position, revision, stream } = recorded;
      if (position <= seen) continue;
      const event = isHeard(stream) ? decode(recorded) : undefined;
      if (event) {
        fold.apply(event, { position, revision });
        pending++;
        pendingSince ??= recorded.recordedAt;
      }
      seen = position;
    }
    settle();
  };

  const onCheckpoint = (position: Position): void => {
    if (position <= seen) return;
    seen = position;
    settle();
  };

  const reset = (): void => {
    stopTimer();
    live = false;
    pending = 0;
    pendingSince = undefined;
    changedAt = undefined;
    fold.reset();
    seen = fold.flushed();
    sound = true;
  };

  /** One subscription, from the checkpoint until it breaks. */
  const follow = async (): Promise<void> => {
    reset();
    const head = await store.head();
    if (!open) return;
    if (seen > head) {
      notice(
        `rebuilding from the start of the log, since it ends at ${head} and the views at ${seen}`,
      );
      clearTables(database);
      reset();
    }
    const failed = new Promise<never>((_, reject) => {
      broken = reject;
    });
    subscription = store.subscribe({
      after: seen,
      filter: { streamPrefixes },
      onEvents: (events) => guard(() => onEvents(events)),
      onCheckpoint: (position) => guard(() => onCheckpoint(position)),
      onCaughtUp: () => {
        guard(flush);
        live = true;
      },
    });
    try {
      await Promise.race([subscription.closed, failed]);
    } finally {
      broken = undefined;
      await subscription.close();
    }
  };

  const run = async (): Promise<void> => {
    while (open) {
      try {
        await follow();
        if (open) throw new Error("the subscription of the views ended by itself");
      } catch (error) {
        live = false;
        if (!open) return;
        onError(error);
        const pauseMs = Math.min(backoffMs.first * 2 ** failures, backoffMs.most);
        failures++;
        const closing = new Promise<void>((resolve) => {
          endPause = resolve;
        });
        await Promise.race([sleep(clock, pauseMs), closing]);
      }
    }
  };

  /**
   * The position may be of an event that the filter keeps away, and a store need not say at once
   * how far it has looked: so look.
   */
  const probe = async (position: Position): Promise<void> => {
    const from = seen;
    let looked = from;
    const events = store.readAll(from < 0n ? "start" : from, { maxCount: probeEvents });
    for await (const event of events) {
      if (event.position <= from) continue;
      if (event.position > position || isHeard(event.stream)) break;
      looked = event.position;
    }
    if (open && live && seen === from && looked > from) guard(() => onCheckpoint(looked));
  };

  let isProbing = false;
  const probeOnce = (position: Position): void => {
    if (isProbing || !live || pending > 0 || position <= seen) return;
    isProbing = true;
    probe(position)
      .catch(onError)
      .finally(() => {
        isProbing = false;
      });
  };

  const running = run();
  let closed: Promise<void> | undefined;
  return {
    views: readViews(database, fold.flushed),
    position: fold.flushed,

    waitFor: async (position, timeoutMs) => {
      if (position <= fold.flushed()) return true;
      if (!open) return false;
      const arrived = waiters.wait(position, timeoutMs);
      if (position <= seen) guard(settle);
      const probing = clock.every(probeAfterMs, () => probeOnce(position));
      try {
        return await arrived;
      } finally {
        probing.cancel();
      }
    },

    lag: () => {
      const behindMs = pendingSince === undefined ? 0 : Math.max(0, clock.now() - pendingSince);
      return { flushed: fold.flushed(), pending, live, behindMs };
    },

    onFlush: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    close: () => {
      closed ??= (async () => {
        open = false;
        endPause?.();
        await subscription?.close();
        broken?.(new Error("the views were closed"));
        await running;
        try {
          if (sound) flush();
        } finally {
          stopTimer();
          waiters.close();
          database.close();
        }
      })();
      return closed;
    },
  };
};
