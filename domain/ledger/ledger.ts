/**
 * The ledger: every movement of points, double entry, in one total order.
 *
 * An escrow lives from funding to its one release:
 *
 *     (none) --fund--> open --award/refund--> closed --forgetAt passes--> (none)
 *
 * The state is folded in place, because a copy of all balances for each entry is no option; `decide`
 * only reads it. Whoever needs an older state folds again.
 */
import { accept, type Command, type Decision, type Instant, refuse } from "../decider.ts";
import { portableSha256, type Sha256 } from "../hashing.ts";
import {
  type AccountId,
  type Digest,
  escrowAccount,
  isClientAccount,
  isNodeId,
  issuance,
  type JobHash,
  type NodeId,
} from "../ids.ts";
import { isMicroPoints, type MicroPointsText, microPointsMax, toText } from "../points.ts";
import type { Award, LedgerEvent } from "./events.ts";
import { transfersOf } from "./transfers.ts";

export type LedgerCommand =
  | Command<
      "IssuePoints",
      { transferId: string; account: AccountId; amount: MicroPointsText; reason: string }
    >
  | Command<
      "FundJob",
      { jobHash: JobHash; client: AccountId; amount: MicroPointsText; deadlineAt: Instant }
    >
  | Command<
      "AwardPoints",
      {
        jobHash: JobHash;
        /** For each accepted result. */
        price: MicroPointsText;
        accepted: readonly { readonly replica: number; readonly nodeId: NodeId }[];
      }
    >
  | Command<"RefundJob", { jobHash: JobHash; reason: string }>;

export type LedgerRefusal =
  | "AmountOutOfRange"
  | "AccountWithoutOwner"
  | "TransferDiffers"
  | "InsufficientFunds"
  | "FundingDiffers"
  | "JobOverdue"
  | "EscrowUnknown"
  | "EscrowReleased"
  | "EscrowExceeded"
  | "AwardTwice"
  | "NothingAccepted";

/** How long after its deadline, and after its release, a job's hash is remembered, so that it is paid at most once. */
export const rememberMs = 3_600_000;

interface Escrow {
  readonly client: AccountId;
  readonly funded: bigint;
  readonly forgetAt: Instant;
  readonly open: boolean;
  /** What closed it; undefined while it is open. */
  readonly closedBy: "PointsAwarded" | "JobRefunded" | undefined;
}

export interface Ledger {
  readonly balances: Map<AccountId, bigint>;
  readonly escrows: Map<JobHash, Escrow>;
  /** Issues said so far: transfer id to "account amount". */
  readonly issues: Map<string, string>;
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
    entries: 0,
    sweep: escrows.entries(),
  };
};

export const balanceOf = (ledger: Ledger, account: AccountId): bigint =>
  ledger.balances.get(account) ?? 0n;

