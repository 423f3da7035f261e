/** The policy in force, for the services of a process. */

import { adoption } from "../domain/policy/adoption.ts";
import { type Policy, policyDefaults, withDefaults } from "../domain/policy/policy.ts";
import { decode } from "../streams/codec.ts";
import type { EventStore } from "../streams/event-store.ts";
import { policyStream } from "../streams/names.ts";
import type { Fact, Listener } from "./facts.ts";

export interface PolicyBook extends Listener {
  /** What is in force as far as the facts were told. */
  current(): Policy;
  /** As it was adopted; undefined if nobody adopted that one. */
  ofVersion(version: number): Policy | undefined;
}

export const createPolicyBook = (): PolicyBook => {
  const versions = new Map<number, Policy>([[policyDefaults.version, policyDefaults]]);
  let current = policyDefaults;

  return {
    current: () => current,
    ofVersion: (version) => versions.get(version),
    hear: ({ event }: Fact) => {
      if (event.type !== "PolicyAdopted") return;
      current = withDefaults(event.policy);
      versions.set(current.version, current);
    },
    act: () => undefined,
  };
};

/** The policy in force as the store has it now. */
export const readPolicy = async (store: Pick<EventStore, "readStream">): Promise<Policy> => {
  let policy = adoption.initial;
  for await (const recorded of store.readStream(policyStream, "start")) {
    const event = decode(recorded);
    if (event?.type === "PolicyAdopted") policy = adoption.evolve(policy, event);
  }
  return policy;
};
