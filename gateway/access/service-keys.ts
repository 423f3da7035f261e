/** The service keys of everybody: found by their secrets, judged by the stream of their owner. */
import {
  judgeSecret,
  type ServiceKey,
  type ServiceKeyEvent,
  type ServiceKeyId,
  type ServiceKeys,
  serviceKeys,
} from "../../domain/access/service-keys.ts";
import type { CnctId } from "../../domain/identity/inception.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Views } from "../../projections/views.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventStore, RecordedEvent } from "../../streams/event-store.ts";
import { serviceKeyStreamPrefix } from "../../streams/names.ts";
import { HttpFault } from "../errors.ts";
import type { LogTail } from "../log-tail.ts";
import { kept } from "./kept.ts";
import type { LastUses } from "./last-uses.ts";
import { isSecret, secretHash } from "./secrets.ts";

export interface ServiceKeyBook {
  /**
   * Whose key a secret is, if it is good now. Notes the use.
   *
   * @throws {HttpFault} `service-key-malformed`, `-unknown`, `-expired`, `-revoked`.
   * @throws {EventStoreError} When the store does not answer.
   */
  use(secret: string): Promise<{ readonly id: CnctId; readonly key: ServiceKey }>;
  of(id: CnctId): Promise<readonly ServiceKey[]>;
  lastUsed(keyId: ServiceKeyId): number | undefined;
  learn(event: RecordedEvent): void;
  /** This gateway changed a key of that identity; the views hear of it a little later. */
  changed(id: CnctId, events: readonly ServiceKeyEvent[]): void;
  forgetAll(): void;
}

/** Owners of new secrets that are remembered until the views know them. */
const freshMax = 10_000;

export const serviceKeyBook = ({
  views,
  lastUses,
  clock,
  ...options
}: {
  readonly store: Pick<EventStore, "readStream">;
  readonly clock: Clock;
  readonly tail: () => Pick<LogTail, "start" | "hears">;
  readonly views: Pick<Views, "serviceKey">;
  readonly lastUses: LastUses;
}): ServiceKeyBook => {
  const { initial, evolve } = serviceKeys;
  const all = kept<ServiceKeys, ServiceKeyEvent>({
    ...options,
    clock,
    prefix: serviceKeyStreamPrefix,
    initial,
    evolve,
    most: 1_000,
  });
  const fresh = new Map<Digest, CnctId>();
  const note = (event: ServiceKeyEvent): void => {
    if (event.type === "ServiceKeyRevoked") return;
    const [oldest] = fresh.keys();
    if (fresh.size >= freshMax && oldest !== undefined) fresh.delete(oldest);
    fresh.set(event.secretHash, event.id);
  };

  return {
    use: async (secret) => {
      if (!isSecret(secret))
        throw new HttpFault("service-key-malformed", "the service key is cut or mistyped");
      const hash = secretHash(secret);
      const id = fresh.get(hash) ?? views.serviceKey(hash)?.id;
      const unknown = () => new HttpFault("service-key-unknown", "nobody has such a service key");
      if (id === undefined) throw unknown();
      const { state, key } = judgeSecret(await all.find(id), hash, clock.now());
      if (state === "expired")
        throw new HttpFault("service-key-expired", "the service key, or this secret, has expired");
      if (state === "revoked")
        throw new HttpFault("service-key-revoked", "the service key was revoked");
      if (key === undefined) throw unknown();
      lastUses.note(key.keyId);
      return { id, key };
    },
    of: async (id) => (await all.find(id)).keys,
    lastUsed: lastUses.of,
    learn: (event) => {
      if (!event.stream.startsWith(serviceKeyStreamPrefix)) return;
      all.learn(event);
      note(event.data as ServiceKeyEvent);
    },
    changed: (id, events) => {
      all.forget(id);
      events.forEach(note);
    },
    forgetAll: all.forgetAll,
  };
};
