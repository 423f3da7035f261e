/**
 * The events of a job: its whole life and that of its tasks, in the stream `job-<job hash>`.
 * They are the storage format: an optional field may be added; any other change is a new schema
 * version with an upcaster (`streams/codec.ts`) and a stored sample.
 */
import type { DomainEvent, Instant, Millis } from "../decider.ts";
import type { AssignmentReason } from "../dispatch/reason.ts";
import type { Digest, JobHash, NodeId } from "../ids.ts";
import type { MicroPointsText } from "../points.ts";
import type { StoredReceipt } from "../receipts/stored-receipt.ts";
import type { Bounds } from "../verification/bounds.ts";
import type { Batch } from "./batch.ts";
import type { JobSpec } from "./spec.ts";
import type { Wrap } from "./wraps.ts";

export type { AssignmentReason } from "../dispatch/reason.ts";

export type JobEvent =
  | JobSubmitted
  | KeysWrapped
  | KeysAwaited
  | JobRejected
  | TaskAssigned
  | ResultCommitted
  | ResultReceived
  | TaskFailed
  | TaskExpired
  | TaskStopped
  | ResultsDisagreed
  | ResultAccepted
  | ResultRejected
  | AuditDrawn
  | ReplicaWanted
  | JobCompleted
  | JobFailed
  | JobCancelled
  | JobReopened;

/** Names one attempt of one replica of a job on one node. */
export interface TaskRef {
  readonly jobHash: JobHash;
  /** From 0. */
  readonly replica: number;
  /** From 1; the fence: what an older attempt says is refused. */
  readonly attempt: number;
  readonly nodeId: NodeId;
}

export type JobSubmitted = DomainEvent<
  "JobSubmitted",
  {
    jobHash: JobHash;
    spec: JobSpec;
    deadlineAt: Instant;
    /** Of what the job was submitted with; left out where it came alone. */
    batch?: Batch;
  }
>;

/** The content key of a sealed job for some recipients, from the client. A later wrap replaces an earlier one. */
export type KeysWrapped = DomainEvent<"KeysWrapped", { jobHash: JobHash; wraps: readonly Wrap[] }>;
/** No node that could take the sealed job can read it: its client is asked to wrap for more. */
export type KeysAwaited = DomainEvent<"KeysAwaited", { jobHash: JobHash }>;

export type RejectionReason = "insufficient-funds";
export type JobRejected = DomainEvent<"JobRejected", { jobHash: JobHash; reason: RejectionReason }>;

export type TaskAssigned = DomainEvent<
  "TaskAssigned",
  TaskRef & {
    /** The execution class that the result must have. */
    executionClass: string;
    expiresAt: Instant;
    /** Revision in the ledger stream of the event that paid the job's budget into escrow. */
    fundedAt: number;
    /** Why this node. */
    reason: AssignmentReason;
    /** Left out for an ordinary node. An arbiter's result decides; only jobs with an assurance have any. */
    role?: "arbiter";
    /** How many ordinary results are wanted from now on, if that is more than before. */
    wanted?: number;
    /** A backup: the replica whose task takes too long. `reason` says why. */
    backs?: number;
  }
>;

/** The node has bound itself to a result that it does not show yet: `receipts/commit.ts`. */
export type ResultCommitted = DomainEvent<
  "ResultCommitted",
  TaskRef & Partial<Answer> & { commit: Digest }
>;

/** How long a node took to answer, by instants of events: it says nothing to this. */
export interface Answer {
  readonly app: string;
  /** From the assignment to the commit, or to the result where no commit is asked for. */
  readonly turnaroundMs: Millis;
}

export type ResultReceived = DomainEvent<
  "ResultReceived",
  TaskRef &
    Partial<Answer> & {
      executionClass: string;
      outputDigest: Digest;
      /** Bytes. */
      outputSize: number;
      /** As the node says; for display alone. */
      elapsedMs: number;
      /** `resultTag` of `crypto/result-tag.ts`; always there for a sealed job, with a salt or a receipt. */
      resultTag?: Digest;
      /** Opens the commit, if there was one. */
      salt?: string;
      /** The node's signature, if its owner is an identity. */
      receipt?: StoredReceipt;
    }
>;

export type TaskFailed = DomainEvent<
  "TaskFailed",
  TaskRef & {
    /** An `AppErrorCode`, or `node-lost`, `worker-fault`, `timed-out`, `out-of-memory`, `deliveries-exhausted`. */
    code: string;
    /** False when the input is at fault, so that every honest node would fail alike. */
    retryable: boolean;
  }
>;
export type TaskExpired = DomainEvent<
  "TaskExpired",
  TaskRef & {
    /** No node at all was heard when it ran out: nobody is to blame. */
    excused?: true;
  }
>;

/** How results were compared. */
export interface Compared {
  /** A kind of `Comparator`; `tag` for sealed jobs. */
  readonly comparator: string;
  /** Left out where the comparator has none. */
  readonly bounds?: Bounds;
}

/**
 * The job was completed by others' results, and the task is not needed any more. It says nothing for
 * or against the node, but that an answer would have taken it longer than this.
 */
export type TaskStopped = DomainEvent<
  "TaskStopped",
  TaskRef &
    Partial<Answer> & {
      /** From its assignment. */
      ranMs: Millis;
      /** What the node is to be paid for it, at most the price of a result. */
      amount: MicroPointsText;
    }
>;

