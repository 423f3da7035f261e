/**
 * When each service key was last used on this gateway. It is no fact for the log: it is kept in memory
 * and written to a small file now and then, so that a crash loses a minute of it.
 */
import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ServiceKeyId } from "../../domain/access/service-keys.ts";
import type { Instant } from "../../domain/decider.ts";
import type { Clock } from "../../streams/clock.ts";

export interface LastUses {
  readonly note: (keyId: ServiceKeyId) => void;
  readonly of: (keyId: ServiceKeyId) => Instant | undefined;
  readonly close: () => void;
}

const fileName = "service-key-uses.json";
const writeMs = 60_000;
/** Keys that are remembered, those used last. */
const most = 100_000;

/** @param onTrouble - Hears why the file could not be read or written; the uses are kept in memory. */
export const openLastUses = async ({
  directory,
  clock,
  onTrouble,
}: {
  readonly directory: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}): Promise<LastUses> => {
  const path = join(directory, fileName);
  const uses = new Map<ServiceKeyId, Instant>(
    await read(path).catch((error: unknown) => {
      onTrouble(error);
      return [];
    }),
  );
  let changed = false;
  const write = (): void => {
    if (!changed) return;
    try {
      writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(uses)), { mode: 0o600 });
      renameSync(`${path}.new`, path);
      changed = false;
    } catch (error) {
      onTrouble(error);
    }
  };
  const timer = clock.every(writeMs, write);
  return {
    note: (keyId) => {
      uses.delete(keyId);
      const [oldest] = uses.keys();
      if (uses.size >= most && oldest !== undefined) uses.delete(oldest);
      uses.set(keyId, clock.now());
      changed = true;
    },
    of: (keyId) => uses.get(keyId),
    close: () => {
      timer.cancel();
      write();
    },
  };
};

const read = async (path: string): Promise<readonly (readonly [ServiceKeyId, Instant])[]> => {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return Object.entries(JSON.parse(text) as Readonly<Record<string, Instant>>);
};
