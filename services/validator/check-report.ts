/**
 * Whether a node may have said this: the node of the subject says it itself, and where an identity
 * owns the node, the identity has signed it. What the report claims is for the job's rules to judge.
 */
import type { Sha256 } from "../../domain/hashing.ts";
import { isCnctId } from "../../domain/identity/inception.ts";
import type { Verify } from "../../domain/identity/keys.ts";
import type { Digest, JobHash, NodeId } from "../../domain/ids.ts";
import {
  checkBundle,
  type Receipt,
  type ReceiptFault,
  receiptsOf,
  type SignedBundle,
} from "../../domain/receipts/bundle.ts";
import type { Statement } from "../../domain/receipts/statement.ts";
import { type StoredReceipt, storedReceipt } from "../../domain/receipts/stored-receipt.ts";
import type { Position } from "../../streams/event-store.ts";
import type { Report, ResultStatement, TaskKey } from "../../streams/task-queue.ts";
import type { SigningKey, SigningKeys } from "../signing-keys.ts";

/** What checking needs of cryptography; the composition root has the fast one. */
export interface Proofs {
  readonly verify: Verify;
  readonly sha256: Sha256;
  /** `openResultTag` of `crypto/result-tag.ts`. */
  readonly openResultTag: (output: {
    readonly jobHash: JobHash;
    readonly outputDigest: Digest;
  }) => Digest;
}

/** One statement of a report that may be believed to be the node's. */
export interface Claim {
  readonly statement: ResultStatement;
  /** There for results that were signed. */
  readonly receipt: StoredReceipt | undefined;
}

export type ReportFault =
  | ReceiptFault
  /** The node belongs to an identity, which must sign. */
  | "report-unsigned"
  /** The log has not told of the node, so nobody knows whether it must sign. */
  | "node-unknown"
  /** Who signed does not own the node. */
  | "signer-not-owner"
  /** It came on the subject of another node than it speaks of. */
  | "subject-of-another-node"
  | "identity-unknown"
  | "identity-revoked"
  /** Signed with a key that had been replaced when the task was assigned. */
  | "key-superseded";

export type Checked =
  | { readonly ok: true; readonly claims: readonly Claim[] }
  | { readonly ok: false; readonly code: ReportFault };

/**
 * Checks what is cheap first and the signature last, once for all of the report.
 *
 * @param by.assignedAt - Where the task's assignment stands in the log; undefined if that is not
 *   known, because the task is over.
 */
export const checkReport = (
  { nodeId, report }: { readonly nodeId: NodeId; readonly report: Report },
  by: {
    readonly keys: SigningKeys;
    readonly proofs: Pick<Proofs, "verify" | "sha256">;
    readonly assignedAt: (task: TaskKey) => Position | undefined;
  },
): Checked => {
  const refused = (code: ReportFault): Checked => ({ ok: false, code });
  const owner = by.keys.ownerOf(nodeId);
  if (owner === undefined) return refused("node-unknown");
  if (!("bundle" in report)) {
    if (isCnctId(owner)) return refused("report-unsigned");
    return { ok: true, claims: report.map((statement) => ({ statement, receipt: undefined })) };
  }
  const { bundle, statements } = report;
  if (statements.some((statement) => statement.nodeId !== nodeId))
    return refused("subject-of-another-node");
  if (bundle.worker !== owner) return refused("signer-not-owner");
  const identity = by.keys.identity(bundle.worker);
  if (identity === undefined) return refused("identity-unknown");
  if (identity.revokedAt !== undefined) return refused("identity-revoked");
  const key = identity.keys.find(({ keyId }) => keyId === bundle.keyId);
  if (key === undefined) return refused("receipt-of-another-key");
  if (!statements.every((task) => wasGoodFor(key, by.assignedAt(task))))
    return refused("key-superseded");
  const { verify, sha256 } = by.proofs;
  const checked = checkBundle(report, { publicKey: key.key, verify, sha256 });
  if (!checked.ok) return refused(checked.code);
  return { ok: true, claims: claimsOf(report, () => receiptsOf(report, sha256, checked.tree)) };
};

const wasGoodFor = ({ until }: SigningKey, assignedAt: Position | undefined): boolean =>
  until === undefined || (assignedAt !== undefined && assignedAt < until);

const claimsOf = (signed: SignedBundle, receiptsIn: () => readonly Receipt[]): readonly Claim[] => {
  const isNeeded = signed.statements.some((statement) => "resultTag" in statement);
  const receipts = isNeeded ? receiptsIn() : [];
  return signed.statements.map((statement, i): Claim => {
    const receipt = receipts[i];
    return {
      statement: plainForm(statement),
      receipt:
        receipt && "resultTag" in statement ? storedReceipt({ ...receipt, statement }) : undefined,
    };
  });
};

const plainForm = (statement: Statement): ResultStatement => {
  const { jobHash, replica, attempt } = statement;
  const task = { jobHash, replica, attempt };
  if ("commit" in statement) return { ...task, outcome: "committed", commit: statement.commit };
  if ("code" in statement) {
    const { code, message, retryable } = statement;
    return { ...task, outcome: "failed", code, message, retryable };
  }
  const { executionClass, output, usage, resultTag, salt } = statement;
  return {
    ...task,
    outcome: "done",
    executionClass,
    outputDigest: output.digest,
    outputSize: output.size,
    elapsedMs: usage.wallMs,
    resultTag,
    ...(salt === undefined ? {} : { salt }),
  };
};
