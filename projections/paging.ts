/**
 * Pages by key: a page begins after the key of the last row seen, so that rows which come or go
 * meanwhile neither repeat nor hide others. A cursor is that key with the name of its list.
 */
import { type Page, type PageRequest, pageRowsMax } from "./views.ts";

/** Sorts a list and says how its key reads. */
export interface Order<Row, Key> {
  /** Names the list: a cursor of one list is refused by another. */
  readonly list: string;
  readonly keyOf: (row: Row) => Key;
  /** The key as text, and back; undefined if it is none. */
  readonly format: (key: Key) => string;
  readonly parse: (text: string) => Key | undefined;
}

const positionForm = /^(0|[1-9]\d{0,15})$/;

/** By position of the log. */
export const byPosition = <Row>(
  list: string,
  positionOf: (row: Row) => bigint,
): Order<Row, bigint> => ({
  list,
  keyOf: positionOf,
  format: (key) => key.toString(),
  parse: (text) => (positionForm.test(text) ? BigInt(text) : undefined),
});

/** By a name of printable ASCII. */
export const byName = <Row>(list: string, nameOf: (row: Row) => string): Order<Row, string> => ({
  list,
  keyOf: nameOf,
  format: (key) => key,
  parse: (text) => (/^[!-~]{1,200}$/.test(text) ? text : undefined),
});

const cursorMax = 512;

const formatCursor = (list: string, key: string): string =>
  Buffer.from(`${list} ${key}`, "latin1").toString("base64url");

/** The key in a cursor of this list; undefined if it is not one. */
const parseCursor = (list: string, cursor: string): string | undefined => {
  if (cursor.length > cursorMax) return undefined;
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  if (!text.startsWith(`${list} `)) return undefined;
  const key = text.slice(list.length + 1);
  return formatCursor(list, key) === cursor ? key : undefined; // One key, one cursor.
};

/**
 * Makes a page.
 *
 * @param fetch - Answers at most `count` rows beyond `after` (from the beginning if undefined), in
 *   the order asked for.
 */
export const pageOf = <Row, Key>(
  order: Order<Row, Key>,
  { first, after }: PageRequest,
  fetch: (after: Key | undefined, count: number) => readonly Row[],
): Page<Row> => {
  if (!Number.isInteger(first) || first < 1 || first > pageRowsMax)
    return { ok: false, reason: "BadPageSize" };
  let from: Key | undefined;
  if (after !== undefined) {
    const text = parseCursor(order.list, after);
    from = text === undefined ? undefined : order.parse(text);
    if (from === undefined) return { ok: false, reason: "BadCursor" };
  }
  const rows = fetch(from, first + 1); // One more than wanted tells whether there is more.
  const edges = rows.slice(0, first).map((node) => ({
    cursor: formatCursor(order.list, order.format(order.keyOf(node))),
    node,
  }));
  return { ok: true, edges, hasNextPage: rows.length > first };
};
