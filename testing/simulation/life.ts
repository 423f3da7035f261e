/**
 * One life of a process: from its start to its end or crash. What it set off dies with it: its timers
 * do not run and its promises do not settle any more, so that none of its code ever goes on.
 */
import type { Millis } from "../../domain/decider.ts";
import type { Clock } from "../../streams/clock.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Life {
  readonly name: string;
  /** The process's own, which may go before or after the others'. */
  readonly clock: Clock;
  isOver(): boolean;
  end(): void;
  /** The same promise as long as the process lives, then silence. */
  guard<T>(promise: Promise<T>): Promise<T>;
  /** Called at the end. */
  onEnd(run: () => void): void;
}

/** @param skewMs - How far its clock is ahead of true time. */
export const startLife = (scheduler: Scheduler, name: string, skewMs: Millis): Life => {
  let over = false;
  const endings = new Set<() => void>();
  const tick = `${name} timer`;
  return {
    name,
    clock: {
      now: () => Math.floor(scheduler.now() + skewMs),
      after: (delayMs, run) =>
        scheduler.after(delayMs, tick, () => {
          if (!over) run();
        }),
      every: (periodMs, run) => {
        const again = (): void => {
          timer = scheduler.after(periodMs, tick, () => {
            if (over) return;
            again();
            run();
          });
        };
        let timer = { cancel: (): void => {} };
        again();
        return { cancel: () => timer.cancel() };
      },
    },
    isOver: () => over,
    end: () => {
      over = true;
      for (const run of endings) run();
      endings.clear();
    },
    guard: (promise) =>
      new Promise((resolve, reject) => {
        promise.then(
          (value) => {
            if (!over) resolve(value);
          },
          (error: unknown) => {
            if (!over) reject(error);
          },
        );
      }),
    onEnd: (run) => void endings.add(run),
  };
};
