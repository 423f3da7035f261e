/**
 * Proofs of possession (RFC 9449): with each request a client shows that it has the key to which its
 * token is bound. A proof is for one request, holds a nonce of the gateway and is good once.
 */
import { createHash } from "node:crypto";
import { type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../../streams/clock.ts";
import { HttpFault } from "../errors.ts";
import { type Period, periods } from "./periods.ts";
import { type ProofKeys, proofKeys } from "./proof-keys.ts";

export interface Proofs {
  /** What the next proof has to hold. */
  readonly nonce: () => string;
  /**
   * Judges a proof and uses it up.
   *
   * @returns The thumbprint of the key that made it (RFC 7638).
   * @throws {HttpFault} `proof-malformed`, `proof-for-another-request`, `proof-of-another-key`,
   *   `proof-expired`, `use-dpop-nonce`, `proof-replayed`.
   */
  readonly spend: (proof: string, wanted: Wanted) => Promise<string>;
}

export interface Wanted {
  readonly method: string;
  /** The addresses by which the client may know what it asks for. */
  readonly addresses: readonly string[];
  /** The token that comes with it, and the key to which that is bound. */
  readonly bound?: { readonly token: string; readonly proofKey: string };
}

/** A client's clock may differ by so much, ms; how fresh a proof is, the nonce says. */
const skewMs = 300_000;
/** A nonce is good for one to two of these, ms. */
const nonceMs = 60_000;
/** Proofs that are remembered, twice. */
const proofsMax = 100_000;
const lengthMax = 4_096;

export const proofs = (clock: Clock): Proofs => {
  const during = periods({ clock, lengthMs: nonceMs, most: proofsMax });
  const keys = proofKeys();
  return {
    nonce: () => nonceOf(during.current()),
    spend: async (proof, { method, addresses, bound }) => {
      const { payload, proofKey } = await read(proof, keys);
      const { htm, htu, iat, jti, nonce, ath } = payload;
      if (htm !== method || !isOneOf(htu, addresses))
        throw new HttpFault(
          "proof-for-another-request",
          `the proof is for ${said(htm)} ${said(htu)}, the request is ${method} ${addresses[0]}`,
        );
      if (bound !== undefined && bound.proofKey !== proofKey)
        throw new HttpFault("proof-of-another-key", "the token is bound to another key");
      if (bound === undefined ? ath !== undefined : ath !== hashOf(bound.token))
        throw new HttpFault("proof-for-another-request", "the proof goes with another token");
      const awayMs = Math.abs(clock.now() - Number(iat) * 1000);
      if (!(awayMs <= skewMs))
        throw new HttpFault(
          "proof-expired",
          `the proof was made ${Math.round(awayMs / 1000)} s from now: set the clock right`,
        );
      if (typeof jti !== "string" || jti.length < 8 || jti.length > 128)
        throw malformed("its jti must have 8 to 128 characters");
      const period = during.accepted().find((one) => nonceOf(one) === nonce);
      if (period === undefined)
        throw new HttpFault("use-dpop-nonce", "the proof must hold the nonce of the last answer");
      if (!period.spend(`${proofKey} ${jti}`))
        throw new HttpFault("proof-replayed", "the proof was used before: make a new one");
      return proofKey;
    },
  };
};

const nonceOf = (period: Period): string =>
  period.mac("cnct/dpop-nonce/v1").toString("base64url", 0, 18);

const hashOf = (token: string): string => createHash("sha256").update(token).digest("base64url");

const said = (value: unknown): string => String(value).slice(0, 200);

const read = async (
  proof: string,
  keys: ProofKeys,
): Promise<{ readonly payload: JWTPayload; readonly proofKey: string }> => {
  if (proof.length > lengthMax) throw malformed(`it has more than ${lengthMax} characters`);
  let proofKey = "";
  try {
    const { payload } = await jwtVerify(
      proof,
      async ({ jwk }) => {
        const found = await keys.read(jwk);
        if (found === undefined) throw malformed("its jwk is no public key for EdDSA or ES256");
        proofKey = found.thumbprint;
        return found.key;
      },
      {
        typ: "dpop+jwt",
        algorithms: ["EdDSA", "Ed25519", "ES256"],
        // The times are checked by us, who know of the nonce.
        clockTolerance: Number.MAX_SAFE_INTEGER,
        requiredClaims: ["htm", "htu", "iat", "jti"],
      },
    );
    return { payload, proofKey };
  } catch (error) {
    if (error instanceof HttpFault) throw error;
    // What jose says is not in our words, and a client reads this.
    throw malformed(
      "it must be a dpop+jwt, signed with EdDSA or ES256 by the public key in its jwk",
    );
  }
};

const malformed = (why: string): HttpFault =>
  new HttpFault("proof-malformed", `the proof cannot be taken: ${why}`);

/** Whether an address is one of ours, whatever its query. */
const isOneOf = (given: unknown, addresses: readonly string[]): boolean => {
  const url = typeof given === "string" ? URL.parse(given) : null;
  if (url === null) return false;
  url.search = "";
  url.hash = "";
  return addresses.includes(url.href);
};
