/** The rows that facts give, by the pure fold alone. */

import { policyDefaults, withDefaults } from "../../domain/policy/policy.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { type PlaceUnderPolicy, type Projection, type Step, stepOf } from "../projection.ts";
import type { Append } from "./history.ts";

/** The first event has position 0; each stream counts its own revisions. */
export const rowsOf = <Row>(
  projection: Projection<Row>,
  appends: readonly Append[],
): ReadonlyMap<string, Row> => {
  const rows = new Map<string, Row>();
  const revisions = new Map<string, bigint>();
  let position = 0n;
  let policy = policyDefaults;
  for (const { stream, events } of appends)
    for (const event of events) {
      const revision = revisions.get(stream) ?? 0n;
      revisions.set(stream, revision + 1n);
      if (event.type === "PolicyAdopted") policy = withDefaults(event.policy);
      const step = stepOf(projection, event.type);
      const place = { position, revision, policy };
      if (step) applyStep(rows, step, event, place);
      position++;
    }
  return rows;
};

const applyStep = <Row>(
  rows: Map<string, Row>,
  { keysOf, evolve }: Step<Row, AnyEvent>,
  event: AnyEvent,
  place: PlaceUnderPolicy,
): void => {
  for (const key of keysOf(event, place)) {
    const row = evolve(rows.get(key), event, place, key);
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
  }
};
