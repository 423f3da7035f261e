/** One row: the policy in force, so that whoever folds on from here folds with the right one. */
import type { Instant } from "../domain/decider.ts";
import { type Policy, withDefaults } from "../domain/policy/policy.ts";
import type { Position } from "../streams/event-store.ts";
import type { Projection } from "./projection.ts";

export interface PolicyRow {
  readonly policy: Policy;
  readonly adoptedAt: Instant;
  readonly lastPosition: Position;
}

export const policyKey = "policy";

export const policies: Projection<PolicyRow> = {
  name: "policies",
  version: 1,
  on: {
    PolicyAdopted: {
      keysOf: () => [policyKey],
      evolve: (_, { policy, at }, { position }) => ({
        policy: withDefaults(policy),
        adoptedAt: at,
        lastPosition: position,
      }),
    },
  },
};
