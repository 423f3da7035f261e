/**
 * What this process found open when it was started, such as the lock of a script around it. Its
 * children are not to have it, and Node keeps only the first few back.
 */

import { openSync, readdirSync, readFileSync } from "node:fs";

const closesOnExec = 0o2_000_000;

/** File descriptors beyond the standard ones that every child would get. Empty but on Linux. */
export const inherited = (): readonly number[] =>
  process.platform === "linux" ? readdirSync("/proc/self/fd").map(Number).filter(staysOpen) : [];

const staysOpen = (descriptor: number): boolean => {
  if (descriptor <= 2) return false;
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(
      readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"),
    );
    return flags !== null && (Number.parseInt(flags[1] ?? "", 8) & closesOnExec) === 0;
  } catch {
    return false; // It was closed meanwhile, as the one was that listed them.
  }
};

let nothing: number | undefined;

/**
 * The standard streams and pipes of a child, and nothing behind each descriptor that it would inherit
 * beside them.
 */
export const stdioOf = (pipes: readonly ("ignore" | "pipe")[]): ("ignore" | "pipe" | number)[] => {
  const stdio: ("ignore" | "pipe" | number)[] = [...pipes];
  for (const descriptor of inherited()) {
    if (descriptor < pipes.length) continue;
    // Those between are left as they are, which is closed.
    while (stdio.length < descriptor) stdio.push("ignore");
    nothing ??= openSync("/dev/null", "r");
    stdio[descriptor] = nothing;
  }
  return stdio;
};
