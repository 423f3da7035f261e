/**
 * When a worker says that it lives: often while it holds tasks, for then its silence is to be noticed;
 * seldom while it holds none; and at once when it is asked, or has something new to say.
 */
import type { Instant, Millis } from "../domain/decider.ts";
import type { Clock, Timer } from "../streams/clock.ts";
import { busyBeatMs, idleBeatMs } from "../streams/task-queue.ts";

/** After the start, when the coordinator may not know the node yet. */
const firstBeatsMs = [250, 1_000, 3_000];

export interface Beats {
  /** Beats now. */
  now(): void;
  /** The worker holds tasks, and held none before. */
  wake(): void;
  stop(): void;
}

/**
 * Beats at once, and until it is stopped.
 *
 * @param isBusy - Whether the worker holds tasks.
 */
export const startBeats = ({
  clock,
  isBusy,
  beat,
}: {
  readonly clock: Clock;
  readonly isBusy: () => boolean;
  readonly beat: () => void;
}): Beats => {
  let lastAt: Instant = clock.now();
  let next: Timer | undefined;
  let dueAt: Instant = 0;

  const plan = (delayMs: Millis): void => {
    next?.cancel();
    dueAt = clock.now() + delayMs;
    next = clock.after(delayMs, () => {
      // A task that is over by now needs no word: its result was one.
      if (isBusy() || clock.now() - lastAt >= idleBeatMs) now();
      else plan(idleBeatMs - (clock.now() - lastAt));
    });
  };
  const now = (): void => {
    lastAt = clock.now();
    beat();
    plan(isBusy() ? busyBeatMs : idleBeatMs);
  };

  now();
  const first = firstBeatsMs.map((delayMs) => clock.after(delayMs, now));
  return {
    now,
    wake: () => {
      if (dueAt > clock.now() + busyBeatMs) plan(busyBeatMs);
    },
    stop: () => {
      for (const timer of first) timer.cancel();
      next?.cancel();
    },
  };
};
