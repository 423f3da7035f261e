/** What the services are given of cryptography: the fast one of Node. */
import { hash } from "node:crypto";
import { native } from "../crypto/primitives-native.ts";
import { openResultTag } from "../crypto/result-tag.ts";
import { keyRules } from "../crypto/signatures.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { Digest } from "../domain/ids.ts";
import type { Proofs } from "../services/validator/check-report.ts";

export const nativeSha256: Sha256 = (bytes) => hash("sha256", bytes);

/** Replicas of a job have one output, as a rule, and so one tag. */
const tagsKept = 1_000;
const tags = new Map<string, Digest>();

const tagOf: Proofs["openResultTag"] = ({ jobHash, outputDigest }) => {
  const name = `${jobHash} ${outputDigest}`;
  let tag = tags.get(name);
  if (tag === undefined) {
    tag = openResultTag(native, { jobHash, outputDigest });
    tags.set(name, tag);
    const oldest = tags.size > tagsKept ? tags.keys().next().value : undefined;
    if (oldest !== undefined) tags.delete(oldest);
  }
  return tag;
};

export const nativeProofs: Proofs = {
  verify: keyRules(native).verify,
  sha256: nativeSha256,
  openResultTag: tagOf,
};
