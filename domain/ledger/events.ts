/**
 * The events of the ledger, in the one stream `ledger`: each is one journal entry whose legs apply
 * together or not at all. Storage format: see `job/events.ts` for what may change.
 */
import type { DomainEvent, Instant } from "../decider.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../ids.ts";
import type { MicroPointsText } from "../points.ts";

export type LedgerEvent = PointsIssued | JobFunded | PointsAwarded | JobRefunded;

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
}
/** escrow -> one node per award, and the rest -> client; closes the escrow. */
export type PointsAwarded = DomainEvent<
  "PointsAwarded",
  {
    jobHash: JobHash;
    client: AccountId;
    awards: readonly Award[];
    refund: MicroPointsText;
  }
>;

/** escrow -> client, all of it; closes the escrow. */
export type JobRefunded = DomainEvent<
  "JobRefunded",
  { jobHash: JobHash; client: AccountId; amount: MicroPointsText; reason: string }
>;
