/** The journal: one row for each entry of the ledger. `statements.ts` finds an account's entries. */
import type { JobHash } from "../domain/ids.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import type { Transfer } from "../domain/ledger/transfers.ts";
import { entryOf } from "./movements.ts";
import type { Place, Projection, Step } from "./projection.ts";
import type { EntryRow } from "./views.ts";

export interface JournalRow extends Place {
  readonly type: EntryRow["type"];
  readonly transfers: readonly Transfer[];
  readonly jobHash: JobHash | null;
  readonly at: EntryRow["at"];
}

const line: Step<JournalRow, LedgerEvent> = {
  keysOf: (_, { position }) => [position.toString()],
  begins: () => true,
  evolve: (_, event, { position, revision }) => {
    const { type, at } = event;
    const jobHash = "jobHash" in event ? event.jobHash : null;
    return { position, revision, type, transfers: entryOf(event).transfers, jobHash, at };
  },
};

export const entries: Projection<JournalRow> = {
  name: "entries",
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
