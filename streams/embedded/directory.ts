/** Who may use a store's directory: one process at a time, and none older than the data. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EventStoreError } from "../event-store.ts";
import type { Files } from "./files.ts";

export const formatVersion = 1;

/**
 * Takes the directory for this process until `release`.
 *
 * The lock is the one SQLite puts on its database file, held by an open transaction: the kernel
 * drops it with the process, however that dies, and knows no stale owner.
 *
 * @throws {EventStoreError} `locked` if another store has it, in this process or another.
 */
export const lockDirectory = (directory: string): { release: () => void } => {
  const database = new DatabaseSync(join(directory, "lock"));
  try {
    database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw new EventStoreError(
      "locked",
      `the event store in ${directory} is in use by another process`,
      error,
    );
  }
  return { release: () => database.close() };
};

/**
 * Checks that this program can read the directory, and marks a new one.
 *
 * @throws {EventStoreError} `newer-version`, or `corrupt` if the mark cannot be read.
 */
export const checkFormat = async (files: Files, directory: string): Promise<void> => {
  const path = join(directory, "format.json");
  const content = await files.load(path);
  if (content === undefined) {
    await files.save(path, Buffer.from(`${JSON.stringify({ eventLog: formatVersion })}\n`));
    return;
  }
  const version = versionIn(content.toString("utf8"));
  if (version === undefined)
    throw new EventStoreError("corrupt", `${path} does not hold a format version`);
  if (version > formatVersion)
    throw new EventStoreError(
      "newer-version",
      `the event store in ${directory} has format ${version}, this program knows ${formatVersion}`,
    );
};

const versionIn = (text: string): number | undefined => {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || !("eventLog" in parsed)) return undefined;
    return Number.isSafeInteger(parsed.eventLog) ? (parsed.eventLog as number) : undefined;
  } catch {
    return undefined;
  }
};
