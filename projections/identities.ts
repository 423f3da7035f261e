/** One row an identity: whether it still counts. The gateway folds the rest when it needs it. */
import { beginsStream, type Projection } from "./projection.ts";
import type { IdentityRow } from "./views.ts";

const keysOf = ({ id }: { readonly id: string }): readonly string[] => [id];

export const identities: Projection<IdentityRow> = {
  name: "identities",
  version: 1,
  on: {
    IdentityRegistered: {
      keysOf,
      begins: beginsStream,
      evolve: (_, { id }, { position }) => ({
        id,
        revokedAt: null,
        lastPosition: position,
      }),
    },
    IdentityRevoked: {
      keysOf,
      evolve: (row, { at }, { position }) =>
        row && { ...row, revokedAt: at, lastPosition: position },
    },

    RootKeyRotated: "ignored",
    TransportKeyReplaced: "ignored",
    EncryptionKeyAdded: "ignored",
    EncryptionKeyRetired: "ignored",
    JobSubmitted: "ignored",
    KeysWrapped: "ignored",
    KeysAwaited: "ignored",
    JobRejected: "ignored",
    TaskAssigned: "ignored",
    ResultCommitted: "ignored",
    ResultReceived: "ignored",
    TaskFailed: "ignored",
    TaskExpired: "ignored",
    TaskStopped: "ignored",
    ResultsDisagreed: "ignored",
    AuditDrawn: "ignored",
    ReplicaWanted: "ignored",
    BeaconDrawn: "ignored",
    ResultAccepted: "ignored",
    ResultRejected: "ignored",
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
    NodeMeasured: "ignored",
    NodeConvicted: "ignored",
    BlobStored: "ignored",
    BlobExpired: "ignored",
    ServiceKeyIssued: "ignored",
    ServiceKeyRolled: "ignored",
    ServiceKeyRevoked: "ignored",
    PolicyAdopted: "ignored",
  },
};
