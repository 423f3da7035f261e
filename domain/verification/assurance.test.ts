import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type AssuranceLimits,
  arbitersMax,
  consider,
  type JudgedResult,
  startReplicas,
  type Verdict,
} from "./assurance.ts";
import { credibilityOf } from "./credibility.ts";

const standard: AssuranceLimits = { epsilon: 0.01, replicasMax: 9, arbitersToConvict: 2 };
const quiet = { audited: false };
const drawn = { audited: true };

/** Results of nodes by the audits that they survived; `[group, "arbiter"]` is an arbiter's. */
const results = (...list: readonly (readonly [group: number, survived: number | "arbiter"])[]) =>
  list.map(
    ([group, survived], replica): JudgedResult => ({
      replica,
      group,
      credibility: survived === "arbiter" ? 0.9999 : credibilityOf(survived, 0.35),
      arbiter: survived === "arbiter",
    }),
  );
const shown = (verdict: Verdict) =>
  verdict.kind === "accept"
    ? `accept ${verdict.group}${verdict.audited ? " audited" : ""}${verdict.wrong.map((replica) => ` !${replica}`).join("")}`
    : verdict.kind;

describe("a job with an assurance", () => {
  const rules: readonly (readonly [string, ReturnType<typeof results>, boolean, string])[] = [
    ["wants a result first", [], false, "replica"],
    ["that was reopened wants an arbiter's", [], true, "arbiter"],
    ["believes one node with 20 audits", results([0, 20]), false, "accept 0"],
    ["wants another with 19", results([0, 19]), false, "replica"],
    ["asks an arbiter, not seven more newcomers", results([0, 0], [0, 0]), false, "arbiter"],
    ["believes two with 3 audits each", results([0, 3], [0, 3]), false, "accept 0"],
    ["does not believe two with 2 yet", results([0, 2], [0, 2]), false, "replica"],
    ["that was drawn is not believed before an audit", results([0, 9_999]), true, "arbiter"],
    ["goes to arbiters where nodes differ", results([0, 99], [1, 0]), false, "arbiter"],
    ["is settled by one who agrees", results([7, 0], [7, "arbiter"]), true, "accept 7 audited"],
    ["reopened is settled by one alone", results([3, "arbiter"]), true, "accept 3 audited"],
    ["convicts nobody by one arbiter", results([0, 99], [1, "arbiter"]), true, "arbiter"],
    [
      "convicts by two",
      results([0, 99], [1, "arbiter"], [1, "arbiter"]),
      true,
      "accept 1 audited !0",
    ],
    [
      "convicts the one of two nodes that differs",
      results([0, 0], [1, 50], [0, "arbiter"], [0, "arbiter"]),
      false,
      "accept 0 audited !1",
    ],
    [
      "asks a third where two are split",
      results([0, 5], [1, "arbiter"], [0, "arbiter"]),
      true,
      "arbiter",
    ],
    [
      "convicts an arbiter that two others prove wrong",
      results([0, 5], [1, "arbiter"], [0, "arbiter"], [0, "arbiter"]),
      true,
      "accept 0 audited !1",
    ],
    [
      "fails where three have three answers",
      results([0, 5], [0, "arbiter"], [1, "arbiter"], [2, "arbiter"]),
      true,
      "none",
    ],
  ];
  for (const [rule, list, audited, expected] of rules)
    test(rule, () => assert.equal(shown(consider(list, standard, { audited })), expected));

  test("asks an arbiter when it has all replicas that it may", () => {
    const list = results([0, 2], [0, 2]);
    assert.equal(consider(list, { ...standard, replicasMax: 2 }, quiet).kind, "arbiter");
  });

  test("convicts by one where the operator trusts one", () => {
    const one = { ...standard, arbitersToConvict: 1 };
    assert.deepEqual(
      [1, 2].map((arbitersToConvict) => arbitersMax({ arbitersToConvict })),
      [1, 3],
    );
    const verdict = consider(results([0, 9], [1, "arbiter"]), one, drawn);
    assert.equal(shown(verdict), "accept 1 audited !0");
  });

  test("is told the credibility that it was accepted with", () => {
    const verdict = consider(results([0, 20]), standard, quiet);
    assert.ok(verdict.kind === "accept");
    assert.ok(Math.abs(verdict.credibility - credibilityOf(20, 0.35)) < 1e-12);
  });

  test("starts with one replica on a node that is believed alone, else with two", () => {
    assert.equal(startReplicas(credibilityOf(20, 0.35), 0.01), 1);
    assert.equal(startReplicas(credibilityOf(19, 0.35), 0.01), 2);
    assert.equal(startReplicas(credibilityOf(199, 0.35), 0.001), 1);
    assert.equal(startReplicas(credibilityOf(198, 0.35), 0.001), 2);
    assert.equal(startReplicas(1 - 0.01, 0.01), 1);
  });
});

describe("for any results", () => {
  const result = fc.record({
    group: fc.nat(3),
    survived: fc.nat(300),
    arbiter: fc.boolean(),
  });
  const lists = fc.array(result, { maxLength: 12 }).map((list) =>
    list.map(
      ({ group, survived, arbiter }, replica): JudgedResult => ({
        replica,
        group,
        arbiter,
        credibility: arbiter ? 0.9999 : credibilityOf(survived, 0.35),
      }),
    ),
  );

  test("an audit that is due is never passed over", () => {
    fc.assert(
      fc.property(lists, (list) => {
        const verdict = consider(list, standard, drawn);
        if (verdict.kind !== "accept") return;
        assert.ok(verdict.audited);
        assert.ok(list.some(({ arbiter, group }) => arbiter && group === verdict.group));
      }),
    );
  });

  test("nobody is convicted without two arbiters, and nobody who agrees with them", () => {
    fc.assert(
      fc.property(lists, fc.boolean(), (list, audited) => {
        const verdict = consider(list, standard, { audited });
        if (verdict.kind !== "accept") return;
        for (const replica of verdict.wrong) {
          assert.notEqual(list[replica]?.group, verdict.group);
          const judges = list.filter(({ arbiter, group }) => arbiter && group === verdict.group);
          assert.ok(judges.length >= 2);
        }
      }),
    );
  });

  test("without an arbiter only agreement with enough credibility is accepted", () => {
    fc.assert(
      fc.property(lists, (list) => {
        const ordinary = list.filter(({ arbiter }) => !arbiter);
        const verdict = consider(ordinary, standard, quiet);
        if (verdict.kind !== "accept") return;
        assert.ok(verdict.credibility >= 0.99 - 1e-9);
        assert.ok(ordinary.every(({ group }) => group === verdict.group));
        assert.deepEqual(verdict.wrong, []);
      }),
    );
  });

  test("the order in which they came changes nothing", () => {
    fc.assert(
      fc.property(lists, fc.boolean(), (list, audited) => {
        const [there, back] = [list, list.toReversed()].map((each) =>
          consider(each, standard, { audited }),
        );
        assert.equal(there?.kind, back?.kind);
        if (there?.kind !== "accept" || back?.kind !== "accept") return;
        const judges = list.filter(({ arbiter }) => arbiter).length;
        if (judges > arbitersMax(standard)) return; // More than are ever asked may be split in two.
        assert.equal(there.group, back.group);
        assert.deepEqual(
          there.wrong,
          back.wrong.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});
