/** The oracle values of the systems that ours is compared with: what their rules are known to give. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Random, seededRandom } from "../../chance.ts";
import { isReplicated, validAfter } from "./boinc.ts";
import {
  type Checks,
  drawOf,
  isBad,
  minimumChecks,
  ownProbability,
  reputationAfter,
  targetChecks,
} from "./gonka.ts";
import { firstWith, lacking } from "./majority.ts";
import { consensusOf, contribute, noContributions, scoreAfter, weightOf } from "./poco.ts";
import { type AuditScore, afterAudits, isDisqualified, scoreOf, startScore } from "./storj.ts";

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);
const meanOf = (runs: number, run: (random: Random) => number): number => {
  let sum = 0;
  for (let seed = 0; seed < runs; seed++) sum += run(seededRandom(seed * 7_919 + 1));
  return sum / runs;
};

describe("adaptive replication of BOINC", () => {
  const honestHost = (random: Random) => {
    let [valid, checks] = [0, 0];
    for (let job = 0; job < 10_000; job++) {
      if (!isReplicated(valid, random())) continue;
      if (valid >= 10) checks++;
      valid = validAfter(valid, "agreed");
    }
    return { valid, checks };
  };

  test("checks about 132 of 10,000 jobs of a host that is always right, and trusts it by 142", () => {
    // Besides the 10 that come before any trust. One run deviates by 8.
    near(
      meanOf(200, (random) => honestHost(random).checks),
      132,
      2,
    );
    near(
      meanOf(200, (random) => honestHost(random).valid),
      142,
      2,
    );
  });

  test("lets a host that turns bad deliver about N bad results before the first check", () => {
    const undetected = (valid: number) => (random: Random) => {
      let bad = 0;
      while (!isReplicated(valid, random())) bad++;
      return bad;
    };
    // 20,000 runs have a standard error of N / 141: four of them.
    for (const [valid, mean] of [
      [10, 9],
      [50, 49.2],
      [142, 140.4],
    ] as const)
      near(meanOf(20_000, undetected(valid)), mean, (valid / 141) * 4);
  });

  test("trusts nobody below 10 valid results, and forgets all at one that differs", () => {
    assert.equal(isReplicated(9, 0.999), true);
    assert.equal(isReplicated(10, 0.1), true);
    assert.equal(isReplicated(10, 0.1001), false);
    assert.equal(validAfter(141, "differed"), 0);
    assert.equal(validAfter(141, "failed"), 0);
    assert.equal(validAfter(141, "agreed"), 142);
  });
});

describe("Proof of Contribution of iExec", () => {
  /** Workers of one score that it takes until all agreeing is believed. */
  const unanimous = (score: number, trust: number): number => {
    let contributions = noContributions;
    for (let workers = 1; ; workers++) {
      contributions = contribute(contributions, { answer: 7, weight: weightOf(score) });
      if (consensusOf(contributions, trust) === 7) return workers;
    }
  };

  test("weighs a fresh worker by 2, and one of score 30 and 303 by 9 and 100", () =>
    assert.deepEqual([0, 11, 12, 30, 303].map(weightOf), [2, 2, 3, 9, 100]));

  for (const [score, workers] of [
    [0, [4, 7, 10]],
    [30, [2, 3, 4]],
    [303, [1, 1, 2]],
  ] as const)
    test(`believes ${workers.join(", ")} workers of score ${score} at a trust of 10, 100, 1000`, () =>
      assert.deepEqual(
        [10, 100, 1_000].map((trust) => unanimous(score, trust)),
        workers,
      ));

  test("needs more where somebody contradicts", () => {
    const contested = [
      { answer: 1, weight: 9 },
      { answer: 2, weight: 9 },
      { answer: 1, weight: 9 },
    ].reduce(contribute, noContributions);
    assert.deepEqual([contested.total, [...contested.groups.values()]], [91, [81, 9]]);
    assert.equal(consensusOf(contested, 10), undefined); // 810 against 819.
    assert.equal(consensusOf(contribute(contested, { answer: 1, weight: 2 }), 10), 1);
  });

  test("adds one to the score of who was right with others, takes a third of who was wrong", () => {
    assert.equal(scoreAfter(30, { accurate: true, contributors: 2 }), 31);
    assert.equal(scoreAfter(30, { accurate: true, contributors: 1 }), 30);
    assert.equal(scoreAfter(30, { accurate: false, contributors: 2 }), 20);
    assert.equal(scoreAfter(1, { accurate: false, contributors: 2 }), 0);
  });
});

