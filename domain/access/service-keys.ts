/**
 * The service keys of one identity: secrets by which programs of its owner act without a login, in the
 * stream `keys-<id>`. The log has the hash of a secret, never the secret.
 *
 *     unknown --issue--> good --revoke--> revoked
 *                        ^  |
 *                        '--' roll: a new secret; the old one stays good for a while
 */
import {
  accept,
  type Command,
  type Decider,
  type DomainEvent,
  type Instant,
  type Millis,
  refuse,
} from "../decider.ts";
import type { CnctId } from "../identity/inception.ts";
import { isGrantable, type Scope } from "../identity/scopes.ts";
import { type Digest, isDigest } from "../ids.ts";

/** Names a key in lists and statements: 16 characters of 0-9 and a-f. */
export type ServiceKeyId = string & { readonly __brand?: "ServiceKeyId" };

export type ServiceKeyEvent = ServiceKeyIssued | ServiceKeyRolled | ServiceKeyRevoked;
export type ServiceKeyIssued = DomainEvent<
  "ServiceKeyIssued",
  {
    id: CnctId;
    keyId: ServiceKeyId;
    secretHash: Digest;
    scopes: readonly Scope[];
    label: string;
    expiresAt: Instant;
  }
>;
export type ServiceKeyRolled = DomainEvent<
  "ServiceKeyRolled",
  /** `graceUntil`: the secret before this one is good until then. */
  { id: CnctId; keyId: ServiceKeyId; secretHash: Digest; graceUntil: Instant }
>;
export type ServiceKeyRevoked = DomainEvent<
  "ServiceKeyRevoked",
  { id: CnctId; keyId: ServiceKeyId }
>;

export type ServiceKeyCommand =
  | Command<
      "IssueServiceKey",
      {
        id: CnctId;
        keyId: ServiceKeyId;
        secretHash: Digest;
        scopes: readonly Scope[];
        label: string;
        expiresAt: Instant;
        /** Of the login that asks. */
        grantedScopes: readonly Scope[];
      }
    >
  | Command<
      "RollServiceKey",
      {
        id: CnctId;
        keyId: ServiceKeyId;
        secretHash: Digest;
        graceMs: Millis;
        grantedScopes: readonly Scope[];
      }
    >
  | Command<"RevokeServiceKey", { id: CnctId; keyId: ServiceKeyId }>;

export type ServiceKeyRefusal =
  /** Not of the form, or another key's. */
  | "BadKeyId"
  | "BadLabel"
  | "BadKeyScopes"
  | "BadExpiry"
  | "BadGrace"
  /** A key never has more scopes than the login that asks for it. */
  | "ScopesBeyondLogin"
  | "TooManyServiceKeys"
  | "ServiceKeyUnknown"
  | "ServiceKeyEnded";

export interface ServiceKey {
  readonly keyId: ServiceKeyId;
  readonly label: string;
  readonly scopes: readonly Scope[];
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
  readonly secretHash: Digest;
  /** Secrets before that one, each with the instant until which it is good. Newest first. */
  readonly earlier: readonly { readonly secretHash: Digest; readonly until: Instant }[];
  readonly revokedAt: Instant | undefined;
}

/** Of one identity, oldest first. */
export interface ServiceKeys {
  readonly keys: readonly ServiceKey[];
}

/** Keys that are good at one time. */
export const serviceKeysMax = 64;
/** Keys that have ended and are still known as such. */
const endedMax = 256;
/** Secrets of one key that are remembered beside the one in use. */
const earlierMax = 8;
/** The longest life of a key: 400 days. */
export const serviceKeyMsMax = 400 * 86_400_000;
/** How long an old secret may stay good: 30 days. */
export const graceMsMax = 30 * 86_400_000;

const labelForm = /^[^\p{C}]{1,64}$/u;
const keyIdForm = /^[0-9a-f]{16}$/;
export const isServiceKeyId = (value: unknown): value is ServiceKeyId =>
  typeof value === "string" && keyIdForm.test(value);

export const serviceKeys: Decider<
  ServiceKeyCommand,
  ServiceKeyEvent,
  ServiceKeys,
  ServiceKeyRefusal
