/**
 * Which entries of the journal touch which account. Escrows are left out: each has an entry or two,
 * which its job's row names, and rows for them, all over the table, would cost more than the rest.
 */
import type { AccountId } from "../domain/ids.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import type { Position } from "../streams/event-store.ts";
import { entryOf } from "./movements.ts";
import type { Projection, Step } from "./projection.ts";

export interface StatementRow {
  readonly account: AccountId;
  readonly position: Position;
}

const line: Step<StatementRow, LedgerEvent> = {
  keysOf: (event, { position }) => {
    const keys: string[] = [];
    for (const account of entryOf(event).movements.keys())
      if (!account.startsWith("escrow:")) keys.push(`${account} ${position}`);
    return keys;
  },
  begins: () => true,
  evolve: (_, _event, { position }, key) => ({
    account: key.slice(0, key.lastIndexOf(" ")),
    position,
  }),
};

export const statements: Projection<StatementRow> = {
  name: "statements",
  version: 1,
  on: {
    PointsIssued: line,
    JobFunded: line,
    PointsAwarded: line,
    JobRefunded: line,
    AwardsSettled: line,
    AwardsVoided: line,
    BondSlashed: line,
    BondReturned: line,
  },
};