export const decideLedger = (
  command: LedgerCommand,
  ledger: Ledger,
  sha256: Sha256 = portableSha256,
): Decision<LedgerEvent, LedgerRefusal> => {
  const at = command.now;
  switch (command.type) {
    case "IssuePoints": {
      const { transferId, account, amount, reason } = command;
      const said = ledger.issues.get(transferId);
      if (said !== undefined)
        return said === `${account} ${amount}` ? accept() : refuse("TransferDiffers");
      if (!hasOwner(account)) return refuse("AccountWithoutOwner");
      if (!isMicroPoints(amount) || amount === "0") return refuse("AmountOutOfRange");
      // All points together are limited, so that whoever gets them all can still hold them.
      const issued = -balanceOf(ledger, issuance);
      if (issued + BigInt(amount) > microPointsMax) return refuse("AmountOutOfRange");
      return accept({ type: "PointsIssued", transferId, account, amount, reason, at });
    }

    case "FundJob": {
      const { jobHash, client, amount, deadlineAt } = command;
      const escrow = ledger.escrows.get(jobHash);
      if (escrow) {
        const same = escrow.client === client && toText(escrow.funded) === amount;
        return same ? accept() : refuse("FundingDiffers");
      }
      if (!hasOwner(client)) return refuse("AccountWithoutOwner"); // Or one escrow could fill another.
      if (!isMicroPoints(amount)) return refuse("AmountOutOfRange");
      if (at >= deadlineAt) return refuse("JobOverdue");
      if (balanceOf(ledger, client) < BigInt(amount)) return refuse("InsufficientFunds");
      const forgetAt = deadlineAt + rememberMs;
      return accept({ type: "JobFunded", jobHash, client, amount, forgetAt, at });
    }

    case "AwardPoints": {
      const { jobHash, price, accepted } = command;
      const escrow = ledger.escrows.get(jobHash);
      if (!escrow) return refuse("EscrowUnknown");
      if (escrow.closedBy === "PointsAwarded") return accept();
      if (!escrow.open) return refuse("EscrowReleased");
      if (accepted.length === 0) return refuse("NothingAccepted");
      if (!allDiffer(accepted)) return refuse("AwardTwice");
      if (!isMicroPoints(price)) return refuse("AmountOutOfRange");
      const paid = BigInt(price) * BigInt(accepted.length);
      if (paid > escrow.funded) return refuse("EscrowExceeded");
      const awards = accepted.map(({ replica, nodeId }): Award => {
        const id = awardId({ jobHash, replica }, sha256);
        return { awardId: id, replica, nodeId, amount: price };
      });
      const refund = toText(escrow.funded - paid);
      const { client } = escrow;
      return accept({ type: "PointsAwarded", jobHash, client, awards, refund, at });
    }

    case "RefundJob": {
      const { jobHash, reason } = command;
      const escrow = ledger.escrows.get(jobHash);
      if (!escrow) return refuse("EscrowUnknown");
      if (escrow.closedBy === "JobRefunded") return accept();
      if (!escrow.open) return refuse("EscrowReleased");
      const amount = toText(escrow.funded);
      const { client } = escrow;
      return accept({ type: "JobRefunded", jobHash, client, amount, reason, at });
    }
  }
};

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
      });
      return;
    }
    case "PointsAwarded":
    case "JobRefunded": {
      const escrow = ledger.escrows.get(event.jobHash);
      if (escrow) {
        // Also a late release is remembered for a while, so that saying it again changes nothing.
        const forgetAt = Math.max(escrow.forgetAt, event.at + rememberMs);
        const closed = { ...escrow, forgetAt, open: false, closedBy: event.type };
        ledger.escrows.set(event.jobHash, closed);
      }
      forgetOld(ledger, event.at);
    }
  }
};

/** The first broken rule of the books, in words; undefined when all hold. Looks at every account. */
export const faultOf = (ledger: Ledger): string | undefined => {
  let sum = 0n;
  let held = 0n;
  for (const [account, balance] of ledger.balances) {
    sum += balance;
    if (account.startsWith("escrow:")) held += balance;
    if (balance < 0n && account !== issuance) return `${account} is at ${balance}, below zero`;
    if (balance > microPointsMax) return `${account} is at ${balance}, above ${microPointsMax}`;
  }
  for (const [jobHash, { open, funded }] of ledger.escrows) {
    const balance = balanceOf(ledger, escrowAccount(jobHash));
    const wanted = open ? funded : 0n;
    if (balance !== wanted) return `escrow:${jobHash} is at ${balance} and not at ${wanted}`;
    held -= balance;
  }
  if (held !== 0n) return `${held} stand in escrow accounts of no job`;
  return sum === 0n ? undefined : `the balances sum to ${sum} and not to zero`;
};

const awardPolicy = 1;

/** At most one award for a replica of a job under one policy. */
export const awardId = (
  award: { readonly jobHash: JobHash; readonly replica: number },
  sha256: Sha256 = portableSha256,
): Digest => sha256(`cnct/award/v1\n${award.jobHash}/${award.replica}/${awardPolicy}`);

/** An empty escrow account is dropped, so that the balances do not grow with the number of jobs. */
const move = (ledger: Ledger, account: AccountId, amount: bigint): void => {
  const balance = balanceOf(ledger, account) + amount;
  if (balance === 0n && account.startsWith("escrow:")) ledger.balances.delete(account);
  else ledger.balances.set(account, balance);
};

/** Issuance and escrows belong to nobody: what is issued there could never be spent. */
const hasOwner = (account: AccountId): boolean =>
  account.startsWith("node:") ? isNodeId(account.slice(5)) : isClientAccount(account);

const allDiffer = (
  accepted: readonly { readonly replica: number; readonly nodeId: NodeId }[],
): boolean =>
  new Set(accepted.map(({ replica }) => replica)).size === accepted.length &&
  new Set(accepted.map(({ nodeId }) => nodeId)).size === accepted.length;

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
    const [jobHash, { open, forgetAt }] = value;
    if (!open && forgetAt <= now) ledger.escrows.delete(jobHash);
  }
};