describe("sampling of Gonka", () => {
  test("checks a hundredth of a busy network, a twentieth at half of that, all of a quiet one", () => {
    const table = [20_000, 10_000, 7_500, 5_000, 2_550, 100, 0].map(minimumChecks);
    for (const [index, expected] of [0.01, 0.01, 0.03, 0.05, 0.525, 1, 1].entries())
      near(table[index] ?? Number.NaN, expected, 1e-12);
  });

  test("never checks less when there is less to do", () => {
    fc.assert(
      fc.property(fc.nat(12_000), fc.nat(12_000), (a, b) => {
        assert.ok(minimumChecks(Math.min(a, b)) >= minimumChecks(Math.max(a, b)));
      }),
    );
  });

  test("checks everything of who has no reputation, the least of who has all of it", () => {
    assert.equal(targetChecks(0, 10_000), 1);
    assert.equal(targetChecks(1, 10_000), 0.01);
    near(targetChecks(0.5, 10_000), 0.505, 1e-12);
    assert.deepEqual([0, 1, 15, 30, 99].map(reputationAfter), [0, 0.03, 0.5, 1, 1]);
  });

  test("spreads the target over all checkers by their power, at most one check each", () => {
    near(ownProbability(0.5, { own: 10, total: 110, executor: 10 }), 0.05, 1e-12);
    assert.equal(ownProbability(1, { own: 90, total: 100, executor: 50 }), 1);
  });

  test("draws the same for anyone from seed and job", () => {
    const digest = createHash("sha256").update("12345:job-1").digest();
    assert.equal(drawOf(12_345, "job-1"), Number(digest.readBigUInt64BE()) / 2 ** 64);
    assert.notEqual(drawOf(12_346, "job-1"), drawOf(12_345, "job-1"));
    const draws = Array.from({ length: 2_000 }, (_, job) => drawOf(7, `job-${job}`));
    assert.ok(draws.every((draw) => draw >= 0 && draw < 1));
    near(draws.reduce((a, b) => a + b, 0) / draws.length, 0.5, 5 / Math.sqrt(12 * draws.length));
  });

  const after = (...outcomes: readonly boolean[]): Checks =>
    outcomes.reduce<Checks>(
      ({ checked, invalid, invalidInARow }, valid) => ({
        checked: checked + 1,
        invalid: invalid + (valid ? 0 : 1),
        invalidInARow: valid ? 0 : invalidInARow + 1,
      }),
      { checked: 0, invalid: 0, invalidInARow: 0 },
    );

  test("holds a node to be bad at 5 invalid results in a row, not at 4", () => {
    assert.equal(isBad(after(false, false, false, false)), false);
    assert.equal(isBad(after(false, false, false, false, false)), true);
    assert.equal(isBad(after(false, false, true, false, false)), false);
  });

  test("holds a node to be bad whose invalid share is too high, after 10 checks", () => {
    const tenth = [false, ...Array<boolean>(9).fill(true)];
    assert.equal(isBad(after(...tenth)), false); // z = 0.73
    assert.equal(isBad(after(false, false, ...Array<boolean>(7).fill(true))), false); // 9 checks
    assert.equal(isBad(after(false, false, ...Array<boolean>(8).fill(true))), true); // z = 2.2
  });
});

describe("majority voting", () => {
  test("believes the first answer with enough votes", () => {
    assert.equal(firstWith([], 2), undefined);
    assert.equal(firstWith([4, 5], 2), undefined);
    assert.equal(firstWith([4, 5, 5, 4], 2), 5);
    assert.equal(firstWith([4, 5, 5, 4, 4], 3), 4);
  });

  test("asks as many more as the best answer lacks", () => {
    assert.equal(lacking([], 3), 3);
    assert.equal(lacking([4, 5, 4], 3), 1);
    assert.equal(lacking([4, 5], 2), 1);
  });
});

describe("audit reputation of Storj", () => {
  const audits = (share: number, most: number) => (random: Random) => {
    let [score, done] = [startScore, 0];
    while (!isDisqualified(score) && done < most) {
      score = afterAudits(score, random() < share ? "failed" : "passed");
      done++;
    }
    return done;
  };

  test("disqualifies after 41 failures in a row, at a score of 0.9598", () => {
    const failures = (count: number): AuditScore =>
      Array.from({ length: count }).reduce<AuditScore>(
        (score) => afterAudits(score, "failed"),
        startScore,
      );
    assert.equal(isDisqualified(failures(40)), false);
    assert.equal(isDisqualified(failures(41)), true);
    assert.equal(scoreOf(failures(41)).toFixed(4), "0.9598");
  });

  test("counts many audits at once as one after the other", () => {
    const [atOnce, singly] = [
      afterAudits(startScore, "failed", 3),
      [1, 2, 3].reduce<AuditScore>((score) => afterAudits(score, "failed"), startScore),
    ];
    near(atOnce.alpha, singly.alpha, 1e-9);
    near(atOnce.beta, singly.beta, 1e-9);
  });

  // A few seeded runs: ours spread wider than the three known of each, which lie within.
  for (const [share, least, most] of [
    [0.05, 900, 4_000],
    [0.04, 1_200, 6_000],
    [0.035, 2_000, 40_000],
    [0.03, 2_500, 100_000],
  ] as const)
    test(`disqualifies who fails in a share of ${share} after ${least} to ${most} audits`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const done = audits(share, 200_000)(seededRandom(seed));
        assert.ok(done >= least && done <= most, `${done} with seed ${seed}`);
      }
    });

  test("keeps who fails in 2 % for 200,000 audits", () => {
    for (let seed = 1; seed <= 3; seed++)
      assert.equal(audits(0.02, 200_000)(seededRandom(seed)), 200_000);
  });
});
