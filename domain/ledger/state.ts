/**
 * What the ledger remembers, folded from its entries in place, because a copy of all balances for
 * each entry is no option. It holds no rules: those are in `ledger.ts`.
 */
import type { Instant } from "../decider.ts";
import type { AccountId, JobHash, NodeId } from "../ids.ts";
import type { AwardsSettled, AwardsVoided, LedgerEvent, PointsAwarded } from "./events.ts";
import { advance, type HeldAward, type Holds, hold, noHolds, release } from "./holds.ts";
import { transfersOf } from "./transfers.ts";

/** How long after its deadline, and after its release, a job's hash is remembered, so that it is paid at most once. */
export const rememberMs = 3_600_000;

export interface Escrow {
  readonly client: AccountId;
  readonly funded: bigint;
  readonly forgetAt: Instant;
  readonly open: boolean;
  /** What closed it; undefined while it is open. */
  readonly closedBy: "PointsAwarded" | "JobRefunded" | undefined;
  /** What is in it while it is open: all that was funded, or what was voided since it was opened again. */
  readonly left: bigint;
  /** How often it was opened again. */
  readonly round: number;
  /** Awards of this job that were held, whatever became of them; undefined if none ever was. */
  readonly held: readonly HeldAward[] | undefined;
}

export interface Ledger {
  readonly balances: Map<AccountId, bigint>;
  readonly escrows: Map<JobHash, Escrow>;
  /** Issues said so far: transfer id to "account amount". */
  readonly issues: Map<string, string>;
  readonly holds: Holds;
  /** How many awards each node's bond was made of. */
  readonly bonded: Map<NodeId, number>;
  /** Journal entries folded so far; the next entry has this revision. */
  entries: number;
  /** Where the search for escrows to be forgotten stands. */
  sweep: MapIterator<[JobHash, Escrow]>;
}

export const emptyLedger = (): Ledger => {
  const escrows = new Map<JobHash, Escrow>();
  return {
    balances: new Map(),
    escrows,
    issues: new Map(),
    holds: noHolds(),
    bonded: new Map(),
    entries: 0,
    sweep: escrows.entries(),
  };
};

export const balanceOf = (ledger: Ledger, account: AccountId): bigint =>
  ledger.balances.get(account) ?? 0n;

/** Folds one entry into the ledger, in place. */
export const evolveLedger = (ledger: Ledger, event: LedgerEvent): void => {
  ledger.entries++;
  for (const { debit, credit, amount } of transfersOf(event)) {
    move(ledger, debit, -amount);
    move(ledger, credit, amount);
  }
  switch (event.type) {
    case "PointsIssued":
      ledger.issues.set(event.transferId, `${event.account} ${event.amount}`);
      return;
    case "JobFunded": {
      const { client, forgetAt } = event;
      const funded = BigInt(event.amount);
      ledger.escrows.set(event.jobHash, {
        client,
        funded,
        forgetAt,
        open: true,
        closedBy: undefined,
        left: funded,
        round: 0,
        held: undefined,
      });
      return;
    }
    case "PointsAwarded":
    case "JobRefunded": {
      const escrow = ledger.escrows.get(event.jobHash);
      if (escrow) {
        // Also a late release is remembered for a while, so that saying it again changes nothing.
        const forgetAt = Math.max(escrow.forgetAt, event.at + rememberMs);
        const closed = { ...escrow, forgetAt, open: false, closedBy: event.type, left: 0n };
        const held = event.type === "PointsAwarded" ? holdAwards(ledger, event, escrow) : undefined;
        ledger.escrows.set(event.jobHash, held ? { ...closed, held } : closed);
      }
      forgetOld(ledger, event.at);
      return;
    }
    case "AwardsSettled":
      settle(ledger, event);
      return;
    case "AwardsVoided":
      voidAwards(ledger, event);
      return;
    case "BondSlashed":
    case "BondReturned":
      ledger.bonded.delete(event.nodeId);
  }
};

/** All awards of the job that were held, with those of this entry; undefined if it has none of them. */
const holdAwards = (
  { holds }: Ledger,
  { jobHash, awards, hold: wanted, at }: PointsAwarded,
  { held }: Escrow,
): readonly HeldAward[] | undefined => {
  if (!wanted) return undefined;
  holds.jobs++;
  const window = { jobs: wanted.jobs, ms: wanted.until - at };
  const all = [...(held ?? [])];
  for (const { awardId, replica, nodeId, amount, held: isHeld, audited, sole } of awards) {
    if (!isHeld) continue;
    const made = {
      ...{ awardId, jobHash, replica, nodeId },
      amount: BigInt(amount),
      audited: audited === true,
      reopens: wanted.reopens === true,
      sole: sole === true,
    };
    all.push(hold(holds, made, window, at));
  }
  return all;
};

const settle = ({ holds, bonded }: Ledger, { settled }: AwardsSettled): void => {
  for (const { awardId, nodeId, bond } of settled) {
    if (bond !== "0") bonded.set(nodeId, (bonded.get(nodeId) ?? 0) + 1);
    const award = holds.awards.get(awardId);
    if (award) release(holds, award, "settled");
  }
  advance(holds);
};

/** What is voided into an escrow opens it again, for the job's second end. */
const voidAwards = ({ holds, escrows }: Ledger, { voided }: AwardsVoided): void => {
  for (const { awardId, jobHash, amount, reopens } of voided) {
    const award = holds.awards.get(awardId);
    if (award) release(holds, award, "voided");
    const escrow = escrows.get(jobHash);
    if (!escrow || !reopens) continue;
    const again = { left: BigInt(amount), round: escrow.round + 1, closedBy: undefined };
    escrows.set(jobHash, { ...escrow, ...again, open: true });
  }
  advance(holds);
};

/** An empty escrow account is dropped, so that the balances do not grow with the number of jobs. */
const move = (ledger: Ledger, account: AccountId, amount: bigint): void => {
  const balance = balanceOf(ledger, account) + amount;
  if (balance === 0n && account.startsWith("escrow:")) ledger.balances.delete(account);
  else ledger.balances.set(account, balance);
};

/** Escrows looked at for each release: enough to forget faster than new ones come. */
const lookedAt = 4;

/**
 * Drops closed escrows whose time has passed. Each call goes on where the last one stopped, so that
 * no long job keeps others from being forgotten. (To begin at the front each time was tried: a Map
 * walks over all that was ever deleted there, which made an entry 17 times dearer.)
 */
const forgetOld = (ledger: Ledger, now: Instant): void => {
  for (let looked = 0; looked < lookedAt; looked++) {
    const { done, value } = ledger.sweep.next();
    if (done) {
      ledger.sweep = ledger.escrows.entries();
      return;
    }
    const [jobHash, { open, forgetAt, held }] = value;
    if (open || forgetAt > now || held?.some(({ state }) => state === "pending")) continue;
    ledger.escrows.delete(jobHash);
  }
};