> = {
  initial: { keys: [] },

  decide: (command, { keys }) => {
    const { id, keyId, now: at } = command;
    const key = keys.find((one) => one.keyId === keyId);

    if (command.type === "IssueServiceKey") {
      const { secretHash, scopes, label, expiresAt, grantedScopes } = command;
      if (key !== undefined && key.secretHash === secretHash) return accept();
      if (key !== undefined || !isServiceKeyId(keyId) || !isDigest(secretHash))
        return refuse("BadKeyId");
      if (!labelForm.test(label)) return refuse("BadLabel");
      if (!areKeyScopes(scopes)) return refuse("BadKeyScopes");
      if (!scopes.every((scope) => covers(grantedScopes, scope)))
        return refuse("ScopesBeyondLogin");
      if (!Number.isSafeInteger(expiresAt) || expiresAt <= at || expiresAt > at + serviceKeyMsMax)
        return refuse("BadExpiry");
      if (keys.filter((one) => isGood(one, at)).length >= serviceKeysMax)
        return refuse("TooManyServiceKeys");
      const fact = { id, keyId, secretHash, scopes, label, expiresAt, at };
      return accept({ type: "ServiceKeyIssued", ...fact });
    }

    if (key === undefined) return refuse("ServiceKeyUnknown");
    switch (command.type) {
      case "RollServiceKey": {
        const { secretHash, graceMs, grantedScopes } = command;
        if (key.secretHash === secretHash) return accept();
        if (!isGood(key, at)) return refuse("ServiceKeyEnded");
        if (!key.scopes.every((scope) => covers(grantedScopes, scope)))
          return refuse("ScopesBeyondLogin");
        if (!Number.isSafeInteger(graceMs) || graceMs < 0 || graceMs > graceMsMax)
          return refuse("BadGrace");
        const graceUntil = Math.min(at + graceMs, key.expiresAt);
        return accept({ type: "ServiceKeyRolled", id, keyId, secretHash, graceUntil, at });
      }
      case "RevokeServiceKey":
        if (key.revokedAt !== undefined) return accept();
        return accept({ type: "ServiceKeyRevoked", id, keyId, at });
    }
  },

  evolve: ({ keys }, event) => {
    const { keyId, at } = event;
    const change = (changes: (key: ServiceKey) => Partial<ServiceKey>): ServiceKeys => ({
      keys: keys.map((key) => (key.keyId === keyId ? { ...key, ...changes(key) } : key)),
    });
    switch (event.type) {
      case "ServiceKeyIssued": {
        const { secretHash, scopes, label, expiresAt } = event;
        const life = { issuedAt: at, expiresAt, revokedAt: undefined };
        const key: ServiceKey = { keyId, label, scopes, secretHash, earlier: [], ...life };
        return { keys: [...withoutOldEnded(keys, at), key] };
      }
      case "ServiceKeyRolled": {
        const { secretHash, graceUntil } = event;
        return change((key) => ({
          secretHash,
          earlier: [{ secretHash: key.secretHash, until: graceUntil }, ...key.earlier].slice(
            0,
            earlierMax,
          ),
        }));
      }
      case "ServiceKeyRevoked":
        return change(() => ({ revokedAt: at }));
    }
  },
};

export type SecretState = "good" | "expired" | "revoked" | "unknown";

/** What a secret is worth at an instant, and the key that it belongs to. */
export const judgeSecret = (
  { keys }: ServiceKeys,
  secretHash: Digest,
  now: Instant,
): { readonly state: SecretState; readonly key: ServiceKey | undefined } => {
  for (const key of keys) {
    const before = key.earlier.find((one) => one.secretHash === secretHash);
    if (key.secretHash !== secretHash && before === undefined) continue;
    if (key.revokedAt !== undefined) return { state: "revoked", key };
    const until = before?.until ?? key.expiresAt;
    return { state: now < until ? "good" : "expired", key };
  }
  return { state: "unknown", key: undefined };
};

const isGood = ({ revokedAt, expiresAt }: ServiceKey, at: Instant): boolean =>
  revokedAt === undefined && at < expiresAt;

const withoutOldEnded = (keys: readonly ServiceKey[], at: Instant): readonly ServiceKey[] => {
  let surplus = keys.filter((key) => !isGood(key, at)).length - endedMax + 1;
  return surplus <= 0 ? keys : keys.filter((key) => isGood(key, at) || surplus-- <= 0);
};

/** Sorted, each once, 1 to 32; managing keys takes a login. */
const areKeyScopes = (scopes: readonly Scope[]): boolean =>
  scopes.length >= 1 &&
  scopes.length <= 32 &&
  scopes.every(
    (scope, i) =>
      isGrantable(scope) && scope !== "keys:manage" && (i === 0 || (scopes[i - 1] ?? "") < scope),
  );

/** Whether a grant has a scope, or the one of which it is a part. */
const covers = (granted: readonly Scope[], scope: Scope): boolean =>
  granted.includes(scope) || granted.includes(scope.split(":").slice(0, 2).join(":"));
