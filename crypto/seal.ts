/**
 * Sealing, at the client for inputs and at the worker for results.
 *
 * @example
 * const contentKey = newContentKey(portable);
 * const body = sealBody(portable, { contentKey, plaintext });   // Store it: the spec names its digest.
 * const wrapped = createWrapper(portable).wrap({ contentKey, jobHash: jobHash(spec), recipients });
 */
import { bodyKeys, chunkBytes, chunkNonce, sealedSize } from "./body.ts";
import { keyBytes, type Primitives } from "./primitives.ts";

/** A key for one job, never used for a second. 32 bytes. */
export const newContentKey = ({ randomBytes }: Primitives): Uint8Array => randomBytes(keyBytes);

/**
 * A sealed body, `sealedSize(plaintext.length)` bytes: the preamble and the chunks. One content key
 * may seal several bodies, as each draws its own salt.
 */
export const sealBody = (
  primitives: Primitives,
  { contentKey, plaintext }: { readonly contentKey: Uint8Array; readonly plaintext: Uint8Array },
): Uint8Array => {
  requireContentKey(contentKey);
  const salt = primitives.randomBytes(keyBytes);
  const { preamble, key } = bodyKeys(primitives, { contentKey, salt });
  const out = new Uint8Array(sealedSize(plaintext.length));
  out.set(preamble);
  let at = preamble.length;
  for (let index = 0, last = false; !last; index++) {
    last = (index + 1) * chunkBytes >= plaintext.length;
    const chunk = primitives.aeadSeal({
      key,
      nonce: chunkNonce({ index, last }),
      aad: preamble,
      plaintext: plaintext.subarray(index * chunkBytes, (index + 1) * chunkBytes),
    });
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
};

/** @throws {RangeError} If it has not the length of a content key. */
export const requireContentKey = ({ length }: Uint8Array): void => {
  if (length !== keyBytes)
    throw new RangeError(`a content key has ${keyBytes} bytes, not ${length}`);
};
