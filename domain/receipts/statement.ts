/**
 * What a worker states about a task and signs for: a result, a failure, or a commit to a result that
 * it will show later. Digests and figures, never a payload. What the job asked for (inputs, params,
 * price) is named by the job hash, which covers it.
 */

import { type CnctId, isCnctId } from "../identity/inception.ts";
import { taggedText } from "../identity/keys.ts";
import { type Digest, isDigest, isNodeId, type JobHash, type NodeId } from "../ids.ts";
import { type BlobRef, inputBytesMax } from "../job/spec.ts";

export type Statement = ResultStatement | FailureStatement | CommitStatement;

interface AboutTask {
  readonly version: 1;
  readonly jobHash: JobHash;
  /** From 0. */
  readonly replica: number;
  /** From 1. */
  readonly attempt: number;
  readonly nodeId: NodeId;
  /** Whose node it is, and who signs. */
  readonly worker: CnctId;
}

export interface ResultStatement extends AboutTask {
  /** `resultTag` of `crypto/result-tag.ts`. */
  readonly resultTag: Digest;
  /** Opens the commit, if there was one: `commit.ts`. */
  readonly salt?: string;
  /** What was stored: ciphertext if the job is sealed. */
  readonly output: BlobRef;
  /** What the app was: the digest of its manifest, which names its models. */
  readonly appDigest: Digest;
  readonly executionClass: string;
  readonly usage: Usage;
  /** By the worker's clock, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface Usage {
  readonly wallMs: number;
  /** Where the machine can tell, as is the next. */
  readonly cpuMs?: number;
  readonly memoryPeakBytes?: number;
}

export interface FailureStatement extends AboutTask {
  /** Lower case with hyphens, such as `timed-out`. */
  readonly code: string;
  /** For people: one sentence, without any of the input. At most `failureMessageMax` characters. */
  readonly message: string;
  readonly retryable: boolean;
}

export interface CommitStatement extends AboutTask {
  /** `commitOf` a result. */
  readonly commit: Digest;
}

/** What is hashed into the bundle's tree; each kind has a tag of its own. */
export const statementText = (statement: Statement): string => {
  if ("commit" in statement) return taggedText("cnct/result-committed/v1", statement);
  if ("code" in statement) return taggedText("cnct/task-failed/v1", statement);
  return taggedText("cnct/result/v1", statement);
};

export const failureMessageMax = 300;
const classForm = /^[a-z0-9@./_-]{1,128}$/;
const codeForm = /^[a-z][a-z0-9-]{0,63}$/;

/** Whether a value is a whole statement of any kind, with nothing besides. */
export const isStatement = (value: unknown): value is Statement =>
  isResultStatement(value) || isFailureStatement(value) || isCommitStatement(value);

export const isResultStatement = (value: unknown): value is ResultStatement => {
  if (!hasOnly(value, resultFields, ["salt"]) || !isAboutTask(value as AboutTask)) return false;
  const { resultTag, salt, output, appDigest, executionClass, usage, startedAt } =
    value as ResultStatement;
  return (
    isDigest(resultTag) &&
    isDigest(appDigest) &&
    (salt === undefined ? !("salt" in value) : isDigest(salt)) &&
    hasOnly(output, ["digest", "size"]) &&
    isDigest(output.digest) &&
    isWhole(output.size) &&
    output.size <= 2 * inputBytesMax &&
    typeof executionClass === "string" &&
    classForm.test(executionClass) &&
    hasOnly(usage, ["wallMs"], ["cpuMs", "memoryPeakBytes"]) &&
    Object.values(usage).every(isWhole) &&
    isWhole(startedAt)
  );
};

export const isFailureStatement = (value: unknown): value is FailureStatement => {
  if (!hasOnly(value, failureFields) || !isAboutTask(value as AboutTask)) return false;
  const { code, message, retryable } = value as FailureStatement;
  return (
    typeof code === "string" &&
    codeForm.test(code) &&
    typeof message === "string" &&
    message.length <= failureMessageMax &&
    message.isWellFormed() &&
    typeof retryable === "boolean"
  );
};

export const isCommitStatement = (value: unknown): value is CommitStatement =>
  hasOnly(value, commitFields) &&
  isAboutTask(value as AboutTask) &&
  isDigest((value as CommitStatement).commit);

const isAboutTask = ({ version, jobHash, replica, attempt, nodeId, worker }: AboutTask): boolean =>
  version === 1 &&
  isDigest(jobHash) &&
  isWhole(replica) &&
  isWhole(attempt) &&
  attempt >= 1 &&
  isNodeId(nodeId) &&
  isCnctId(worker);

const taskFields = ["version", "jobHash", "replica", "attempt", "nodeId", "worker"];
const resultFields = [
  ...taskFields,
  ...["resultTag", "output", "appDigest", "executionClass", "usage", "startedAt"],
];
const failureFields = [...taskFields, "code", "message", "retryable"];
const commitFields = [...taskFields, "commit"];

const hasOnly = (
  value: unknown,
  needed: readonly string[],
  allowed: readonly string[] = [],
): value is object => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!needed.every((name) => Object.hasOwn(value, name))) return false;
  const names = Object.keys(value);
  return names.every((name) => needed.includes(name) || allowed.includes(name));
};

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
