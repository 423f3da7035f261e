/**
 * Checks a file of receipts offline, in Node and in browsers: who signed which result of a job, with
 * which key, and that it was bound to it before it could see another's.
 *
 * What is signed proves itself. Where events stand in the log is what the gateway says of its log.
 */

import { hexOf } from "../crypto/bytes.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { platform } from "../crypto/primitives-platform.ts";
import { openResultTag } from "../crypto/result-tag.ts";
import { keyRules } from "../crypto/signatures.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import type { Digest, JobHash, NodeId } from "../domain/ids.ts";
import type { JobCompleted, JobEvent, ResultReceived } from "../domain/job/events.ts";
import { jobHash as hashOf } from "../domain/job/hash.ts";
import { type Job, job as rules } from "../domain/job/job.ts";
import { type JobSpec, parseSpec } from "../domain/job/spec.ts";
import { checkReceipt, type ReceiptFault } from "../domain/receipts/bundle.ts";
import { opens } from "../domain/receipts/commit.ts";
import { receiptOf } from "../domain/receipts/stored-receipt.ts";
import { type ReceiptsFile, receiptsFileIn } from "./receipts/file.ts";
import { type SignerHistory, signerHistory } from "./receipts/signers.ts";

export type { LoggedEvent, ReceiptsFile } from "./receipts/file.ts";

export type VerifyFaultCode =
  | ReceiptFault
  | "file-malformed"
  | "job-hash-differs"
  | "order-wrong"
  | "no-results"
  | "result-unsigned"
  | "receipt-of-another-job"
  | "identity-missing"
  | "identity-false"
  | "key-not-of-identity"
  | "key-superseded"
  | "identity-revoked"
  | "commit-missing"
  | "commit-does-not-open"
  | "revealed-too-early"
  | "tag-of-another-output"
  | "completed-with-another-output"
  | "output-differs";

export interface VerifyFault {
  readonly code: VerifyFaultCode;
  /** For people: one sentence. */
  readonly message: string;
  /** Of the result at fault; null if the whole file is. */
  readonly replica: number | null;
}

export interface VerifiedResult {
  readonly replica: number;
  readonly attempt: number;
  readonly nodeId: NodeId;
  /** Who signed; null if nobody did. */
  readonly worker: CnctId | null;
  readonly outputDigest: Digest;
  readonly accepted: boolean;
}

export interface Verification {
  /** There is at least one result, and nothing is at fault. */
  readonly ok: boolean;
  readonly jobHash: JobHash | null;
  readonly results: readonly VerifiedResult[];
  readonly faults: readonly VerifyFault[];
}

/** What each fault means, as a sentence; `docs/verification.md` has the list. */
export const verifyFaults: Readonly<Record<VerifyFaultCode, string>> = {
  "file-malformed": "this is not a file of receipts of this version",
  "job-hash-differs": "the spec is not that of the job: it has another hash",
  "order-wrong": "the events do not stand in the order in which the log must have them",
  "no-results": "no node has answered in this file, so there is nothing to check",
  "result-unsigned": "nobody signed it: its node belonged to no identity",
  "receipt-malformed": "the receipt does not have the form of one",
  "receipt-of-another-job": "the receipt is for another job",
  "receipt-of-another-worker": "the statement is of another worker than the bundle",
  "receipt-of-another-key": "the key is not the one that the bundle names",
  "statement-not-in-bundle":
    "the path does not lead from the statement to the root that was signed",
  "signature-wrong": "the signature over the bundle is wrong",
  "identity-missing": "the file lacks the identity that is said to have signed",
  "identity-false": "the identity's events do not prove themselves",
  "key-not-of-identity": "the identity never had the key that signed",
  "key-superseded": "the key had been replaced when the task was assigned",
  "identity-revoked": "the identity had been revoked before",
  "commit-missing": "the job asked for commits, and there is none",
  "commit-does-not-open": "what was shown does not open the commit",
  "revealed-too-early": "it was shown before all nodes were bound",
  "tag-of-another-output": "the tag does not belong to the output that is named",
  "completed-with-another-output": "the job's output is not that of an accepted result",
  "output-differs": "the output is not the one of the job: it has another digest",
};

