/**
 * Who can open what is wrapped for a key: the encryption keys of the identities that own nodes, folded
 * in memory. A key is of the identity that stated it first and has it in use, be that a worker or not:
 * anybody can state the key of another, which stands in the log, and would be given tasks that only
 * the other can open.
 */
import type { IdentityEvent } from "../domain/identity/events.ts";
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

export const createEncryptionKeys = (): EncryptionKeys => {
  /** Ids of the keys that each identity has in use, also where another one has stated the key before. */
  const stated = new Map<CnctId, readonly Digest[]>();
  const workers = new Set<CnctId>();
  const owners = new Map<NodeId, string>();
  const nodesOf = new Map<string, Set<NodeId>>();
  /** Who has stated a key in use, in the order of the log. */
  const claims = new Map<Digest, Set<CnctId>>();
  const holderOf = (keyId: Digest): CnctId | undefined => claims.get(keyId)?.values().next().value;

  const inUseAfter = (event: IdentityEvent): readonly Digest[] => {
    const before = stated.get(event.id) ?? [];
    switch (event.type) {
      case "IdentityRegistered":
        return event.record.encryptionKeys.map((key) => encryptionKeyId(key));
      case "EncryptionKeyAdded":
        return [...before, encryptionKeyId(event.key)];
      case "EncryptionKeyRetired":
        return before.filter((keyId) => keyId !== event.keyId);
      case "IdentityRevoked":
        return [];
      default:
        return before;
    }
  };

  const hearIdentity = (event: IdentityEvent): void => {
    const { id } = event;
    const before = stated.get(id) ?? [];
    const after = inUseAfter(event);
    if (event.type === "IdentityRegistered" && event.record.roles.includes("worker"))
      workers.add(id);
    for (const keyId of before) {
      if (after.includes(keyId)) continue; // Who has it keeps its place.
      const left = claims.get(keyId);
      left?.delete(id);
      if (left?.size === 0) claims.delete(keyId);
    }
    for (const keyId of after) claims.set(keyId, (claims.get(keyId) ?? new Set()).add(id));
    stated.set(id, after);
  };

  return {
    encryptionKeysOf: (nodeId) => {
      const owner = owners.get(nodeId) ?? "";
      if (!workers.has(owner)) return [];
      return (stated.get(owner) ?? []).filter((keyId) => holderOf(keyId) === owner);
    },
    nodesWith: (keyId) => {
      const holder = holderOf(keyId) ?? "";
      return workers.has(holder) ? (nodesOf.get(holder) ?? []) : [];
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