export type ResultsDisagreed = DomainEvent<
  "ResultsDisagreed",
  Compared & {
    jobHash: JobHash;
    /** Replica numbers, those that agree together. */
    groups: readonly (readonly number[])[];
    /** The greatest distance between two groups' representatives, in the comparator's measure. */
    distance: number;
    reason: string;
  }
>;
export type ResultAccepted = DomainEvent<
  "ResultAccepted",
  TaskRef &
    Compared & {
      distance: number;
      /** An arbiter computed the same: the node has survived an audit, or a settled disagreement. */
      audited?: true;
      /** Audits that the node had survived before, from which its credibility follows. */
      survived?: number;
    }
>;
export type ResultRejected = DomainEvent<
  "ResultRejected",
  TaskRef &
    Compared & {
      distance: number;
      reason: string;
      /** Proven wrong by as many arbiters as the policy wants: the node is expelled. */
      convicted?: true;
      survived?: number;
    }
>;

/** The lottery for one commit. */
export interface AuditDraw {
  readonly replica: number;
  readonly attempt: number;
  readonly nodeId: NodeId;
  /** `runtimeOf` of the app and the task's execution class. */
  readonly runtime: string;
  /** Audits that the node had survived in this runtime. */
  readonly survived: number;
  /** Micro-points that a conviction would have taken from the node. */
  readonly atRisk: MicroPointsText;
  /** Chance of an audit, 0 to 1. */
  readonly share: number;
  readonly audited: boolean;
}
/**
 * Which of the results that nodes have shown an arbiter computes once more; or, when one arbiter would
 * decide alone, whether another one computes it too: `domain/verification/lottery.ts`.
 */
export type AuditDrawn = DomainEvent<
  "AuditDrawn",
  {
    jobHash: JobHash;
    /** Digest of a part of the log that ends at or after the last of these commits. */
    beacon: Digest;
    /** Positions of the first and the last event in the beacon. */
    from: number;
    to: number;
    /** Version of the policy by which the shares were worked out. */
    policy: number;
    draws: readonly AuditDraw[];
    /** An arbiter that would decide the job alone is to take part in a lottery as well. */
    checks?: true;
  }
>;

/** What is there does not make the job sure enough: more results are wanted. */
export type ReplicaWanted = DomainEvent<
  "ReplicaWanted",
  {
    jobHash: JobHash;
    /** Ordinary results, with those that are there. */
    wanted: number;
    /** Results of arbiters, with those that are there. */
    arbitersWanted: number;
    /** Of the best group of results, 0 to 1. */
    credibility: number;
    /** What it would have to be. */
    threshold: number;
    /** Why; left out by the first rules. */
    why?: WantReason;
    /** Results that differ: those that agree together, by replica. */
    groups?: readonly (readonly number[])[];
    /** The greatest distance between two groups' representatives, in the comparator's measure. */
    distance?: number;
    /** Up to which position of the log its nodes were counted on. */
    asOf?: number;
  }
>;
export type WantReason =
  /** The results agree and cannot be believed yet. */
  | "not-credible"
  /** The lottery, or that the job was opened again, wants an arbiter. */
  | "audited"
  /** Results differ. */
  | "results-differ";

export interface SealedOutput {
  readonly replica: number;
  readonly attempt: number;
  readonly resultTag: Digest;
}

export type JobCompleted = DomainEvent<
  "JobCompleted",
  {
    jobHash: JobHash;
    outputDigest: Digest;
    outputSize: number;
    /** Of a sealed job: whose sealing of the output this is, and what its plaintext must answer to. */
    sealed?: SealedOutput;
    /** Whose results were accepted, and are to be paid. */
    accepted: readonly Accepted[];
    /** How sure the result is; there for jobs with an assurance. */
    assurance?: Assurance;
    /** What ordinary nodes are awarded is held for a while, in which the job may be opened again. */
    held?: true;
  }
>;
export interface Accepted {
  readonly replica: number;
  readonly nodeId: NodeId;
  readonly arbiter?: true;
}
export interface Assurance {
  /** Of the accepted group of results, 0 to 1. */
  readonly credibility: number;
  /** What it had to be. */
  readonly threshold: number;
  /** Version of the policy. */
  readonly policy: number;
  /** Up to which position of the log the nodes' audits were counted. */
  readonly asOf?: number;
  /** Whether an arbiter's result is among those accepted. */
  readonly audited: boolean;
}
/**
 * A node whose result the job rests on was convicted, and no other arbiter vouches for it: it is open again,
 * wants one arbiter, and completes once more or fails.
 */
export type JobReopened = DomainEvent<
  "JobReopened",
  {
    jobHash: JobHash;
    /** The nodes whose results count no more. */
    convicts: readonly NodeId[];
    deadlineAt: Instant;
    /** Revision in the ledger stream of the event that paid the voided awards back into escrow. */
    fundedAt: number;
    /** As its lottery of audits said. */
    checks?: true;
  }
>;
/** Why a job failed: one of these, or the `AppErrorCode` that a quorum of nodes reported. */
export type FailureReason =
  | "attempts-exhausted"
  | "no-quorum"
  | "deadline-passed"
  | (string & { readonly __brand?: "AppErrorCode" });
export type JobFailed = DomainEvent<
  "JobFailed",
  {
    jobHash: JobHash;
    reason: FailureReason;
    /** Of one that was judged by its assurance: up to which position of the log. */
    asOf?: number;
  }
>;
export type JobCancelled = DomainEvent<
  "JobCancelled",
  {
    jobHash: JobHash;
    /** Whose results were in, and are to be paid: the client may have read them. */
    accepted?: readonly Accepted[];
  }
>;
