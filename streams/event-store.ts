/**
 * The event store port: where facts are kept. `embedded/` and `eventstoredb/` implement it, and one
 * contract suite (`testing/contracts/event-store.ts`) says what both must do.
 *
 * Words follow EventStoreDB: a stream has revisions from 0; the whole store has positions, which
 * strictly increase over all streams and may have gaps.
 */

/** A place in the whole log. Opaque but ordered; -1 stands before the first event. */
export type Position = bigint;
/** A place in one stream, from 0. */
export type Revision = bigint;

export const beforeFirst: Position = -1n;

/** A fact about to be written. `id` is a UUID; the same id, stream and revision is the same fact. */
export interface NewEvent {
  readonly id: string;
  readonly type: string;
  /** Any JSON value. Held by reference after the append: the caller must not change it any more. */
  readonly data: unknown;
  /** A JSON value that says how the event came about (actor, cause); undefined for none. */
  readonly metadata?: unknown;
}

/** A fact as it was written. */
export interface RecordedEvent {
  readonly id: string;
  readonly stream: string;
  readonly revision: Revision;
  readonly position: Position;
  readonly type: string;
  /** The parsed JSON. Shared between readers: treat it as frozen. */
  readonly data: unknown;
  readonly metadata?: unknown;
  /** When the store wrote it, in milliseconds since the Unix epoch. */
  readonly recordedAt: number;
}

/** What the writer believes about the stream: its last revision, that it has none, or nothing. */
export type Expected = Revision | "no-stream" | "any";

export type AppendResult =
  | {
      readonly ok: true;
      /** Revision of the last event of this append. */
      readonly revision: Revision;
      /** Position of the last event of this append. */
      readonly position: Position;
    }
  | {
      readonly ok: false;
      /** The stream's last revision, or "no-stream". */
      readonly actual: Revision | "no-stream";
    };

/** Matches an event if its stream begins with one of the prefixes (or its type does). */
export type EventFilter =
  | { readonly streamPrefixes: readonly string[] }
  | { readonly typePrefixes: readonly string[] };

export interface ReadOptions {
  readonly direction?: "forwards" | "backwards";
  readonly maxCount?: number;
}

export interface SubscribeOptions {
  /** Deliver what comes after this position: `beforeFirst` for everything, "end" for news only. */
  readonly after: Position | "end";
  readonly filter?: EventFilter;
  /**
   * Hears events in order, in batches of at least one. The next batch waits for its promise; a
   * throw ends the subscription with that error.
   */
  readonly onEvents: (events: readonly RecordedEvent[]) => void | Promise<void>;
  /**
   * Hears how far the subscription has looked, also when the filter let nothing through: after
   * everything that history held has been delivered, and from then on after every few hundred
   * events that were looked at (in live operation possibly after each).
   */
  readonly onCheckpoint?: (position: Position) => void | Promise<void>;
  /** Called once, when history has been delivered and live events follow. */
  readonly onCaughtUp?: () => void;
}

export interface Subscription {
  /** Ends it; resolves when no callback runs any more. */
  close(): Promise<void>;
  /** Resolves after `close`; rejects when the subscription broke. The caller subscribes anew. */
  readonly closed: Promise<void>;
}

export interface StreamMetadata {
  readonly maxCount?: number;
  readonly maxAgeSeconds?: number;
  readonly truncateBefore?: number;
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface EventStore {
  /**
   * Appends all events or none, and answers when they are on disk.
   *
   * Said again with the same ids and the same exact expectation, it answers as it did the first
   * time and writes nothing; a partial match is a conflict.
   *
   * @throws {EventStoreError} `unavailable` or `timeout` (it may still have written: say it again),
   *   `too-large`, `stream-deleted` (tombstoned), `bad-request`, `disk-full`.
   */
  append(stream: string, events: readonly NewEvent[], expected: Expected): Promise<AppendResult>;

  /** Reads one stream; forwards from `from` inclusive. An unknown or deleted stream has no events. */
  readStream(
    stream: string,
    from: Revision | "start" | "end",
    options?: ReadOptions,
  ): AsyncIterable<RecordedEvent>;

  /** Reads everything in order; forwards from `from` inclusive, backwards from it exclusive. */
  readAll(from: Position | "start" | "end", options?: ReadOptions): AsyncIterable<RecordedEvent>;

  subscribe(options: SubscribeOptions): Subscription;

  /** Soft: what was there is gone, a later append goes on with the next revision. */
  deleteStream(stream: string, expected: Expected): Promise<AppendResult>;
  /** Final: no append to that name will ever succeed again. */
  tombstoneStream(stream: string, expected: Expected): Promise<AppendResult>;

  getMetadata(stream: string): Promise<StreamMetadata>;
  setMetadata(stream: string, metadata: StreamMetadata, expected: Expected): Promise<AppendResult>;

  /** The position of the last event, or `beforeFirst`. */
  head(): Promise<Position>;

  close(): Promise<void>;
}

export type EventStoreErrorCode =
  | "unavailable"
  | "timeout"
  | "too-large"
  | "stream-deleted"
  | "bad-request"
  | "disk-full"
  | "locked"
  | "newer-version"
  | "corrupt";

/** The store could not do it. Conflicts are not errors: `append` answers them. */
export class EventStoreError extends Error {
  readonly code: EventStoreErrorCode;
  constructor(code: EventStoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "EventStoreError";
    this.code = code;
  }
}
