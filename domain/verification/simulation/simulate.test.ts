/**
 * The bars that our verification has to meet, in a short form: `npm run figures:verification` measures
 * them in full. Broken rules must not meet them.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, test } from "node:test";
import { policyDefaults } from "../../policy/policy.ts";
import { type Rules, realRules } from "./ours.ts";
import { faultIn, type Settings, settingsDefaults } from "./settings.ts";
import { simulateVerification, type Ways } from "./simulate.ts";
import { type Summary, summaryOf } from "./tally.ts";

/** 40 nodes with 500 jobs each, as 200 nodes have with 100,000. */
const short: Settings = { ...settingsDefaults, workers: 40, jobs: 20_000 };
const policy = { ...policyDefaults.verification, holdJobs: 1_000 };
const sha256 = (bytes: Uint8Array | string) => hash("sha256", bytes);

const simulated = new Map<string, Summary>();
/** Runs with the real rules are run once, however many tests look at them. */
const run = (
  changes: Partial<Settings>,
  ways: Ways & { readonly seeds?: number } = {},
): Summary => {
  const { seeds = 2, ...others } = ways;
  const name = JSON.stringify([changes, seeds]);
  const known = Object.keys(others).length === 0 ? simulated.get(name) : undefined;
  if (known !== undefined) return known;
  const reports = Array.from({ length: seeds }, (_, index) =>
    simulateVerification({ ...short, ...changes, seed: index + 1 }, { policy, sha256, ...others }),
  );
  const summary = summaryOf(reports);
  if (Object.keys(others).length === 0) simulated.set(name, summary);
  return summary;
};

interface Bar {
  readonly wrong: number;
  readonly redundancy: number;
}
/** What a summary misses of a bar. */
const misses = ({ mean, greatest }: Summary, bar: Bar): readonly string[] => [
  ...((mean.wrongAccepted ?? 1) > bar.wrong ? [`wrong accepted: ${mean.wrongAccepted}`] : []),
  ...((greatest.redundancy ?? 9) > bar.redundancy ? [`redundancy: ${greatest.redundancy}`] : []),
  ...(greatest.honestSlashed !== 0 ? [`honest slashed: ${greatest.honestSlashed}`] : []),
  ...((mean.netGain ?? 0) > 0 ? [`cheating pays: ${mean.netGain}`] : []),
];
const standard: Bar = { wrong: 1e-3, redundancy: 1.25 };
const high: Bar = { wrong: 1e-4, redundancy: 2.2 };

describe("cheats, if up to a fifth of the nodes are, get past the standard assurance in at most 1e-3 of jobs", () => {
  for (const sabotage of [0.01, 0.1, 1])
    test(`when they collude in ${sabotage} of the jobs`, () => {
      assert.deepEqual(misses(run({ sabotage }), standard), []);
    });

  for (const kind of ["lazy", "copying"] as const)
    test(`when they are ${kind}`, () =>
      assert.deepEqual(misses(run({ kind }, { seeds: 1 }), standard), []));
});

describe("cheats, if a third of the nodes are, get past the high assurance in at most 1e-4 of jobs", () => {
  for (const sabotage of [0.01, 1])
    test(`when they collude in ${sabotage} of the jobs`, () => {
      const summary = run({ scheme: "ours-high", saboteurs: 0.35, sabotage }, { seeds: 1 });
      assert.deepEqual(misses(summary, high), []);
    });
});

describe("sleepers that come back under new names", () => {
  for (const [sabotage, left] of [
    [0.1, 5e-3],
    [1, 5e-4],
  ] as const)
    test(`leave at most ${left} of jobs wrong with a sabotage of ${sabotage}, and lose by it`, () => {
      const { mean, greatest } = run({ kind: "sleeping", sabotage });
      assert.ok((mean.wrongLeft ?? 1) <= left, `${mean.wrongLeft} of jobs`);
      assert.ok((mean.netGain ?? 0) < 0, `${mean.netGain} awards`);
      assert.equal(greatest.honestSlashed, 0);
    });

  test("would leave more without the hold of awards", () => {
    const held = run({ kind: "sleeping", sabotage: 1 });
    const unheld = run(
      { kind: "sleeping", sabotage: 1 },
      { policy: { ...policy, holdJobs: 1 }, seeds: 1 },
    );
    assert.ok((unheld.mean.wrongLeft ?? 0) > 5e-4);
    assert.ok((unheld.mean.wrongLeft ?? 0) > 4 * (held.mean.wrongLeft ?? 1));
  });
});

