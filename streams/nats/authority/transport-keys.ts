/**
 * Follows what identities say of their transport keys: a key belongs to the first identity that states
 * it, and is revoked when that identity replaces it or ends. (Whoever states the key of another, which
 * anybody can read, gets no credentials for it, and cannot have it revoked.)
 */
import type { Millis } from "../../../domain/decider.ts";
import type { IdentityEvent } from "../../../domain/identity/events.ts";
import type { CnctId } from "../../../domain/identity/inception.ts";
import type { NatsUserKey } from "../../../domain/identity/nats-key.ts";
import { type Clock, sleep, type Timer } from "../../clock.ts";
import { decode } from "../../codec.ts";
import {
  beforeFirst,
  type EventStore,
  type Position,
  type RecordedEvent,
  type Subscription,
} from "../../event-store.ts";
import { identityStreamPrefix } from "../../names.ts";
import {
  credentialsLifeMaxMs,
  type NatsAuthority,
  type NodeAuthority,
} from "../../nats-authority.ts";

export interface TransportKeysOptions {
  readonly store: EventStore;
  readonly authority: NatsAuthority;
  readonly ca?: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

export interface TransportKeys extends NodeAuthority {
  /** Resolves when history has been told and every revocation of late has been said. */
  readonly live: Promise<void>;
  close(): Promise<void>;
}

const retryMs = 200;
const knownWithinMs = 5_000;

export const followTransportKeys = (options: TransportKeysOptions): TransportKeys => {
  const { store, authority, ca, clock, onTrouble } = options;
  const owners = new Map<NatsUserKey, CnctId>();
  const current = new Map<CnctId, NatsUserKey>();
  let position: Position = beforeFirst;
  let subscription: Subscription | undefined;
  let timer: Timer | undefined;
  let closed = false;
  const live = Promise.withResolvers<void>();

  const own = (id: CnctId, key: NatsUserKey): void => {
    current.set(id, key);
    if (!owners.has(key)) owners.set(key, id);
  };
  /** The key that an event ends, if it is the identity's own. */
  const endedBy = (event: IdentityEvent): NatsUserKey | undefined => {
    const key = current.get(event.id);
    return key !== undefined && owners.get(key) === event.id ? key : undefined;
  };

  const hear = async (recorded: RecordedEvent): Promise<void> => {
    const event = decode(recorded) as IdentityEvent | undefined;
    if (event?.type === "IdentityRegistered") {
      if (event.record.natsKey !== undefined) own(event.id, event.record.natsKey);
    } else if (event?.type === "TransportKeyReplaced" || event?.type === "IdentityRevoked") {
      const key = endedBy(event);
      const isRecent = event.at + credentialsLifeMaxMs > clock.now();
      const isOver = event.type === "IdentityRevoked" || event.natsKey !== key;
      if (key !== undefined && isRecent && isOver)
        // It is on disk and said again by itself: what comes after need not wait for the server.
        await authority.revoke(key, event.at).catch(onTrouble);
      if (event.type === "TransportKeyReplaced") own(event.id, event.natsKey);
      else current.delete(event.id);
    }
    position = recorded.position;
  };

  const subscribe = (): void => {
    if (closed) return;
    subscription = store.subscribe({
      after: position,
      filter: { streamPrefixes: [identityStreamPrefix] },
      onEvents: async (events) => {
        for (const event of events) await hear(event);
      },
      onCaughtUp: live.resolve,
    });
    subscription.closed.catch((error: unknown) => {
      if (closed) return;
      onTrouble(error);
      timer = clock.after(retryMs, subscribe);
    });
  };
  subscribe();

  /** Whose key it is; the identity that states it may be news to the log's followers. */
  const ownerOf = async (key: NatsUserKey): Promise<CnctId> => {
    for (let waitedMs: Millis = 0; ; waitedMs += 20) {
      const owner = owners.get(key);
      if (owner !== undefined) return owner;
      if (waitedMs >= knownWithinMs)
        throw new Error(`the log did not tell within ${knownWithinMs} ms whose the NATS key is`);
      await sleep(clock, 20);
    }
  };

  return {
    ca,
    live: live.promise,
    mintFor: async (owner, request) => {
      await live.promise;
      if ((await ownerOf(request.natsKey)) !== owner) return "key-of-another";
      return await authority.mint(request);
    },
    close: async () => {
      closed = true;
      timer?.cancel();
      await subscription?.close();
    },
  };
};
