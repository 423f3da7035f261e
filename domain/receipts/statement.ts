/**
 * What a worker states about a result and signs for. Digests and figures, never a payload. What the
 * job asked for (inputs, params, price) is named by the job hash, which covers it.
 */

import { type CnctId, isCnctId } from "../identity/inception.ts";
import { taggedText } from "../identity/keys.ts";
import { type Digest, isDigest, isNodeId, type JobHash, type NodeId } from "../ids.ts";
import { type BlobRef, inputBytesMax } from "../job/spec.ts";

export interface ResultStatement {
  readonly version: 1;
  readonly jobHash: JobHash;
  /** From 0. */
  readonly replica: number;
  /** From 1. */
  readonly attempt: number;
  readonly nodeId: NodeId;
  /** Whose node it is, and who signs. */
  readonly worker: CnctId;
  /** `resultTag` of `crypto/result-tag.ts`. */
  readonly resultTag: Digest;
  /** What was stored: ciphertext if the job is sealed. */
  readonly output: BlobRef;
  /** What the app was: the digest of its manifest, which names its models. */
  readonly appDigest: Digest;
  readonly executionClass: string;
  readonly usage: {
    readonly wallMs: number;
    readonly cpuMs: number;
    readonly memoryPeakBytes: number;
  };
  /** By the worker's clock, in milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** What is hashed into the bundle's tree. */
export const statementText = (statement: ResultStatement): string =>
  taggedText("cnct/result/v1", statement);

const classForm = /^[a-z0-9@./_-]{1,128}$/;

/** Whether a value is a whole statement, with nothing besides. */
export const isResultStatement = (value: unknown): value is ResultStatement => {
  if (!hasOnly(value, fields)) return false;
  const { version, jobHash, replica, attempt, nodeId, worker, resultTag, output } =
    value as unknown as ResultStatement;
  const { appDigest, executionClass, usage, startedAt } = value as unknown as ResultStatement;
  return (
    version === 1 &&
    [jobHash, resultTag, appDigest].every(isDigest) &&
    isWhole(replica) &&
    isWhole(attempt) &&
    attempt >= 1 &&
    isNodeId(nodeId) &&
    isCnctId(worker) &&
    hasOnly(output, "digest size") &&
    isDigest(output.digest) &&
    isWhole(output.size) &&
    output.size <= 2 * inputBytesMax &&
    typeof executionClass === "string" &&
    classForm.test(executionClass) &&
    hasOnly(usage, "cpuMs memoryPeakBytes wallMs") &&
    [usage.wallMs, usage.cpuMs, usage.memoryPeakBytes, startedAt].every(isWhole)
  );
};

const fields =
  "appDigest attempt executionClass jobHash nodeId output replica resultTag startedAt usage " +
  "version worker";

const hasOnly = (value: unknown, names: string): value is object =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).sort().join(" ") === names;

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
