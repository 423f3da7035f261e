/**
 * An identity in the hands of its owner: what it may show, and what it can do with its secrets.
 *
 * The secrets stay behind the functions: neither printing an identity nor turning it into JSON shows
 * any. `secretsOf` gives them to whoever keeps them.
 */

import { fromHex, hexOf } from "../../crypto/bytes.ts";
import { keyBytes, type Primitives } from "../../crypto/primitives.ts";
import { platform } from "../../crypto/primitives-platform.ts";
import { keyRules, newEncryptionPair, newSigningPair, signText } from "../../crypto/signatures.ts";
import type { IdentityCommand } from "../../domain/identity/events.ts";
import { type Identity, identity as rules } from "../../domain/identity/identity.ts";
import {
  type CnctId,
  clientAccountOf,
  cnctId,
  type InceptionRecord,
  nextRootKeyHash,
  type Role,
  roles as rolesInOrder,
} from "../../domain/identity/inception.ts";
import { encryptionKeyId, type PublicKey, type Signature } from "../../domain/identity/keys.ts";
import {
  type NatsUserKey,
  type NatsUserSeed,
  natsUserKey,
  natsUserSeed,
  secretOfNatsSeed,
} from "../../domain/identity/nats-key.ts";
import { commandTypes, type SignedStatement } from "../../domain/identity/signed-statement.ts";
import { registrationText } from "../../domain/identity/statements.ts";
import type { AccountId, Digest } from "../../domain/ids.ts";
import { CnctRefusal } from "../errors.ts";

/** What anybody may know of an identity, and can check. */
export interface IdentityHistory {
  readonly record: InceptionRecord;
  /** Of the record, by the root key that it names. */
  readonly registration: Signature;
  /** All that the identity said about itself since, in order. */
  readonly statements: readonly SignedStatement[];
}

/** What nobody else may know. Keys are seeds of 32 bytes in lower-case hex. */
export interface IdentitySecrets {
  readonly root: string;
  /** Becomes the root key with the next rotation. */
  readonly nextRoot: string;
  /** Also of keys that were retired: what was sealed for them can still be opened. */
  readonly encryption: readonly string[];
  /** There if the identity has the role `worker`. */
  readonly natsSeed?: NatsUserSeed;
}

export interface OwnIdentity extends IdentityHistory {
  readonly id: CnctId;
  /** What it pays from. */
  readonly account: AccountId;
  readonly roles: readonly Role[];
  readonly isRevoked: boolean;
  readonly rootKey: PublicKey;
  /** In use, the newest last. */
  readonly encryptionKeys: readonly PublicKey[];
  readonly natsKey: NatsUserKey | undefined;
  /** Of its last statement; 0 before the first. */
  readonly sequence: number;
  /** Signs by the root key a text that `taggedText` made. */
  readonly sign: (text: string) => Signature;
  /** The X25519 secret to a key of this id, retired ones too; undefined for keys of others. */
  readonly encryptionSecret: (keyId: Digest) => Uint8Array | undefined;
  /** What a worker's connection to NATS signs with. */
  readonly natsSeed: () => NatsUserSeed | undefined;
}

const kept = new WeakMap<OwnIdentity, IdentitySecrets>();

/** For whoever keeps an identity: never to be printed, logged or sent. */
export const secretsOf = (own: OwnIdentity): IdentitySecrets => {
  const secrets = kept.get(own);
  if (secrets === undefined) throw new TypeError("this identity was not made by ownIdentity");
  return secrets;
};

/** A new identity with keys that nobody else has. The gateway hears of it when it is first used. */
export const newIdentity = (
  { roles = ["client"] }: { readonly roles?: readonly Role[] } = {},
  primitives: Primitives = platform,
): OwnIdentity => {
  const root = newSigningPair(primitives);
  const next = newSigningPair(primitives);
  const encryption = newEncryptionPair(primitives);
  const nats = roles.includes("worker") ? newSigningPair(primitives) : undefined;
  const record: InceptionRecord = {
    version: 1,
    rootKey: root.publicKey,
    nextRootKeyHash: nextRootKeyHash(next.publicKey),
    encryptionKeys: [encryption.publicKey],
    ...(nats && { natsKey: natsKeyOf(nats.secret, primitives) }),
    roles: rolesInOrder.filter((role) => roles.includes(role)),
    nonce: hexOf(primitives.randomBytes(16)),
  };
  const text = registrationText(record);
  const registration = signText(primitives, { text, secret: root.secret });
  return ownIdentity(
    { record, registration, statements: [] },
    {
      root: hexOf(root.secret),
      nextRoot: hexOf(next.secret),
      encryption: [hexOf(encryption.secret)],
      ...(nats && { natsSeed: natsUserSeed(nats.secret) }),
    },
    primitives,
  );
};

