/** Those who wait until the views have reached a position. */
import type { Millis } from "../domain/decider.ts";
import type { Clock } from "../streams/clock.ts";
import type { Position } from "../streams/event-store.ts";

export interface Waiters {
  /** True when `reached` was told of the position, false after `timeoutMs`. */
  readonly wait: (position: Position, timeoutMs: Millis) => Promise<boolean>;
  readonly reached: (position: Position) => void;
  /** The nearest position that someone waits for. */
  readonly nearest: () => Position | undefined;
  /** Sends all of them away. */
  readonly close: () => void;
}

interface Waiter {
  readonly position: Position;
  readonly settle: (reached: boolean) => void;
}

export const openWaiters = (clock: Clock): Waiters => {
  const waiting = new Set<Waiter>();
  return {
    wait: (position, timeoutMs) =>
      new Promise((resolve) => {
        const waiter: Waiter = {
          position,
          settle: (reached) => {
            timer.cancel();
            waiting.delete(waiter);
            resolve(reached);
          },
        };
        const timer = clock.after(timeoutMs, () => waiter.settle(false));
        waiting.add(waiter);
      }),
    reached: (position) => {
      for (const waiter of waiting) if (waiter.position <= position) waiter.settle(true);
    },
    nearest: () => {
      let nearest: Position | undefined;
      for (const { position } of waiting)
        if (nearest === undefined || position < nearest) nearest = position;
      return nearest;
    },
    close: () => {
      for (const waiter of waiting) waiter.settle(false);
    },
  };
};
