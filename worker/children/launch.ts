/**
 * How a child's process is started: the one place that knows its command, its environment and its
 * pipes. A sandbox (bubblewrap, limits, Node's permission model) goes around the command here, and
 * nothing else has to change: the child needs to read this project and its packages, and the two
 * open pipes.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { ChildSettings } from "./messages.ts";

export interface Launched {
  readonly process: ChildProcess;
  readonly stderr: Readable;
  readonly frames: Socket;
  readonly lifeline: Socket;
}

const program = fileURLToPath(new URL("./child.ts", import.meta.url));

/**
 * What a child gets to know of our environment: how to find libraries and where to put temporary
 * files. The rest may hold secrets, or options for another Node.
 */
const environmentNames = [
  "PATH",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
];

/** @throws {Error} When the system cannot start it at once; later failures are its `error` event. */
export const launch = (settings: ChildSettings): Launched => {
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      ...settings.v8Options,
      program,
      JSON.stringify(settings),
    ],
    {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      env: {
        ...Object.fromEntries(environmentNames.map((name) => [name, process.env[name]])),
        // ONNX Runtime would otherwise collect usage data and leave files of it in TMPDIR.
        ORT_DISABLE_TELEMETRY: "1",
      },
      windowsHide: true,
    },
  );
  const [, , stderr, frames, lifeline] = child.stdio;
  return {
    process: child,
    stderr: stderr as Readable,
    frames: frames as Socket,
    lifeline: lifeline as Socket,
  };
};
