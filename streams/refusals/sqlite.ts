/**
 * The refusal log in an SQLite file that several processes may write at once. Refusals are counted in
 * memory and written together four times a second, so that a flood of them costs one row a minute for
 * each code and caller. A process that is killed takes the last quarter of a second with it.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { Millis } from "../../domain/decider.ts";
import type { Clock, Timer } from "../clock.ts";
import type { RefusalLog, RefusalQuery, RefusalRow, Refused } from "../refusal-log.ts";
import { plain } from "./plain.ts";

const flushMs: Millis = 250;
const minuteMs: Millis = 60_000;
/** Written at once when so many are waiting, so that memory stays bounded. */
const pendingMax = 1_000;
/** So many are kept at most while the file cannot be written; newer ones are counted as lost. */
const stuckMax = 10_000;

export interface SqliteRefusalLog extends RefusalLog {
  /** Writes what is waiting. What cannot be written now is tried again with the next. */
  flush(): void;
  close(): void;
}

/**
 * Opens the log, and makes the file if it is not there.
 *
 * @param rowsMax - The oldest rows beyond so many are dropped; at least 1.
 * @param onTrouble - Hears why refusals could not be written, and how many were lost for good.
 * @throws {Error} SQLite's, when the file is none of its own or cannot be made.
 */
export const openRefusalLog = ({
  path,
  clock,
  onTrouble,
  rowsMax = 100_000,
}: {
  readonly path: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
  readonly rowsMax?: number;
}): SqliteRefusalLog => {
  const database = openForWriting(path);
  const insert = database.prepare(
    `INSERT INTO refusals (minute, code, id, address, what, count, firstAt, lastAt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (minute, code, id, address) DO UPDATE SET
       count = count + excluded.count,
       firstAt = min(firstAt, excluded.firstAt),
       lastAt = max(lastAt, excluded.lastAt)`,
  );
  // Rows go at the old end only, so that their numbers leave no gaps to speak of.
  const trim = database.prepare(
    "DELETE FROM refusals WHERE rowid <= (SELECT max(rowid) FROM refusals) - ?",
  );
  const pending = new Map<string, Pending>();
  let timer: Timer | undefined;
  let lost = 0;
  let closed = false;

  const write = (): void => {
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const { minute, code, id, address, what, count, firstAt, lastAt } of pending.values())
        insert.run(minute, code, id, address, what, count, firstAt, lastAt);
      trim.run(rowsMax);
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
    pending.clear();
  };

  const flush = (): void => {
    timer?.cancel();
    timer = undefined;
    if (pending.size === 0) return;
    try {
      write();
      if (lost > 0) onTrouble(new Error(`${lost} refusals were not written down`));
      lost = 0;
    } catch (error) {
      onTrouble(error);
      if (!closed) timer = clock.after(flushMs * 4, flush);
    }
  };

  return {
    record: (refused) => {
      if (closed) return;
      const row = rowOf(refused);
      const key = JSON.stringify([row.minute, row.code, row.id, row.address]);
      const before = pending.get(key);
      if (before) {
        before.count += 1;
        before.firstAt = Math.min(before.firstAt, row.firstAt);
        before.lastAt = Math.max(before.lastAt, row.lastAt);
        return;
      }
      if (pending.size >= stuckMax) {
        lost += 1;
        return;
      }
      pending.set(key, row);
      // At once, but only the first time: where that failed, the timer tries again.
      if (pending.size === pendingMax) flush();
      else timer ??= clock.after(flushMs, flush);
    },
    flush,
    close: () => {
      if (closed) return;
      closed = true;
      flush();
      timer?.cancel();
      database.close();
    },
  };
};

interface Pending {
  readonly minute: number;
  readonly code: string;
  readonly id: string;
  readonly address: string;
  readonly what: string;
  count: number;
  firstAt: number;
  lastAt: number;
}

/** Nobody is the empty text: SQLite holds two nulls for different, and would not count them together. */
const rowOf = ({ code, what, id = "", address = "", at }: Refused): Pending => ({
  minute: Math.floor(at / minuteMs),
  code: plain(code, 64),
  id: plain(id, 128),
  address: plain(address, 64),
  what: plain(what, 200),
  count: 1,
  firstAt: at,
  lastAt: at,
});

const openForWriting = (path: string): DatabaseSync => {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  try {
    // Short: whoever waits here is a gateway that has better things to do.
    database.exec("PRAGMA busy_timeout = 200; PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 256");
    database.exec(
      `CREATE TABLE IF NOT EXISTS refusals (
         minute INTEGER NOT NULL, code TEXT NOT NULL, id TEXT NOT NULL, address TEXT NOT NULL,
         what TEXT NOT NULL, count INTEGER NOT NULL,
         firstAt INTEGER NOT NULL, lastAt INTEGER NOT NULL,
         UNIQUE (minute, code, id, address)
       ) STRICT`,
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/**
 * The newest refusals first; undefined when there is no such file. Reads while others write.
 *
 * @throws {Error} SQLite's, when the file is none of its own.
 */
export const readRefusals = (
  path: string,
  { since = 0, code, limit }: RefusalQuery,
): readonly RefusalRow[] | undefined => {
  if (!existsSync(path)) return undefined;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    return database
      .prepare(
        `SELECT code, what, id, address, count, firstAt, lastAt FROM refusals
         WHERE lastAt >= ? AND (? IS NULL OR code = ?)
         ORDER BY lastAt DESC, rowid DESC LIMIT ?`,
      )
      .all(since, code ?? null, code ?? null, limit)
      .map((row) => ({
        code: String(row["code"]),
        what: String(row["what"]),
        id: someText(row["id"]),
        address: someText(row["address"]),
        count: Number(row["count"]),
        firstAt: Number(row["firstAt"]),
        lastAt: Number(row["lastAt"]),
      }));
  } finally {
    database.close();
  }
};

const someText = (value: SQLOutputValue | undefined): string | null =>
  typeof value === "string" && value !== "" ? value : null;
