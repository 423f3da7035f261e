/**
 * How a child's process is started: the one place that knows its command and its pipes. The fence
 * (`fence.ts`) goes around the command; the child needs to read this project and its packages, and
 * the two open pipes.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Fence } from "./fence.ts";
import type { ChildSettings } from "./messages.ts";

export interface Launched {
  readonly process: ChildProcess;
  readonly stderr: Readable;
  readonly frames: Socket;
  readonly lifeline: Socket;
  /** At once, whatever it does. */
  kill(): void;
}

const program = fileURLToPath(new URL("./child.ts", import.meta.url));

/** @throws {Error} When the system cannot start it at once; later failures are its `error` event. */
export const launch = (settings: ChildSettings, fence: Fence): Launched => {
  const { file, args, ...options } = fence.command(
    [
      "--disable-warning=ExperimentalWarning",
      ...settings.v8Options,
      program,
      JSON.stringify(settings),
    ],
    settings.memoryBytes,
  );
  const child = spawn(file, args, {
    ...options,
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  const [, , stderr, frames, lifeline] = child.stdio;
  const kill = () => {
    if (!options.detached || child.pid === undefined) return void child.kill("SIGKILL");
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // It is gone.
    }
  };
  return {
    kill,
    process: child,
    stderr: stderr as Readable,
    frames: frames as Socket,
    lifeline: lifeline as Socket,
  };
};

/** How a process ended. bubblewrap ends with 128 and the number of the signal that ended its child. */
export const endOf = (code: number | null, signal: NodeJS.Signals | null): string => {
  const inner = Object.entries(constants.signals).find(([, number]) => number + 128 === code);
  const name = signal ?? inner?.[0];
  return name === undefined ? `exit code ${code}` : `signal ${name}`;
};
