/** What a process has used so far, read from Linux; other systems do not tell. */
import { readFileSync } from "node:fs";

export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuMs: number;
  /** Memory, with what is shared counted in parts: sums over processes are true. */
  readonly pssBytes: number;
}

/** Linux counts in hundredths of a second towards programs, whatever its own clock does. */
const tickMs = 10;

/** Undefined where the system does not tell, or the process is gone. */
export const usageOf = (pid: number): Usage | undefined => {
  try {
    // The second field is the program's name in parentheses, which may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const kibibytes = Number(/^Pss:\s+(\d+) kB/m.exec(memory)?.[1]);
    return { cpuMs: ticks * tickMs, pssBytes: kibibytes * 1024 };
  } catch {
    return undefined;
  }
};

/** Processes to be measured, by what they do. Those with one name are added up. */
export type Processes = readonly { readonly name: string; readonly pid: number }[];

export interface ProcessFigures {
  /** CPU of the measured time, shared among its jobs. */
  readonly cpuMicrosPerJob: number;
  /** At the end. */
  readonly pssMib: number;
}

/** Measures from the call until `read` is called. */
export const measureProcesses = (processes: Processes) => {
  const before = processes.map(({ pid }) => usageOf(pid));
  return {
    read: (jobs: number): Readonly<Record<string, ProcessFigures>> => {
      const figures: Record<string, ProcessFigures> = {};
      for (const [index, { name, pid }] of processes.entries()) {
        const [from, to] = [before[index], usageOf(pid)];
        if (!from || !to) continue;
        const known = figures[name] ?? { cpuMicrosPerJob: 0, pssMib: 0 };
        figures[name] = {
          cpuMicrosPerJob: known.cpuMicrosPerJob + ((to.cpuMs - from.cpuMs) * 1000) / jobs,
          pssMib: known.pssMib + to.pssBytes / 2 ** 20,
        };
      }
      return figures;
    },
  };
};
