/** What can be wrong with what the log says that results, checks, verdicts and awards came to. */
import type { JobHash, NodeId } from "../../../domain/ids.ts";
import type { ReceiptFault } from "../../../domain/receipts/bundle.ts";
import type { DrawFault } from "../recompute-draws.ts";

export type VerdictFaultCode =
  | ReceiptFault
  | DrawFault
  | "job-hash-differs"
  | "result-unfounded"
  | "result-unsigned"
  | "identity-false"
  | "key-not-of-identity"
  | "key-superseded"
  | "identity-revoked"
  | "tag-of-another-output"
  | "draw-missing"
  | "check-missing"
  | "check-added"
  | "arbiter-unlisted"
  | "verdict-differs"
  | "verdict-unfounded"
  | "verdict-missing"
  | "failure-unfounded"
  | "reopening-unfounded"
  | "conviction-unfounded"
  | "conviction-missing"
  | "award-unfounded"
  | "award-missing"
  | "penalty-unfounded";

export interface VerdictFault {
  readonly code: VerdictFaultCode;
  /** Of the event that is at fault; of one that is missing, of what made it due. */
  readonly position: bigint;
  readonly jobHash?: JobHash;
  readonly nodeId?: NodeId;
  readonly replica?: number;
  /** What differs, or which rule says no. */
  readonly detail?: string;
}

/** What each means, as a sentence; `docs/verification.md` has the list. */
export const verdictFaults: Readonly<Record<VerdictFaultCode, string>> = {
  "job-hash-differs": "the spec is not that of the job: it has another hash",
  "result-unfounded": "the job's rules do not take this commit or result",
  "result-unsigned": "the node belongs to an identity, which did not sign the result",
  "receipt-malformed": "the receipt does not have the form of one",
  "receipt-of-another-worker": "the statement is of another worker than the bundle or the node",
  "receipt-of-another-key": "the key is not the one that the bundle names",
  "statement-not-in-bundle": "the path does not lead from the result to the root that was signed",
  "signature-wrong": "the signature over the bundle of the result is wrong",
  "identity-false": "what the log says of the identity does not prove itself",
  "key-not-of-identity": "the identity never had the key that signed",
  "key-superseded": "the key had been replaced when the task was assigned",
  "identity-revoked": "the identity had been revoked before",
  "tag-of-another-output": "the tag does not belong to the output that is named",
  "beacon-differs": "the beacon is not the digest of what it says it covers",
  "draw-unfounded": "there was nothing to be drawn",
  "draw-differs": "the lottery does not come out so",
  "draw-missing": "a lottery was due and was not drawn",
  "check-missing": "an arbiter's check was due and did not take place",
  "check-added": "an arbiter was given a task that no rule asked for",
  "arbiter-unlisted": "the node's owner is not among the arbiters of the policy",
  "verdict-differs": "another verdict follows from the results",
  "verdict-unfounded": "no verdict was due",
  "verdict-missing": "a verdict was due and was not given",
  "failure-unfounded": "nothing that went before makes the job fail so",
  "reopening-unfounded": "nothing that went before opens the job again",
  "conviction-unfounded": "no verdict proves a result of the node wrong",
  "conviction-missing": "a verdict proves a result of the node wrong, and it was not convicted",
  "award-unfounded": "the award is for no accepted result of that node, or of another amount",
  "award-missing":
    "a result was accepted, or a task stopped, and what it is due went back to the client",
  "penalty-unfounded": "points were taken from a node that was not convicted",
};
