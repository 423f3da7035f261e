/** One row an identity: whether it counts, and by which key NATS knows it. The gateway folds the rest. */
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
      evolve: (_, { id, record }, { position }) => ({
        id,
        natsKey: record.natsKey ?? null,
        revokedAt: null,
        lastPosition: position,
      }),
    },
    TransportKeyReplaced: {
      keysOf,
      evolve: (row, { natsKey }, { position }) =>
        row && { ...row, natsKey, lastPosition: position },
    },
    IdentityRevoked: {
      keysOf,
      evolve: (row, { at }, { position }) =>
        row && { ...row, revokedAt: at, lastPosition: position },
    },

    RootKeyRotated: "ignored",
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
    ServiceKeyIssued: "ignored",
    ServiceKeyRolled: "ignored",
    ServiceKeyRevoked: "ignored",
  },
};
