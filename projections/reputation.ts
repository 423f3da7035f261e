/**
 * One row a node that ever had a task: its track, from which its scores are computed, its warnings,
 * and how many lines its history has. The lines themselves stand in `scoreChanges`.
 */
import {
  blankRecord,
  evolveRecord,
  type RecordEvent,
  type ReputationRecord,
} from "../domain/reputation/record.ts";
import type { Projection, Step } from "./projection.ts";

const step: Step<ReputationRecord, RecordEvent> = {
  keysOf: ({ nodeId }) => [nodeId],
  evolve: (row, event, { position, policy }) =>
    evolveRecord(row ?? blankRecord(event.nodeId), event, {
      position,
      parameters: policy.reputation,
    }),
};

export const reputation: Projection<ReputationRecord> = {
  name: "reputation",
  version: 4,
  on: {
    TaskAssigned: step,
    ResultCommitted: step,
    ResultReceived: step,
    TaskFailed: step,
    TaskExpired: step,
    TaskStopped: step,
    ResultAccepted: step,
    ResultRejected: step,
    NodeMeasured: "ignored",
    NodeConvicted: step,

    JobSubmitted: "ignored",
    JobRejected: "ignored",
    KeysWrapped: "ignored",
    KeysAwaited: "ignored",
    ResultsDisagreed: "ignored", // Says nothing against anyone until a quorum is found.
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
    BondSlashed: "ignored",
    BondReturned: "ignored",
    NodeRegistered: "ignored",
    NodeCapabilitiesChanged: "ignored",
    NodeSuspended: "ignored",
    NodeResumed: "ignored",
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
    PolicyAdopted: "ignored",
  },
};
