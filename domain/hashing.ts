import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Digest } from "./ids.ts";

/** Computes SHA-256; the servers put node:crypto's here, which gives the same at 2 to 6 times the speed. */
export type Sha256 = (bytes: Uint8Array | string) => Digest;

export const portableSha256: Sha256 = (bytes) =>
  bytesToHex(sha256(typeof bytes === "string" ? utf8ToBytes(bytes) : bytes));

/** The digest of no bytes at all. */
export const emptyDigest: Digest =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
