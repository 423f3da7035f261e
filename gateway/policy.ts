/** The policy in force, as every gateway has to see it. */
import type { Instant } from "../domain/decider.ts";
import type { PolicyAdopted } from "../domain/policy/adoption.ts";
import { type Policy, policyDefaults, withDefaults } from "../domain/policy/policy.ts";
import type { Clock } from "../streams/clock.ts";
import type { EventStore } from "../streams/event-store.ts";
import { policyStream } from "../streams/names.ts";
import { type Kept, kept } from "./access/kept.ts";
import type { LogTail } from "./log-tail.ts";

export interface InForce {
  readonly policy: Policy;
  /** Undefined for what comes with CNCT. */
  readonly adoptedAt: Instant | undefined;
}

export interface PolicyInForce extends Pick<Kept<InForce>, "learn" | "forgetAll"> {
  /** @throws {EventStoreError} When the store does not answer. */
  find(): Promise<InForce>;
}

export const policyInForce = (options: {
  readonly store: Pick<EventStore, "readStream">;
  readonly clock: Clock;
  readonly tail: () => Pick<LogTail, "start" | "hears">;
}): PolicyInForce => {
  const all = kept<InForce, PolicyAdopted>({
    ...options,
    prefix: policyStream,
    initial: { policy: policyDefaults, adoptedAt: undefined },
    evolve: (_, { policy, at }) => ({ policy: withDefaults(policy), adoptedAt: at }),
    most: 1,
    keepsInitial: true,
  });
  return { ...all, find: () => all.find("") };
};
