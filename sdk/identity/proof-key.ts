/**
 * The key that a login is bound to: each request proves that its sender has it (RFC 9449). It lives
 * as long as the connection. Where the platform has WebCrypto nobody can read it, not even we; a page
 * that was not loaded over TLS has none, and there the key is a secret in memory like any other.
 */

import { fromHex, utf8 } from "../../crypto/bytes.ts";
import { keyBytes } from "../../crypto/primitives.ts";
import { platform } from "../../crypto/primitives-platform.ts";
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
  const { subtle } = globalThis.crypto;
  // Every browser that can run the SDK has this curve; not each has Ed25519.
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey, publicKey } = await subtle.generateKey(curve, false, ["sign"]);
  const { kty, crv, x, y } = await subtle.exportKey("jwk", publicKey);
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  return proofsBy({ alg: "ES256", jwk: { kty, crv, x, y } }, async (text) => {
    const signature = await subtle.sign(algorithm, privateKey, text);
    return new Uint8Array(signature);
  });
};

/** For where there is no WebCrypto. */
export const inMemory = (): ProofKey => {
  const { secret, publicKey } = newSigningPair(platform);
  const x = base64url(fromHex(keyBytes, publicKey) ?? new Uint8Array());
  const jwk = { kty: "OKP", crv: "Ed25519", x };
  return proofsBy({ alg: "EdDSA", jwk }, async (message) =>
    platform.ed25519.sign({ message, secret }),
  );
};

/** The header is the same in each proof of a key. */
const proofsBy = (
  key: { readonly alg: string; readonly jwk: object },
  sign: (text: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>,
): ProofKey => {
  const header = base64url(utf8(JSON.stringify({ ...key, typ: "dpop+jwt" })));
  return {
    prove: async ({ method, url, nonce, token }) => {
      const claims = {
        iat: Math.floor(Date.now() / 1000),
        jti: base64url(platform.randomBytes(16)),
        htm: method,
        htu: bare(url),
        ...(nonce !== undefined && { nonce }),
        ...(token !== undefined && { ath: base64url(platform.sha256(utf8(token))) }),
      };
      const text = `${header}.${base64url(utf8(JSON.stringify(claims)))}`;
      return `${text}.${base64url(await sign(utf8(text) as Uint8Array<ArrayBuffer>))}`;
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
