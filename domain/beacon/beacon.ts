/**
 * The beacon: a number that nobody could know before, and that anybody can compute from the log
 * afterwards. It is the digest of what was written while results waited that nodes were bound to, in a
 * chain with the beacons before, and decides which of these results are audited. Until there is a
 * transparency log, it keeps the secret from nodes, and not from who writes the log.
 */
import { canonicalJson } from "../canonical-json.ts";
import { accept, type Command, type Decider, type DomainEvent, refuse } from "../decider.ts";
import type { Sha256 } from "../hashing.ts";
import type { Digest } from "../ids.ts";

export type BeaconEvent = BeaconDrawn;
export type BeaconDrawn = DomainEvent<
  "BeaconDrawn",
  {
    /** Positions in the log of the first and the last event of a job in it. */
    from: number;
    to: number;
    digest: Digest;
  }
>;

export type BeaconCommand = Command<"DrawBeacon", { from: number; to: number; digest: Digest }>;
/** It would say again what another has said, or run backwards. */
export type BeaconRefusal = "BeaconOverlaps";

export interface Beacon {
  /** Of the last event in the last beacon; -1 before the first. */
  readonly to: number;
  readonly digest: Digest;
}

export const beacon: Decider<BeaconCommand, BeaconEvent, Beacon, BeaconRefusal> = {
  initial: { to: -1, digest: "0".repeat(64) },
  decide: ({ from, to, digest, now: at }, beacon) => {
    if (to === beacon.to && digest === beacon.digest) return accept();
    if (from <= beacon.to || to < from) return refuse("BeaconOverlaps");
    return accept({ type: "BeaconDrawn", from, to, digest, at });
  },
  evolve: (_, { to, digest }) => ({ to, digest }),
};

const tag = "cnct/beacon/v1";

/** What of a recorded event goes into a beacon. */
export interface BeaconInput {
  /** Given by who wrote the event, and known to no node before: it ends in 36 secret bits. */
  readonly id: string;
  readonly data: unknown;
}

/**
 * The digest of these events after the beacon before: for each, the hash of the hash so far, the
 * event's id and the hash of its data.
 *
 * @param before - Digest of the beacon before; 64 zeros before the first.
 */
export const beaconOf = (
  before: Digest,
  events: readonly BeaconInput[],
  sha256: Sha256,
): Digest => {
  let digest = before;
  for (const { id, data } of events)
    digest = sha256(`${tag}\n${digest} ${id} ${sha256(canonicalJson(data))}`);
  return digest;
};
