/**
 * The tag that stands for a result where others can see it: equal for equal outputs of one job, and
 * no help in guessing an output from a short list, which a plain hash would be.
 */
import type { Digest, JobHash } from "../domain/ids.ts";
import { concat, fromHex, hexOf, utf8 } from "./bytes.ts";
import { deriveKey } from "./derive-key.ts";
import type { Primitives } from "./primitives.ts";

/**
 * @param input.contentKey - Of the job's inputs, so that all replicas and the client have the same;
 *   `openJobKey` for a job whose inputs are not sealed.
 * @param input.output - The canonical output, before it is sealed.
 */
export const resultTag = (
  primitives: Primitives,
  input: {
    readonly contentKey: Uint8Array;
    readonly jobHash: JobHash;
    readonly output: Uint8Array;
  },
): Digest => tagOf(primitives, { ...input, outputHash: primitives.sha256(input.output) });

const tagOf = (
  primitives: Primitives,
  input: {
    readonly contentKey: Uint8Array;
    readonly jobHash: JobHash;
    readonly outputHash: Uint8Array;
  },
): Digest => {
  const key = deriveKey(primitives, input.contentKey, "cnct/result-id/v1");
  const about = utf8(`cnct/result-tag/v1\n${input.jobHash}\n`);
  return hexOf(primitives.hmacSha256({ key, message: concat(about, input.outputHash) }));
};

/** In place of a content key where inputs are open: anybody can compute it, so it hides nothing. */
export const openJobKey = (primitives: Primitives, jobHash: JobHash): Uint8Array =>
  primitives.sha256(utf8(`cnct/open-job/v1\n${jobHash}`));

/**
 * The tag of an output that is not sealed, whose digest says all.
 *
 * @throws {RangeError} If the digest is none.
 */
export const openResultTag = (
  primitives: Primitives,
  input: { readonly jobHash: JobHash; readonly outputDigest: Digest },
): Digest => {
  const contentKey = openJobKey(primitives, input.jobHash);
  const outputHash = fromHex(32, input.outputDigest);
  if (outputHash === undefined) throw new RangeError(`"${input.outputDigest}" is not a digest`);
  return tagOf(primitives, { contentKey, jobHash: input.jobHash, outputHash });
};
