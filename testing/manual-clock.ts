/** A clock that stands until a test moves it. */
import type { Instant, Millis } from "../domain/decider.ts";
import type { Clock, Timer } from "../streams/clock.ts";

export interface ManualClock extends Clock {
  /**
   * Lets time pass: runs what falls due, in order of time and then of setting, and after each one
   * everything that its promises set off.
   */
  pass(ms: Millis): Promise<void>;
  /** How many timers are set. */
  pending(): number;
}

interface Alarm {
  at: Instant;
  readonly order: number;
  readonly periodMs: Millis | undefined;
  readonly run: () => void;
}

/** @param start - The first instant; a fixed one, so that runs can be compared. */
export const manualClock = (start: Instant = 1_700_000_000_000): ManualClock => {
  let now = start;
  let orders = 0;
  const alarms = new Set<Alarm>();

  const set = (delayMs: Millis, periodMs: Millis | undefined, run: () => void): Timer => {
    const alarm: Alarm = { at: now + Math.max(0, delayMs), order: orders++, periodMs, run };
    alarms.add(alarm);
    return { cancel: () => void alarms.delete(alarm) };
  };

  const nextUntil = (end: Instant): Alarm | undefined => {
    let next: Alarm | undefined;
    for (const alarm of alarms) {
      if (alarm.at > end) continue;
      if (!next || alarm.at < next.at || (alarm.at === next.at && alarm.order < next.order))
        next = alarm;
    }
    return next;
  };

  return {
    now: () => now,
    after: (delayMs, run) => set(delayMs, undefined, run),
    every: (periodMs, run) => set(periodMs, Math.max(1, periodMs), run),
    pass: async (ms) => {
      const end = now + ms;
      await settled();
      for (let alarm = nextUntil(end); alarm; alarm = nextUntil(end)) {
        now = Math.max(now, alarm.at);
        if (alarm.periodMs === undefined) alarms.delete(alarm);
        else alarm.at = now + alarm.periodMs;
        alarm.run();
        await settled();
      }
      now = end;
    },
    pending: () => alarms.size,
  };
};

/** Resolves when every promise that can settle without time has settled. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
