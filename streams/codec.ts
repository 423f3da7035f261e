/**
 * Between domain events and the store. The stored JSON is the event itself; its schema version stands
 * in the metadata. Reading an older version goes through its upcaster; a newer one is refused, since
 * to guess at facts is worse than to stop.
 */
import type { ServiceKeyEvent } from "../domain/access/service-keys.ts";
import type { BeaconEvent } from "../domain/beacon/beacon.ts";
import type { BlobEvent } from "../domain/blob/blob.ts";
import type { Actor } from "../domain/decider.ts";
import type { IdentityEvent } from "../domain/identity/events.ts";
import type { JobEvent } from "../domain/job/events.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import type { NodeEvent } from "../domain/node/node.ts";
import type { PolicyEvent } from "../domain/policy/adoption.ts";
import type { NewEvent, RecordedEvent } from "./event-store.ts";

export type AnyEvent =
  | JobEvent
  | LedgerEvent
  | NodeEvent
  | BlobEvent
  | IdentityEvent
  | ServiceKeyEvent
  | PolicyEvent
  | BeaconEvent;

interface EventMetadata {
  /** Schema version of the event type. */
  readonly v: number;
  readonly actor: Actor;
}

/** Version in which each type is written today. A type that is not here is not ours. */
export const schemaVersions: Readonly<Record<AnyEvent["type"], number>> = {
  JobSubmitted: 1,
  KeysWrapped: 1,
  KeysAwaited: 1,
  JobRejected: 1,
  TaskAssigned: 1,
  ResultCommitted: 1,
  ResultReceived: 1,
  TaskFailed: 1,
  TaskExpired: 1,
  TaskStopped: 1,
  ResultsDisagreed: 1,
  ResultAccepted: 1,
  ResultRejected: 1,
  AuditDrawn: 1,
  ReplicaWanted: 1,
  JobCompleted: 1,
  JobFailed: 1,
  JobCancelled: 1,
  JobReopened: 1,
  PointsIssued: 1,
  JobFunded: 1,
  PointsAwarded: 1,
  JobRefunded: 1,
  AwardsSettled: 1,
  AwardsVoided: 1,
  BondSlashed: 1,
  BondReturned: 1,
  NodeRegistered: 1,
  NodeCapabilitiesChanged: 1,
  NodeSuspended: 1,
  NodeResumed: 1,
  NodeDrainOrdered: 1,
  NodeDrainLifted: 1,
  NodeMeasured: 1,
  NodeConvicted: 1,
  BlobStored: 1,
  BlobExpired: 1,
  IdentityRegistered: 1,
  RootKeyRotated: 1,
  EncryptionKeyAdded: 1,
  EncryptionKeyRetired: 1,
  TransportKeyReplaced: 1,
  IdentityRevoked: 1,
  ServiceKeyIssued: 1,
  ServiceKeyRolled: 1,
  ServiceKeyRevoked: 1,
  PolicyAdopted: 1,
  BeaconDrawn: 1,
};

type Upcaster = (data: unknown) => unknown;
/** `upcasters[type][v - 1]` turns version v into version v + 1. */
const upcasters: Readonly<Record<string, readonly Upcaster[]>> = {};

/** By version, then by actor. */
const metadataOf: (Map<Actor, EventMetadata> | undefined)[] = [];
/** Actors are as many as clients and nodes; all but the busiest are soon forgotten. */
const metadataKept = 1_000;

/** One shared object for each version and actor, so that stores can keep its encoded form. */
const metadataFor = (type: AnyEvent["type"], actor: Actor): EventMetadata => {
  const v = schemaVersions[type];
  const ofVersion = metadataOf[v] ?? new Map<Actor, EventMetadata>();
  metadataOf[v] = ofVersion;
  let metadata = ofVersion.get(actor);
  if (!metadata) {
    metadata = Object.freeze({ v, actor });
    if (ofVersion.size >= metadataKept) ofVersion.clear();
    ofVersion.set(actor, metadata);
  }
  return metadata;
};

export const encode = (event: AnyEvent, id: string, actor: Actor): NewEvent => ({
  id,
  type: event.type,
  data: event,
  metadata: metadataFor(event.type, actor),
});

/**
 * The domain event in a recorded one; undefined if the type is not ours (the server's own, say).
 *
 * @throws {Error} If it was written by a newer version of CNCT, or in none that can be.
 */
export const decode = (recorded: RecordedEvent): AnyEvent | undefined => {
  if (!isOurs(recorded.type)) return undefined;
  const current = schemaVersions[recorded.type];
  const version = versionOf(recorded);
  if (version === current) return recorded.data as AnyEvent;
  if (version > current)
    throw new Error(
      `${recorded.type} at position ${recorded.position} has schema version ${version}, and this ` +
        `program reads up to ${current}: it was written by a newer CNCT`,
    );
  const steps = upcasters[recorded.type] ?? [];
  let data = recorded.data;
  for (let v = version; v < current; v++) {
    const step = steps[v - 1];
    if (!step) throw new Error(`no upcaster for ${recorded.type} from version ${v}`);
    data = step(data);
  }
  return data as AnyEvent;
};

const isOurs = (type: string): type is AnyEvent["type"] => Object.hasOwn(schemaVersions, type);

/** What has no metadata is of the first version. */
const versionOf = ({ type, position, metadata }: RecordedEvent): number => {
  const v: unknown = (metadata as Partial<EventMetadata> | null | undefined)?.v ?? 1;
  if (typeof v === "number" && Number.isSafeInteger(v) && v >= 1) return v;
  throw new Error(`${type} at position ${position} has schema version ${JSON.stringify(v)}`);
};
