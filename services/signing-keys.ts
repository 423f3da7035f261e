/**
 * Who signs for a node: its owner, and the root keys that the owner has had, with their places in the
 * log. What counts is the place: a key is good for what was assigned before it was replaced.
 */
import type { IdentityEvent } from "../domain/identity/events.ts";
import type { CnctId } from "../domain/identity/inception.ts";
import { type PublicKey, signingKeyId } from "../domain/identity/keys.ts";
import type { Digest, NodeId } from "../domain/ids.ts";
import type { Position } from "../streams/event-store.ts";
import { identityStreamPrefix } from "../streams/names.ts";
import type { Fact, Listener } from "./facts.ts";

export interface SigningKey {
  readonly key: PublicKey;
  readonly keyId: Digest;
  /** Where it was replaced; undefined for the present one. */
  readonly until: Position | undefined;
}

export interface SigningIdentity {
  /** The present one last. */
  readonly keys: readonly SigningKey[];
  readonly revokedAt: Position | undefined;
}

export interface SigningKeys extends Listener {
  /** As the node was registered; undefined if it was not. */
  ownerOf(nodeId: NodeId): string | undefined;
  /** Undefined if nobody registered it, or it has not the role of a worker. */
  identity(id: CnctId): SigningIdentity | undefined;
}

export const createSigningKeys = (): SigningKeys => {
  const identities = new Map<CnctId, SigningIdentity>();
  const owners = new Map<NodeId, string>();

  const keyOf = (key: PublicKey): SigningKey => ({
    key,
    keyId: signingKeyId(key),
    until: undefined,
  });

  const hearIdentity = (event: IdentityEvent, position: Position): void => {
    if (event.type === "IdentityRegistered") {
      if (!event.record.roles.includes("worker")) return;
      identities.set(event.id, { keys: [keyOf(event.record.rootKey)], revokedAt: undefined });
      return;
    }
    const known = identities.get(event.id);
    if (!known) return;
    if (event.type === "RootKeyRotated") {
      const former = known.keys.map((key) => ({ ...key, until: key.until ?? position }));
      identities.set(event.id, { ...known, keys: [...former, keyOf(event.rootKey)] });
    } else if (event.type === "IdentityRevoked")
      identities.set(event.id, { ...known, revokedAt: position });
  };

  return {
    ownerOf: (nodeId) => owners.get(nodeId),
    identity: (id) => identities.get(id),
    hear: ({ event, stream, position }: Fact) => {
      if (event.type === "NodeRegistered") owners.set(event.nodeId, event.owner);
      else if (stream.startsWith(identityStreamPrefix))
        hearIdentity(event as IdentityEvent, position);
    },
    act: () => undefined,
  };
};
