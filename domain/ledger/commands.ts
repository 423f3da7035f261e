/** What may be asked of the ledger, and why it may refuse. */
import type { Command, Instant, Millis } from "../decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../ids.ts";
import type { MicroPointsText } from "../points.ts";

/** An accepted result that is to be paid. */
export interface Accepted {
  readonly replica: number;
  readonly nodeId: NodeId;
  /** Computed for the network: paid at once where another arbiter agreed. */
  readonly arbiter?: true;
  /** An arbiter has computed the same. */
  readonly audited?: true;
}

/** A task that was stopped when others' results had completed its job. */
export interface Stopped {
  readonly replica: number;
  readonly nodeId: NodeId;
  /** What it is paid, at most the price of a result. */
  readonly amount: MicroPointsText;
}

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
        accepted: readonly Accepted[];
        /** Left out: none. */
        stopped?: readonly Stopped[];
        /** Which end of the job this is, counted from 0; left out: the first. */
        round?: number;
        /**
         * Awards of nodes, and of an arbiter that decided alone, are held so long; left out: they are
         * paid at once.
         */
        hold?: {
          readonly jobs: number;
          readonly ms: Millis;
          /** Whether a conviction opens the job again. */
          readonly reopens: boolean;
          /** The job was called off: not even the conviction of its one arbiter opens it again. */
          readonly final?: true;
        };
      }
    >
  | Command<"RefundJob", { jobHash: JobHash; reason: string; round?: number }>
  | Command<
      "SettleAwards",
      {
        awards: readonly Digest[];
        /** So many audited awards of each node make its bond. */
        bondAwards: number;
      }
    >
  /** Takes up to `voidMax` of a node's held awards: to be said again while it has any. */
  | Command<"VoidAwards", { nodeId: NodeId; reason: string }>
  | Command<"SlashBond", { nodeId: NodeId; reason: string }>
  | Command<"ReturnBond", { nodeId: NodeId }>;

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
  | "NothingAccepted"
  | "EscrowReopened"
  | "HoldWindowOpen"
  | "AwardsPending";
