/** Identities as they are in the log now. */
import type { Decider } from "../../domain/decider.ts";
import type { IdentityCommand, IdentityEvent } from "../../domain/identity/events.ts";
import type { Identity, IdentityRefusal } from "../../domain/identity/identity.ts";
import type { CnctId } from "../../domain/identity/inception.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { identityStreamPrefix } from "../../streams/names.ts";
import type { LogTail } from "../log-tail.ts";
import { type Kept, kept } from "./kept.ts";

export type IdentityDecider = Decider<IdentityCommand, IdentityEvent, Identity, IdentityRefusal>;
export type KnownIdentity = Exclude<Identity, { readonly status: "unknown" }>;

export interface Identities extends Pick<Kept<Identity>, "learn" | "forget" | "forgetAll"> {
  /**
   * The identity as every gateway has to see it; undefined if nobody registered it.
   *
   * @throws {EventStoreError} When the store does not answer.
   */
  find(id: CnctId): Promise<KnownIdentity | undefined>;
  readonly decider: IdentityDecider;
}

export const identities = (options: {
  readonly store: Pick<EventStore, "readStream">;
  readonly clock: Clock;
  readonly decider: IdentityDecider;
  readonly tail: () => Pick<LogTail, "start" | "hears">;
}): Identities => {
  const { decider } = options;
  const { initial, evolve } = decider;
  // One takes about 1 KiB, and 20 at most.
  const all = kept<Identity, IdentityEvent>({
    ...options,
    prefix: identityStreamPrefix,
    initial,
    evolve,
    most: 4_000,
  });
  return {
    ...all,
    decider,
    find: async (id) => {
      const identity = await all.find(id);
      return identity.status === "unknown" ? undefined : identity;
    },
  };
};
