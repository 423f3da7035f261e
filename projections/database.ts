/**
 * The SQLite file of the views: its tables, the versions they were folded with, and the one
 * checkpoint up to which all of them hold every fact.
 *
 * SQLite syncs only when it folds its write-ahead log back (`synchronous=NORMAL`): a power cut can
 * take the last moments, checkpoint and rows together, and they are folded again.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeFirst, type Position } from "../streams/event-store.ts";
import { numberOf, textOf } from "./table.ts";
import { tables } from "./tables.ts";

export type Versions = Readonly<Record<string, number>>;

/** Versions of the projections as they are written here. */
export const presentVersions: Versions = Object.fromEntries(
  Object.values(tables).map(({ projection: { name, version } }) => [name, version]),
);

export const removeDatabase = (path: string): void => {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
};

/** @throws {Error} SQLite's, when the file is not a database or the disk is full. */
export const openDatabase = (
  path: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): DatabaseSync => {
  if (!readOnly) mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { readOnly });
  try {
    database.exec("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536");
    if (readOnly) return database;
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    // 16 MiB between folding back: each time costs two syncs.
    database.exec("PRAGMA wal_autocheckpoint = 4096");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Whether SQLite says that the file is none of its own, or that its pages are broken. */
export const isUnreadable = (error: unknown): boolean => {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  return code === 11 || code === 26; // SQLITE_CORRUPT, SQLITE_NOTADB
};

/** Moves an unreadable file out of the way, in the place of an earlier one; answers where it is now. */
export const setAsideDatabase = (path: string): string => {
  const aside = `${path}.unreadable`;
  renameSync(path, aside);
  removeDatabase(path); // Journals without their file say nothing.
  return aside;
};

/** Makes what is missing in a new file. */
export const createTables = (
  database: DatabaseSync,
  { versions, indexes }: { readonly versions: Versions; readonly indexes: boolean },
): void => {
  inTransaction(database, () => {
    database.exec(
      `CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY, position INTEGER NOT NULL) STRICT;
       CREATE TABLE IF NOT EXISTS versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
       INSERT OR IGNORE INTO checkpoint (id, position) VALUES (1, ${beforeFirst});`,
    );
    const version = database.prepare("INSERT OR IGNORE INTO versions VALUES (?, ?)");
    for (const [name, number] of Object.entries(versions)) version.run(name, number);
    for (const { projection, definition, finder = "" } of Object.values(tables))
      database.exec(`CREATE TABLE IF NOT EXISTS ${projection.name} ${definition}; ${finder}`);
    if (indexes) createIndexes(database);
  });
};

export const createIndexes = (database: DatabaseSync): void => {
  for (const table of Object.values(tables))
    for (const index of table.indexes) database.exec(index);
};

/** Forgets every row, so that the fold begins anew. */
export const clearTables = (database: DatabaseSync): void => {
  inTransaction(database, () => {
    for (const name of Object.keys(tables)) database.exec(`DELETE FROM ${name}`);
    database.exec(`UPDATE checkpoint SET position = ${beforeFirst}`);
  });
};

export const readCheckpoint = (database: DatabaseSync): Position => {
  const row = database.prepare("SELECT position FROM checkpoint WHERE id = 1").get();
  if (!row) throw new Error("the views have no checkpoint");
  return BigInt(numberOf(row, "position"));
};

/** How the stored versions differ from the present ones, as a sentence; undefined if they do not. */
export const versionFault = (path: string, present: Versions): string | undefined => {
  if (!existsSync(path)) return undefined;
  const database = new DatabaseSync(path);
  try {
    const known = database
      .prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'versions'")
      .get();
    if (!known || numberOf(known, "tables") === 0) return undefined;
    const stored = new Map(
      database
        .prepare("SELECT name, version FROM versions")
        .all()
        .map((row) => [textOf(row, "name"), numberOf(row, "version")]),
    );
    for (const [name, version] of Object.entries(present)) {
      const was = stored.get(name);
      if (was !== version)
        return `view "${name}" was folded by version ${was ?? "none"}, and this is version ${version}`;
    }
    for (const name of stored.keys())
      if (!(name in present)) return `view "${name}" is not known any more`;
    return undefined;
  } finally {
    database.close();
  }
};

export const inTransaction = (database: DatabaseSync, work: () => void): void => {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
};
