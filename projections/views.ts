/**
 * What can be seen: the rows of each view and the reader that answers from them.
 *
 * Every answer of one synchronous stretch of code comes from the same position of the log. Amounts
 * are micro-points, instants milliseconds since the Unix epoch, sizes bytes.
 */
import type { ServiceKeyId } from "../domain/access/service-keys.ts";
import type { Instant, Millis } from "../domain/decider.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import type { AccountId, Digest, JobHash, NodeId } from "../domain/ids.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import type { Capabilities } from "../domain/node/node.ts";
import type { MicroPointsText } from "../domain/points.ts";
import type { Policy } from "../domain/policy/policy.ts";
import type { Speed } from "../domain/probe/speed.ts";
import type { ScoreChange } from "../domain/reputation/changes.ts";
import type { ReputationRecord } from "../domain/reputation/record.ts";
import type { Track } from "../domain/reputation/track.ts";
import type { Position, Revision } from "../streams/event-store.ts";

export type JobStatus = "open" | "completed" | "failed" | "rejected" | "cancelled";

export interface JobRow {
  readonly jobHash: JobHash;
  readonly client: AccountId;
  readonly app: string;
  readonly status: JobStatus;
  /** Why it was rejected or has failed; null otherwise. */
  readonly reason: string | null;
  readonly spec: JobSpec;
  readonly quorum: number;
  readonly replicasMax: number;
  readonly submittedAt: Instant;
  readonly deadlineAt: Instant;
  readonly endedAt: Instant | null;
  /** Where it was submitted: the order of `jobs()`. */
  readonly submittedPosition: Position;
  /** Where it ended: the order in which jobs ended. */
  readonly endedPosition: Position | null;
  /** The last event, of the job or of the ledger, that changed this row. */
  readonly lastPosition: Position;
  /** Where it was opened again last; null if it never was. */
  readonly reopenedPosition: Position | null;
  /** It is completed and may be opened again: no arbiter vouches for it, and no award is settled. */
  readonly provisional?: boolean;
  readonly output: { readonly digest: Digest; readonly size: number } | null;
  /** Every attempt of every replica, in the order of assignment. */
  readonly tasks: readonly TaskRow[];
  /** What the last judgement without a quorum said. */
  readonly disagreement: {
    readonly comparator: string;
    /** Replica numbers, those that agree together. */
    readonly groups: readonly (readonly number[])[];
    readonly distance: number;
    readonly reason: string;
  } | null;
  /** What accepted results earned. */
  readonly paid: readonly PaidAward[];
  /**
   * Null until the job is funded; `refunded` is what came back to the client, and null as long as the
   * escrow is open.
   */
  readonly escrow: {
    readonly funded: MicroPointsText;
    readonly refunded: MicroPointsText | null;
    /** What came back before it was opened again. */
    readonly refundedBefore: MicroPointsText;
    /** Where its entries stand in the log: the one that funded it, those that closed and opened it. */
    readonly positions: readonly Position[];
  } | null;
  /** A sealed job for which no node that can read it is left: its client is asked to wrap for more. */
  readonly awaitingKeys: boolean;
}

export interface PaidAward {
  readonly awardId: Digest;
  readonly replica: number;
  readonly nodeId: NodeId;
  readonly amount: MicroPointsText;
  /** By when it settles at the latest; null for what was paid at once. */
  readonly heldUntil: Instant | null;
  /** It was taken back when its node was convicted. */
  readonly voided: boolean;
  /** It was held, and its node has it. */
  readonly settled?: true;
}

/** `dropped`: the job ended before the task did. */
export type TaskStatus = "assigned" | "committed" | "received" | "failed" | "expired" | "dropped";

/** One attempt of one replica on one node. */
export interface TaskRow {
  /** From 0. */
  readonly replica: number;
  /** From 1. */
  readonly attempt: number;
  readonly nodeId: NodeId;
  /** It computes again for the network what others computed. */
  readonly arbiter?: true;
  readonly status: TaskStatus;
  readonly executionClass: string;
  readonly assignedAt: Instant;
  readonly expiresAt: Instant;
  /** When it was received, failed, expired or dropped. */
  readonly endedAt: Instant | null;
  readonly outputDigest: Digest | null;
  readonly outputSize: number | null;
  /** Of a sealed job: stands for the plaintext of the output. */
  readonly resultTag: Digest | null;
  /** As the node says. */
  readonly elapsedMs: Millis | null;
  /** Why it failed. */
  readonly code: string | null;
  readonly verdict: "accepted" | "rejected" | null;
  readonly comparator: string | null;
  /** In the comparator's measure. */
  readonly distance: number | null;
  /** Why the result was rejected. */
  readonly reason: string | null;
}

export type NodeStatus = "active" | "suspended" | "expelled";

/** How fast a node computes in one runtime, as known-answer tasks showed it. */
export interface MeasuredSpeed extends Speed {
  readonly app: string;
  readonly executionClass: string;
  readonly measuredAt: Instant;
  /** The task that showed it last. */
  readonly jobHash: JobHash;
}

export interface NodeRow {
  readonly nodeId: NodeId;
  readonly owner: string;
  readonly status: NodeStatus;
  /** Why it is suspended or expelled. */
  readonly reason: string | null;
  readonly capabilities: Capabilities;
  /** What was measured of it; one entry for an app in an execution class. */
  readonly speeds: readonly MeasuredSpeed[];
  /** It was told to take no task from then on; null if it was not. */
  readonly drainFrom: Instant | null;
  readonly registeredAt: Instant;
  /** When capabilities or status last changed. */
  readonly changedAt: Instant;
  /** Where it was registered: the order of `nodes()`. */
  readonly registeredPosition: Position;
  readonly lastPosition: Position;
}

