/** The clock port: the only way for services and workers to know the time or to wait. */
import type { Instant, Millis } from "../domain/decider.ts";

export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): Instant;
  /** Runs once, `delayMs` from now. */
  after(delayMs: Millis, run: () => void): Timer;
  /** Runs again and again, first after `periodMs`. */
  every(periodMs: Millis, run: () => void): Timer;
}

/** Time as the machine has it. Its timers keep the process alive until they are cancelled. */
export const wallClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  every: (periodMs, run) => {
    const timer = setInterval(run, periodMs);
    return { cancel: () => clearInterval(timer) };
  },
};

/** Resolves after `delayMs`. */
export const sleep = (clock: Clock, delayMs: Millis): Promise<void> =>
  new Promise((resolve) => clock.after(delayMs, resolve));
