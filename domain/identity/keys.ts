/** Keys and signatures as they stand in records: lower-case hex, so that each has one spelling. */
import { canonicalJson } from "../canonical-json.ts";
import { portableSha256, type Sha256 } from "../hashing.ts";
import type { Digest } from "../ids.ts";

/** An Ed25519 or X25519 public key: 32 bytes as 64 characters of lower-case hex. */
export type PublicKey = string & { readonly __brand?: "PublicKey" };
/** An Ed25519 signature: 64 bytes as 128 characters of lower-case hex. */
export type Signature = string & { readonly __brand?: "Signature" };

const publicKeyForm = /^[0-9a-f]{64}$/;
const signatureForm = /^[0-9a-f]{128}$/;

/** Whether it is spelled like a key; whether it is a good one, `KeyRules` say. */
export const isPublicKey = (value: unknown): value is PublicKey =>
  typeof value === "string" && publicKeyForm.test(value);
export const isSignature = (value: unknown): value is Signature =>
  typeof value === "string" && signatureForm.test(value);

/** What a key is named by in statements. */
export const signingKeyId = (key: PublicKey, sha256: Sha256 = portableSha256): Digest =>
  sha256(`cnct/signing-key/v1\n${key}`);
/** What a key is named by in wraps and events. */
export const encryptionKeyId = (key: PublicKey, sha256: Sha256 = portableSha256): Digest =>
  sha256(`cnct/encryption-key/v1\n${key}`);

/**
 * What is signed or hashed for a purpose: the purpose's tag, a newline, canonical JSON. A tag keeps
 * a signature for one purpose from ever being taken for one of another.
 *
 * @throws {TypeError} If the value holds what canonical JSON cannot say.
 */
export const taggedText = (tag: string, value: unknown): string =>
  `${tag}\n${canonicalJson(value)}`;

/** Whether a signature over a text is good, by the one strict rule (`crypto/ed25519-strict.ts`). */
export type Verify = (claim: {
  readonly publicKey: PublicKey;
  readonly text: string;
  readonly signature: Signature;
}) => boolean;

/** What the rules about identities need to know of cryptography; `crypto/signatures.ts` makes it. */
export interface KeyRules {
  readonly verify: Verify;
  /** Canonical, on the curve, of prime order: asked once, at registration. */
  readonly isSafeSigningKey: (key: PublicKey) => boolean;
  readonly isSafeEncryptionKey: (key: PublicKey) => boolean;
}
