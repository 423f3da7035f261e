/** A nats-server whose parent was killed before it could end it. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { NatsServerError } from "./server-error.ts";

const endWithinMs = 5_000;

export interface OrphanFiles {
  readonly directory: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly ownerFile: string;
}

/** A server that outlived its parent, which was killed, holds our files: it is ended first. */
export const endOrphan = async ({
  directory,
  configFile,
  pidFile,
  ownerFile,
}: OrphanFiles): Promise<void> => {
  const pid = await pidIn(pidFile);
  if (pid === undefined || !(await runsConfig(pid, configFile))) return;
  const owner = await pidIn(ownerFile);
  if (owner !== undefined && owner === (await parentOf(pid)))
    throw new NatsServerError(
      "directory-in-use",
      `process ${owner} already runs a nats-server in ${directory}`,
    );
  kill(pid, "SIGTERM");
  for (let waitedMs = 0; waitedMs < 2 * endWithinMs; waitedMs += 50) {
    await sleep(50);
    if (!(await runsConfig(pid, configFile))) return;
    if (waitedMs >= endWithinMs) kill(pid, "SIGKILL");
  }
  throw new NatsServerError("nats-failed", `the old nats-server (process ${pid}) does not end`);
};

const pidIn = async (file: string): Promise<number | undefined> => {
  const text = await readFile(file, "utf8").catch(() => "");
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
};

/** Whether the process is a server with this configuration, and not another with a used-again pid. */
const runsConfig = async (pid: number, configFile: string): Promise<boolean> => {
  const { command } = await look(pid);
  return command.includes("nats-server") && command.endsWith(` -c ${configFile}`);
};

const parentOf = async (pid: number): Promise<number | undefined> => (await look(pid)).parent;

interface Process {
  readonly parent: number | undefined;
  /** Empty when there is no such process, or only its remains. */
  readonly command: string;
}

/** As Linux tells it in files, and other systems through `ps`. */
const look = async (pid: number): Promise<Process> => {
  if (existsSync("/proc/self/status")) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    const parent = /^PPid:\s*(\d+)$/m.exec(status);
    const command = words.replace(/\0$/, "").replaceAll("\0", " ");
    return { parent: parent ? Number(parent[1]) : undefined, command };
  }
  const line = await new Promise<string>((resolve) =>
    execFile("ps", ["-o", "ppid=,command=", "-p", String(pid)], (error, out) =>
      resolve(error ? "" : out.trim()),
    ),
  );
  const found = /^(\d+)\s+(.*)$/.exec(line);
  return { parent: found ? Number(found[1]) : undefined, command: found?.[2] ?? "" };
};

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended by itself.
  }
};
