/** A journal entry as each account sees it. */
import type { AccountId } from "../domain/ids.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import { type Transfer, transfersOf } from "../domain/ledger/transfers.ts";

export interface Movement {
  /** Micro-points: above 0 came in, below 0 went out. */
  readonly amount: bigint;
  readonly counterAccounts: readonly AccountId[];
}

export type Movements = ReadonlyMap<AccountId, Movement>;

/** One movement for each account that the legs change; none for one that they leave as it was. */
export const movementsOf = (transfers: readonly Transfer[]): Movements => {
  const sums = new Map<AccountId, { amount: bigint; counterAccounts: AccountId[] }>();
  const add = (account: AccountId, amount: bigint, counter: AccountId): void => {
    const sum = sums.get(account);
    if (!sum) sums.set(account, { amount, counterAccounts: [counter] });
    else {
      sum.amount += amount;
      if (!sum.counterAccounts.includes(counter)) sum.counterAccounts.push(counter);
    }
  };
  for (const { debit, credit, amount } of transfers) {
    add(debit, -amount, credit);
    add(credit, amount, debit);
  }
  for (const [account, { amount }] of sums) if (amount === 0n) sums.delete(account);
  return sums;
};

interface Entry {
  readonly event: LedgerEvent;
  readonly transfers: readonly Transfer[];
  readonly movements: Movements;
}

let last: Entry | undefined;

/** An entry's legs and movements. Three projections ask in turn, so the last answer is kept. */
export const entryOf = (event: LedgerEvent): Entry => {
  if (last?.event === event) return last;
  const transfers = transfersOf(event);
  last = { event, transfers, movements: movementsOf(transfers) };
  return last;
};
