/** The primitives wherever JavaScript runs: browsers, extensions, workers. */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { verifyStrict } from "./ed25519-strict.ts";
import { hkdfOver } from "./hkdf.ts";
import { keyBytes, nonceBytes, type Primitives, tagBytes } from "./primitives.ts";

const hmacSha256: Primitives["hmacSha256"] = ({ key, message }) => hmac(sha256, key, message);

const shared: Primitives["x25519"]["shared"] = ({ secret, publicKey }) => {
  if (secret.length !== keyBytes || publicKey.length !== keyBytes)
    throw new RangeError(`X25519 keys have ${keyBytes} bytes`);
  try {
    return x25519.getSharedSecret(secret, publicKey);
  } catch {
    return undefined; // With lengths right, the library throws for a zero secret alone.
  }
};

export const portable: Primitives = {
  name: "portable",
  sha256: (...parts) => {
    const hash = sha256.create();
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  hmacSha256,
  ...hkdfOver(hmacSha256),

  ed25519: {
    publicKey: (secret) => ed25519.getPublicKey(secret),
    sign: ({ message, secret }) => ed25519.sign(message, secret),
    verifyStrict,
  },

  x25519: {
    publicKey: (secret) => x25519.getPublicKey(secret),
    shared,
    sharedOnce: (recipient) => {
      const secret = randomBytes(keyBytes);
      const both = shared({ secret, publicKey: recipient });
      return both && { publicKey: x25519.getPublicKey(secret), shared: both };
    },
  },

  aeadSeal: ({ key, nonce, aad, plaintext }) =>
    chacha20poly1305(key, nonce, aad).encrypt(plaintext),
  aeadOpen: ({ key, nonce, aad, sealed }) => {
    if (key.length !== keyBytes || nonce.length !== nonceBytes)
      throw new RangeError(`a key has ${keyBytes} bytes and a nonce ${nonceBytes}`);
    if (sealed.length < tagBytes) return undefined;
    try {
      return chacha20poly1305(key, nonce, aad).decrypt(sealed);
    } catch {
      return undefined; // With lengths right, the library throws for a wrong tag alone.
    }
  },

  randomBytes,
};