/**
 * @param output - The job's output as it was downloaded, ciphertext for a sealed job; checked if given.
 * @example
 * const { ok, faults } = verifyReceipts(JSON.parse(await readFile("job.receipts.json", "utf8")));
 */
export const verifyReceipts = (
  value: unknown,
  {
    output,
    primitives = platform,
  }: { readonly output?: Uint8Array; readonly primitives?: Primitives } = {},
): Verification => {
  const file = receiptsFileIn(value);
  const malformed = (): Verification => {
    const faults = [faultOf("file-malformed")];
    return { ok: false, jobHash: file?.jobHash ?? null, results: [], faults };
  };
  if (file === undefined) return malformed();
  try {
    return verifyFile(file, output, primitives);
  } catch (error) {
    // Fields of another type than events have: whoever made the file is at fault, not we.
    if (error instanceof TypeError || error instanceof RangeError) return malformed();
    throw error;
  }
};

const faultOf = (code: VerifyFaultCode, replica: number | null = null): VerifyFault => ({
  code,
  message: verifyFaults[code],
  replica,
});

const verifyFile = (
  file: ReceiptsFile,
  output: Uint8Array | undefined,
  primitives: Primitives,
): Verification => {
  const { jobHash } = file;
  const sha256 = (bytes: Uint8Array | string) =>
    hexOf(primitives.sha256(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes));
  const parsed = parseSpec(file.spec);
  if (!parsed.ok || hashOf(parsed.spec, sha256) !== jobHash)
    return { ok: false, jobHash, results: [], faults: [faultOf("job-hash-differs")] };

  const faults: VerifyFault[] = [];
  const signers = signersIn(file, primitives);
  const results: VerifiedResult[] = [];
  const acceptedReplicas = acceptedIn(file);
  let job: Job = rules.initial;
  const assignedAt = new Map<string, bigint>();
  let last = -1n;
  for (const { position: text, data } of file.events) {
    const position = BigInt(text);
    const event = data as JobEvent;
    if (position <= last) faults.push(faultOf("order-wrong"));
    last = position;
    if (event.jobHash !== jobHash) {
      const replica = "replica" in event ? event.replica : null;
      faults.push(faultOf("receipt-of-another-job", replica));
      continue;
    }
    if (event.type === "TaskAssigned")
      assignedAt.set(`${event.replica}/${event.attempt}`, position);
    if (event.type === "ResultReceived") {
      const { replica, attempt, nodeId, outputDigest } = event;
      const at = { position, assignedAt: assignedAt.get(`${replica}/${attempt}`) };
      const found = resultFaults(event, { job, spec: parsed.spec, signers, at, primitives });
      faults.push(...found.map((code) => faultOf(code, replica)));
      const worker = event.receipt?.worker ?? null;
      const accepted = acceptedReplicas.has(replica);
      results.push({ replica, attempt, nodeId, worker, outputDigest, accepted });
    }
    if (event.type === "JobCompleted") faults.push(...completionFaults(event, results));
    // The spec of the file is the one whose hash was checked.
    job = rules.evolve(
      job,
      event.type === "JobSubmitted" ? { ...event, spec: parsed.spec } : event,
    );
  }
  if (results.length === 0) faults.push(faultOf("no-results"));
  if (output !== undefined && !isOutputOf(file, sha256(output), results))
    faults.push(faultOf("output-differs"));
  return { ok: faults.length === 0, jobHash, results, faults };
};

type Signers = ReadonlyMap<string, SignerHistory | undefined>;

const signersIn = (file: ReceiptsFile, primitives: Primitives): Signers => {
  const known = keyRules(primitives);
  return new Map(
    Object.entries(file.identities).map(([id, events]) => [id, signerHistory(id, events, known)]),
  );
};

