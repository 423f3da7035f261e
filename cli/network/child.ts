/**
 * The life of a long-running command: tells its parent when it is ready, stops on a signal or when
 * its parent is gone, and never hangs on the way out.
 */

import type { Millis } from "../../domain/decider.ts";
import { say } from "../output.ts";

/** What a child says to its parent over the IPC channel. */
export type ChildMessage =
  | { readonly type: "ready"; readonly urls: Readonly<Record<string, string>> }
  /** Something that whoever watches the network should know. */
  | { readonly type: "notice"; readonly text: string }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      readonly exit: number;
    };

/** To stop takes no longer than this, unless work is under way; then the process ends as it is. */
export const stopWithinMs: Millis = 8_000;
/** However long a task may take, a worker is gone after this. */
export const drainWithinMs: Millis = 70_000;

export const isChild = (): boolean => process.send !== undefined;

export const tellParent = (message: ChildMessage): void => void process.send?.(message);

/** For people: on standard error, and to those who started the network. */
export const notify = (text: string): void => {
  if (isChild()) tellParent({ type: "notice", text });
  else say(text);
};

export const parentGone = "its parent is gone";

const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof signals;
/** A terminal sends Ctrl-C to all, and npm passes its own on: two copies of one arrive this close. */
const sameSignalMs = 300;

/**
 * Hears the first signal to stop; the second one does not wait and ends the process. A child of ours
 * hears neither Ctrl-C nor hang-ups: its parent stops it in good order.
 *
 * @returns Ends the hearing.
 */
export const heedSignals = (stop: (signal: StopSignal) => void): (() => void) => {
  let toldAt: number | undefined;
  const heard = Object.entries(signals).map(([name, exit]) => {
    const signal = name as StopSignal;
    const hear = (): void => {
      if (isChild() && signal !== "SIGTERM") return;
      if (toldAt === undefined) {
        toldAt = performance.now();
        stop(signal);
      } else if (performance.now() - toldAt > sameSignalMs) process.exit(exit);
    };
    process.on(signal, hear);
    return { signal, hear };
  });
  return () => {
    for (const { signal, hear } of heard) process.off(signal, hear);
  };
};

/** Resolves with why the process should stop: a signal, or that its parent is gone. */
export const untilStopped = (): Promise<string> =>
  new Promise((resolve) => {
    heedSignals(resolve);
    if (!isChild()) return;
    process.once("disconnect", () => resolve(parentGone));
    if (!process.connected) resolve(parentGone);
  });

/** How long stopping may take: without its parent the network is gone, and nobody waits for work. */
export const stopLimitMs = (why: string, workLeftMs: Millis): Millis =>
  why === parentGone ? stopWithinMs : Math.min(stopWithinMs + workLeftMs, drainWithinMs);

/**
 * Runs until told to stop, closes, and ends the process: whatever timer or socket a library has left
 * open does not keep it.
 *
 * @param workLeftMs - How long what is under way may still take, asked when the process is told to
 *   stop.
 */
export const runUntilStopped = async (
  close: () => Promise<void>,
  workLeftMs: () => Millis = () => 0,
): Promise<never> => {
  const why = await untilStopped();
  const limitMs = stopLimitMs(why, workLeftMs());
  if (limitMs > stopWithinMs)
    say(`finishing what is under way, for at most ${Math.ceil(limitMs / 1_000)} s`);
  const hung = setTimeout(() => {
    say(`did not stop within ${limitMs} ms and ends as it is`);
    process.exit(1);
  }, limitMs);
  await close();
  clearTimeout(hung);
  process.exit(0);
};
