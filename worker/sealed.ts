/**
 * Sealed tasks at the worker: inputs are opened and outputs sealed here, in the supervisor. The
 * children that compute see bytes, and never a key.
 */
import { sealedSize } from "../crypto/body.ts";
import { outputKey } from "../crypto/derive-key.ts";
import { openBody } from "../crypto/open.ts";
import { createWrapOpener } from "../crypto/open-wraps.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { resultTag } from "../crypto/result-tag.ts";
import { sealBody } from "../crypto/seal.ts";
import type { EnvelopeErrorCode } from "../domain/app-errors.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { Digest } from "../domain/ids.ts";
import { jobHash } from "../domain/job/hash.ts";
import { parseSpec } from "../domain/job/spec.ts";
import { BlobError } from "../streams/blob-store.ts";
import type { TaskOrder } from "../streams/task-queue.ts";

/** The job's envelope is at fault, and not this node. */
export class EnvelopeError extends Error {
  readonly code: EnvelopeErrorCode;
  constructor(code: EnvelopeErrorCode, message: string) {
    super(message);
    this.name = "EnvelopeError";
    this.code = code;
  }
}

/** This node has not the key that the task's wrap is for, although its owner's identity names it. */
export class KeyMissing extends Error {}

/** What a node that holds keys can do with the orders of sealed tasks. */
export interface Seals {
  /**
   * Opens the order's wrap, once for all its inputs.
   *
   * @throws {EnvelopeError} @throws {KeyMissing}
   */
  open(order: TaskOrder): OpenedTask;
}

export interface OpenedTask {
  /**
   * @throws {EnvelopeError} @throws {BlobError} `blob-corrupt` if the bytes are not those of the digest.
   */
  input(body: Uint8Array, digest: Digest): Uint8Array;
  output(plaintext: Uint8Array): { readonly body: Uint8Array; readonly resultTag: Digest };
}

/** Bytes of a plaintext whose body has so many bytes at most; the chunks' tags are the difference. */
export const plaintextFits = (plaintextBytes: number, bodyBytesMax: number): boolean =>
  sealedSize(plaintextBytes) <= bodyBytesMax;

/**
 * @param secretOf - The node's secret X25519 key with this `encryptionKeyId`, also of a retired one;
 *   undefined for keys of others.
 */
export const openSeals = ({
  secretOf,
  primitives,
  sha256,
}: {
  readonly secretOf: (keyId: Digest) => Uint8Array | undefined;
  readonly primitives: Primitives;
  readonly sha256: Sha256;
}): Seals => {
  const opener = createWrapOpener(primitives, secretOf);

  return {
    open: (order) => {
      const contentKey = contentKeyOf(order);
      const { jobHash, replica, attempt } = order;
      return {
        input: (body, digest) => {
          const opened = openBody(primitives, { contentKey, body, digest });
          if (opened.ok) return opened.plaintext;
          if (opened.code === "body-of-another-digest")
            throw new BlobError("blob-corrupt", `other bytes came for ${digest}`);
          throw new EnvelopeError(opened.code, `a sealed input cannot be opened: ${opened.code}`);
        },
        output: (plaintext) => {
          const key = outputKey(primitives, { contentKey, task: { jobHash, replica, attempt } });
          return {
            body: sealBody(primitives, { contentKey: key, plaintext }),
            resultTag: resultTag(primitives, { contentKey, jobHash, output: plaintext }),
          };
        },
      };
    },
  };

  function contentKeyOf(order: TaskOrder): Uint8Array {
    const { app, params, inputs, wallMs, sealed } = order;
    const parsed = parseSpec({ ...sealed?.spec, app, params, inputs, wallMs });
    if (!parsed.ok || parsed.spec.sealed !== true || jobHash(parsed.spec, sha256) !== order.jobHash)
      throw new EnvelopeError("spec-of-another-job", "the order is not that of the job it names");
    const opened = opener.open({ wrap: sealed?.wrap, jobHash: order.jobHash });
    if (opened.ok) return opened.contentKey;
    if (opened.code === "not-a-recipient")
      throw new KeyMissing("this node has not the key that the task is wrapped for");
    throw new EnvelopeError(opened.code, `the content key cannot be opened: ${opened.code}`);
  }
};
