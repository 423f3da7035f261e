/**
 * Children as this machine sees them. Inside a fence a process has another id than outside, so a
 * child under test names itself by the number of its lifeline, which is the same on both sides.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { pipes } from "../messages.ts";

const lifelineOf = (pid: number | "self"): string | undefined => {
  try {
    return /^socket:\[\d+\]$/.exec(readlinkSync(`/proc/${pid}/fd/${pipes.lifeline}`))?.[0];
  } catch {
    return undefined; // It went between the two questions, or is somebody else's.
  }
};

const isLinux: boolean = process.platform === "linux";

/** What a child says who it is. */
export const ownName = (): string => (isLinux && lifelineOf("self")) || String(process.pid);

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

/** All processes of this machine that run a child's program, bubblewrap's own left out. */
export const childProcesses = (): readonly number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      const [program = "", ...options] = read(`/proc/${pid}/cmdline`).split("\0");
      return !program.endsWith("bwrap") && options.some((each) => each.endsWith("/child.ts"));
    });

/** The id outside. @throws {Error} When nobody has this name. */
export const pidNamed = (name: string): number => {
  const pid = /^\d+$/.test(name)
    ? Number(name)
    : childProcesses().find((each) => lifelineOf(each) === name);
  if (pid === undefined) throw new Error(`no child is called ${name}`);
  return pid;
};
