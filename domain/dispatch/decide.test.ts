import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../chance.ts";
import { portableSha256 } from "../hashing.ts";
import { policyDefaults } from "../policy/policy.ts";
import { choiceFault, decide, type Setting, type Terms } from "./decide.ts";
import type { AssignmentReason, Looked } from "./reason.ts";

const executionClass = "plain@1/js/any/1t/none";
const node = (nodeId: string, more: Partial<Terms> = {}): Terms => ({
  nodeId,
  executionClass,
  standing: 0.5,
  held: 0,
  reserved: 0,
  slots: 4,
  turnaroundMs: undefined,
  ...more,
});
const setting: Setting = {
  jobHash: "a".repeat(64),
  replica: 0,
  seed: 7,
  explores: false,
  candidates: 3,
  asOf: "41",
};
const chosen = (...terms: readonly Terms[]) =>
  decide(setting, terms, policyDefaults, portableSha256);

describe("of the nodes that were looked at", () => {
  test("the one with the better standing gets the task", () => {
    assert.equal(chosen(node("ada"), node("bob", { standing: 0.6 })).nodeId, "bob");
  });

  test("one with less to do goes before, unless its standing is far worse", () => {
    const busy = node("busy", { standing: 0.8, held: 2, reserved: 1 });
    assert.equal(chosen(busy, node("idle", { standing: 0.5 })).nodeId, "idle");
    assert.equal(chosen(busy, node("poor", { standing: 0.4 })).nodeId, "busy");
  });

  test("one that answers this app sooner goes before; one that never did counts as the fastest", () => {
    const slow = node("slow", { turnaroundMs: 900 });
    const fast = node("fast", { turnaroundMs: 100 });
    assert.equal(chosen(slow, fast).nodeId, "fast");
    assert.equal(chosen(slow, node("new"), fast).nodeId, "new");
    const unasked = { ...policyDefaults.dispatch, turnaroundWeight: 0 };
    const policy = { ...policyDefaults, dispatch: unasked };
    assert.equal(decide(setting, [slow, fast], policy, portableSha256).nodeId, "slow");
  });

  test("the first of equals gets it, since the order was drawn", () => {
    assert.equal(chosen(node("ada"), node("bob")).nodeId, "ada");
    assert.equal(chosen(node("bob"), node("ada")).nodeId, "bob");
  });

  test("the class is told of those whose class is another than the chosen one's", () => {
    const { reason } = chosen(node("ada"), node("bob", { executionClass: "other@1" }));
    assert.deepEqual(
      reason.looked?.map((one) => one[6]),
      [undefined, "other@1"],
    );
  });

  test("the reason is small enough to be in every assignment", () => {
    const long = "n".repeat(24);
    const terms = ["1", "2", "3"].map((n) =>
      node(`${long}-${n}`, { standing: 1 / 3, held: 12, reserved: 3, turnaroundMs: 1_234.5 }),
    );
    const size = JSON.stringify(chosen(...terms).reason).length;
    assert.ok(size <= 400, `${size} bytes`);
  });
});

describe("a recorded choice", () => {
  const terms = [
    node("ada", { standing: 0.61, held: 2, turnaroundMs: 80 }),
    node("bob", { standing: 0.83, held: 1, reserved: 1, turnaroundMs: 120 }),
    node("cyd", { standing: 0.4 }),
  ];
  const { nodeId, reason } = chosen(...terms);
  const faultOf = (more: Partial<AssignmentReason>, chosenId = nodeId) =>
    choiceFault({ nodeId: chosenId, reason: { ...reason, ...more } }, policyDefaults);
  const looked = reason.looked ?? [];
  const other = (name: string, place: number, value: number): readonly Looked[] =>
    looked.map((one) =>
      one[0] === name ? (one.toSpliced(place, 1, value) as unknown as Looked) : one,
    );

  test("comes out the same when it is made again", () => {
    assert.equal(nodeId, "bob");
    assert.equal(faultOf({}), undefined);
    assert.equal(faultOf(JSON.parse(JSON.stringify(reason)) as AssignmentReason), undefined);
  });

  test("is told from one that was changed", () => {
    assert.equal(faultOf({}, "ada"), "outranked");
    assert.equal(faultOf({}, "dan"), "chosen-not-ranked");
    assert.equal(faultOf({ looked: other("cyd", 1, 9_000) }), "outranked");
    assert.equal(faultOf({ looked: other("bob", 2, 0) }), "score-differs");
    assert.equal(faultOf({ score: reason.score + 0.0001 }), "score-differs");
    assert.equal(faultOf({ looked: [] }), "reason-incomplete");
    assert.equal(faultOf({ policy: 1 }), "reason-incomplete");
  });

  test("explores only where its seed says so", () => {
    const share = policyDefaults.dispatch.explorationShare;
    const seeds = Array.from({ length: 1_000 }, (_, seed) => seed);
    const explores = seeds.find((seed) => seededRandom(seed)() < share);
    assert.ok(explores !== undefined);
    assert.equal(faultOf({ explores: true, seed: explores }), undefined);
    assert.equal(faultOf({ explores: true }), "explores-against-seed");
  });
});
