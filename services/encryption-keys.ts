/**
 * Who can open what is wrapped for a key: the encryption keys of the identities that own nodes, folded
 * in memory. Identities of clients alone are passed over.
 */
import type { IdentityEvent } from "../domain/identity/events.ts";
import { evolveIdentity, type Identity } from "../domain/identity/identity.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import type { Digest, NodeId } from "../domain/ids.ts";
import { identityStreamPrefix, nodeStreamPrefix } from "../streams/names.ts";
import type { Fact, Listener } from "./facts.ts";

export interface EncryptionKeys extends Listener {
  /** Ids of the encryption keys that the node's owner has in use; none if it was revoked. */
  encryptionKeysOf(nodeId: NodeId): readonly Digest[];
  /** The nodes whose owner has this encryption key in use. */
  nodesWith(keyId: Digest): Iterable<NodeId>;
}

interface Entry {
  readonly identity: Identity;
  readonly keyIds: readonly Digest[];
}

export const createEncryptionKeys = (): EncryptionKeys => {
  const entries = new Map<CnctId, Entry>();
  const owners = new Map<NodeId, string>();
  const nodesOf = new Map<string, Set<NodeId>>();
  /** Keys in use. Two identities may name one key: both can read what is wrapped for it. */
  const holders = new Map<Digest, Set<CnctId>>();

  const hearIdentity = (event: IdentityEvent): void => {
    const known = entries.get(event.id);
    const before: Identity = known?.identity ?? { status: "unknown" };
    const identity = evolveIdentity(before, event);
    if (identity.status === "unknown" || !identity.roles.includes("worker")) return;
    const inUse = identity.status === "active" ? identity.encryptionKeys : [];
    const keyIds = inUse.map((key) => encryptionKeyId(key));
    entries.set(event.id, { identity, keyIds });
    for (const keyId of known?.keyIds ?? []) {
      const left = holders.get(keyId);
      left?.delete(event.id);
      if (left?.size === 0) holders.delete(keyId);
    }
    for (const keyId of keyIds) holders.set(keyId, (holders.get(keyId) ?? new Set()).add(event.id));
  };

  return {
    encryptionKeysOf: (nodeId) => entries.get(owners.get(nodeId) ?? "")?.keyIds ?? [],
    nodesWith: function* (keyId) {
      for (const id of holders.get(keyId) ?? []) yield* nodesOf.get(id) ?? [];
    },

    hear: ({ event, stream }: Fact) => {
      if (stream.startsWith(identityStreamPrefix)) hearIdentity(event as IdentityEvent);
      else if (stream.startsWith(nodeStreamPrefix) && event.type === "NodeRegistered") {
        const { nodeId, owner } = event;
        owners.set(nodeId, owner);
        nodesOf.set(owner, (nodesOf.get(owner) ?? new Set()).add(nodeId));
      }
    },
    act: () => undefined,
  };
};
