/**
 * Access tokens: JWTs (RFC 9068) that this gateway signs and reads, good for ten minutes and bound to
 * a key of the client (RFC 9449), so that who copies one cannot use it.
 */
import { randomUUID } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { Instant } from "../../domain/decider.ts";
import { type CnctId, isCnctId } from "../../domain/identity/inception.ts";
import { type PublicKey, signingKeyId } from "../../domain/identity/keys.ts";
import { isGrantable, type Scope } from "../../domain/identity/scopes.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Clock } from "../../streams/clock.ts";
import { HttpFault } from "../errors.ts";
import type { TokenKeys } from "./token-keys.ts";

/** How long a token is good, ms. */
export const tokenMs = 600_000;

export interface Claims {
  readonly id: CnctId;
  readonly scopes: readonly Scope[];
  /** Thumbprint of the key that has to prove each request (RFC 7638). */
  readonly proofKey: string;
  /** Names the root key that logged in. */
  readonly rootKeyId: Digest;
}

export interface Tokens {
  readonly issue: (about: {
    readonly id: CnctId;
    readonly rootKey: PublicKey;
    readonly scopes: readonly Scope[];
    readonly proofKey: string;
  }) => Promise<{ readonly token: string; readonly expiresAt: Instant }>;
  /** @throws {HttpFault} `token-malformed`, `token-of-another-gateway`, `token-expired`. */
  readonly read: (token: string) => Promise<Claims>;
}

interface KnownToken {
  readonly claims: Claims;
  readonly kid: string;
  readonly issuer: string;
  readonly until: Instant;
}
/** About 1 KiB each; the oldest goes first. */
const knownMax = 10_000;

const type = "at+jwt";
const algorithm = "EdDSA";
/** A token with every scope there can be for 32 jobs is shorter. */
const lengthMax = 8_192;

/** @param issuer - The first address of the gateway, which its tokens are for as well. */
export const tokens = ({
  keys,
  clock,
  issuer,
}: {
  readonly keys: TokenKeys;
  readonly clock: Clock;
  readonly issuer: () => string;
}): Tokens => {
  /** Tokens that were verified; each comes with many requests. */
  const known = new Map<string, KnownToken>();
  return {
    issue: async ({ id, rootKey, scopes, proofKey }) => {
      const { kid, secret } = keys.current();
      const issuedAt = Math.floor(clock.now() / 1000);
      const expiresAt = issuedAt + tokenMs / 1000;
      const token = await new SignJWT({
        scope: scopes.join(" "),
        root: signingKeyId(rootKey),
        cnf: { jkt: proofKey },
      })
        .setProtectedHeader({ alg: algorithm, typ: type, kid })
        .setIssuer(issuer())
        .setAudience(issuer())
        .setSubject(id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .setJti(randomUUID())
        .sign(secret);
      return { token, expiresAt: expiresAt * 1000 };
    },

    read: async (token) => {
      if (token.length > lengthMax) throw malformed();
      const before = known.get(token);
      if (before !== undefined && clock.now() < before.until && before.issuer === issuer()) {
        if (keys.find(before.kid) !== undefined) return before.claims;
      }
      try {
        const { payload, protectedHeader } = await jwtVerify(
          token,
          ({ kid }) => {
            const key = kid === undefined ? undefined : keys.find(kid);
            if (key === undefined)
              throw new HttpFault(
                "token-of-another-gateway",
                "no key of this gateway signed the token",
              );
            return key.publicKey;
          },
          {
            algorithms: [algorithm],
            typ: type,
            issuer: issuer(),
            audience: issuer(),
            currentDate: new Date(clock.now()),
            requiredClaims: ["sub", "exp", "iat", "scope", "root", "cnf"],
          },
        );
        const claims = claimsOf(payload);
        const [oldest] = known.keys();
        if (known.size >= knownMax && oldest !== undefined) known.delete(oldest);
        const until = Number(payload.exp) * 1000;
        known.set(token, { claims, kid: protectedHeader.kid ?? "", issuer: issuer(), until });
        return claims;
      } catch (error) {
        if (error instanceof HttpFault) throw error;
        if (error instanceof errors.JWTExpired)
          throw new HttpFault("token-expired", "the token has expired: log in again");
        if (
          error instanceof errors.JWTClaimValidationFailed &&
          ["iss", "aud"].includes(error.claim)
        )
          throw new HttpFault("token-of-another-gateway", "the token is for another gateway");
        throw malformed();
      }
    },
  };
};

const malformed = (): HttpFault =>
  new HttpFault("token-malformed", "the token is none that this gateway gave out");

/** @throws {HttpFault} For what we would not have signed. */
const claimsOf = ({ sub, scope, cnf, root }: JWTPayload): Claims => {
  const scopes = typeof scope === "string" ? scope.split(" ") : [];
  const proofKey: unknown = (cnf as { readonly jkt?: unknown } | undefined)?.jkt;
  if (!isCnctId(sub) || !scopes.every(isGrantable)) throw malformed();
  if (typeof proofKey !== "string" || typeof root !== "string") throw malformed();
  return { id: sub, scopes, proofKey, rootKeyId: root };
};
