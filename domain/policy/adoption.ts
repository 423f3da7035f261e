/**
 * Which policy is in force, in the stream `policy`: each one that is adopted has the version after
 * the one before.
 */

import { accept, type Command, type Decider, type DomainEvent, refuse } from "../decider.ts";
import {
  type Policy,
  parsePolicy,
  policyDefaults,
  sameParameters,
  withDefaults,
} from "./policy.ts";

export type PolicyEvent = PolicyAdopted;
export type PolicyAdopted = DomainEvent<"PolicyAdopted", { policy: Policy }>;

export type PolicyCommand = Command<
  "AdoptPolicy",
  {
    /** Its version is the one in force, if that is what was changed, or the one after. */
    policy: Policy;
  }
>;

export type PolicyRefusal =
  | "BadPolicy"
  /** It was written for another version than the one in force. */
  | "PolicyOutdated";

export const adoption: Decider<PolicyCommand, PolicyEvent, Policy, PolicyRefusal> = {
  initial: policyDefaults,

  decide: ({ policy, now: at }, inForce) => {
    if (!parsePolicy(policy).ok) return refuse("BadPolicy");
    if (sameParameters(policy, inForce)) return accept();
    const next = inForce.version + 1;
    if (policy.version !== inForce.version && policy.version !== next)
      return refuse("PolicyOutdated");
    return accept({ type: "PolicyAdopted", policy: { ...policy, version: next }, at });
  },

  evolve: (_, { policy }) => withDefaults(policy),
};
