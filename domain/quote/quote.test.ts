import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { budgetOf, type JobSpec, specDefaults } from "../job/spec.ts";
import { type Policy, policyDefaults } from "../policy/policy.ts";
import { assuranceObstacle, priceObstacle } from "./obstacle.ts";
import type { Market, Offer } from "./offers.ts";
import { quoteOf } from "./quote.ts";

const plain: JobSpec = {
  ...specDefaults,
  client: "client:ada",
  app: "ocr",
  comparator: { kind: "text" },
  price: "10000",
  replicasMax: 4,
};
const standard: JobSpec = {
  ...plain,
  quorum: 1,
  commit: true,
  replicasMax: 5,
  assurance: "standard",
};
const withArbiters: Policy = {
  ...policyDefaults,
  verification: { ...policyDefaults.verification, arbiters: ["judge", "jury"] },
};

const native = "ort-node@1.30.0/cpu/x64-avx2/1t/all";
const wasm = "ort-web@1.30.0/wasm/any/1t/all";
const offer = (owner: string, more: Partial<Offer> = {}): Offer => ({
  nodeId: `node-of-${owner}`,
  owner,
  executionClass: native,
  live: true,
  slots: 1,
  survived: 0,
  atRisk: 0n,
  speed: null,
  turnaroundMs: null,
  ...more,
});
/** The name of an identity; the test is of those that have proven to be somebody. */
const identity = (letter: string): string => `cnct:${letter.repeat(52)}`;
const [ada, bob] = [identity("a"), identity("b")];
const market: Market = {
  nodes: [offer(ada), offer(bob)],
  arbiters: [offer("judge"), offer("jury")],
};
const idle = { openJobs: 0 };

describe("a quote", () => {
  test("of a plain quorum costs its quorum, and at most every replica", () => {
    const { price, escrow, expected, executions, plan } = quoteOf(
      plain,
      withArbiters,
      market,
      idle,
    );
    assert.deepEqual([price, escrow, expected, executions], [10_000n, 40_000n, 20_000n, 2]);
    assert.equal(plan.assured, undefined);
    assert.match(plan.text.join(" "), /2 results on nodes of different owners must agree/);
  });

  test("of newcomers is audited every time, and of trusted nodes seldom", () => {
    const fresh = quoteOf(standard, withArbiters, market, idle);
    assert.equal(fresh.escrow, budgetOf(standard));
    assert.equal(fresh.escrow, 80_000n);
    // Nobody has anything to lose yet: two of them, and an arbiter each time.
    assert.deepEqual([fresh.executions, fresh.expected], [3, 30_000n]);
    assert.equal(fresh.plan.assured?.auditShare, 1);
    assert.equal(fresh.eligible.trusted, 0);

    const known = { survived: 1_000, atRisk: 1_000_000_000n };
    const nodes = [offer(ada, known), offer(bob, known)];
    const trusted = quoteOf(standard, withArbiters, { ...market, nodes }, idle);
    const { auditFloor } = withArbiters.verification.standard;
    assert.equal(trusted.plan.assured?.auditShare, auditFloor);
    assert.ok(Math.abs(trusted.executions - (1 + auditFloor)) < 1e-9);
    assert.equal(trusted.expected, BigInt(Math.round(10_000 * (1 + auditFloor))));
    assert.equal(trusted.eligible.trusted, 2);
    // One of each is between the two, and `high` asks for more of the same nodes.
    const mixed = [offer(ada), offer(bob, known)];
    const between = quoteOf(standard, withArbiters, { ...market, nodes: mixed }, idle);
    assert.ok(between.executions > trusted.executions && between.executions < fresh.executions);
    const high: JobSpec = { ...standard, assurance: "high", replicasMax: 9 };
    const surer = quoteOf(high, withArbiters, { ...market, nodes }, idle);
    assert.ok(surer.executions > trusted.executions);
    assert.equal(surer.escrow, 120_000n);
    assert.equal(surer.plan.assured?.threshold, 0.999);
  });

  test("waits as long as a task takes, and for what is open before it", () => {
    const nodes = [
      offer(ada, { turnaroundMs: 100 }),
      offer(bob, { turnaroundMs: 300 }),
      offer("eve", { turnaroundMs: 9_000, live: false }),
    ];
    const waitOf = (openJobs: number, all: readonly Offer[] = nodes) =>
      quoteOf(plain, policyDefaults, { nodes: all, arbiters: [] }, { openJobs }).waitMs;
    assert.equal(waitOf(0), 200);
    assert.equal(waitOf(10), 200 * (1 + (10 * 2) / 2));
    assert.equal(waitOf(0, [offer(ada)]), null);
    assert.equal(waitOf(0, []), null);
  });

  test("counts nodes, owners and classes; where bytes are compared, of the largest class alone", () => {
    const nodes = [
      offer(ada),
      offer(ada, { nodeId: "second-of-ada", live: false }),
      offer(bob, { executionClass: wasm }),
      offer(bob),
    ];
    const all = quoteOf(plain, policyDefaults, { nodes, arbiters: [] }, idle).eligible;
    assert.deepEqual([all.nodes, all.live, all.owners, all.classes.length], [3, 2, 2, 2]);
    const exact: JobSpec = { ...plain, comparator: { kind: "exact" } };
    const one = quoteOf(exact, policyDefaults, { nodes, arbiters: [] }, idle);
    assert.deepEqual(one.eligible.classes, [
      { executionClass: native, nodes: 3, live: 2, owners: 2 },
    ]);
    assert.equal(one.plan.oneClass, true);
    const onWasm: JobSpec = { ...plain, engine: "ort-web" };
    assert.equal(quoteOf(onWasm, policyDefaults, { nodes, arbiters: [] }, idle).eligible.nodes, 1);
  });

  test("counts only nodes that were measured to be as fast as the job asks", () => {
    const nodes = [offer(ada, { speed: 2_000 }), offer(bob, { speed: 1_999 }), offer("cyd")];
    const eligible = (minSpeed: number) =>
      quoteOf({ ...plain, minSpeed }, policyDefaults, { nodes, arbiters: [] }, idle).eligible.nodes;
    assert.deepEqual([1, 2_000, 2_001].map(eligible), [2, 1, 0]);
  });

  test("says in words when two results agree", () => {
    const says = (comparator: JobSpec["comparator"], more: Partial<JobSpec> = {}) =>
      quoteOf({ ...plain, comparator, ...more }, policyDefaults, market, idle).plan.text[0];
    assert.match(says({ kind: "exact" }) ?? "", /bytes are the same/);
    assert.match(says({ kind: "tolerance" }) ?? "", /at most 0.0001 of the largest number\.$/);
    assert.match(says({ kind: "tolerance", atol: 0.01, rtol: 0.1 }) ?? "", /0.01 and 0.1 of its/);
    assert.match(says({ kind: "text", maxDistance: 0.05 }) ?? "", /at most 5 % of the characters/);
    assert.match(says({ kind: "iou" }) ?? "", /overlaps by at least 90 %/);
    assert.match(says({ kind: "items" }) ?? "", /at most 10 % of the items/);
    assert.match(says({ kind: "text" }, { sealed: true }) ?? "", /tags are the same/);
  });
});

