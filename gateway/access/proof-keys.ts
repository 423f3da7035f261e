/**
 * The public keys with which clients prove themselves, as a proof brings them: read once and kept, since
 * a client uses one key for many proofs, and to read it costs as much as to verify with it.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, type JWK } from "jose";

export interface ProofKey {
  readonly key: KeyObject;
  /** RFC 7638, SHA-256, in base64url. */
  readonly thumbprint: string;
}

export interface ProofKeys {
  /** Undefined for what is not the public half of a key for EdDSA or ES256. */
  readonly read: (jwk: unknown) => Promise<ProofKey | undefined>;
}

const kinds: Readonly<Record<string, readonly string[]>> = {
  "OKP Ed25519": ["x"],
  "EC P-256": ["x", "y"],
};
/** All that a public key may say of itself. */
const allowed = new Set(["kty", "crv", "x", "y", "alg", "use", "kid", "ext", "key_ops"]);
const coordinateForm = /^[A-Za-z0-9_-]{43}$/;

/** @param most - So many are kept, about 2 KiB each; the oldest goes first. */
export const proofKeys = (most = 5_000): ProofKeys => {
  const known = new Map<string, ProofKey>();
  return {
    read: async (given) => {
      if (typeof given !== "object" || given === null) return undefined;
      const jwk = given as Readonly<Record<string, unknown>>;
      if (!Object.keys(jwk).every((name) => allowed.has(name))) return undefined;
      const { kty, crv } = jwk;
      const coordinates = kinds[`${String(kty)} ${String(crv)}`]?.map((name) => jwk[name]);
      if (coordinates === undefined || !coordinates.every(isCoordinate)) return undefined;
      const name = [crv, ...coordinates].join(".");
      const found = known.get(name);
      if (found) return found;
      const [x, y] = coordinates;
      const plain = { kty, crv, x, ...(y === undefined ? {} : { y }) } as JWK;
      const key = imported(plain);
      if (key === undefined) return undefined;
      const made = { key, thumbprint: await calculateJwkThumbprint(plain) };
      const [oldest] = known.keys();
      if (known.size >= most && oldest !== undefined) known.delete(oldest);
      known.set(name, made);
      return made;
    },
  };
};

const isCoordinate = (value: unknown): value is string =>
  typeof value === "string" && coordinateForm.test(value);

/** Undefined for coordinates that are those of no point. */
const imported = (jwk: JWK): KeyObject | undefined => {
  try {
    return createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    return undefined;
  }
};
