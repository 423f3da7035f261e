/**
 * What happens to an identity and what may be asked of it, in the stream `identity-<id>`. Events are
 * the storage format: an optional field may be added; any other change is a new schema version.
 */
import type { Command, DomainEvent } from "../decider.ts";
import type { CnctId, InceptionRecord } from "./inception.ts";
import type { Signature } from "./keys.ts";
import type { Statements } from "./statements.ts";

type Signed<Statement> = Statement & { readonly signature: Signature };

export type IdentityEvent =
  | IdentityRegistered
  | RootKeyRotated
  | EncryptionKeyAdded
  | EncryptionKeyRetired
  | TransportKeyReplaced
  | IdentityRevoked;
export type IdentityRegistered = DomainEvent<
  "IdentityRegistered",
  Signed<{ id: CnctId; record: InceptionRecord }>
>;
export type RootKeyRotated = DomainEvent<"RootKeyRotated", Signed<Statements["RootKeyRotated"]>>;
export type EncryptionKeyAdded = DomainEvent<
  "EncryptionKeyAdded",
  Signed<Statements["EncryptionKeyAdded"]>
>;
export type EncryptionKeyRetired = DomainEvent<
  "EncryptionKeyRetired",
  Signed<Statements["EncryptionKeyRetired"]>
>;
export type TransportKeyReplaced = DomainEvent<
  "TransportKeyReplaced",
  Signed<Statements["TransportKeyReplaced"]>
>;
export type IdentityRevoked = DomainEvent<"IdentityRevoked", Signed<Statements["IdentityRevoked"]>>;

export type IdentityCommand =
  | Command<"RegisterIdentity", Signed<{ id: CnctId; record: InceptionRecord }>>
  | Command<"RotateRootKey", Signed<Statements["RootKeyRotated"]>>
  | Command<"AddEncryptionKey", Signed<Statements["EncryptionKeyAdded"]>>
  | Command<"RetireEncryptionKey", Signed<Statements["EncryptionKeyRetired"]>>
  | Command<"ReplaceTransportKey", Signed<Statements["TransportKeyReplaced"]>>
  | Command<"RevokeIdentity", Signed<Statements["IdentityRevoked"]>>;