describe("an assurance that nobody can give", () => {
  const codeOf = (spec: JobSpec, policy: Policy, of: Partial<Market> = {}) =>
    assuranceObstacle(spec, policy, { ...market, ...of })?.code;

  test("is refused with the reason, and given otherwise", () => {
    assert.equal(codeOf(standard, withArbiters), undefined);
    assert.equal(codeOf(plain, policyDefaults, { nodes: [] }), undefined);
    assert.equal(codeOf(standard, policyDefaults), "assurance-without-arbiters");
    assert.equal(
      codeOf(standard, withArbiters, { arbiters: [offer("judge")] }),
      "assurance-without-arbiters",
    );
    assert.equal(codeOf(standard, withArbiters, { nodes: [] }), "assurance-without-nodes");
    const few = { ...withArbiters.verification, replicasMax: 4 };
    assert.equal(
      codeOf(standard, { ...withArbiters, verification: few }),
      "replicas-beyond-policy",
    );
    const onWasm: JobSpec = { ...standard, engine: "ort-web" };
    assert.equal(codeOf(onWasm, withArbiters), "assurance-without-nodes");
    const ofOne = [offer(ada), offer(ada, { nodeId: "second-of-ada" })];
    assert.equal(codeOf(standard, withArbiters, { nodes: ofOne }), "assurance-without-owners");
    // An owner that is a mere name proves nothing: its nodes count for themselves.
    const named = ofOne.map((one) => ({ ...one, owner: "local" }));
    assert.equal(codeOf(standard, withArbiters, { nodes: named }), undefined);
    const together = { ...withArbiters.dispatch, ownersApart: false };
    assert.equal(
      codeOf(standard, { ...withArbiters, dispatch: together }, { nodes: ofOne }),
      undefined,
    );
    // Who is trusted alone needs no second owner, for this assurance at least.
    const trusted = [offer(ada, { survived: 34 })];
    assert.equal(codeOf(standard, withArbiters, { nodes: trusted }), undefined);
    const high: JobSpec = { ...standard, assurance: "high" };
    assert.equal(codeOf(high, withArbiters, { nodes: trusted }), "assurance-without-owners");
  });

  test("needs its nodes and arbiters in one class where bytes or tags are compared", () => {
    const exact: JobSpec = { ...standard, comparator: { kind: "exact" } };
    const apart = [offer(ada), offer(bob, { executionClass: wasm })];
    assert.equal(codeOf(standard, withArbiters, { nodes: apart }), undefined);
    assert.equal(codeOf(exact, withArbiters, { nodes: apart }), "assurance-without-owners");
    const elsewhere = market.arbiters.map((one) => ({ ...one, executionClass: wasm }));
    assert.equal(codeOf(standard, withArbiters, { arbiters: elsewhere }), undefined);
    assert.equal(
      codeOf({ ...standard, sealed: true }, withArbiters, { arbiters: elsewhere }),
      "assurance-without-arbiters",
    );
    const unmeasured = market.nodes.map((one) => ({ ...one, executionClass: "x/unmeasured/1t" }));
    assert.equal(codeOf(exact, withArbiters, { nodes: unmeasured }), "assurance-without-nodes");
  });
});

test("a price is refused below the floor of its app, and good from there on", () => {
  const floor = policyDefaults.pricing.floorMicroPoints.ocr;
  assert.equal(priceObstacle({ ...plain, price: String(floor) }, policyDefaults), undefined);
  assert.deepEqual(priceObstacle({ ...plain, price: String(floor - 1) }, policyDefaults), {
    code: "price-below-floor",
    message:
      "a result of ocr costs at least 0.001 points here (1000 micro-points), and the job offers 0.000999",
  });
  const free = { floorMicroPoints: { ...policyDefaults.pricing.floorMicroPoints, ocr: 0 } };
  assert.equal(
    priceObstacle({ ...plain, price: "0" }, { ...policyDefaults, pricing: free }),
    undefined,
  );
});
