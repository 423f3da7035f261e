import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, given, noon, noting } from "../../testing/given.ts";
import { portableSha256 as sha256 } from "../hashing.ts";
import { type BeaconCommand, type BeaconDrawn, beacon, beaconOf } from "./beacon.ts";

const { decider, refusals } = noting(beacon);
const aBeacon = given(decider);
const [first, second] = ["aa".repeat(32), "bb".repeat(32)] as const;
const draw = (from: number, to: number, digest: string): BeaconCommand => ({
  type: "DrawBeacon",
  ...{ from, to, digest },
  actor: "service:validator",
  now: noon,
});
const drawn = (from: number, to: number, digest: string): BeaconDrawn => ({
  type: "BeaconDrawn",
  ...{ from, to, digest },
  at: noon,
});

describe("a beacon", () => {
  test("is drawn once from a part of the log", () =>
    aBeacon()
      .when(draw(0, 7, first))
      .thenRecords(drawn(0, 7, first)));

  test("need not begin where the last one ended, but never before", () => {
    const past = aBeacon(drawn(0, 7, first));
    past.when(draw(12, 20, second)).thenRecords(drawn(12, 20, second));
    past.when(draw(7, 20, second)).thenRefuses("BeaconOverlaps");
    past.when(draw(0, 7, second)).thenRefuses("BeaconOverlaps");
    past.when(draw(20, 12, second)).thenRefuses("BeaconOverlaps");
  });

  test("hangs on each event, on its id, on their order and on the beacon before", () => {
    const events = [
      { id: "1", data: { type: "ResultCommitted", replica: 0 } },
      { id: "2", data: { type: "ResultCommitted", replica: 1 } },
    ] as const;
    const digests = [
      beaconOf(first, events, sha256),
      beaconOf(second, events, sha256),
      beaconOf(first, [events[1], events[0]], sha256),
      beaconOf(first, [events[0]], sha256),
      beaconOf(first, [events[0], { ...events[1], id: "3" }], sha256),
      beaconOf(first, [events[0], { ...events[1], data: {} }], sha256),
    ];
    assert.equal(new Set(digests).size, digests.length);
    assert.equal(beaconOf(first, events, sha256), digests[0]);
    assert.equal(beaconOf(beaconOf(first, [events[0]], sha256), [events[1]], sha256), digests[0]);
  });

  test("shows each of its refusals", () =>
    assertEachRefusalShown(refusals, { BeaconOverlaps: true }));
});
