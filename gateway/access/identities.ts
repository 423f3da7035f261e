/**
 * Identities as they are in the log now. The gateway folds one when it needs it, keeps the latest, and
 * hears by the log's tail of what changes, also through other gateways. While the tail is broken it
 * believes nothing that it kept.
 */
import type { Decider, Instant } from "../../domain/decider.ts";
import type { IdentityCommand, IdentityEvent } from "../../domain/identity/events.ts";
import type { Identity, IdentityRefusal } from "../../domain/identity/identity.ts";
import type { CnctId } from "../../domain/identity/inception.ts";
import type { Clock } from "../../streams/clock.ts";
import { decode } from "../../streams/codec.ts";
import type { EventStore, RecordedEvent } from "../../streams/event-store.ts";
import { identityStream, identityStreamPrefix } from "../../streams/names.ts";
import type { LogTail } from "../log-tail.ts";

export type IdentityDecider = Decider<IdentityCommand, IdentityEvent, Identity, IdentityRefusal>;
export type KnownIdentity = Exclude<Identity, { readonly status: "unknown" }>;

export interface Identities {
  /**
   * The identity as every gateway has to see it; undefined if nobody registered it.
   *
   * @throws {EventStoreError} When the store does not answer.
   */
  find(id: CnctId): Promise<KnownIdentity | undefined>;
  /** Takes note of what happened at the end of the log. */
  learn(event: RecordedEvent): void;
  /** Reads it anew the next time: this gateway has just changed it. */
  forget(id: CnctId): void;
  /** The tail broke: what it did not hear is not known. */
  forgetAll(): void;
  readonly decider: IdentityDecider;
}

interface Kept {
  readonly identity: KnownIdentity;
  readonly until: Instant;
}

/** After so long an identity is read anew, ms, in case that a tail is silent and does not know it. */
const keptMs = 30_000;

/** @param most - So many are kept; one takes about 1 KiB, and 20 at most. */
export const identities = ({
  store,
  clock,
  decider,
  tail,
  most = 4_000,
}: {
  readonly store: Pick<EventStore, "readStream">;
  readonly clock: Clock;
  readonly decider: IdentityDecider;
  readonly tail: () => Pick<LogTail, "start" | "hears">;
  readonly most?: number;
}): Identities => {
  const kept = new Map<CnctId, Kept>();
  /** Reads under way. One during which something happened is not kept. */
  const reading = new Map<CnctId, Promise<KnownIdentity | undefined>>();

  const read = async (id: CnctId): Promise<KnownIdentity | undefined> => {
    let identity: Identity = decider.initial;
    for await (const recorded of store.readStream(identityStream(id), "start")) {
      const event = decode(recorded);
      if (event) identity = decider.evolve(identity, event as IdentityEvent);
    }
    return identity.status === "unknown" ? undefined : identity;
  };

  const keep = (id: CnctId, identity: KnownIdentity): void => {
    const [oldest] = kept.keys();
    if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
    kept.set(id, { identity, until: clock.now() + keptMs });
  };

  const forget = (id: CnctId): void => {
    kept.delete(id);
    reading.delete(id);
  };

  return {
    decider,
    find: async (id) => {
      await tail().start();
      if (!tail().hears()) return read(id);
      const found = kept.get(id);
      if (found && clock.now() < found.until) {
        kept.delete(id);
        kept.set(id, found); // The one that was used last goes last.
        return found.identity;
      }
      const underWay = reading.get(id);
      if (underWay) return underWay;
      const asked = read(id);
      reading.set(id, asked);
      try {
        const identity = await asked;
        if (identity !== undefined && reading.get(id) === asked) keep(id, identity);
        return identity;
      } finally {
        if (reading.get(id) === asked) reading.delete(id);
      }
    },
    learn: ({ stream }) => {
      if (stream.startsWith(identityStreamPrefix))
        forget(stream.slice(identityStreamPrefix.length));
    },
    forget,
    forgetAll: () => {
      kept.clear();
      reading.clear();
    },
  };
};
