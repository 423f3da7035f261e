/**
 * The life of a long-running command: tells its parent when it is ready, stops on a signal or when
 * its parent is gone, and never hangs on the way out.
 */

import { say } from "../output.ts";

/** What a child says to its parent over the IPC channel. */
export type ChildMessage =
  | { readonly type: "ready"; readonly urls: Readonly<Record<string, string>> }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      readonly exit: number;
    };

/** Draining takes no longer than this, ms; then the process ends as it is. */
const stopWithinMs = 8_000;

export const isChild = (): boolean => process.send !== undefined;

export const tellParent = (message: ChildMessage): void => void process.send?.(message);

/**
 * Resolves with why the process should stop: a signal, or that its parent is gone. A child does not
 * hear Ctrl-C and hang-ups, which a terminal sends to all: its parent stops it in good order.
 */
export const untilStopped = (): Promise<string> =>
  new Promise((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    if (isChild()) {
      for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);
      process.once("disconnect", () => resolve("its parent is gone"));
      if (!process.connected) resolve("its parent is gone");
      return;
    }
    process.once("SIGHUP", () => resolve("SIGHUP"));
    process.once("SIGINT", () => {
      // The second one does not wait.
      process.once("SIGINT", () => process.exit(130));
      resolve("SIGINT");
    });
  });

/**
 * Runs until told to stop, closes, and ends the process: whatever timer or socket a library has left
 * open does not keep it.
 */
export const runUntilStopped = async (close: () => Promise<void>): Promise<never> => {
  await untilStopped();
  const hung = setTimeout(() => {
    say(`did not stop within ${stopWithinMs} ms and ends as it is`);
    process.exit(1);
  }, stopWithinMs);
  await close();
  clearTimeout(hung);
  process.exit(0);
};
