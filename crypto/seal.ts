/**
 * Sealing, at the client for inputs and at the worker for results.
 *
 * @example
 * const contentKey = newContentKey(portable);
 * const body = sealBody(portable, { contentKey, plaintext });   // Store it: its digest is the input.
 * const header = inputHeader(jobHash(spec), [digestOf(body)]);  // The spec names the digest.
 * const wrapped = wrapContentKey(portable, { contentKey, header, recipients });
 */
import { encryptionKeyId, type PublicKey } from "../domain/identity/keys.ts";
import { bodyKeys, chunkBytes, chunkNonce, sealedSize } from "./body.ts";
import { fromHex, hexOf, utf8 } from "./bytes.ts";
import { hpkeSeal } from "./hpke.ts";
import { keyBytes, type Primitives } from "./primitives.ts";
import {
  bindingOf,
  macOf,
  recipientsMax,
  type Wrap,
  type WrapHeader,
  type Wraps,
} from "./wraps.ts";

/** A key for one job's inputs, or for one task's output; never used for a second. 32 bytes. */
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

export type Wrapped =
  | { readonly ok: true; readonly wraps: Wraps }
  /** This key would keep no secret: whoever registered it is at fault. */
  | { readonly ok: false; readonly code: "unsafe-key"; readonly recipient: PublicKey };

/**
 * Wraps a content key for 1 to 32 recipients. More of them, at once or years later, get wraps of
 * their own from another call with the same header; the body stays as it is.
 *
 * @param input.recipients - X25519 keys; each once.
 * @throws {RangeError} If there are none or more than 32 recipients, or one twice.
 */
export const wrapContentKey = (
  primitives: Primitives,
  input: {
    readonly contentKey: Uint8Array;
    readonly header: WrapHeader;
    readonly recipients: readonly PublicKey[];
  },
): Wrapped => {
  const { contentKey, header, recipients } = input;
  requireContentKey(contentKey);
  if (recipients.length < 1 || recipients.length > recipientsMax)
    throw new RangeError(
      `wraps are for 1 to ${recipientsMax} recipients, not ${recipients.length}`,
    );
  if (new Set(recipients).size !== recipients.length)
    throw new RangeError("a recipient is there twice");
  const sha256 = (bytes: Uint8Array | string): string =>
    hexOf(primitives.sha256(typeof bytes === "string" ? utf8(bytes) : bytes));
  const wraps: Wrap[] = [];
  for (const recipient of recipients) {
    const publicKey = fromHex(keyBytes, recipient);
    const keyId = encryptionKeyId(recipient, sha256);
    const binding = bindingOf(primitives, header, keyId);
    const message =
      publicKey &&
      hpkeSeal(primitives, { ...binding, recipient: publicKey, plaintext: contentKey });
    if (message === undefined) return { ok: false, code: "unsafe-key", recipient };
    wraps.push({ keyId, enc: hexOf(message.enc), wrapped: hexOf(message.sealed) });
  }
  const rest = { ...header, recipients: wraps };
  return { ok: true, wraps: { ...rest, mac: macOf(primitives, contentKey, rest) } };
};

const requireContentKey = ({ length }: Uint8Array): void => {
  if (length !== keyBytes)
    throw new RangeError(`a content key has ${keyBytes} bytes, not ${length}`);
};
