/** The rows that facts give, by the pure fold alone. */
import type { AnyEvent } from "../../streams/codec.ts";
import type { Projection, Step } from "../projection.ts";
import type { Append } from "./history.ts";

/** The first event has position 0; each stream counts its own revisions. */
export const rowsOf = <Row>(
  projection: Projection<Row>,
  appends: readonly Append[],
): ReadonlyMap<string, Row> => {
  const rows = new Map<string, Row>();
  const revisions = new Map<string, bigint>();
  let position = 0n;
  for (const { stream, events } of appends)
    for (const event of events) {
      const revision = revisions.get(stream) ?? 0n;
      revisions.set(stream, revision + 1n);
      const step = projection.on[event.type];
      const place = { position, revision };
      if (step !== "ignored") applyStep(rows, step as Step<Row, AnyEvent>, event, place);
      position++;
    }
  return rows;
};

const applyStep = <Row>(
  rows: Map<string, Row>,
  { keysOf, evolve }: Step<Row, AnyEvent>,
  event: AnyEvent,
  place: { readonly position: bigint; readonly revision: bigint },
): void => {
  for (const key of keysOf(event, place)) {
    const row = evolve(rows.get(key), event, place, key);
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
  }
};
