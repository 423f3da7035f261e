/**
 * The record that an identity begins with. Its hash is the identity's name, so nobody has to say
 * who somebody is, and the name stays when keys are changed.
 */
import { hexToBytes } from "@noble/hashes/utils.js";
import { portableSha256, type Sha256 } from "../hashing.ts";
import { type AccountId, type Digest, isDigest } from "../ids.ts";
import { toBase32 } from "./base32.ts";
import { isPublicKey, type PublicKey, taggedText } from "./keys.ts";
import { isNatsUserKey, type NatsUserKey } from "./nats-key.ts";

/** `cnct:` and 52 characters of base32: SHA-256 of the tagged inception record. */
export type CnctId = string & { readonly __brand?: "CnctId" };

/** Of 260 bits the last four are zero, so the last character is a or q. */
const idForm = /^cnct:[a-z2-7]{51}[aq]$/;
export const isCnctId = (value: unknown): value is CnctId =>
  typeof value === "string" && idForm.test(value);

export const roles = ["client", "validator", "worker"] as const;
export type Role = (typeof roles)[number];

export interface InceptionRecord {
  readonly version: 1;
  /** Ed25519. Signs statements, logins and results; kept apart from all other keys. */
  readonly rootKey: PublicKey;
  /** `nextRootKeyHash` of the key that will follow, made now and kept elsewhere. */
  readonly nextRootKeyHash: Digest;
  /** X25519, 1 to 8, each once. */
  readonly encryptionKeys: readonly PublicKey[];
  /** There if and only if the identity has the role `worker`. */
  readonly natsKey?: NatsUserKey;
  /** Sorted, each once, at least one. */
  readonly roles: readonly Role[];
  /** 16 bytes in hex: the same keys can begin another identity. */
  readonly nonce: string;
}

export const encryptionKeysMax = 8;

/** What a record says of a key that is not to be known yet. */
export const nextRootKeyHash = (key: PublicKey, sha256: Sha256 = portableSha256): Digest =>
  sha256(`cnct/next-root-key/v1\n${key}`);

export const cnctId = (record: InceptionRecord, sha256: Sha256 = portableSha256): CnctId =>
  `cnct:${toBase32(hexToBytes(sha256(taggedText("cnct/inception/v1", record))))}`;

/** The account that an identity pays from: `client:` and what follows `cnct:`. */
export const clientAccountOf = (id: CnctId): AccountId => `client:${id.slice("cnct:".length)}`;

const names = [
  "version",
  "rootKey",
  "nextRootKeyHash",
  "encryptionKeys",
  "natsKey",
  "roles",
  "nonce",
];
const nonceForm = /^[0-9a-f]{32}$/;

/** What is wrong with a record, as a sentence; undefined when it is well formed. */
export const inceptionFault = (value: unknown): string | undefined => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return "an inception record is a JSON object";
  for (const key of Object.keys(value))
    if (!names.includes(key)) return `an inception record has no field "${key.slice(0, 64)}"`;
  const { version, rootKey, nextRootKeyHash: next, nonce } = value as Partial<InceptionRecord>;
  const { encryptionKeys, natsKey, roles: has } = value as Partial<InceptionRecord>;
  if (version !== 1) return "version must be 1";
  if (!isPublicKey(rootKey)) return "rootKey must be 32 bytes in lower-case hex";
  if (!isDigest(next)) return "nextRootKeyHash must be a SHA-256 in lower-case hex";
  if (next === nextRootKeyHash(rootKey)) return "the next root key must be another than the first";
  if (!isSet(encryptionKeys, encryptionKeysMax) || !encryptionKeys.every(isPublicKey))
    return `encryptionKeys must be 1 to ${encryptionKeysMax} different keys in lower-case hex`;
  if (!isSet(has, roles.length) || has.join() !== roles.filter((it) => has.includes(it)).join())
    return `roles must be some of ${roles.join(", ")}, in this order`;
  if (has.includes("worker") !== (natsKey !== undefined))
    return "a worker, and nobody else, names its natsKey";
  if (natsKey !== undefined && !isNatsUserKey(natsKey)) return "natsKey must be a NATS user key";
  if (typeof nonce !== "string" || !nonceForm.test(nonce))
    return "nonce must be 16 bytes in lower-case hex";
  return undefined;
};

const isSet = (value: unknown, most: number): value is readonly string[] =>
  Array.isArray(value) &&
  value.length >= 1 &&
  value.length <= most &&
  value.every((item) => typeof item === "string") &&
  new Set(value).size === value.length;
