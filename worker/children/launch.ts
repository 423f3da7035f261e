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
import { stdioOf } from "./inherited.ts";
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

/** Where bubblewrap says which process it has made; the child does not get this pipe. */
const statusPipe = 5;
/** The outer process ends when the inner one has ended, at once as a rule. */
const endsWithinMs = 100;

/** @throws {Error} When the system cannot start it at once; later failures are its `error` event. */
export const launch = (settings: ChildSettings, fence: Fence): Launched => {
  const { file, args, bubblewrap, ...options } = fence.command(
    [
      "--disable-warning=ExperimentalWarning",
      ...settings.v8Options,
      program,
      JSON.stringify(settings),
    ],
    settings.memoryBytes,
  );
  const child = bubblewrap
    ? spawn(file, ["--json-status-fd", String(statusPipe), ...args], {
        ...options,
        detached: true, // It leads a group.
        stdio: stdioOf(["ignore", "ignore", "pipe", "pipe", "pipe", "pipe"]),
      })
    : spawn(file, args, {
        ...options,
        stdio: stdioOf(["ignore", "ignore", "pipe", "pipe", "pipe"]),
        windowsHide: true,
      });
  const [, , stderr, frames, lifeline, status] = child.stdio as readonly unknown[];
  return {
    process: child,
    stderr: stderr as Readable,
    frames: frames as Socket,
    lifeline: lifeline as Socket,
    kill: bubblewrap ? killerOf(child, status as Socket) : () => void child.kill("SIGKILL"),
  };
};

/**
 * Kills the first process inside, and with it all others there; then the outer one sees its end and
 * leaves nothing. Killed first itself, it would leave a dead child to whoever is process 1, who in a
 * container may be this worker; and in its first moments a living one, which waits for it for ever.
 */
const killerOf = (outer: ChildProcess, status: Socket): (() => void) => {
  let said = "";
  status.on("data", (chunk: Uint8Array) => {
    if (said.length < 1_000) said += String(chunk);
  });
  status.on("error", () => undefined); // It is gone.
  return () => {
    const { pid, exitCode, signalCode } = outer;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const inner = /"child-pid": (\d+)/.exec(said)?.[1];
    if (inner === undefined) return killIfThere(-pid);
    killIfThere(Number(inner));
    const late = setTimeout(() => killIfThere(-pid), endsWithinMs);
    outer.once("exit", () => clearTimeout(late));
  };
};

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // It is gone.
  }
};

/** How a process ended. bubblewrap ends with 128 and the number of the signal that ended its child. */
export const endOf = (code: number | null, signal: NodeJS.Signals | null): string => {
  const inner = Object.entries(constants.signals).find(([, number]) => number + 128 === code);
  const name = signal ?? inner?.[0];
  return name === undefined ? `exit code ${code}` : `signal ${name}`;
};