export const natsKeyOf = (secret: Uint8Array, { ed25519 }: Primitives): NatsUserKey =>
  natsUserKey(ed25519.publicKey(secret));

/**
 * Puts an identity together again, and checks that everything fits: the signatures of the history,
 * and the secrets with the public keys that it leads to.
 *
 * @throws {CnctRefusal} `identity-damaged`; the message holds no secret.
 */
export const ownIdentity = (
  history: IdentityHistory,
  secrets: IdentitySecrets,
  primitives: Primitives = platform,
): OwnIdentity => {
  const state = stateOf(history, primitives);
  const { record, registration, statements } = history;
  const { id, roles, rootKey, encryptionKeys, natsKey, sequence } = state;
  const root = secretBytes("root", secrets.root);
  const nextRoot = secretBytes("nextRoot", secrets.nextRoot);
  const { ed25519, x25519 } = primitives;
  const publicOf = (secret: Uint8Array): PublicKey => hexOf(ed25519.publicKey(secret));
  if (publicOf(root) !== rootKey) throw damaged("the root key is another one");
  if (nextRootKeyHash(publicOf(nextRoot)) !== state.nextRootKeyHash)
    throw damaged("the prepared root key is another one");
  const byId = new Map(
    secrets.encryption.map((text) => {
      const secret = secretBytes("encryption", text);
      return [encryptionKeyId(hexOf(x25519.publicKey(secret))), secret] as const;
    }),
  );
  if (!encryptionKeys.every((key) => byId.has(encryptionKeyId(key))))
    throw damaged("an encryption key is missing");
  const { natsSeed } = secrets;
  const natsSecret = natsSeed === undefined ? undefined : secretOfNatsSeed(natsSeed);
  if ((natsSecret === undefined ? undefined : natsKeyOf(natsSecret, primitives)) !== natsKey)
    throw damaged("the NATS key is another one");

  const own: OwnIdentity = {
    id,
    account: clientAccountOf(id),
    record,
    registration,
    statements,
    roles,
    isRevoked: state.status === "revoked",
    rootKey,
    encryptionKeys,
    natsKey,
    sequence,
    sign: (text) => signText(primitives, { text, secret: root }),
    encryptionSecret: (keyId) => byId.get(keyId),
    natsSeed: () => natsSeed,
  };
  kept.set(own, secrets);
  return own;
};

export type KnownIdentity = Exclude<Identity, { readonly status: "unknown" }>;

/**
 * What the rules make of a history: the same ones that a gateway goes by.
 *
 * @throws {CnctRefusal} `identity-damaged`, with the rule that it breaks.
 */
export const stateOf = (
  { record, registration, statements }: IdentityHistory,
  primitives: Primitives = platform,
): KnownIdentity => {
  const { decide, evolve, initial } = rules(keyRules(primitives));
  // What is damaged need not even be an object: the rules say so, but the id comes first.
  const id = typeof record === "object" && record !== null ? cnctId(record) : "cnct:";
  const common = { actor: `${id}`, now: 0 };
  const commands: readonly IdentityCommand[] = [
    { type: "RegisterIdentity", id, record, signature: registration, ...common },
    ...statements.map(
      ({ statement, signature }) =>
        ({
          ...statement,
          type: commandTypes[statement.type],
          signature,
          ...common,
        }) as IdentityCommand,
    ),
  ];
  let state = initial;
  for (const command of commands) {
    const decision = decide(command, state);
    if (!decision.ok) throw damaged(`${command.type} breaks the rule ${decision.reason}`);
    state = decision.events.reduce(evolve, state);
  }
  if (state.status === "unknown") throw damaged("it has no beginning");
  return state;
};

const secretBytes = (name: string, text: unknown): Uint8Array => {
  const bytes = fromHex(keyBytes, text);
  if (bytes === undefined) throw damaged(`the secret "${name}" is no key`);
  return bytes;
};

const damaged = (why: string): CnctRefusal =>
  new CnctRefusal("identity-damaged", `this identity does not fit together: ${why}`);
