/** One row a secret of a service key: whose it is. What it is worth, the stream of the keys says. */
import type { Projection } from "./projection.ts";
import type { ServiceKeyRow } from "./views.ts";

export const serviceKeys: Projection<ServiceKeyRow> = {
  name: "serviceKeys",
  version: 1,
  on: {
    ServiceKeyIssued: {
      keysOf: ({ secretHash }) => [secretHash],
      evolve: (_, { secretHash, id, keyId }) => ({ secretHash, id, keyId }),
    },
    ServiceKeyRolled: {
      keysOf: ({ secretHash }) => [secretHash],
      evolve: (_, { secretHash, id, keyId }) => ({ secretHash, id, keyId }),
    },
    ServiceKeyRevoked: "ignored",

    JobSubmitted: "ignored",
    KeysWrapped: "ignored",
    KeysAwaited: "ignored",
    JobRejected: "ignored",
    TaskAssigned: "ignored",
    ResultCommitted: "ignored",
    ResultReceived: "ignored",
    TaskFailed: "ignored",
    TaskExpired: "ignored",
    ResultsDisagreed: "ignored",
    ResultAccepted: "ignored",
    ResultRejected: "ignored",
    JobCompleted: "ignored",
    JobFailed: "ignored",
    JobCancelled: "ignored",
    PointsIssued: "ignored",
    JobFunded: "ignored",
    PointsAwarded: "ignored",
    JobRefunded: "ignored",
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
    PolicyAdopted: "ignored",
  },
};
