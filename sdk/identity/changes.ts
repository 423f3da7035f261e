/**
 * What an owner says about the own identity. A change is prepared first, so that its new keys can be
 * kept before anybody hears of them, and becomes true when a gateway has accepted it.
 */

import { fromHex, hexOf } from "../../crypto/bytes.ts";
import { keyBytes, type Primitives } from "../../crypto/primitives.ts";
import { platform } from "../../crypto/primitives-platform.ts";
import { newEncryptionPair, newSigningPair, signText } from "../../crypto/signatures.ts";
import { nextRootKeyHash } from "../../domain/identity/inception.ts";
import { natsUserSeed } from "../../domain/identity/nats-key.ts";
import {
  type SignedStatement,
  type Statement,
  statementText,
} from "../../domain/identity/signed-statement.ts";
import type { RevocationReason } from "../../domain/identity/statements.ts";
import type { Digest } from "../../domain/ids.ts";
import {
  type IdentitySecrets,
  natsKeyOf,
  type OwnIdentity,
  ownIdentity,
  secretsOf,
} from "./own-identity.ts";

export interface PreparedChange extends SignedStatement {
  /** All secrets as they are once the statement is accepted. */
  readonly secrets: IdentitySecrets;
}

/** The identity after a change that was accepted. */
export const changed = (
  own: OwnIdentity,
  { statement, signature, secrets }: PreparedChange,
  primitives: Primitives = platform,
): OwnIdentity => {
  const { record, registration, statements } = own;
  const history = { record, registration, statements: [...statements, { statement, signature }] };
  return ownIdentity(history, secrets, primitives);
};

/** The prepared key becomes the root key, and another one is prepared. */
export const prepareRotation = (
  own: OwnIdentity,
  primitives: Primitives = platform,
): PreparedChange => {
  const secrets = secretsOf(own);
  const following = newSigningPair(primitives);
  const secret = bytesOf(secrets.nextRoot);
  const statement: Statement = {
    type: "RootKeyRotated",
    ...next(own),
    rootKey: hexOf(primitives.ed25519.publicKey(secret)),
    nextRootKeyHash: nextRootKeyHash(following.publicKey),
  };
  return {
    statement,
    signature: signText(primitives, { text: statementText(statement), secret }),
    secrets: { ...secrets, root: secrets.nextRoot, nextRoot: hexOf(following.secret) },
  };
};

/** A new key that payloads may be sealed for. */
export const prepareEncryptionKey = (
  own: OwnIdentity,
  primitives: Primitives = platform,
): PreparedChange => {
  const secrets = secretsOf(own);
  const { secret, publicKey: key } = newEncryptionPair(primitives);
  const encryption = [...secrets.encryption, hexOf(secret)];
  const statement: Statement = { type: "EncryptionKeyAdded", ...next(own), key };
  return signed(own, statement, { ...secrets, encryption });
};

/** No payload is sealed for the key any more; its secret is kept, to open what was. */
export const prepareRetirement = (own: OwnIdentity, keyId: Digest): PreparedChange =>
  signed(own, { type: "EncryptionKeyRetired", ...next(own), keyId }, secretsOf(own));

/** Another key for the connection to NATS. */
export const prepareTransportKey = (
  own: OwnIdentity,
  primitives: Primitives = platform,
): PreparedChange => {
  const { secret } = newSigningPair(primitives);
  const natsKey = natsKeyOf(secret, primitives);
  const statement: Statement = { type: "TransportKeyReplaced", ...next(own), natsKey };
  return signed(own, statement, { ...secretsOf(own), natsSeed: natsUserSeed(secret) });
};

/** Ends the identity for ever. */
export const prepareRevocation = (own: OwnIdentity, reason: RevocationReason): PreparedChange => {
  const about = { ...next(own), reason, signedBy: own.rootKey };
  return signed(own, { type: "IdentityRevoked", ...about }, secretsOf(own));
};

const next = ({ id, sequence }: OwnIdentity) => ({ id, sequence: sequence + 1 });

const signed = (
  own: OwnIdentity,
  statement: Statement,
  secrets: IdentitySecrets,
): PreparedChange => ({ statement, signature: own.sign(statementText(statement)), secrets });

/** `ownIdentity` has seen that it is a key. */
const bytesOf = (secret: string): Uint8Array => fromHex(keyBytes, secret) ?? new Uint8Array();
