import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { native } from "../crypto/primitives-native.ts";
import { keyRules } from "../crypto/signatures.ts";
import { judgeSecret, serviceKeys } from "../domain/access/service-keys.ts";
import { beacon } from "../domain/beacon/beacon.ts";
import { blob } from "../domain/blob/blob.ts";
import type { IdentityCommand } from "../domain/identity/events.ts";
import { identity } from "../domain/identity/identity.ts";
import { type Job, job } from "../domain/job/job.ts";
import { emptyLedger, evolveLedger, faultOf, type Ledger } from "../domain/ledger/ledger.ts";
import { node } from "../domain/node/node.ts";
import { adoption } from "../domain/policy/adoption.ts";
import { blankTrack, evolveTrack } from "../domain/reputation/track.ts";
import { type AnyEvent, decode, encode, schemaVersions } from "./codec.ts";
import type { RecordedEvent } from "./event-store.ts";

interface Sample {
  readonly type: AnyEvent["type"];
  readonly metadata: { readonly v: number; readonly actor: string };
  readonly data: unknown;
}

/**
 * Events of each type as version 1 stored them, the oldest form first. These lines are never changed,
 * only added to.
 */
const samples: readonly Sample[] = readFileSync(
  new URL("../testing/samples/events-v1.jsonl", import.meta.url),
  "utf8",
)
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));

const recorded = (sample: { readonly [Field in keyof Sample]: unknown }): RecordedEvent => ({
  id: "00000000-0000-8000-8000-000000000000",
  stream: "sample",
  revision: 0n,
  position: 7n,
  type: sample.type as string,
  data: sample.data,
  metadata: sample.metadata,
  recordedAt: 0,
});

const sampleOf = <Type extends AnyEvent["type"]>(type: Type): Extract<AnyEvent, { type: Type }> => {
  const sample = samples.find((one) => one.type === type);
  assert.ok(sample, `no sample of ${type}`);
  return decode(recorded(sample)) as Extract<AnyEvent, { type: Type }>;
};

describe("a stored event", () => {
  test("of each type that was ever written has a sample", () =>
    assert.deepEqual(
      [...new Set(samples.map(({ type }) => type))].sort(),
      Object.keys(schemaVersions).sort(),
    ));

  for (const [i, sample] of samples.entries())
    test(`of type ${sample.type}, version ${sample.metadata.v}, line ${i + 1}, can be read today`, () => {
      const event = decode(recorded(sample));
      assert.equal(event?.type, sample.type);
      if (sample.metadata.v === schemaVersions[sample.type]) assert.deepEqual(event, sample.data);
    });

  test("of a newer version is refused, and the message says by whom it was written", () => {
    for (const sample of samples)
      assert.throws(() => decode(recorded({ ...sample, metadata: { v: 99 } })), {
        message:
          `${sample.type} at position 7 has schema version 99, and this program reads up to ` +
          `${schemaVersions[sample.type]}: it was written by a newer CNCT`,
      });
  });

  test("of a version that cannot be is refused", () => {
    for (const v of [0, -1, 1.5, "1", false, {}])
      assert.throws(() => decode(recorded({ ...samples[0]!, metadata: { v } })), {
        message: /^JobSubmitted at position 7 has schema version /,
      });
  });

  test("without metadata is of the first version", () => {
    for (const metadata of [undefined, null, {}])
      assert.deepEqual(decode(recorded({ ...samples[0]!, metadata })), samples[0]!.data);
  });

  test("of a type that is not ours is passed over, also if every object knows its name", () => {
    for (const type of ["$metadata", "SomethingElse", "constructor", "toString", "__proto__"])
      assert.equal(decode(recorded({ ...samples[0]!, type })), undefined);
  });

  test("shares its metadata with others of its actor, and does not remember every actor", () => {
    const event = { type: "NodeResumed", nodeId: "bob", at: 0 } as const;
    const metadataOf = (actor: string) => encode(event, "", actor).metadata;
    const first = metadataOf("client:ada");
    assert.equal(metadataOf("client:ada"), first);
    for (let i = 0; i < 1_000; i++) metadataOf(`client:${i}`);
    assert.notEqual(metadataOf("client:ada"), first);
    assert.deepEqual(metadataOf("client:ada"), first);
  });

  test("is written with today's version and its actor, and read back as it was", () => {
    for (const { data } of samples) {
      const event = data as AnyEvent;
      const written = encode(event, "an-id", "client:ada");
      assert.deepEqual(written.metadata, {
        v: schemaVersions[event.type],
        actor: "client:ada",
      });
      const { type, metadata } = written;
      assert.deepEqual(decode(recorded({ type, metadata, data: written.data })), event);
    }
  });
});

