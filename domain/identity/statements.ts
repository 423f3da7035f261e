/**
 * What an identity signs about itself. Each statement names the identity and its number in the
 * identity's life, so that none can be said twice or about somebody else.
 */
import type { Digest } from "../ids.ts";
import type { CnctId, InceptionRecord } from "./inception.ts";
import { type PublicKey, taggedText } from "./keys.ts";
import type { NatsUserKey } from "./nats-key.ts";

export const revocationReasons = ["key-compromised", "keys-lost", "retired"] as const;
export type RevocationReason = (typeof revocationReasons)[number];

interface About {
  readonly id: CnctId;
  /** 1 for the first statement after the registration, then one more each. */
  readonly sequence: number;
}

/** By the type of the event that records it. */
export interface Statements {
  readonly RootKeyRotated: About & {
    readonly rootKey: PublicKey;
    readonly nextRootKeyHash: Digest;
  };
  readonly EncryptionKeyAdded: About & { readonly key: PublicKey };
  readonly EncryptionKeyRetired: About & { readonly keyId: Digest };
  readonly TransportKeyReplaced: About & { readonly natsKey: NatsUserKey };
  readonly IdentityRevoked: About & {
    readonly reason: RevocationReason;
    /** The root key, or the prepared one: an owner whose root key was stolen still has that. */
    readonly signedBy: PublicKey;
  };
}

/** What the owner of the record's root key signs to register. */
export const registrationText = (record: InceptionRecord): string =>
  taggedText("cnct/identity-registered/v1", record);

/** Signed by the new root key, which shows that the owner has it. */
export const rotationText = ({
  id,
  sequence,
  rootKey,
  nextRootKeyHash,
}: Statements["RootKeyRotated"]): string =>
  taggedText("cnct/root-key-rotated/v1", { id, sequence, rootKey, nextRootKeyHash });

/** Signed by the root key, as are the two below. */
export const additionText = ({ id, sequence, key }: Statements["EncryptionKeyAdded"]): string =>
  taggedText("cnct/encryption-key-added/v1", { id, sequence, key });

export const retirementText = ({
  id,
  sequence,
  keyId,
}: Statements["EncryptionKeyRetired"]): string =>
  taggedText("cnct/encryption-key-retired/v1", { id, sequence, keyId });

export const replacementText = ({
  id,
  sequence,
  natsKey,
}: Statements["TransportKeyReplaced"]): string =>
  taggedText("cnct/transport-key-replaced/v1", { id, sequence, natsKey });

/** Signed by the key that it names. */
export const revocationText = ({
  id,
  sequence,
  reason,
  signedBy,
}: Statements["IdentityRevoked"]): string =>
  taggedText("cnct/identity-revoked/v1", { id, sequence, reason, signedBy });
