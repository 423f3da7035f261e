/** One row for each account that a journal entry touches: the lines of statements. */
import type { LedgerEvent } from "../domain/ledger/events.ts";
import { movementsOf } from "./movements.ts";
import type { Projection, Step } from "./projection.ts";
import type { EntryRow } from "./views.ts";

const line: Step<EntryRow, LedgerEvent> = {
  keysOf: (event, { position }) =>
    [...movementsOf(event).keys()].map((account) => `${account} ${position}`),
  begins: true,
  evolve: (_, event, { position, revision }, key) => {
    const account = key.slice(0, key.lastIndexOf(" "));
    const movement = movementsOf(event).get(account);
    if (!movement) return undefined;
    const { type, at } = event;
    const jobHash = "jobHash" in event ? event.jobHash : null;
    const { amount, counterAccounts } = movement;
    return { account, position, revision, type, amount, counterAccounts, jobHash, at };
  },
};

export const entries: Projection<EntryRow> = {
  name: "entries",
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
