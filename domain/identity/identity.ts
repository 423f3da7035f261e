/**
 * An identity: who somebody is, by keys alone. It outlives its keys.
 *
 *     unknown --register--> active --rotate, add, retire, replace--> active --revoke--> revoked
 *
 * Every fact carries the statement and the signature that made it one, so an audit repeats these
 * decisions from the log. Signatures made before a revocation stay good: what counts is the place
 * in the log.
 */
import { accept, type Decider, refuse } from "../decider.ts";
import { type Digest, isDigest } from "../ids.ts";
import type { IdentityCommand, IdentityEvent } from "./events.ts";
import {
  type CnctId,
  cnctId,
  encryptionKeysMax,
  inceptionFault,
  nextRootKeyHash,
  type Role,
} from "./inception.ts";
import {
  encryptionKeyId,
  isPublicKey,
  isSignature,
  type KeyRules,
  type PublicKey,
} from "./keys.ts";
import { isNatsUserKey, type NatsUserKey } from "./nats-key.ts";
import {
  additionText,
  registrationText,
  replacementText,
  retirementText,
  revocationReasons,
  revocationText,
  rotationText,
} from "./statements.ts";

export type IdentityRefusal =
  | "BadInception"
  | "IdNotOfRecord"
  | "UnsafeKey"
  | "SignatureWrong"
  | "IdentityUnknown"
  | "IdentityRevoked"
  /** The statement's number is not the next one: it was said before, or one is missing. */
  | "SequenceWrong"
  | "BadStatement"
  | "NotThePreparedKey"
  | "NextKeyNotNew"
  | "TooManyKeys"
  /** The identity has said as much as one may; its end can still be stated. */
  | "TooManyStatements"
  | "EncryptionKeyKnown"
  | "EncryptionKeyAlreadyRetired"
  | "EncryptionKeyUnknown"
  | "LastEncryptionKey"
  | "NotAWorker";

export type Identity =
  | { readonly status: "unknown" }
  | {
      readonly status: "active" | "revoked";
      readonly id: CnctId;
      readonly roles: readonly Role[];
      readonly rootKey: PublicKey;
      readonly nextRootKeyHash: Digest;
      readonly encryptionKeys: readonly PublicKey[];
      /** Ids of keys that were there before. */
      readonly retiredKeys: readonly Digest[];
      readonly natsKey: NatsUserKey | undefined;
      /** Of the last statement; 0 after the registration. */
      readonly sequence: number;
      /** Text of the last statement: saying it again changes nothing. */
      readonly lastStatement: string;
    };
type Known = Extract<Identity, { status: "active" | "revoked" }>;

/** Keys of one identity over its whole life. */
export const retiredKeysMax = 256;

/**
 * Statements of one identity over its whole life, apart from that of its end: whoever reads one reads
 * them all, and everybody may.
 */
export const statementsMax = 1_000;

/** The rules, given what they need to know of cryptography. */
export const identity = ({
  verify,
  isSafeSigningKey,
  isSafeEncryptionKey,
}: KeyRules): Decider<IdentityCommand, IdentityEvent, Identity, IdentityRefusal> => ({
  initial: { status: "unknown" },

  decide: (command, identity) => {
    if (!isSignature(command.signature)) return refuse("SignatureWrong");
    const { id, signature, now: at } = command;

    if (command.type === "RegisterIdentity") {
      const { record } = command;
      if (inceptionFault(record) !== undefined) return refuse("BadInception");
      if (cnctId(record) !== id) return refuse("IdNotOfRecord");
      if (identity.status === "unknown") {
        if (!isSafeSigningKey(record.rootKey)) return refuse("UnsafeKey");
        if (!record.encryptionKeys.every(isSafeEncryptionKey)) return refuse("UnsafeKey");
      }
      if (!verify({ publicKey: record.rootKey, text: registrationText(record), signature }))
        return refuse("SignatureWrong");
      if (identity.status === "revoked") return refuse("IdentityRevoked");
      if (identity.status === "active") return accept();
      return accept({ type: "IdentityRegistered", id, record, signature, at });
    }

    if (identity.status === "unknown" || identity.id !== id) return refuse("IdentityUnknown");
    if (!isWellFormed(command)) return refuse("BadStatement");
    const text = textOf(command);
    const publicKey = signerOf(command, identity);
    if (!verify({ publicKey, text, signature })) return refuse("SignatureWrong");
    if (text === identity.lastStatement) return accept(); // Said before: a retry changes nothing.
    if (identity.status === "revoked") return refuse("IdentityRevoked");
    const { sequence } = command;
    if (sequence !== identity.sequence + 1) return refuse("SequenceWrong");
    if (sequence > statementsMax && command.type !== "RevokeIdentity")
      return refuse("TooManyStatements");

    switch (command.type) {
      case "RotateRootKey": {
        const { rootKey, nextRootKeyHash: next } = command;
        const prepared = nextRootKeyHash(rootKey);
        if (prepared !== identity.nextRootKeyHash) return refuse("NotThePreparedKey");
        if (!isSafeSigningKey(rootKey)) return refuse("UnsafeKey");
        if (next === prepared || next === nextRootKeyHash(identity.rootKey))
          return refuse("NextKeyNotNew");
        const fact = { id, sequence, rootKey, nextRootKeyHash: next, signature, at };
        return accept({ type: "RootKeyRotated", ...fact });
      }

      case "AddEncryptionKey": {
        const { key } = command;
        const { encryptionKeys, retiredKeys } = identity;
        if (encryptionKeys.includes(key)) return refuse("EncryptionKeyKnown");
        if (retiredKeys.includes(encryptionKeyId(key)))
          return refuse("EncryptionKeyAlreadyRetired");
        if (encryptionKeys.length >= encryptionKeysMax) return refuse("TooManyKeys");
        if (!isSafeEncryptionKey(key)) return refuse("UnsafeKey");
        return accept({ type: "EncryptionKeyAdded", id, sequence, key, signature, at });
      }

      case "RetireEncryptionKey": {
        const { keyId } = command;
        const { encryptionKeys, retiredKeys } = identity;
        if (retiredKeys.includes(keyId)) return refuse("EncryptionKeyAlreadyRetired");
        if (!encryptionKeys.some((key) => encryptionKeyId(key) === keyId))
          return refuse("EncryptionKeyUnknown");
        if (encryptionKeys.length === 1) return refuse("LastEncryptionKey");
        if (retiredKeys.length >= retiredKeysMax) return refuse("TooManyKeys");
        return accept({ type: "EncryptionKeyRetired", id, sequence, keyId, signature, at });
      }

      case "ReplaceTransportKey": {
        const { natsKey } = command;
        if (!identity.roles.includes("worker")) return refuse("NotAWorker");
        return accept({ type: "TransportKeyReplaced", id, sequence, natsKey, signature, at });
      }

      case "RevokeIdentity": {
        const { reason, signedBy } = command;
        if (signedBy !== identity.rootKey) {
          if (nextRootKeyHash(signedBy) !== identity.nextRootKeyHash)
            return refuse("NotThePreparedKey");
          if (!isSafeSigningKey(signedBy)) return refuse("UnsafeKey");
        }
        return accept({ type: "IdentityRevoked", id, sequence, reason, signedBy, signature, at });
      }
    }
  },

  evolve: evolveIdentity,
});