/** A node with its reputation. */
export type NodeView = NodeRow & { readonly track: Track; readonly record: ReputationRecord };

export interface AccountRow {
  readonly account: AccountId;
  /** Micro-points; below 0 for `issuance` alone. */
  readonly balance: bigint;
  /** By when it settles at the latest; null for accounts that are not pending, and for empty ones. */
  readonly settlesBy: Instant | null;
  /** Journal entries that touched it. */
  readonly entries: number;
  readonly lastPosition: Position;
}

/** What one journal entry did to one account. */
export interface EntryRow {
  readonly account: AccountId;
  readonly position: Position;
  /** Of the entry in the stream `ledger`. */
  readonly revision: Revision;
  readonly type: LedgerEvent["type"];
  /** Micro-points: above 0 came in, below 0 went out. Never 0. */
  readonly amount: bigint;
  /** Where it came from or went to, in the order of the entry's legs. */
  readonly counterAccounts: readonly AccountId[];
  /** Null for what is of no one job: points issued, settled or voided, bonds. */
  readonly jobHash: JobHash | null;
  readonly at: Instant;
}

/** A blob of which at least one copy is wanted. */
export interface BlobRow {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  /** Where copies are and when each may be dropped; null for never. */
  readonly places: readonly { readonly place: string; readonly expiresAt: Instant | null }[];
  /** When the last copy may be dropped; null for never. */
  readonly expiresAt: Instant | null;
  readonly storedAt: Instant;
  /** Where its first copy was stored: the order of `blobs()`. */
  readonly storedPosition: Position;
  readonly lastPosition: Position;
}

/** What the views know of an identity. */
export interface IdentityRow {
  readonly id: CnctId;
  readonly revokedAt: Instant | null;
  readonly lastPosition: Position;
}

/** Whose a secret is. */
export interface ServiceKeyRow {
  readonly secretHash: Digest;
  readonly id: CnctId;
  readonly keyId: ServiceKeyId;
}

export interface Totals {
  readonly position: Position;
  /** Events that were folded. */
  readonly events: number;
  readonly jobs: Readonly<Record<JobStatus, number>>;
  readonly nodes: { readonly active: number; readonly suspended: number };
  /** Micro-points. */
  readonly points: {
    readonly issued: bigint;
    readonly funded: bigint;
    /** Also what is held, and what was voided later. */
    readonly awarded: bigint;
    readonly refunded: bigint;
    readonly voided: bigint;
    readonly slashed: bigint;
  };
  /** The sum of the balances of all accounts, added up from their rows: 0, or the books are wrong. */
  readonly ledgerSum: bigint;
}

/** So many rows a page may have. */
export const pageRowsMax = 100;

export interface PageRequest {
  /** 1 to `pageRowsMax`. */
  readonly first: number;
  /** A cursor of an earlier page of the same list. */
  readonly after?: string;
  /** Lists stand newest first unless this is true. */
  readonly oldestFirst?: boolean;
}

export type PageRefusal = "BadCursor" | "BadPageSize";

export type Page<Row> =
  | {
      readonly ok: true;
      readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
      readonly hasNextPage: boolean;
    }
  | { readonly ok: false; readonly reason: PageRefusal };

export interface JobFilter {
  readonly client?: AccountId;
  readonly status?: JobStatus;
  readonly app?: string;
  /** Opened again after this position. */
  readonly reopenedAfter?: Position;
}

export interface NodeFilter {
  /** Nodes that say they can run it. */
  readonly app?: string;
  readonly status?: NodeStatus;
  readonly owner?: string;
}

export interface AccountFilter {
  readonly kind?: "client" | "node" | "pending" | "bond" | "escrow" | "issuance" | "slash-sink";
}

/**
 * Reads the views. Everything is synchronous. A page goes on where the last one ended, whatever
 * was added meanwhile: what was there at the first page is seen once and only once, unless it left
 * the list. A bad cursor or page size is refused, never thrown.
 */
export interface Views {
  /** Everything up to here is in the answers, nothing after it. */
  position(): Position;
  job(jobHash: JobHash): JobRow | undefined;
  /** In order of submission. */
  jobs(filter: JobFilter, page: PageRequest): Page<JobRow>;
  node(nodeId: NodeId): NodeView | undefined;
  /** In order of registration. */
  nodes(filter: NodeFilter, page: PageRequest): Page<NodeView>;
  /** Undefined for a node that never had a task. */
  track(nodeId: NodeId): Track | undefined;
  /** Why its scores changed: the last `changesKept` lines. */
  scoreChanges(nodeId: NodeId, page: PageRequest): Page<ScoreChange>;
  /** In force at that position. */
  policy(): Policy;
  /** Undefined for one that was never touched, and for an escrow that is empty again. */
  account(account: AccountId): AccountRow | undefined;
  /** By name, not by age. */
  accounts(filter: AccountFilter, page: Omit<PageRequest, "oldestFirst">): Page<AccountRow>;
  /** The statement of an account, also of an escrow that is closed. */
  entries(account: AccountId, page: PageRequest): Page<EntryRow>;
  blob(digest: Digest): BlobRow | undefined;
  /** In the order in which their first copies were stored. */
  blobs(page: PageRequest): Page<BlobRow>;
  /** Whose the secret with this hash is, or was. */
  serviceKey(secretHash: Digest): ServiceKeyRow | undefined;
  /** Active nodes whose owner is a revoked identity, at most so many: none may stay. */
  nodesOfRevoked(most: number): readonly NodeId[];
  totals(): Totals;
}