describe("the stored samples", () => {
  test("make a job's life, to each of its ends", () => {
    const begun = [sampleOf("JobSubmitted"), sampleOf("TaskAssigned")];
    const fold = (...events: readonly Parameters<typeof job.evolve>[1][]): Job =>
      events.reduce(job.evolve, job.initial);
    const statusOfTask = (state: Job) => state.status === "open" && state.tasks[0]?.status;

    assert.equal(statusOfTask(fold(...begun)), "assigned");
    assert.equal(statusOfTask(fold(...begun, sampleOf("ResultCommitted"))), "committed");
    const answered = fold(...begun, sampleOf("ResultReceived"));
    assert.equal(statusOfTask(answered), "received");
    for (const loss of ["TaskFailed", "TaskExpired"] as const)
      assert.equal(statusOfTask(fold(...begun, sampleOf(loss))), "vacant");
    const split = job.evolve(answered, sampleOf("ResultsDisagreed"));
    assert.equal(split.status === "open" && split.judged, 2);
    const ends = {
      JobRejected: "rejected",
      JobCompleted: "completed",
      JobFailed: "failed",
      JobCancelled: "cancelled",
    } as const;
    for (const [type, status] of Object.entries(ends))
      assert.equal(fold(...begun, sampleOf(type as keyof typeof ends)).status, status);
    for (const type of ["ResultAccepted", "ResultRejected"] as const)
      assert.equal(job.evolve(split, sampleOf(type)), split);
  });

  test("make the life of a job of a batch that had a backup", () => {
    const having = (type: AnyEvent["type"], field: string) =>
      samples.find((one) => one.type === type && Object.hasOwn(one.data as object, field))
        ?.data as Parameters<typeof job.evolve>[1];
    const begun = [having("JobSubmitted", "batch"), sampleOf("TaskAssigned")];
    const backed = [...begun, having("TaskAssigned", "backs")].reduce(job.evolve, job.initial);
    assert.equal(backed.status === "open" && backed.backedUp, true);
    const stopped = job.evolve(backed, sampleOf("TaskStopped"));
    assert.equal(stopped.status === "open" && stopped.tasks[0]?.status, "vacant");
  });

  test("make the life of a job with an assurance, which may come back", () => {
    const later = (type: AnyEvent["type"], field = "at") =>
      samples.findLast((one) => one.type === type && Object.hasOwn(one.data as object, field))
        ?.data as Parameters<typeof job.evolve>[1];
    const first = sampleOf("JobSubmitted");
    const spec = { ...first.spec, assurance: "standard", commit: true, quorum: 1 } as const;
    const begun = [{ ...first, spec }, sampleOf("TaskAssigned"), sampleOf("ResultCommitted")];
    const drawn = [...begun, sampleOf("AuditDrawn")].reduce(job.evolve, job.initial);
    assert.equal(drawn.status === "open" && drawn.arbitersWanted, 1);
    const given = job.evolve(drawn, later("TaskAssigned", "role"));
    assert.equal(given.status === "open" && given.tasks[1]?.role, "arbiter");
    const ended = job.evolve(given, later("JobCompleted"));
    assert.equal(ended.status, "completed");
    assert.equal(job.evolve(ended, sampleOf("JobReopened")).status, "open");
    assert.equal(beacon.evolve(beacon.initial, sampleOf("BeaconDrawn")).to, 9);
  });

  test("count for a node's track", () => {
    const track = [
      sampleOf("TaskAssigned"),
      sampleOf("ResultCommitted"),
      sampleOf("ResultReceived"),
      sampleOf("TaskFailed"),
      sampleOf("TaskExpired"),
      sampleOf("ResultAccepted"),
      sampleOf("ResultRejected"),
    ].reduce((track, event) => evolveTrack(track, event), blankTrack("bobs-laptop"));
    const { assigned, answered, broken, accepted, rejected } = track;
    assert.deepEqual(
      { assigned, answered, broken, accepted, rejected },
      {
        assigned: 1,
        answered: 1,
        broken: 2,
        accepted: 1,
        rejected: 1,
      },
    );
  });

  test("keep the books in balance", () => {
    const fold = (...types: readonly ("PointsAwarded" | "JobRefunded")[]): Ledger => {
      const ledger = emptyLedger();
      for (const type of ["PointsIssued", "JobFunded", ...types] as const)
        evolveLedger(ledger, sampleOf(type));
      assert.equal(faultOf(ledger), undefined);
      return ledger;
    };
    assert.equal(fold().balances.get("client:ada"), 960_000n);
    assert.equal(fold("JobRefunded").balances.get("client:ada"), 1_000_000n);
    const awarded = fold("PointsAwarded");
    assert.equal(awarded.balances.get("client:ada"), 980_000n);
    assert.equal(awarded.balances.get("node:dans-desktop"), 10_000n);
  });

  test("keep the books in balance when an award is held, and whatever becomes of it", () => {
    const held = samples
      .map((sample) => decode(recorded(sample)))
      .find((event) => event?.type === "PointsAwarded" && event.hold !== undefined);
    assert.ok(held?.type === "PointsAwarded");
    const fold = (
      ...types: readonly ("AwardsSettled" | "AwardsVoided" | "BondSlashed" | "BondReturned")[]
    ): ReadonlyMap<string, bigint> => {
      const ledger = emptyLedger();
      for (const type of ["PointsIssued", "JobFunded"] as const)
        evolveLedger(ledger, sampleOf(type));
      evolveLedger(ledger, held);
      for (const type of types) evolveLedger(ledger, sampleOf(type));
      assert.equal(faultOf(ledger), undefined);
      return ledger.balances;
    };
    assert.equal(fold().get("pending:bobs-laptop"), 10_000n);
    assert.equal(fold("AwardsVoided").get(`escrow:${"ab".repeat(32)}`), 10_000n);
    assert.equal(fold("AwardsSettled").get("bond:bobs-laptop"), 10_000n);
    assert.equal(fold("AwardsSettled", "BondSlashed").get("slash-sink"), 10_000n);
    assert.equal(fold("AwardsSettled", "BondReturned").get("node:bobs-laptop"), 10_000n);
  });

  test("make a node's life and a blob's", () => {
    const registered = node.evolve(node.initial, sampleOf("NodeRegistered"));
    const changed = node.evolve(registered, sampleOf("NodeCapabilitiesChanged"));
    assert.equal(changed.status === "active" && changed.capabilities.slots, 3);
    const suspended = node.evolve(changed, sampleOf("NodeSuspended"));
    assert.equal(suspended.status, "suspended");
    assert.equal(node.evolve(suspended, sampleOf("NodeResumed")).status, "active");
    assert.equal(node.evolve(suspended, sampleOf("NodeConvicted")).status, "expelled");

    const stored = blob.evolve(blob.initial, sampleOf("BlobStored"));
    assert.deepEqual(Object.keys(stored.places), ["gateway-1"]);
    assert.deepEqual(blob.evolve(stored, sampleOf("BlobExpired")), { size: 1_000, places: {} });
  });

  test("make an identity's life, and every signature in it still counts", () => {
    const decider = identity(keyRules(native));
    const types = [
      ["RegisterIdentity", "IdentityRegistered"],
      ["RotateRootKey", "RootKeyRotated"],
      ["AddEncryptionKey", "EncryptionKeyAdded"],
      ["RetireEncryptionKey", "EncryptionKeyRetired"],
      ["ReplaceTransportKey", "TransportKeyReplaced"],
      ["RevokeIdentity", "IdentityRevoked"],
    ] as const;
    let state = decider.initial;
    for (const [command, type] of types) {
      const { at, ...sample } = sampleOf(type);
      const asked = { ...sample, type: command, actor: "", now: at } as unknown as IdentityCommand;
      const answer = decider.decide(asked, state);
      assert.deepEqual(answer, { ok: true, events: [sampleOf(type)] });
      state = decider.evolve(state, sampleOf(type));
    }
    assert.equal(state.status, "revoked");
  });

  test("put a policy in force", () => {
    const adopted = sampleOf("PolicyAdopted");
    const policy = adoption.evolve(adoption.initial, adopted);
    assert.equal(policy.version, 2);
    assert.deepEqual(policy.verification.arbiters, ["alice", "bob"]);
  });

  test("make the life of a service key", () => {
    const types = ["ServiceKeyIssued", "ServiceKeyRolled", "ServiceKeyRevoked"] as const;
    const keys = types
      .map((type) => sampleOf(type))
      .reduce(serviceKeys.evolve, serviceKeys.initial);
    assert.equal(judgeSecret(keys, "aa".repeat(32), 0).state, "revoked");
    assert.equal(judgeSecret(keys, "bb".repeat(32), 0).key?.label, "nightly build");
  });
});