/** Folds an event into an identity; believes the past, so that it needs to verify nothing. */
export function evolveIdentity(identity: Identity, event: IdentityEvent): Identity {
  if (event.type === "IdentityRegistered") {
    const { record, id } = event;
    const { roles, rootKey, nextRootKeyHash, encryptionKeys, natsKey } = record;
    const keys = { rootKey, nextRootKeyHash, encryptionKeys, retiredKeys: [], natsKey };
    return { status: "active", id, roles, ...keys, sequence: 0, lastStatement: "" };
  }
  if (identity.status === "unknown") return identity;
  const { sequence } = event;
  switch (event.type) {
    case "RootKeyRotated": {
      const { rootKey, nextRootKeyHash } = event;
      const lastStatement = rotationText(event);
      return { ...identity, sequence, lastStatement, rootKey, nextRootKeyHash };
    }
    case "EncryptionKeyAdded": {
      const encryptionKeys = [...identity.encryptionKeys, event.key];
      return { ...identity, sequence, lastStatement: additionText(event), encryptionKeys };
    }
    case "EncryptionKeyRetired": {
      const { keyId } = event;
      const encryptionKeys = identity.encryptionKeys.filter(
        (key) => encryptionKeyId(key) !== keyId,
      );
      const retiredKeys = [...identity.retiredKeys, keyId];
      const lastStatement = retirementText(event);
      return { ...identity, sequence, lastStatement, encryptionKeys, retiredKeys };
    }
    case "TransportKeyReplaced": {
      const { natsKey } = event;
      return { ...identity, sequence, lastStatement: replacementText(event), natsKey };
    }
    case "IdentityRevoked": {
      const lastStatement = revocationText(event);
      return { ...identity, status: "revoked", sequence, lastStatement };
    }
  }
}

type StatementCommand = Exclude<IdentityCommand, { type: "RegisterIdentity" }>;

const textOf = (command: StatementCommand): string => {
  switch (command.type) {
    case "RotateRootKey":
      return rotationText(command);
    case "AddEncryptionKey":
      return additionText(command);
    case "RetireEncryptionKey":
      return retirementText(command);
    case "ReplaceTransportKey":
      return replacementText(command);
    case "RevokeIdentity":
      return revocationText(command);
  }
};

const signerOf = (command: StatementCommand, { rootKey }: Known): PublicKey => {
  if (command.type === "RotateRootKey") return command.rootKey;
  return command.type === "RevokeIdentity" ? command.signedBy : rootKey;
};

const isWellFormed = (command: StatementCommand): boolean => {
  if (!Number.isSafeInteger(command.sequence) || command.sequence < 1) return false;
  switch (command.type) {
    case "RotateRootKey":
      return isPublicKey(command.rootKey) && isDigest(command.nextRootKeyHash);
    case "AddEncryptionKey":
      return isPublicKey(command.key);
    case "RetireEncryptionKey":
      return isDigest(command.keyId);
    case "ReplaceTransportKey":
      return isNatsUserKey(command.natsKey);
    case "RevokeIdentity":
      return revocationReasons.includes(command.reason) && isPublicKey(command.signedBy);
  }
};
