import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { emptyDigest, portableSha256 } from "./hashing.ts";

test("the portable SHA-256 answers what FIPS 180-2 publishes and what the platform computes", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(portableSha256("abc"), abc);
  assert.equal(portableSha256(new Uint8Array()), emptyDigest);
  assert.equal(portableSha256("\u20ac"), createHash("sha256").update("\u20ac").digest("hex"));
});
