/** One row a node that ever had a task: its track, from which its scores are computed. */
import {
  blankTrack,
  evolveTrack,
  type Track,
  type TrackEvent,
} from "../domain/reputation/track.ts";
import type { Projection, Step } from "./projection.ts";

const track: Step<Track, TrackEvent> = {
  keysOf: ({ nodeId }) => [nodeId],
  evolve: (row, event) => evolveTrack(row ?? blankTrack(event.nodeId), event),
};

export const reputation: Projection<Track> = {
  name: "reputation",
  version: 2,
  on: {
    TaskAssigned: track,
    ResultReceived: track,
    TaskFailed: track,
    TaskExpired: track,
    ResultAccepted: track,
    ResultRejected: track,

    ResultCommitted: "ignored", // It counts when it is shown.
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
    PolicyAdopted: "ignored",
  },
};
