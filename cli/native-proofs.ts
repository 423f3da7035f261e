/** What the services are given of cryptography: the fast one of Node. */
import { createHash, hash } from "node:crypto";
import { native } from "../crypto/primitives-native.ts";
import { openResultTag } from "../crypto/result-tag.ts";
import { keyRules } from "../crypto/signatures.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { Proofs } from "../services/validator/check-report.ts";

export const nativeSha256: Sha256 = (bytes) =>
  typeof bytes === "string"
    ? hash("sha256", bytes)
    : createHash("sha256").update(bytes).digest("hex");

export const nativeProofs: Proofs = {
  verify: keyRules(native).verify,
  sha256: nativeSha256,
  openResultTag: (output) => openResultTag(native, output),
};
