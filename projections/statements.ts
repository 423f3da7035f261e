/**
 * Which entries of the journal touch which account: small rows, since there are several for each
 * entry and they stand in the order of accounts, all over the table.
 */
import type { AccountId } from "../domain/ids.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import type { Position } from "../streams/event-store.ts";
import { entryOf } from "./movements.ts";
import type { Projection, Step } from "./projection.ts";

export interface StatementRow {
  /** As `statementName` has it. */
  readonly name: string;
  readonly position: Position;
}

const escrow = "escrow:";

/**
 * The account's name, shortened to 20 hex digits for an escrow. Two escrows may then share a name:
 * whoever reads an entry looks whether it is of the account.
 */
export const statementName = (account: AccountId): string =>
  account.startsWith(escrow) ? account.slice(escrow.length, escrow.length + 20) : account;

const line: Step<StatementRow, LedgerEvent> = {
  keysOf: (event, { position }) =>
    [...entryOf(event).movements.keys()].map((account) => `${statementName(account)} ${position}`),
  begins: () => true,
  evolve: (_, _event, { position }, key) => ({
    name: key.slice(0, key.lastIndexOf(" ")),
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

    JobSubmitted: "ignored",
    JobRejected: "ignored",
    TaskAssigned: "ignored",
    ResultReceived: "ignored",
    TaskFailed: "ignored",
    TaskExpired: "ignored",
    ResultsDisagreed: "ignored",
    ResultAccepted: "ignored",
    ResultRejected: "ignored",
    JobCompleted: "ignored",
    JobFailed: "ignored",
    JobCancelled: "ignored",
    NodeRegistered: "ignored",
    NodeCapabilitiesChanged: "ignored",
    NodeSuspended: "ignored",
    NodeResumed: "ignored",
    BlobStored: "ignored",
    BlobExpired: "ignored",
  },
};
