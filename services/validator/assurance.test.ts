/** The real validator leads jobs with an assurance to their end: it draws, judges, convicts, reopens. */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { nativeSha256 as sha256 } from "../../cli/native-proofs.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { ledgerStream } from "../../streams/names.ts";
import { recomputeDraws } from "./recompute-draws.ts";
import { type AssuredCourt, digestOf, openAssuredCourt } from "./testing/assured.ts";

let court: AssuredCourt | undefined;
afterEach(async () => {
  await court?.close();
  court = undefined;
});

/** Everything is audited, or hardly anything. */
const always = { standard: { epsilon: 0.01, auditFactor: 1_000, auditFloor: 1 } };
const hardly = { standard: { epsilon: 0.01, auditFactor: 0.001, auditFloor: 0.001 } };
const arbiters = ["abe", "bea", "cal"] as const;
const liars: ReadonlySet<NodeId> = new Set(["eve", "mal"]);
const answer = (nodeId: NodeId) => (liars.has(nodeId) ? "a lie" : "the truth");
const open = async (more: Partial<Parameters<typeof openAssuredCourt>[0]> = {}) => {
  court = await openAssuredCourt({ nodes: ["bob", "cyd", "eve"], arbiters, answer, ...more });
  return court;
};
const last = <Type extends AnyEvent["type"]>(events: readonly AnyEvent[]) =>
  events.at(-1) as Extract<AnyEvent, { type: Type }>;

describe("the validator", () => {
  test("has an honest node's result audited, accepts it, and the next one finds it more credible", async () => {
    const { job, until, log } = await open({ verification: always });
    await job(["bob"]);
    const completed = last<"JobCompleted">(await until("JobCompleted"));
    assert.deepEqual(completed.accepted, [
      { replica: 0, nodeId: "bob" },
      { replica: 1, nodeId: "abe", arbiter: true },
    ]);
    assert.equal(completed.outputDigest, digestOf("the truth"));
    assert.deepEqual(completed.assurance?.audited, true);
    assert.equal(completed.assurance?.policy, 2);
    await job(["bob"]);
    await until("JobCompleted", 2);
    const drawn = last<"AuditDrawn">(await until("AuditDrawn", 2));
    assert.deepEqual(
      drawn.draws.map(({ nodeId, runtime, survived }) => [nodeId, runtime, survived]),
      [["bob", "echo plain@1", 1]],
    );
    const { beacons, draws, faults } = await recomputeDraws(await log(), sha256);
    assert.deepEqual(faults, []);
    assert.equal(draws, 2);
    assert.ok(beacons >= 2);
  });

  test("convicts a liar by two arbiters, and accepts what they computed", async () => {
    const { job, until } = await open({ verification: always });
    await job(["eve"]);
    const completed = last<"JobCompleted">(await until("JobCompleted"));
    assert.equal(completed.outputDigest, digestOf("the truth"));
    const convicted = last<"NodeConvicted">(await until("NodeConvicted"));
    assert.deepEqual([convicted.nodeId, convicted.replica], ["eve", 0]);
  });

  test("settles a disagreement by arbiters also where nothing was audited", async () => {
    const { job, until } = await open({ verification: hardly });
    await job(["bob", "eve"], { replicasMax: 3 });
    const completed = last<"JobCompleted">(await until("JobCompleted"));
    assert.equal(completed.outputDigest, digestOf("the truth"));
    assert.equal(completed.accepted.length, 3);
    const convicted = last<"NodeConvicted">(await until("NodeConvicted"));
    assert.deepEqual([convicted.nodeId, convicted.replica], ["eve", 1]);
  });

  test("opens again what rested on a convict, when its award is voided", async () => {
    const trusted = { ...hardly, adversaryShare: 0.01 };
    const { job, until, write } = await open({ verification: trusted });
    const jobHash = await job(["eve"], { price: "0" }); // For nothing, nobody lies: no audit is due.
    const believed = last<"JobCompleted">(await until("JobCompleted"));
    assert.equal(believed.outputDigest, digestOf("a lie"));
    const proof = { nodeId: "eve", jobHash: "0".repeat(64), replica: 0, reason: "elsewhere" };
    await write("node-eve", { type: "NodeConvicted", ...proof, at: 0 });
    const award = { awardId: "1".repeat(64), jobHash, amount: "100", to: `escrow:${jobHash}` };
    const voided = [{ ...award, reopens: true as const }];
    const event = {
      type: "AwardsVoided",
      nodeId: "eve",
      reason: "convicted",
      voided,
      at: 0,
    } as const;
    const fundedAt = Number(await write(ledgerStream, event));
    const reopened = last<"JobReopened">(await until("JobReopened"));
    assert.deepEqual([reopened.convicts, reopened.fundedAt], [["eve"], fundedAt]);
    const completed = last<"JobCompleted">(await until("JobCompleted", 2));
    assert.equal(completed.outputDigest, digestOf("the truth"));
    assert.deepEqual(completed.accepted, [{ replica: 1, nodeId: "abe", arbiter: true }]);
  });

  describe("checks arbiters that would decide alone:", () => {
    const shares = { arbiterCheckShare: 0.000_001, arbiterChecksFirst: 1 };
    const checked = { ...always, ...shares, arbiters: ["abe", "bea", "cal"] };
    const reviewed = async (log: readonly RecordedEvent[]) => {
      assert.deepEqual((await recomputeDraws(log, sha256)).faults, []);
    };

    test("another one computes the same, and from then on hardly any is checked", async () => {
      const { job, until, log } = await open({ verification: checked });
      await job(["bob"]);
      const completed = last<"JobCompleted">(await until("JobCompleted"));
      const arbiter = true as const;
      assert.deepEqual(completed.accepted, [
        { replica: 0, nodeId: "bob" },
        { replica: 1, nodeId: "abe", arbiter },
        { replica: 2, nodeId: "bea", arbiter },
      ]);
      await job(["bob"]);
      assert.equal(last<"JobCompleted">(await until("JobCompleted", 2)).accepted.length, 2);
      const drawn = last<"AuditDrawn">(await until("AuditDrawn", 4));
      const [{ nodeId, survived, share, audited } = assert.fail()] = drawn.draws;
      assert.deepEqual([nodeId, survived, share, audited], ["abe", 1, 0.000_001, false]);
      await reviewed(await log());
    });

    test("one that repeats a lie without computing is convicted with the liar", async () => {
      const echoes: typeof answer = (nodeId) => (nodeId === "abe" ? "a lie" : answer(nodeId));
      const { job, until, log } = await open({ verification: checked, answer: echoes });
      await job(["eve"]);
      const completed = last<"JobCompleted">(await until("JobCompleted"));
      assert.equal(completed.outputDigest, digestOf("the truth"));
      assert.deepEqual(
        completed.accepted.map(({ nodeId }) => nodeId),
        ["bea", "cal"],
      );
      const events = await until("NodeConvicted", 2);
      const convicts = events.filter(({ type }) => type === "NodeConvicted") as {
        nodeId: string;
      }[];
      assert.deepEqual(convicts.map(({ nodeId }) => nodeId).sort(), ["abe", "eve"]);
      await reviewed(await log());
    });

    test("not where there is nobody who could decide between two", async () => {
      const two = { ...checked, arbiters: ["abe", "bea"] };
      const { job, until, log } = await open({ verification: two });
      await job(["bob"]);
      const completed = last<"JobCompleted">(await until("JobCompleted"));
      assert.deepEqual(
        completed.accepted.map(({ nodeId }) => nodeId),
        ["bob", "abe"],
      );
      await reviewed(await log());
    });

    test("without the check its word is enough", async () => {
      const echoes: typeof answer = (nodeId) => (nodeId === "abe" ? "a lie" : answer(nodeId));
      const { job, until } = await open({ verification: always, answer: echoes });
      await job(["eve"]);
      const completed = last<"JobCompleted">(await until("JobCompleted"));
      assert.equal(completed.outputDigest, digestOf("a lie"));
    });
  });

  const steps = [
    "ResultCommitted",
    "BeaconDrawn",
    "AuditDrawn",
    "ResultReceived",
    "ReplicaWanted",
    "ResultRejected",
  ] as const;
  for (const step of steps)
    test(`goes on where it was killed at ${step}`, async () => {
      const { job, until, log } = await open({ verification: always, killAt: [step] });
      await job(["eve"]);
      await until("NodeConvicted");
      await until("JobCompleted");
      const events = await log();
      for (const type of ["NodeConvicted", "JobCompleted", "ReplicaWanted"])
        assert.equal(events.filter((one) => one.type === type).length, 1, type);
      assert.deepEqual((await recomputeDraws(events, sha256)).faults, []);
    });
});

