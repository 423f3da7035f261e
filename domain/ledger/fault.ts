/** What must hold of the books at any time, whatever was decided. */
import { escrowAccount, issuance, pendingAccount } from "../ids.ts";
import { microPointsMax } from "../points.ts";
import type { HeldAward } from "./holds.ts";
import { balanceOf, type Ledger } from "./state.ts";

/** The first broken rule of the books, in words; undefined when all hold. Looks at every account. */
export const faultOf = (ledger: Ledger): string | undefined =>
  faultOfBalances(ledger) ?? faultOfEscrows(ledger) ?? faultOfHolds(ledger) ?? faultOfBonds(ledger);

const faultOfBalances = ({ balances }: Ledger): string | undefined => {
  let sum = 0n;
  for (const [account, balance] of balances) {
    sum += balance;
    if (balance < 0n && account !== issuance) return `${account} is at ${balance}, below zero`;
    if (balance > microPointsMax) return `${account} is at ${balance}, above ${microPointsMax}`;
  }
  return sum === 0n ? undefined : `the balances sum to ${sum} and not to zero`;
};

const sumOf = ({ balances }: Ledger, prefix: string): bigint => {
  let sum = 0n;
  for (const [account, balance] of balances) if (account.startsWith(prefix)) sum += balance;
  return sum;
};

const faultOfEscrows = (ledger: Ledger): string | undefined => {
  let unclaimed = sumOf(ledger, "escrow:");
  for (const [jobHash, { open, left }] of ledger.escrows) {
    const balance = balanceOf(ledger, escrowAccount(jobHash));
    const wanted = open ? left : 0n;
    if (balance !== wanted) return `escrow:${jobHash} is at ${balance} and not at ${wanted}`;
    unclaimed -= balance;
  }
  return unclaimed === 0n ? undefined : `${unclaimed} stand in escrow accounts of no job`;
};

const faultOfHolds = (ledger: Ledger): string | undefined => {
  let unclaimed = sumOf(ledger, "pending:");
  for (const [nodeId, held] of ledger.holds.byNode) {
    let wanted = 0n;
    for (const award of held) {
      wanted += award.amount;
      const fault = faultOfAward(ledger, award);
      if (fault) return `award ${award.awardId.slice(0, 12)} ${fault}`;
    }
    const balance = balanceOf(ledger, pendingAccount(nodeId));
    if (balance !== wanted) return `pending:${nodeId} is at ${balance} and not at ${wanted}`;
    unclaimed -= balance;
  }
  if (unclaimed !== 0n) return `${unclaimed} are pending for awards of no node`;
  let queued = 0;
  for (const { awards, head } of ledger.holds.queues.values())
    for (const { state } of awards.slice(head)) if (state === "pending") queued++;
  const { size } = ledger.holds.awards;
  return queued === size ? undefined : `${size} awards are held, and ${queued} are in a queue`;
};

const faultOfAward = ({ escrows, holds }: Ledger, award: HeldAward): string | undefined => {
  if (award.state !== "pending") return `is held and ${award.state}`;
  if (holds.awards.get(award.awardId) !== award) return "is held and not known by its id";
  const escrow = escrows.get(award.jobHash);
  if (!escrow?.held?.includes(award)) return "is held for a job that does not know it";
  // Unless the job is open since its one arbiter was convicted: then others keep theirs meanwhile.
  const isDoubted = escrow.held.some(({ sole, state }) => sole && state === "voided");
  return escrow.open && !isDoubted ? "is held while its job is open" : undefined;
};

/** A bond grows by awards that are counted, and goes whole. */
const faultOfBonds = (ledger: Ledger): string | undefined => {
  for (const [account, balance] of ledger.balances) {
    if (!account.startsWith("bond:")) continue;
    const count = ledger.bonded.get(account.slice("bond:".length)) ?? 0;
    if (balance > 0n !== count > 0) return `${account} is at ${balance}, of ${count} awards`;
  }
  return undefined;
};
