/**
 * The layout of a sealed body; `seal.ts` writes it, `open.ts` reads it.
 *
 *     preamble   magic "cnctbody" | version 1 | log2 of the chunk size 16 | two zero bytes
 *                | salt, 32 bytes | commitment to the content key, 32 bytes
 *     chunks     64 KiB of plaintext each, the last one 0 to 64 KiB; each with its tag of 16 bytes
 *
 * The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as age uses it: a chunk's
 * nonce is its number in 11 bytes and a flag that is 1 in the last chunk alone, so a chunk that is
 * cut off, moved, doubled or added is a chunk under a wrong nonce.
 */
import { bigEndian, concat, utf8 } from "./bytes.ts";
import { deriveKeys } from "./derive-key.ts";
import { keyBytes, type Primitives, tagBytes } from "./primitives.ts";

export const chunkBytes = 65_536;
const head = concat(utf8("cnctbody"), Uint8Array.of(1, Math.log2(chunkBytes), 0, 0));
export const headBytes = head.length;
export const preambleBytes = headBytes + 2 * keyBytes;
export const sealedChunkBytes = chunkBytes + tagBytes;

/** How many bytes a plaintext takes when it is sealed. */
export const sealedSize = (plaintextBytes: number): number =>
  preambleBytes + plaintextBytes + tagBytes * Math.max(1, Math.ceil(plaintextBytes / chunkBytes));

/** The preamble, which is also the associated data of each chunk, and the key of the chunks. */
export const bodyKeys = (
  primitives: Primitives,
  { contentKey, salt }: { readonly contentKey: Uint8Array; readonly salt: Uint8Array },
): { readonly preamble: Uint8Array; readonly key: Uint8Array } => {
  // ChaCha20-Poly1305 commits to no key: without this, a client could make one body that opens to
  // different inputs on different nodes, and have an honest one judged wrong.
  const purposes = ["cnct/key-commitment/v1", "cnct/body/v1"] as const;
  const [commitment, key] = deriveKeys(primitives, contentKey, purposes, salt);
  return { preamble: concat(head, salt, commitment), key };
};

/** @param place.index - From 0. */
export const chunkNonce = ({ index, last }: { readonly index: number; readonly last: boolean }) =>
  concat(bigEndian(index, 11), Uint8Array.of(last ? 1 : 0));
