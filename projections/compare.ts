/** Compares two files of views row by row, each as it stands at one moment. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Position } from "../streams/event-store.ts";
import { openDatabase, readCheckpoint } from "./database.ts";
import type { Table } from "./table.ts";
import { tables } from "./tables.ts";

/** A file of views as it stood when it was opened, whatever is written to it afterwards. */
export interface Snapshot {
  readonly position: Position;
  readonly database: DatabaseSync;
  close(): void;
}

/** The values of a row, in the order of the table's columns. */
export type RowValues = readonly SQLOutputValue[];

export interface Difference {
  /** Names the row, its key columns joined by spaces. */
  readonly key: string;
  /** Null if the row is missing there. */
  readonly live: RowValues | null;
  readonly rebuilt: RowValues | null;
}

export interface TableComparison {
  readonly name: string;
  /** Of the live table. */
  readonly rows: number;
  /** SHA-256 over all rows in the order of their keys. */
  readonly digestLive: string;
  readonly digestRebuilt: string;
  readonly firstDifference?: Difference;
}

export interface Comparison {
  readonly identical: boolean;
  readonly position: Position;
  readonly tables: readonly TableComparison[];
}

/** @throws {Error} If there is no such file, or it holds no views. */
export const openSnapshot = (path: string): Snapshot => {
  if (!existsSync(path)) throw new Error(`there are no views at ${path}`);
  const database = openDatabase(path, { readOnly: true });
  try {
    database.exec("BEGIN"); // The first read fixes the moment.
    return { position: readCheckpoint(database), database, close: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
};

/** @throws {Error} If the two stand at different positions: then they have to differ. */
export const compareViews = (live: Snapshot, rebuilt: Snapshot): Comparison => {
  const { position } = live;
  if (position !== rebuilt.position)
    throw new Error(`one stands at position ${position}, the other at ${rebuilt.position}`);
  const compared = [
    compareTable(tables.jobs, live, rebuilt),
    compareTable(tables.nodes, live, rebuilt),
    compareTable(tables.reputation, live, rebuilt),
    compareTable(tables.accounts, live, rebuilt),
    compareTable(tables.entries, live, rebuilt),
    compareTable(tables.statements, live, rebuilt),
    compareTable(tables.blobs, live, rebuilt),
    compareTable(tables.totals, live, rebuilt),
    compareTable(tables.identities, live, rebuilt),
    compareTable(tables.serviceKeys, live, rebuilt),
    compareTable(tables.policies, live, rebuilt),
    compareTable(tables.scoreChanges, live, rebuilt),
  ];
  const identical = compared.every(({ digestLive, digestRebuilt }) => digestLive === digestRebuilt);
  return { identical, position, tables: compared };
};

interface Walk {
  /** The next row with its text; undefined after the last. */
  readonly next: () => { readonly values: RowValues; readonly text: string } | undefined;
  readonly rows: () => number;
  readonly digest: () => string;
}

const walk = <Row>({ database }: Snapshot, table: Table<Row>): Walk => {
  const { projection, columns, keyColumns } = table;
  const statement = database.prepare(
    `SELECT ${columns.join(", ")} FROM ${projection.name}
     ORDER BY ${columns.slice(0, keyColumns).join(", ")}`,
  );
  statement.setReturnArrays(true);
  const iterator = statement.iterate();
  const hash = createHash("sha256");
  let rows = 0;
  return {
    next: () => {
      const { done, value } = iterator.next();
      if (done) return undefined;
      const values = value as unknown as RowValues;
      const text = JSON.stringify(values);
      hash.update(text).update("\n");
      rows++;
      return { values, text };
    },
    rows: () => rows,
    digest: () => hash.digest("hex"),
  };
};

const compareTable = <Row>(table: Table<Row>, a: Snapshot, b: Snapshot): TableComparison => {
  const keyOf = (values: RowValues): RowValues => values.slice(0, table.keyColumns);
  const live = walk(a, table);
  const rebuilt = walk(b, table);
  let firstDifference: Difference | undefined;
  for (;;) {
    const ours = live.next();
    const theirs = rebuilt.next();
    if (!ours && !theirs) break;
    if (firstDifference || ours?.text === theirs?.text) continue; // The walk goes on for the digest.
    const order =
      ours && theirs ? compareKeys(keyOf(ours.values), keyOf(theirs.values)) : ours ? -1 : 1;
    const named = order <= 0 ? ours : theirs;
    firstDifference = {
      key: keyOf(named?.values ?? []).join(" "),
      live: order <= 0 ? (ours?.values ?? null) : null,
      rebuilt: order >= 0 ? (theirs?.values ?? null) : null,
    };
  }
  return {
    name: table.projection.name,
    rows: live.rows(),
    digestLive: live.digest(),
    digestRebuilt: rebuilt.digest(),
    ...(firstDifference && { firstDifference }),
  };
};

/** As SQLite sorts them: names are ASCII. */
const compareKeys = (a: RowValues, b: RowValues): number => {
  for (const [at, value] of a.entries()) {
    const other = b[at];
    if (value === other || value === null || other === null || other === undefined) continue;
    return value < other ? -1 : 1;
  }
  return 0;
};
