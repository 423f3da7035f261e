/** A journal entry as each account sees it. */
import type { AccountId } from "../domain/ids.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import { transfersOf } from "../domain/ledger/transfers.ts";

export interface Movement {
  /** Micro-points: above 0 came in, below 0 went out. */
  readonly amount: bigint;
  readonly counterAccounts: readonly AccountId[];
}

export type Movements = ReadonlyMap<AccountId, Movement>;

/** What came of the last event: two projections ask in turn, once for each account. */
let last: { readonly event: LedgerEvent; readonly movements: Movements } | undefined;

/** One movement for each account that the entry changes; none for one that it leaves as it was. */
export const movementsOf = (event: LedgerEvent): Movements => {
  if (last?.event === event) return last.movements;
  const sums = new Map<AccountId, { amount: bigint; counterAccounts: AccountId[] }>();
  const add = (account: AccountId, amount: bigint, counter: AccountId): void => {
    const sum = sums.get(account);
    if (!sum) sums.set(account, { amount, counterAccounts: [counter] });
    else {
      sum.amount += amount;
      if (!sum.counterAccounts.includes(counter)) sum.counterAccounts.push(counter);
    }
  };
  for (const { debit, credit, amount } of transfersOf(event)) {
    add(debit, -amount, credit);
    add(credit, amount, debit);
  }
  for (const [account, { amount }] of sums) if (amount === 0n) sums.delete(account);
  last = { event, movements: sums };
  return sums;
};
