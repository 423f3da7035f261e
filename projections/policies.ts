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

    TaskAssigned: "ignored",
    ResultReceived: "ignored",
    TaskFailed: "ignored",
    TaskExpired: "ignored",
    TaskStopped: "ignored",
    ResultAccepted: "ignored",
    ResultRejected: "ignored",
    ResultCommitted: "ignored",
    JobSubmitted: "ignored",
    JobRejected: "ignored",
    KeysWrapped: "ignored",
    KeysAwaited: "ignored",
    ResultsDisagreed: "ignored",
    AuditDrawn: "ignored",
    ReplicaWanted: "ignored",
    BeaconDrawn: "ignored",
    JobCompleted: "ignored",
    JobFailed: "ignored",
    JobCancelled: "ignored",
    JobReopened: "ignored",
    PointsIssued: "ignored",
    JobFunded: "ignored",
    PointsAwarded: "ignored",
    JobRefunded: "ignored",
    AwardsSettled: "ignored",
    AwardsVoided: "ignored",
    BondReturned: "ignored",
    BondSlashed: "ignored",
    NodeRegistered: "ignored",
    NodeCapabilitiesChanged: "ignored",
    NodeSuspended: "ignored",
    NodeResumed: "ignored",
    NodeMeasured: "ignored",
    NodeConvicted: "ignored",
    BlobStored: "ignored",
    BlobExpired: "ignored",
    IdentityRegistered: "ignored",
    RootKeyRotated: "ignored",
    EncryptionKeyAdded: "ignored",
    EncryptionKeyRetired: "ignored",
    TransportKeyReplaced: "ignored",
    IdentityRevoked: "ignored",
    ServiceKeyIssued: "ignored",
    ServiceKeyRolled: "ignored",
    ServiceKeyRevoked: "ignored",
  },
};
