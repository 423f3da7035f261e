/** How the rows of one projection stand in SQLite. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { Projection } from "./projection.ts";

/** A row as SQLite answers it, by column. */
export type Columns = Readonly<Record<string, SQLOutputValue>>;

export interface Table<Row> {
  readonly projection: Projection<Row>;
  /** In order; the first `keyColumns` of them name a row. */
  readonly columns: readonly string[];
  readonly keyColumns: number;
  /** Columns that keep their first value: a row that changes leaves the indexes on them alone. */
  readonly constant?: readonly string[];
  /** The column list of CREATE TABLE, with constraints and options. */
  readonly definition: string;
  /** The index behind `lookup`, if the key is not the primary one; the fold itself needs it. */
  readonly finder?: string;
  /** What lists need beside the table; made after the fold when the views are built anew. */
  readonly indexes: readonly string[];
  /** The values of `columns`. */
  readonly encode: (row: Row) => readonly SQLInputValue[];
  /** The values of the columns that can change, in order, and then those of the key; if it spares work. */
  readonly encodeChange?: (row: Row) => readonly SQLInputValue[];
  /** True if hardly any event will change such a row: it need not be kept at hand. */
  readonly isSettled?: (row: Row) => boolean;
  readonly decode: (columns: Columns) => Row;
  /** What a change of a row leaves in a table beside this one, whose own fold adds nothing. */
  readonly trail?: {
    readonly table: Pick<Table<unknown>, "projection" | "columns" | "keyColumns">;
    /** The values of its columns; a line with the key of an older one takes its place. */
    readonly linesOf: (row: Row) => readonly (readonly SQLInputValue[])[];
  };
  /** The condition that finds a row by its projection's key, `?1`; none if rows are only added. */
  readonly lookup?: string;
}

/**
 * @throws {TypeError} If the column is not what the table says: the file was changed by others.
 */
export const textOf = (columns: Columns, name: string): string => {
  const value = columns[name];
  if (typeof value !== "string") throw new TypeError(`column ${name} should hold text`);
  return value;
};

/** @throws {TypeError} As `textOf`. */
export const numberOf = (columns: Columns, name: string): number => {
  const value = columns[name];
  if (typeof value !== "number") throw new TypeError(`column ${name} should hold a number`);
  return value;
};

export const bigintOf = (columns: Columns, name: string): bigint => BigInt(numberOf(columns, name));
