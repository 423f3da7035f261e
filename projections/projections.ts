/** What a program holds that keeps the views up to date; `open.ts` makes one. */
import type { Millis } from "../domain/decider.ts";
import type { Position } from "../streams/event-store.ts";
import type { Views } from "./views.ts";

/** Hears where the views stand, and how many events they show more than before. */
export type FlushListener = (position: Position, events: number) => void;

export interface Lag {
  /** What the views show. */
  readonly flushed: Position;
  /** Events that were folded and are not shown yet. */
  readonly pending: number;
  /** False while history is still being folded, or the subscription is broken. */
  readonly live: boolean;
  /** How long ago the oldest event that is known and not shown was written, ms; 0 for none. */
  readonly behindMs: Millis;
}

export interface Projections {
  readonly views: Views;
  /** The same as `views.position()`. */
  position(): Position;
  /**
   * Reads your writes: true as soon as the views show everything up to `position`, false if they do
   * not within `timeoutMs`.
   */
  waitFor(position: Position, timeoutMs: Millis): Promise<boolean>;
  lag(): Lag;
  /** Stops following the log, writes what is pending and closes the database. */
  close(): Promise<void>;
}

/** Views that are folded in this thread, where each step can be heard. */
export interface FoldedHere extends Projections {
  /**
   * Hears of each step of the views, after it can be queried. Answers how to stop listening. A
   * listener must not throw.
   */
  onFlush(listener: FlushListener): () => void;
}
