import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { given } from "../../testing/given.ts";
import { adoption, type PolicyCommand } from "./adoption.ts";
import {
  changesBetween,
  listParameters,
  type Policy,
  parsePolicy,
  policyDefaults,
  withDefaults,
} from "./policy.ts";

/** A copy in which one parameter, or group, is another or is not there. */
const changed = (path: string, value?: unknown): unknown => {
  const copy = structuredClone(policyDefaults) as unknown as Record<string, unknown>;
  const parts = path.split(".");
  const last = parts.pop() ?? "";
  const group = parts.reduce((at, part) => at[part] as typeof copy, copy);
  if (value === undefined) delete group[last];
  else group[last] = value;
  return copy;
};

const refusalOf = (value: unknown) => {
  const parsed = parsePolicy(value);
  assert.ok(!parsed.ok, "the policy was accepted");
  return { code: parsed.code, message: parsed.message };
};

describe("a policy from outside", () => {
  test("is accepted with the defaults, also when it was written down in between", () => {
    assert.deepEqual(parsePolicy(JSON.parse(JSON.stringify(policyDefaults))), {
      ok: true,
      policy: policyDefaults,
    });
  });

  test("has each of its parameters in the manual, with its default and its bounds", () => {
    const url = new URL("../../docs/policy.md", import.meta.url);
    const rows = new Set(readFileSync(url, "utf8").split("\n"));
    for (const { path, parameter } of listParameters()) {
      const { standard, expected, says } = parameter;
      const text = Array.isArray(standard) ? "none" : String(standard);
      const row = `| \`${path}\` | ${text} | ${expected} | ${says} |`;
      assert.ok(rows.has(row), `docs/policy.md lacks the row:\n${row}`);
    }
  });

  test("is refused without any one of its parameters, which the message names", () => {
    const all = listParameters();
    assert.ok(all.length >= 25, `only ${all.length} parameters`);
    for (const { path } of all) {
      const { code, message } = refusalOf(changed(path));
      assert.equal(code, "parameter-missing");
      assert.ok(message.startsWith(`${path} is missing; it must be `), message);
    }
    assert.match(
      refusalOf(changed("verification.high")).message,
      /^verification.high is missing; it has epsilon/,
    );
  });

  test("is refused with a parameter that is none, in any group", () => {
    for (const path of ["verificaton", "verification.high.epsilom", "pricing.floorMicroPoints.orc"])
      assert.deepEqual(refusalOf(changed(path, 1)).code, "parameter-unknown", path);
    assert.equal(
      refusalOf(changed("dispatch.luck", 1)).message,
      `a policy has no parameter dispatch.luck; dispatch has ${Object.keys(policyDefaults.dispatch).join(", ")}`,
    );
  });

  test("is refused with a parameter that is absurd", () => {
    const absurd: readonly (readonly [string, unknown])[] = [
      ["version", 0],
      ["version", 1.5],
      ["verification.adversaryShare", 0.5],
      ["verification.adversaryShare", 0],
      ["verification.standard.epsilon", 1],
      ["verification.high.epsilon", 0],
      ["verification.high.epsilon", Number.NaN],
      ["verification.standard.auditFloor", 0],
      ["verification.standard.auditFactor", -5],
      ["verification.replicasMax", 10],
      ["verification.arbiters", "ada"],
      ["verification.arbiters", ["ada", "ada"]],
      ["verification.arbiters", [""]],
      ["verification.arbitersToConvict", 3],
      ["verification.holdMs", 0],
      ["verification.holdJobs", "5000"],
      ["pricing.floorMicroPoints.ocr", -1],
    ];
    for (const [path, value] of absurd) {
      const { code, message } = refusalOf(changed(path, value));
      assert.equal(code, "parameter-absurd", path);
      assert.ok(message.startsWith(`${path} must be `), message);
    }
    assert.equal(
      refusalOf(changed("verification.adversaryShare", 0.7)).message,
      "verification.adversaryShare must be a number from 0.01 to 0.49, not 0.7",
    );
    // Also where a parameter of that name is a group, and the other way round.
    assert.equal(refusalOf(changed("verification", 3)).code, "policy-not-an-object");
    for (const value of [null, [], "policy", 7])
      assert.equal(refusalOf(value).code, "policy-not-an-object");
  });

  test("is refused where its parameters contradict each other", () => {
    assert.equal(refusalOf(changed("verification.high.epsilon", 0.05)).code, "high-below-standard");
    assert.equal(
      refusalOf(changed("verification.arbiters", ["ada"])).message,
      "verification.arbiters lists 1, and arbitersToConvict is 2: no cheat could ever be convicted",
    );
    assert.ok(parsePolicy(changed("verification.arbiters", ["ada", "bob"])).ok);
  });

  test("that was adopted before a parameter came gets its default; what is no more is left out", () => {
    const old = changed("dispatch.quotaStart") as { dispatch: Record<string, unknown> };
    old.dispatch["former"] = 1;
    assert.deepEqual(withDefaults(old), policyDefaults);
    assert.deepEqual(withDefaults(undefined), policyDefaults);
  });

  test("says in what it differs from another", () => {
    const other = { ...(changed("verification.holdMs", 5_000) as Policy), version: 9 };
    assert.deepEqual(changesBetween(policyDefaults, other), [
      { parameter: "verification.holdMs", from: 86_400_000, to: 5_000 },
    ]);
  });
});

describe("adopting a policy", () => {
  const adopt = (policy: unknown): PolicyCommand => ({
    type: "AdoptPolicy",
    policy: policy as Policy,
    actor: "operator",
    now: 5,
  });
  const shorter = changed("verification.holdMs", 60_000) as Policy;
  const adopted = { type: "PolicyAdopted", policy: { ...shorter, version: 2 }, at: 5 } as const;

  test("raises the version by one, whether it was written for this version or the next", () => {
    given(adoption)().when(adopt(shorter)).thenRecords(adopted);
    given(adoption)()
      .when(adopt({ ...shorter, version: 2 }))
      .thenRecords(adopted);
  });

  test("that is in force already changes nothing", () => {
    given(adoption)().when(adopt(policyDefaults)).thenNothing();
    given(adoption)(adopted).when(adopt(adopted.policy)).thenNothing();
  });

  test("is refused when it was written for another version, or is none", () => {
    given(adoption)(adopted).when(adopt(policyDefaults)).thenRefuses("PolicyOutdated");
    given(adoption)()
      .when(adopt({ ...shorter, version: 3 }))
      .thenRefuses("PolicyOutdated");
    given(adoption)()
      .when(adopt({ version: 2 }))
      .thenRefuses("BadPolicy");
  });
});
