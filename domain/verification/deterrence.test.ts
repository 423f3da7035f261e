import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { policyDefaults } from "../policy/policy.ts";
import { type Deterrence, gainOfLying } from "./deterrence.ts";

const { standard, high, adversaryShare, bondAwards } = policyDefaults.verification;
const levels = Array.from({ length: 10_001 }, (_, survived) => survived);
const best = (deterrence: Deterrence, workCost?: number): number =>
  Math.max(...levels.map((survived) => gainOfLying(survived, deterrence, workCost)));

describe("lying", () => {
  for (const [name, assurance] of Object.entries({ standard, high })) {
    const deterrence = { ...assurance, adversaryShare, bondAwards };

    test(`does not pay at any level of trust from 0 to 10,000 audits: ${name}`, () => {
      assert.ok(best(deterrence) < 0);
      assert.ok(best(deterrence, 1) <= 0); // Even who gains nothing by honest work.
    });

    test(`costs at least twice what it saves once the bond is full: ${name}`, () => {
      for (const survived of levels.slice(bondAwards)) {
        const bond = bondAwards + 1; // With the award of the lie that is found.
        const saved = gainOfLying(survived, deterrence) + bond;
        assert.ok(bond >= 2 * saved * 0.99, `${saved} saved after ${survived} audits`);
      }
    });
  }

  test("would pay without a bond, were audits not priced by the points at risk", () => {
    const unpriced = (survived: number) => 0.9 / Math.max(0.03, 8 / (survived + 1)) - 1;
    assert.ok(unpriced(1_000) > 25);
  });

  test("would pay with a bond of a few awards at a floor that low, were it not priced", () => {
    const bond = 20;
    assert.ok(0.9 / standard.auditFloor - 1 - bond > 0);
    // The price of the points at risk makes up for it: nodes are audited more.
    assert.ok(best({ ...standard, adversaryShare, bondAwards: bond }) < 0);
  });
});
