/** One row an account: its balance, and until when that is held. An escrow is dropped when it is empty again. */
import type { Instant } from "../domain/decider.ts";
import type { AccountId } from "../domain/ids.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import { entryOf } from "./movements.ts";
import type { Projection, Step } from "./projection.ts";
import type { AccountRow } from "./views.ts";

const move: Step<AccountRow, LedgerEvent> = {
  keysOf: (event) => [...entryOf(event).movements.keys()],
  evolve: (row, event, { position }, account) => {
    const balance = (row?.balance ?? 0n) + (entryOf(event).movements.get(account)?.amount ?? 0n);
    if (balance === 0n && account.startsWith("escrow:")) return undefined;
    const settlesBy = balance === 0n ? null : settlesByOf(row?.settlesBy ?? null, event, account);
    const entries = (row?.entries ?? 0) + 1;
    return { account, balance, settlesBy, entries, lastPosition: position };
  },
};

/** The last of the hold windows of what is pending on an account. */
const settlesByOf = (
  before: Instant | null,
  event: LedgerEvent,
  account: AccountId,
): Instant | null =>
  event.type === "PointsAwarded" && event.hold && account.startsWith("pending:")
    ? Math.max(before ?? 0, event.hold.until)
    : before;

/** A job is funded once, so its escrow begins there. */
const fund: Step<AccountRow, LedgerEvent> = {
  ...move,
  begins: (account) => account.startsWith("escrow:"),
};

export const accounts: Projection<AccountRow> = {
  name: "accounts",
  version: 2,
  on: {
    PointsIssued: move,
    JobFunded: fund,
    PointsAwarded: move,
    JobRefunded: move,
    AwardsSettled: move,
    AwardsVoided: move,
    BondSlashed: move,
    BondReturned: move,
  },
};
