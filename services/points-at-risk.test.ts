import assert from "node:assert/strict";
import { test } from "node:test";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import { createPointsAtRisk } from "./points-at-risk.ts";

const [bob, cyd] = ["bob", "cyd"] as const;
const [jobHash, awardId] = ["ab".repeat(32), "cd".repeat(32)] as const;
const award = { awardId, replica: 0, amount: "100" };
const awarded: LedgerEvent = {
  type: "PointsAwarded",
  jobHash,
  client: "client:ada",
  awards: [
    { ...award, nodeId: bob, held: true },
    { ...award, nodeId: cyd },
  ],
  refund: "0",
  at: 0,
};
const settled = (bond: string): LedgerEvent => ({
  type: "AwardsSettled",
  settled: [{ awardId, nodeId: bob, amount: "100", bond }],
  at: 0,
});

test("what a node has to lose is what is held for it, and its bond", () => {
  const points = createPointsAtRisk();
  const after = (event: LedgerEvent) => {
    points.hear(event);
    return [points.of(bob), points.of(cyd)];
  };
  assert.deepEqual(after(awarded), [100n, 0n]);
  assert.deepEqual(after(settled("100")), [100n, 0n]);
  assert.deepEqual(after(awarded), [200n, 0n]);
  assert.deepEqual(after(settled("0")), [100n, 0n]);
  assert.deepEqual(after(awarded), [200n, 0n]);
  const lost = { awardId, jobHash, amount: "100", to: "client:ada" };
  const voided: LedgerEvent = {
    type: "AwardsVoided",
    nodeId: bob,
    reason: "",
    voided: [lost],
    at: 0,
  };
  assert.deepEqual(after(voided), [100n, 0n]);
  assert.deepEqual(after({ type: "BondSlashed", nodeId: bob, amount: "100", reason: "", at: 0 }), [
    0n,
    0n,
  ]);
});
