import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { portableSha256 } from "../hashing.ts";
import { taskName } from "../job/hash.ts";
import { areArbitersChecked, auditShare, checkShare, isAudited } from "./lottery.ts";

const standard = { auditFactor: 5, auditFloor: 0.03 };
const beacon = "b".repeat(64);
const tasks = Array.from({ length: 4_000 }, (_, index) =>
  taskName({ jobHash: portableSha256(`job ${index}`), replica: 0, attempt: 1 }),
);

describe("the share of an arbiter's results that is checked", () => {
  const shares = { arbiterCheckShare: 0.1, arbiterChecksFirst: 5, arbitersToConvict: 2 };
  const rates = { ...shares, arbiters: ["abe", "bea", "cal"] };
  test("is all until enough were found right, and never nothing afterwards", () => {
    assert.deepEqual(
      [0, 4, 5, 10_000].map((survived) => checkShare(survived, rates)),
      [1, 1, 0.1, 0.1],
    );
  });

  test("is nothing where none is wanted, or one arbiter's word convicts", () => {
    for (const off of [{ arbiterCheckShare: 0 }, { arbitersToConvict: 1 }]) {
      assert.equal(checkShare(0, { ...rates, ...off }), 0);
      assert.equal(areArbitersChecked({ ...rates, ...off }), false);
    }
    assert.equal(areArbitersChecked(rates), true);
    assert.equal(areArbitersChecked({ ...rates, arbiters: ["abe", "bea"] }), false, "no third one");
  });
});

describe("the share of tasks that is audited", () => {
  test("falls from a half to the floor as audits are survived", () => {
    const shares = [0, 9, 10, 99, 165, 166, 10_000].map((k) => auditShare(k, standard));
    assert.deepEqual(shares, [0.5, 0.5, 5 / 11, 0.05, 5 / 166, 0.03, 0.03]);
  });

  test("is twice what makes lying pay, by the points at risk", () => {
    const at = (atRisk: bigint) => auditShare(10_000, standard, { award: 10n, atRisk });
    assert.equal(at(0n), 1);
    assert.equal(at(10n), 1);
    assert.equal(at(30n), 0.5);
    assert.equal(at(190n), 0.1);
  });

  test("never goes below the floor nor above 1, and more at risk is never audited more", () => {
    const points = fc.bigInt({ min: 0n, max: 10n ** 15n });
    fc.assert(
      fc.property(fc.nat(20_000), points, points, points, (survived, award, atRisk, more) => {
        const share = auditShare(survived, standard, { award, atRisk });
        assert.ok(share >= 0.03 && share <= 1);
        assert.ok(share >= auditShare(survived, standard));
        assert.ok(auditShare(survived, standard, { award, atRisk: atRisk + more }) <= share);
        // What lying costs is at least twice what it saves, unless even a sure audit is too little.
        if (atRisk >= award)
          assert.ok(share * Number(award + atRisk) >= 2 * Number(award) * (1 - 1e-12));
      }),
    );
  });

  test("is of counts and points that there can be", () => {
    assert.throws(() => auditShare(-1, standard), RangeError);
    assert.throws(() => auditShare(1, { auditFactor: 0, auditFloor: 0.03 }), RangeError);
    assert.throws(() => auditShare(1, { auditFactor: 5, auditFloor: 0 }), RangeError);
    assert.throws(() => auditShare(1, standard, { award: -1n, atRisk: 0n }), RangeError);
  });
});

describe("the audit lottery", () => {
  test("can be repeated by anyone from the digest", () => {
    const digest = portableSha256(
      `cnct/audit/v1\n{"beacon":"${beacon}","task":"${tasks[0] ?? ""}"}`,
    );
    const drawn = BigInt(`0x${digest}`);
    const exactly = Number(drawn >> 203n) / 2 ** 53;
    const draw = (share: number) => isAudited({ beacon, task: tasks[0] ?? "", share });
    assert.equal(draw(exactly), false);
    assert.equal(draw(exactly + 2 ** -53), true);
    for (const share of [0.001, 0.03, 0.2, 0.5, 0.97])
      assert.equal(draw(share), drawn < BigInt(Math.floor(share * 2 ** 53)) << 203n);
  });

  test("draws as many as its share says, and others for another beacon", () => {
    const drawn = (share: number, by: string) =>
      tasks.filter((task) => isAudited({ beacon: by, task, share }));
    for (const share of [0.03, 0.2, 0.5]) {
      const deviation = Math.sqrt(tasks.length * share * (1 - share));
      const hits = drawn(share, beacon).length;
      assert.ok(Math.abs(hits - tasks.length * share) < 5 * deviation, `${hits} of ${share}`);
    }
    assert.notDeepEqual(drawn(0.2, beacon), drawn(0.2, "c".repeat(64)));
  });

  test("with a greater share draws the same tasks and more", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.constantFrom(...tasks), (a, b, task) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        if (isAudited({ beacon, task, share: less }))
          assert.ok(isAudited({ beacon, task, share: more }));
      }),
    );
  });

  test("never draws at a share of 0, always at 1, and knows no other numbers", () => {
    assert.equal(isAudited({ beacon, task: tasks[0] ?? "", share: 0 }), false);
    assert.equal(isAudited({ beacon, task: tasks[0] ?? "", share: 1 }), true);
    for (const share of [-0.1, 1.1, Number.NaN])
      assert.throws(() => isAudited({ beacon, task: tasks[0] ?? "", share }), RangeError);
  });
});
