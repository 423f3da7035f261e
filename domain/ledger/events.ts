/**
 * The events of the ledger, in the one stream `ledger`: each is one journal entry whose legs apply
 * together or not at all. Storage format: see `job/events.ts` for what may change.
 */
import type { DomainEvent, Instant } from "../decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../ids.ts";
import type { MicroPointsText } from "../points.ts";

export type LedgerEvent =
  | PointsIssued
  | JobFunded
  | PointsAwarded
  | JobRefunded
  | AwardsSettled
  | AwardsVoided
  | BondSlashed
  | BondReturned;

/** issuance -> account. */
export type PointsIssued = DomainEvent<
  "PointsIssued",
  {
    /** Made by whoever issues; at most one issue for each id. */
    transferId: string;
    account: AccountId;
    amount: MicroPointsText;
    reason: string;
  }
>;

/** client -> escrow of the job. */
export type JobFunded = DomainEvent<
  "JobFunded",
  {
    jobHash: JobHash;
    client: AccountId;
    amount: MicroPointsText;
    /** From then on the job can no longer be funded, so its hash need not be remembered. */
    forgetAt: Instant;
  }
>;

export interface Award {
  /** `awardId()` of job, replica and policy: at most once, whatever is delivered how often. */
  readonly awardId: Digest;
  readonly replica: number;
  readonly nodeId: NodeId;
  readonly amount: MicroPointsText;
  /** It goes to `pending:<node>` until the hold window ends; else the node has it at once. */
  readonly held?: true;
  /** An arbiter has computed the same: the award counts for the node's bond. */
  readonly audited?: true;
  /** For a task that was stopped, since others' results had completed the job: a part of the price. */
  readonly stopped?: true;
  /** Of the one arbiter that vouches for the job: if it is convicted, the job is opened again. */
  readonly sole?: true;
}
/** The hold window of the awards of one entry, as the policy was when they were made. */
export interface Hold {
  /** It ends when so many more jobs with held awards were paid … */
  readonly jobs: number;
  /** … or at this instant, whichever is first. */
  readonly until: Instant;
  /** A conviction opens the job again: no arbiter has looked at it. */
  readonly reopens?: true;
}
/**
 * escrow -> one node per award, or what is pending for it, and the rest -> client; closes the escrow.
 * A job that was opened again has a second one, with the new awards alone.
 */
export type PointsAwarded = DomainEvent<
  "PointsAwarded",
  {
    jobHash: JobHash;
    client: AccountId;
    awards: readonly Award[];
    refund: MicroPointsText;
    /** There if an award is held. */
    hold?: Hold;
  }
>;

/** escrow -> client, all of it; closes the escrow. */
export type JobRefunded = DomainEvent<
  "JobRefunded",
  { jobHash: JobHash; client: AccountId; amount: MicroPointsText; reason: string }
>;

export interface SettledAward {
  readonly awardId: Digest;
  /** Of which job it is; the first rules did not say. */
  readonly jobHash?: JobHash;
  readonly nodeId: NodeId;
  readonly amount: MicroPointsText;
  /** How much of the amount goes to the node's bond. */
  readonly bond: MicroPointsText;
}
/** pending -> node, and -> its bond: their hold windows are over. */
export type AwardsSettled = DomainEvent<"AwardsSettled", { settled: readonly SettledAward[] }>;

export interface VoidedAward {
  readonly awardId: Digest;
  readonly jobHash: JobHash;
  readonly amount: MicroPointsText;
  /** The escrow of the job, or the client's account if the job is over for good. */
  readonly to: AccountId;
  /** The job had been completed: its escrow is open again, and so is to be the job. */
  readonly reopens?: true;
}
/** pending of one node -> escrows and clients. */
export type AwardsVoided = DomainEvent<
  "AwardsVoided",
  { nodeId: NodeId; reason: string; voided: readonly VoidedAward[] }
>;

/** bond -> slash-sink, all of it. */
export type BondSlashed = DomainEvent<
  "BondSlashed",
  { nodeId: NodeId; amount: MicroPointsText; reason: string }
>;
/** bond -> node, all of it: the node has retired and nothing is pending for it. */
export type BondReturned = DomainEvent<"BondReturned", { nodeId: NodeId; amount: MicroPointsText }>;
