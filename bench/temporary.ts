/** Folders that are gone when the bench is, however it ends. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const open = new Set<string>();

export const temporaryDirectory = async (name: string): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), `cnct-bench-${name}-`));
  open.add(directory);
  return directory;
};

export const removeDirectory = async (directory: string): Promise<void> => {
  await rm(directory, { recursive: true, force: true });
  open.delete(directory);
};

/** Ends the bench at once: first its children, which are killed at `exit`, then the folders. */
export const endNow = (exitCode: number): void => {
  process.once("exit", () => {
    for (const directory of open)
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });
  process.exit(exitCode);
};
