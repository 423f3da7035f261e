/**
 * Folds facts into all views at once: in memory, and written when told, each changed row once,
 * with the checkpoint, in one transaction.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { type Policy, policyDefaults, withDefaults } from "../domain/policy/policy.ts";
import { type AnyEvent, schemaVersions } from "../streams/codec.ts";
import { beforeFirst, type Position } from "../streams/event-store.ts";
import { inTransaction, readCheckpoint } from "./database.ts";
import { policyKey } from "./policies.ts";
import {
  type EventType,
  type Place,
  type PlaceUnderPolicy,
  type Step,
  stepOf,
} from "./projection.ts";
import { RowCache } from "./row-cache.ts";
import type { Table } from "./table.ts";
import { tables } from "./tables.ts";

export interface Fold {
  /** What SQLite holds. */
  readonly flushed: () => Position;
  /** Folds one fact in memory. After a throw, `reset`. */
  readonly apply: (event: AnyEvent, place: Place) => void;
  /**
   * Writes every changed row and the new checkpoint, or nothing.
   *
   * @throws {Error} When SQLite cannot, or when another process has moved the checkpoint: then
   *   `reset`, and go on from `flushed`.
   */
  readonly flush: (position: Position) => void;
  /** Forgets what is not written, and what another process may have written meanwhile. */
  readonly reset: () => void;
}

/** Hot rows kept of each view. */
const rowsMax = 20_000;

const eventTypes = Object.keys(schemaVersions) as readonly EventType[];

type Apply = (event: AnyEvent, place: PlaceUnderPolicy) => void;

interface Writer {
  readonly steps: ReadonlyMap<EventType, Apply>;
  readonly write: () => void;
  readonly wrote: () => void;
  readonly reset: () => void;
}

const writerOf = <Row>(database: DatabaseSync, table: Table<Row>): Writer => {
  const { projection, columns, keyColumns, constant = [], lookup } = table;
  const { encode, encodeChange, decode, isSettled = () => false, trail } = table;
  const { name } = projection;
  const cache = new RowCache<Row>(rowsMax);
  const key = columns.slice(0, keyColumns);
  const changing = columns.slice(keyColumns).filter((column) => !constant.includes(column));
  const changes = changing.map((column) => `${column} = excluded.${column}`);
  const upsert = database.prepare(
    `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
     ON CONFLICT (${key.join(", ")}) DO ${changes.length > 0 ? `UPDATE SET ${changes.join(", ")}` : "NOTHING"}`,
  );
  const update =
    encodeChange &&
    database.prepare(
      `UPDATE ${name} SET ${changing.map((column) => `${column} = ?`).join(", ")}
       WHERE ${key.map((column) => `${column} = ?`).join(" AND ")}`,
    );
  const leave = trail && database.prepare(replacing(trail.table));
  let added: Row[] = [];
  let lines: (readonly SQLInputValue[])[] = [];
  const lookUp = (verb: string): StatementSync | undefined =>
    lookup === undefined ? undefined : database.prepare(`${verb} FROM ${name} WHERE ${lookup}`);
  const select = lookUp("SELECT *");
  const remove = lookUp("DELETE");

  const find = (key: string): Row | undefined => {
    const stored = select?.get(key);
    return stored && decode(stored);
  };

  /** Of a table to which rows are only added: none is looked for, nor changed later. */
  const addRows =
    <Event>({ keysOf, evolve }: Step<Row, Event>) =>
    (event: Event, place: PlaceUnderPolicy): void => {
      for (const key of keysOf(event, place)) {
        const row = evolve(undefined, event, place, key);
        if (row !== undefined) added.push(row);
      }
    };

  const applyStep =
    <Event>({ keysOf, evolve, begins }: Step<Row, Event>) =>
    (event: Event, place: PlaceUnderPolicy): void => {
      for (const key of keysOf(event, place)) {
        const cached = begins?.(key, place)
          ? cache.add(key, undefined)
          : (cache.get(key) ?? cache.add(key, find(key)));
        const row = evolve(cached.row, event, place, key);
        if (row === cached.row) continue;
        cache.change(cached, row);
        if (trail && row) for (const line of trail.linesOf(row)) lines.push(line);
      }
    };

  const steps = new Map<EventType, Apply>();
  for (const type of eventTypes) {
    const step = stepOf(projection, type);
    if (step) steps.set(type, lookup === undefined ? addRows(step) : applyStep(step));
  }

  return {
    steps,
    write: () => {
      for (const row of added) upsert.run(...encode(row));
      for (const { key, row, stored } of cache.dirty) {
        if (row === undefined) {
          if (stored) remove?.run(key);
        } else if (stored && update) update.run(...encodeChange(row));
        else upsert.run(...encode(row));
      }
      for (const line of lines) leave?.run(...line);
    },
    wrote: () => {
      added = [];
      lines = [];
      cache.wrote({ keep: (row) => !isSettled(row) });
    },
    reset: () => {
      added = [];
      lines = [];
      cache.clear();
    },
  };
};

const replacing = ({ projection, columns }: Pick<Table<unknown>, "projection" | "columns">) =>
  `INSERT OR REPLACE INTO ${projection.name} (${columns.join(", ")})
   VALUES (${columns.map(() => "?").join(", ")})`;

/** What SQLite holds of it. */
const storedPolicy = (database: DatabaseSync): Policy => {
  const { projection, lookup, decode } = tables.policies;
  const columns = database
    .prepare(`SELECT * FROM ${projection.name} WHERE ${lookup}`)
    .get(policyKey);
  return columns ? decode(columns).policy : policyDefaults;
};

export const openFold = (database: DatabaseSync): Fold => {
  const writers: readonly Writer[] = [
    writerOf(database, tables.jobs),
    writerOf(database, tables.nodes),
    writerOf(database, tables.reputation),
    writerOf(database, tables.accounts),
    writerOf(database, tables.entries),
    writerOf(database, tables.statements),
    writerOf(database, tables.blobs),
    writerOf(database, tables.totals),
    writerOf(database, tables.identities),
    writerOf(database, tables.serviceKeys),
    writerOf(database, tables.policies),
  ];
  const steps = new Map<EventType, Apply[]>();
  for (const writer of writers)
    for (const [type, apply] of writer.steps) steps.set(type, [...(steps.get(type) ?? []), apply]);
  // Names the old checkpoint as well: who finds another one there was not alone.
  const move = database.prepare("UPDATE checkpoint SET position = ? WHERE id = 1 AND position = ?");
  let flushed = readCheckpoint(database);
  let policy = storedPolicy(database);

  return {
    flushed: () => flushed,
    apply: (event, { position, revision }) => {
      if (event.type === "PolicyAdopted") policy = withDefaults(event.policy);
      const place = { position, revision, policy };
      for (const apply of steps.get(event.type) ?? []) apply(event, place);
    },
    flush: (position) => {
      if (position < flushed || position <= beforeFirst) return;
      inTransaction(database, () => {
        for (const writer of writers) writer.write();
        if (position !== flushed && move.run(position, flushed).changes !== 1)
          throw new Error(`another process moved the views away from position ${flushed}`);
      });
      for (const writer of writers) writer.wrote();
      flushed = position;
    },
    reset: () => {
      for (const writer of writers) writer.reset();
      flushed = readCheckpoint(database);
      policy = storedPolicy(database);
    },
  };
};