describe("a log in which a draw was bent is found out:", () => {
  const bent = async (type: AnyEvent["type"], change: (data: never) => object) => {
    const { job, until, log } = await open({ verification: always });
    await job(["bob"]);
    await until("JobCompleted");
    const events = (await log()).map(
      (one): RecordedEvent =>
        one.type === type
          ? { ...one, data: { ...(one.data as object), ...change(one.data as never) } }
          : one,
    );
    return (await recomputeDraws(events, sha256)).faults.map(({ fault }) => fault);
  };
  type Drawn = Extract<AnyEvent, { type: "AuditDrawn" }>;
  const draw = (change: object) => (data: Drawn) => ({
    draws: data.draws.map((one) => ({ ...one, ...change })),
  });

  test("spared from its audit", async () =>
    assert.deepEqual(await bent("AuditDrawn", draw({ audited: false })), ["draw-differs"]));
  test("with another share", async () =>
    assert.deepEqual(await bent("AuditDrawn", draw({ share: 0.001 })), ["draw-differs"]));
  test("with points that nobody had to lose", async () =>
    assert.deepEqual(await bent("AuditDrawn", draw({ atRisk: "99" })), ["draw-differs"]));
  test("with audits that nobody survived", async () =>
    assert.deepEqual(await bent("AuditDrawn", draw({ survived: 99 })), ["draw-differs"]));
  test("with a beacon of its own", async () =>
    assert.deepEqual(await bent("AuditDrawn", () => ({ beacon: "ab".repeat(32) })), [
      "draw-differs",
    ]));
  test("by a policy that was not in force", async () =>
    assert.deepEqual(await bent("AuditDrawn", () => ({ policy: 1 })), ["draw-differs"]));
  test("with a result that was changed afterwards", async () =>
    assert.ok(
      (await bent("ResultReceived", () => ({ elapsedMs: 77 }))).includes("beacon-differs"),
    ));
  test("with a beacon out of thin air", async () =>
    assert.ok(
      (await bent("BeaconDrawn", () => ({ digest: "ab".repeat(32) }))).includes("beacon-differs"),
    ));
});
