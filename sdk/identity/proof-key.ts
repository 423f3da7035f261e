/**
 * The key that a login is bound to: each request proves that its sender has it (RFC 9449). It lives
 * as long as the connection. Where the platform has WebCrypto nobody can read it, not even we; a page
 * that was not loaded over TLS has none, and there the key is a secret in memory like any other.
 */

import { generateKeyPair, generateProof } from "dpop";
import { fromHex, utf8 } from "../../crypto/bytes.ts";
import { keyBytes } from "../../crypto/primitives.ts";
import { portable } from "../../crypto/primitives-portable.ts";
import { newSigningPair } from "../../crypto/signatures.ts";

export interface ProofKey {
  /** A proof for one request, good once. */
  readonly prove: (request: ProvedRequest) => Promise<string>;
}

export interface ProvedRequest {
  readonly method: string;
  readonly url: string;
  /** What the gateway asked for last. */
  readonly nonce: string | undefined;
  /** That goes with the request, if one does. */
  readonly token?: string;
}

export const newProofKey = async (): Promise<ProofKey> =>
  globalThis.crypto?.subtle === undefined ? inMemory() : unreadable();

const unreadable = async (): Promise<ProofKey> => {
  // Every browser that can run the SDK has this curve; not each has Ed25519.
  const pair = await generateKeyPair("ES256");
  return {
    prove: ({ method, url, nonce, token }) => generateProof(pair, bare(url), method, nonce, token),
  };
};

/** For where there is no WebCrypto. */
export const inMemory = (): ProofKey => {
  const { secret, publicKey } = newSigningPair(portable);
  const x = base64url(fromHex(keyBytes, publicKey) ?? new Uint8Array());
  const jwk = { kty: "OKP", crv: "Ed25519", x };
  const header = base64url(utf8(JSON.stringify({ alg: "EdDSA", typ: "dpop+jwt", jwk })));
  return {
    prove: async ({ method, url, nonce, token }) => {
      const claims = {
        iat: Math.floor(Date.now() / 1000),
        jti: base64url(portable.randomBytes(16)),
        htm: method,
        htu: bare(url),
        ...(nonce !== undefined && { nonce }),
        ...(token !== undefined && { ath: base64url(portable.sha256(utf8(token))) }),
      };
      const text = `${header}.${base64url(utf8(JSON.stringify(claims)))}`;
      const signature = portable.ed25519.sign({ message: utf8(text), secret });
      return `${text}.${base64url(signature)}`;
    },
  };
};

/** Without what RFC 9449 leaves out. */
const bare = (url: string): string => url.replace(/[?#].*$/s, "");

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
