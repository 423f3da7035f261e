import {
  type AccountId,
  bondAccount,
  escrowAccount,
  issuance,
  nodeAccount,
  pendingAccount,
  slashSink,
} from "../ids.ts";
import type { LedgerEvent, SettledAward } from "./events.ts";

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
        ...event.awards.flatMap(({ nodeId, amount, held }) =>
          leg(escrow, held ? pendingAccount(nodeId) : nodeAccount(nodeId), amount),
        ),
        ...leg(escrow, event.client, event.refund),
      ];
    }
    case "JobRefunded":
      return leg(escrowAccount(event.jobHash), event.client, event.amount);
    case "AwardsSettled":
      return settlement(event.settled);
    case "AwardsVoided": {
      const pending = pendingAccount(event.nodeId);
      return event.voided.flatMap(({ to, amount }) => leg(pending, to, amount));
    }
    case "BondSlashed":
      return leg(bondAccount(event.nodeId), slashSink, event.amount);
    case "BondReturned":
      return leg(bondAccount(event.nodeId), nodeAccount(event.nodeId), event.amount);
  }
};

/** Two legs at most for each node, however many awards it has in one settlement. */
const settlement = (settled: readonly SettledAward[]): readonly Transfer[] => {
  const sums = new Map<string, { spendable: bigint; bond: bigint }>();
  for (const { nodeId, amount, bond } of settled) {
    const sum = sums.get(nodeId) ?? { spendable: 0n, bond: 0n };
    sum.bond += BigInt(bond);
    sum.spendable += BigInt(amount) - BigInt(bond);
    sums.set(nodeId, sum);
  }
  const legs: Transfer[] = [];
  for (const [nodeId, { spendable, bond }] of sums) {
    const debit = pendingAccount(nodeId);
    if (spendable !== 0n) legs.push({ debit, credit: nodeAccount(nodeId), amount: spendable });
    if (bond !== 0n) legs.push({ debit, credit: bondAccount(nodeId), amount: bond });
  }
  return legs;
};

const leg = (debit: AccountId, credit: AccountId, text: string): readonly Transfer[] => {
  const amount = BigInt(text);
  return amount === 0n ? [] : [{ debit, credit, amount }];
};
