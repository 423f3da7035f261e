/**
 * Login by a challenge that is signed once. The fields are those of CAIP-122; a signature says for
 * which gateway it is, until when, and for what, so it is worth nothing anywhere else.
 *
 * That a nonce is used once only is for the gateway to see to: it keeps the challenges it made and
 * forgets each when it is answered or has expired.
 */
import type { Instant } from "../decider.ts";
import type { Identity } from "./identity.ts";
import { type CnctId, isCnctId } from "./inception.ts";
import { isSignature, type Signature, taggedText, type Verify } from "./keys.ts";
import { isScope, type Scope } from "./scopes.ts";

export interface LoginChallenge {
  readonly version: 1;
  /** Host, and port if it is not the usual one, of the gateway that asks. */
  readonly domain: string;
  readonly id: CnctId;
  /** What the login is for: the address of the gateway's token endpoint. */
  readonly uri: string;
  /** 16 to 32 bytes in hex that nobody could guess. */
  readonly nonce: string;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  /** Asked for, sorted, each once, 1 to 32. */
  readonly scopes: readonly Scope[];
}

/** How long a challenge may be good, in milliseconds: 5 minutes. */
export const challengeMsMax = 300_000;
export const scopesMax = 32;

export type LoginRefusal =
  | "challenge-malformed"
  | "challenge-of-another-gateway"
  | "challenge-not-yet-valid"
  | "challenge-expired"
  | "identity-unknown"
  | "identity-revoked"
  | "signature-wrong";

/** What the identity's root key signs. */
export const loginText = (challenge: LoginChallenge): string =>
  taggedText("cnct/login/v1", challenge);

/** Judges the answer to a challenge that this gateway made. */
export const checkLogin = (input: {
  readonly challenge: LoginChallenge;
  readonly signature: Signature;
  /** As it is now in the log. */
  readonly identity: Identity;
  readonly gateway: { readonly domain: string; readonly uri: string };
  readonly now: Instant;
  readonly verify: Verify;
}):
  | { readonly ok: true; readonly id: CnctId; readonly scopes: readonly Scope[] }
  | { readonly ok: false; readonly code: LoginRefusal } => {
  const { challenge, signature, identity, gateway, now, verify } = input;
  const refused = (code: LoginRefusal) => ({ ok: false, code }) as const;
  if (!isChallenge(challenge)) return refused("challenge-malformed");
  const { id, scopes } = challenge;
  if (challenge.domain !== gateway.domain || challenge.uri !== gateway.uri)
    return refused("challenge-of-another-gateway");
  if (now < challenge.issuedAt) return refused("challenge-not-yet-valid");
  if (now >= challenge.expiresAt) return refused("challenge-expired");
  if (identity.status === "unknown" || identity.id !== id) return refused("identity-unknown");
  if (identity.status === "revoked") return refused("identity-revoked");
  const claim = { publicKey: identity.rootKey, text: loginText(challenge), signature };
  if (!isSignature(signature) || !verify(claim)) return refused("signature-wrong");
  return { ok: true, id, scopes };
};

const names = "domain expiresAt id issuedAt nonce scopes uri version";
const nonceForm = /^(?:[0-9a-f]{2}){16,32}$/;
const printable = /^[!-~]{1,256}$/;

/** Whether a value is a whole challenge, good for at most 5 minutes. */
export const isChallenge = (value: unknown): value is LoginChallenge => {
  if (typeof value !== "object" || value === null) return false;
  if (Object.keys(value).sort().join(" ") !== names) return false;
  const { version, domain, id, uri, nonce, issuedAt, expiresAt, scopes } =
    value as unknown as LoginChallenge;
  return (
    version === 1 &&
    isCnctId(id) &&
    [domain, uri].every((text) => typeof text === "string" && printable.test(text)) &&
    typeof nonce === "string" &&
    nonceForm.test(nonce) &&
    Number.isSafeInteger(issuedAt) &&
    Number.isSafeInteger(expiresAt) &&
    expiresAt > issuedAt &&
    expiresAt - issuedAt <= challengeMsMax &&
    Array.isArray(scopes) &&
    scopes.length >= 1 &&
    scopes.length <= scopesMax &&
    scopes.every((scope, i) => isScope(scope) && (i === 0 || scopes[i - 1] < scope))
  );
};
