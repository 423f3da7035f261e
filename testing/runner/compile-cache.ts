/** What Node has compiled is kept for the other processes of a run: hundreds load the same files. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives this process's children a compile cache that is new and goes with this process, unless the
 * environment names one. A process of the command line starts in a third of the CPU time with it.
 */
export const shareCompileCache = (): void => {
  if (process.env["NODE_COMPILE_CACHE"] !== undefined) return;
  const directory = mkdtempSync(join(tmpdir(), "cnct-compile-cache-"));
  chmodSync(directory, 0o755); // Children in a fence read theirs there, as nobody.
  process.env["NODE_COMPILE_CACHE"] = directory;
  for (const [signal, exit] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => process.exit(exit));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
};
