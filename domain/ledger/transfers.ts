import { type AccountId, escrowAccount, issuance, nodeAccount } from "../ids.ts";
import type { LedgerEvent } from "./events.ts";

/** One leg of a journal entry: `amount` micro-points leave `debit` and arrive at `credit`. */
export interface Transfer {
  readonly debit: AccountId;
  readonly credit: AccountId;
  /** Micro-points, more than 0. */
  readonly amount: bigint;
}

/** The legs of an entry, in order. The only place that says what an entry does to accounts. */
export const transfersOf = (event: LedgerEvent): readonly Transfer[] => {
  switch (event.type) {
    case "PointsIssued":
      return leg(issuance, event.account, event.amount);
    case "JobFunded":
      return leg(event.client, escrowAccount(event.jobHash), event.amount);
    case "PointsAwarded": {
      const escrow = escrowAccount(event.jobHash);
      return [
        ...event.awards.flatMap(({ nodeId, amount }) => leg(escrow, nodeAccount(nodeId), amount)),
        ...leg(escrow, event.client, event.refund),
      ];
    }
    case "JobRefunded":
      return leg(escrowAccount(event.jobHash), event.client, event.amount);
  }
};

const leg = (debit: AccountId, credit: AccountId, text: string): readonly Transfer[] => {
  const amount = BigInt(text);
  return amount === 0n ? [] : [{ debit, credit, amount }];
};
