/** Signing and verifying texts, with keys and signatures in hex, as records have them. */
import type { KeyRules, PublicKey, Signature } from "../domain/identity/keys.ts";
import { fromHex, hexOf, utf8 } from "./bytes.ts";
import { isSafeEncryptionKey, isSafeSigningKey } from "./ed25519-strict.ts";
import { keyBytes, type Primitives } from "./primitives.ts";

/**
 * Signs a text that `taggedText` made.
 *
 * @param input.secret - The seed of an Ed25519 key, 32 bytes.
 */
export const signText = (
  { ed25519 }: Primitives,
  { text, secret }: { readonly text: string; readonly secret: Uint8Array },
): Signature => hexOf(ed25519.sign({ message: utf8(text), secret }));

/** What the deciders in `domain/identity/` and the checks in `domain/receipts/` are given. */
export const keyRules = ({ ed25519 }: Primitives): KeyRules => ({
  verify: ({ publicKey, text, signature }) => {
    const key = fromHex(keyBytes, publicKey);
    const bytes = fromHex(2 * keyBytes, signature);
    if (key === undefined || bytes === undefined) return false;
    return ed25519.verifyStrict({ publicKey: key, message: utf8(text), signature: bytes });
  },
  isSafeSigningKey: (key) => isSafe(isSafeSigningKey, key),
  isSafeEncryptionKey: (key) => isSafe(isSafeEncryptionKey, key),
});

const isSafe = (check: (key: Uint8Array) => boolean, key: PublicKey): boolean => {
  const bytes = fromHex(keyBytes, key);
  return bytes !== undefined && check(bytes);
};

/** A new pair for signing. */
export const newSigningPair = ({
  ed25519,
  randomBytes,
}: Primitives): { readonly secret: Uint8Array; readonly publicKey: PublicKey } => {
  const secret = randomBytes(keyBytes);
  return { secret, publicKey: hexOf(ed25519.publicKey(secret)) };
};

/** A new pair for encryption. */
export const newEncryptionPair = ({
  x25519,
  randomBytes,
}: Primitives): { readonly secret: Uint8Array; readonly publicKey: PublicKey } => {
  const secret = randomBytes(keyBytes);
  return { secret, publicKey: hexOf(x25519.publicKey(secret)) };
};