/** The first thing that is wrong with who said it, and the first with when. */
const resultFaults = (
  event: ResultReceived,
  by: {
    readonly job: Job;
    readonly spec: JobSpec;
    readonly signers: Signers;
    readonly at: { readonly position: bigint; readonly assignedAt: bigint | undefined };
    readonly primitives: Primitives;
  },
): readonly VerifyFaultCode[] => {
  const { spec, primitives } = by;
  const codes = [receiptFault(event, by), commitFault(event, by)];
  const { resultTag, outputDigest } = event;
  if (resultTag !== undefined && spec.sealed !== true) {
    const { jobHash } = event;
    if (resultTag !== openResultTag(primitives, { jobHash, outputDigest }))
      codes.push("tag-of-another-output");
  }
  return codes.filter((code) => code !== undefined);
};

const receiptFault = (
  event: ResultReceived,
  { signers, at, primitives }: Parameters<typeof resultFaults>[1],
): VerifyFaultCode | undefined => {
  const receipt = receiptOf(event);
  if (receipt === undefined) return "result-unsigned";
  if (!signers.has(receipt.bundle.worker)) return "identity-missing";
  const signer = signers.get(receipt.bundle.worker);
  if (signer === undefined) return "identity-false";
  const key = signer.keys.find(({ keyId }) => keyId === receipt.bundle.keyId);
  if (key === undefined) return "key-not-of-identity";
  const { verify } = keyRules(primitives);
  const checked = checkReceipt(receipt, { publicKey: key.key, verify });
  if (!checked.ok) return checked.code;
  if (signer.revokedAt !== undefined && signer.revokedAt < at.position) return "identity-revoked";
  if (key.until === undefined) return undefined;
  return at.assignedAt !== undefined && at.assignedAt < key.until ? undefined : "key-superseded";
};

const commitFault = (
  event: ResultReceived,
  { job, spec }: Parameters<typeof resultFaults>[1],
): VerifyFaultCode | undefined => {
  if (spec.commit !== true) return undefined;
  const task = job.status === "open" ? job.tasks[event.replica] : undefined;
  if (job.status !== "open" || task?.status !== "committed" || task.attempt !== event.attempt)
    return "commit-missing";
  const { jobHash, replica, attempt, nodeId, resultTag, salt, receipt } = event;
  const by = { jobHash, replica, attempt, worker: receipt?.worker ?? nodeId };
  if (resultTag === undefined || salt === undefined) return "commit-does-not-open";
  if (!opens(task.commit, { ...by, resultTag, salt }, by)) return "commit-does-not-open";
  return job.revealBy === undefined ? "revealed-too-early" : undefined;
};

/** How the job completed, if that still holds: one that was opened again has completed once more, or not at all. */
const completedIn = ({ events }: ReceiptsFile): JobCompleted | undefined => {
  const last = events.findLast(({ type }) => type === "JobCompleted" || type === "JobReopened");
  return last?.type === "JobCompleted" ? (last.data as JobCompleted) : undefined;
};

const acceptedIn = (file: ReceiptsFile): ReadonlySet<number> =>
  new Set(completedIn(file)?.accepted.map(({ replica }) => replica));

const completionFaults = (
  { accepted, outputDigest }: JobCompleted,
  results: readonly VerifiedResult[],
): readonly VerifyFault[] => {
  const answered = accepted.every(({ replica, nodeId }) =>
    results.some((result) => result.replica === replica && result.nodeId === nodeId),
  );
  const isOfOne = results.some(
    (result) =>
      result.outputDigest === outputDigest &&
      accepted.some(({ replica }) => replica === result.replica),
  );
  return answered && isOfOne ? [] : [faultOf("completed-with-another-output")];
};

/** Of a job that was completed, its output; of another, any that a node gave. */
const isOutputOf = (
  file: ReceiptsFile,
  digest: Digest,
  results: readonly VerifiedResult[],
): boolean => {
  const completed = completedIn(file);
  if (completed) return completed.outputDigest === digest;
  return results.some(({ outputDigest }) => outputDigest === digest);
};
