/**
 * Children as this machine sees them. Inside a fence a process has another id than outside, so a
 * child under test names itself by the number of its lifeline, which is the same on both sides.
 */

import { readFileSync, readlinkSync } from "node:fs";
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

/** What this process has started, and what that has started, and so on. */
const descendants = (pid: number): readonly number[] =>
  read(`/proc/${pid}/task/${pid}/children`)
    .split(" ")
    .filter((text) => text !== "")
    .map(Number)
    .flatMap((child) => [child, ...descendants(child)]);

/** Our processes that run a child's program: without those that only lead to it. */
export const childProcesses = (): readonly number[] =>
  descendants(process.pid).filter((pid) => {
    const [program = "", ...options] = read(`/proc/${pid}/cmdline`).split("\0");
    return /\bnode[^/]*$/.test(program) && options.some((each) => each.endsWith("/child.ts"));
  });

/** The most memory that each has had, bytes, of those that are still there. */
export const childPeaks = (): ReadonlyMap<number, number> =>
  new Map(
    childProcesses().flatMap((pid) => {
      const kibibytes = /^VmHWM:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1];
      return kibibytes === undefined ? [] : [[pid, Number(kibibytes) * 1024] as const];
    }),
  );

/** The id outside. @throws {Error} When nobody has this name. */
export const pidNamed = (name: string): number => {
  const pid = /^\d+$/.test(name)
    ? Number(name)
    : childProcesses().find((each) => lifelineOf(each) === name);
  if (pid === undefined) throw new Error(`no child is called ${name}`);
  return pid;
};