describe("two arbiters of five that vouch for whatever they are to check", () => {
  const careful: Partial<Settings> = { kind: "careful", jobs: 40_000 };
  const bad: Partial<Settings> = { ...careful, badArbiters: 2 };
  const wrongOf = (settings: Partial<Settings>, arbiterCheckShare: number) =>
    run(settings, { policy: { ...policy, arbiterCheckShare } });

  test("let less through where arbiters are checked, and honest ones lose nothing", () => {
    const [unchecked, checked] = [wrongOf(bad, 0), wrongOf(bad, 1)];
    const [before, after] = [unchecked.mean.wrongLeft ?? 0, checked.mean.wrongLeft ?? 1];
    assert.ok(after < 0.7 * before, `${after} of ${before}`);
    assert.equal(unchecked.mean.badArbitersConvicted, 0);
    assert.ok((checked.mean.badArbitersConvicted ?? 0) > 0);
    assert.equal(checked.greatest.honestArbitersConvicted, 0);
    assert.equal(checked.greatest.honestSlashed, 0);
  });

  test("are as good as any where nobody lies", () => {
    const { mean } = run({ saboteurs: 0, badArbiters: 1 }, { seeds: 1 });
    assert.deepEqual([mean.wrongAccepted, mean.badArbitersConvicted], [0, 0]);
  });
});

describe("rules that are broken do not meet the bars:", () => {
  const rare: Partial<Settings> = { sabotage: 0.01 };
  const sleepers: Partial<Settings> = { kind: "sleeping", sabotage: 1 };
  const planted: Readonly<Record<string, readonly [Partial<Settings>, Partial<Rules>]>> = {
    "audits that never happen": [rare, { isAudited: () => false }],
    "trust that grows by agreement": [sleepers, { counts: () => true }],
    "no audits of who was trusted once": [
      sleepers,
      {
        auditShare: (survived, rates) =>
          survived < 20 ? realRules.auditShare(survived, rates) : 0,
      },
    ],
    "audits that convict nobody": [
      rare,
      {
        consider: (...given) => {
          const verdict = realRules.consider(...given);
          return verdict.kind === "accept" ? { ...verdict, wrong: [] } : verdict;
        },
      },
    ],
  };
  for (const [fault, [settings, broken]] of Object.entries(planted))
    test(fault, () => {
      const bar = settings === rare ? standard : { wrong: 5e-3, redundancy: 1.4 };
      assert.deepEqual(misses(run(settings), bar), []);
      const rules = { ...realRules, ...broken };
      assert.notDeepEqual(misses(run(settings, { rules, seeds: 1 }), bar), []);
    });
});

describe("the others", () => {
  test("let more wrong results through than the standard assurance does", () => {
    const wrong = (scheme: Settings["scheme"]) =>
      run({ scheme, sabotage: 0.1 }, { seeds: 1 }).mean.wrongAccepted ?? 0;
    const ours = wrong("ours-standard");
    for (const scheme of ["boinc", "poco", "gonka", "majority"] as const)
      assert.ok(wrong(scheme) > 5 * ours, scheme);
  });

  test("are paid for copies where results can be seen before one is bound", () => {
    const { mean } = run({ scheme: "majority", kind: "copying" }, { seeds: 1 });
    assert.ok((mean.netGain ?? 0) > 0);
    assert.equal(mean.convicted, 0);
  });

  test("accept no wrong result where nobody cheats, and nor do we", () => {
    for (const scheme of ["ours-high", "boinc", "poco", "gonka", "majority"] as const) {
      const { mean } = run({ scheme, saboteurs: 0, jobs: 2_000 }, { seeds: 1 });
      assert.deepEqual(
        [mean.wrongAccepted, mean.failed, mean.convicted, mean.netGain],
        [0, 0, 0, null],
        scheme,
      );
    }
  });
});

describe("a simulation", () => {
  test("is the same for the same seed, and another for another", () => {
    const report = (seed: number) => simulateVerification({ ...short, jobs: 3_000, seed });
    assert.deepEqual(report(3), report(3));
    assert.notDeepEqual({ ...report(3), seed: 4 }, report(4));
  });

  test("refuses what makes no sense, with a code and a sentence", () => {
    const refused: readonly (readonly [string, unknown, string])[] = [
      ["scheme", "theirs", "bad-policy"],
      ["kind", "nice", "bad-kind"],
      ["saboteurs", 0.91, "bad-saboteurs"],
      ["saboteurs", Number.NaN, "bad-saboteurs"],
      ["sabotage", -0.1, "bad-sabotage"],
      ["jobs", 0, "bad-jobs"],
      ["jobs", 1.5, "bad-jobs"],
      ["seed", 2 ** 32, "bad-seed"],
      ["workers", 9, "bad-workers"],
    ];
    assert.equal(faultIn(settingsDefaults), undefined);
    for (const [name, value, code] of refused) {
      const settings = { ...settingsDefaults, [name]: value } as Settings;
      const fault = faultIn(settings);
      assert.equal(fault?.code, code);
      assert.match(fault?.message ?? "", /must be/);
      assert.throws(() => simulateVerification(settings), RangeError);
    }
  });
});
