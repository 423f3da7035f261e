/** Who gets what, with owners, arbiters and an assurance, told fact by fact. */
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { seededRandom } from "../../domain/chance.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { job as decider, type Job, type JobCommand } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { auditsToTrust } from "../../domain/verification/credibility.ts";
import { runtimeOf } from "../../domain/verification/runtime.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { echoCapabilities, echoClass as plain, echoSpec as spec } from "../../testing/echo.ts";
import { at, noon } from "../../testing/given.ts";
import { createDispatcher, type Dispatcher, type Plan } from "./dispatcher.ts";

const jobHash = "a".repeat(64);
const assured: JobSpec = {
  ...spec,
  quorum: 1,
  replicasMax: 5,
  commit: true,
  assurance: "standard",
};
const idOf = (letter: string) => `cnct:${letter.repeat(51)}a`;

describe("planning", () => {
  let dispatcher: Dispatcher;
  let job: Job;
  let position: bigint;

  const tell = (event: AnyEvent, stream = `job-${jobHash}`) => {
    if (stream.startsWith("job-")) job = decider.evolve(job, event as JobEvent);
    position++;
    const fact = { event, id: `event-${position}`, stream, revision: position, position };
    dispatcher.hear(fact, job);
  };
  const decide = (command: JobCommand) => {
    const decision = decider.decide(command, job);
    assert.ok(decision.ok, JSON.stringify(decision));
    for (const event of decision.events) tell(event);
  };
  const carryOut = ({ assignments, leaseMs, fundedAt }: Plan) =>
    decide({ type: "AssignTasks", assignments, leaseMs, fundedAt, actor: "a", now: noon });
  const enter = (nodeId: string, owner: string, executionClass = plain) => {
    const capabilities = { ...echoCapabilities, apps: [{ app: "echo", executionClass }] };
    tell({ type: "NodeRegistered", nodeId, owner, capabilities, at: noon }, `node-${nodeId}`);
    dispatcher.heartbeat(nodeId, { instance: "one", held: 0, draining: false }, noon);
  };
  const adopt = (policy: Partial<typeof policyDefaults>) =>
    tell(
      { type: "PolicyAdopted", policy: { ...policyDefaults, version: 2, ...policy }, at: noon },
      "policy",
    );
  const submit = (what: JobSpec) => {
    tell({ type: "JobSubmitted", jobHash, spec: what, deadlineAt: at(60), at: noon });
    const entry = { jobHash, client: "client:ada", amount: "400", forgetAt: at(120), at: noon };
    tell({ type: "JobFunded", ...entry }, "ledger");
  };
  const plan = (seed = 1) => dispatcher.plan(seededRandom(seed))[0];
  const nodesOf = (made: Plan | undefined) => made?.assignments.map(({ nodeId }) => nodeId) ?? [];

  beforeEach(() => {
    job = decider.initial;
    position = 0n;
    dispatcher = createDispatcher(() => job);
  });

  test("gives no job to two of a hundred nodes of one owner, and the second to whoever else there is", () => {
    for (let n = 0; n < 100; n++) enter(`eve-${n}`, idOf("e"));
    submit(spec);
    const first = plan();
    assert.equal(first?.assignments.length, 1);
    if (first) carryOut(first);
    assert.equal(plan(), undefined, "it waits for another owner");
    enter("fay-1", idOf("f"));
    assert.deepEqual(nodesOf(plan()), ["fay-1"]);
  });

  test("gives a job to several nodes of a name that proves nothing, or where the policy says so", () => {
    enter("one", "local");
    enter("two", "local");
    submit(spec);
    const made = plan();
    assert.deepEqual(nodesOf(made).toSorted(), ["one", "two"]);
    if (made) dispatcher.undo(made);
    for (const nodeId of ["one", "two"])
      tell({ type: "NodeSuspended", nodeId, reason: "test", at: noon }, `node-${nodeId}`);
    for (const nodeId of ["eve-1", "eve-2"]) enter(nodeId, idOf("e"));
    assert.deepEqual(nodesOf(dispatcher.plan(seededRandom(1))[0]).length, 1);
    for (const one of dispatcher.plan(seededRandom(1))) dispatcher.undo(one);
  });

  test("keeps no owners apart where the policy says so", () => {
    adopt({ dispatch: { ...policyDefaults.dispatch, ownersApart: false } });
    for (const nodeId of ["eve-1", "eve-2"]) enter(nodeId, idOf("e"));
    submit(spec);
    assert.deepEqual(nodesOf(plan()).toSorted(), ["eve-1", "eve-2"]);
  });

  describe("with arbiters", () => {
    const withArbiters = () =>
      adopt({
        verification: { ...policyDefaults.verification, arbiters: ["judge", "bench"] },
      });

    test("gives them no ordinary task, also when the policy comes after them", () => {
      enter("judge-1", "judge");
      enter("ada", "ada");
      withArbiters();
      for (let seed = 0; seed < 20; seed++) {
        job = decider.initial;
        submit(spec);
        const made = plan(seed);
        assert.deepEqual(nodesOf(made), ["ada"]);
        if (made) dispatcher.undo(made);
        tell({ type: "JobCancelled", jobHash, at: noon });
      }
    });

    test("gives the replicas of arbiters to nobody else, and to one node of each owner", () => {
      withArbiters();
      for (const nodeId of ["ada", "bob", "cyd"]) enter(nodeId, nodeId);
      submit(assured);
      const first = plan();
      assert.ok(first);
      carryOut(first);
      const wanted = { jobHash, wanted: 2, credibility: 0.5, threshold: 0.99 };
      tell({ type: "ReplicaWanted", ...wanted, arbitersWanted: 2, at: noon });
      assert.equal(plan(), undefined, "there is no arbiter");
      for (const nodeId of ["judge-1", "judge-2"]) enter(nodeId, "judge");
      const second = plan();
      assert.equal(nodesOf(second).length, 1);
      assert.match(nodesOf(second)[0] ?? "", /^judge/);
      assert.equal(second?.assignments[0]?.role, "arbiter");
      if (second) carryOut(second);
      assert.equal(plan(), undefined, "both are of one owner");
      enter("bench-1", "bench");
      assert.deepEqual(nodesOf(plan()), ["bench-1"]);
    });

    test("begins where an arbiter could compute again", () => {
      withArbiters();
      enter("ada", "ada", "other@1");
      enter("bob", "bob");
      enter("cyd", "cyd");
      enter("judge-1", "judge");
      for (let seed = 0; seed < 20; seed++) {
        job = decider.initial;
        submit(assured);
        const made = plan(seed);
        assert.deepEqual(nodesOf(made).toSorted(), ["bob", "cyd"]);
        if (made) dispatcher.undo(made);
        tell({ type: "JobCancelled", jobHash, at: noon });
      }
    });
  });

  test("begins where an arbiter could compute again also while all arbiters are busy", () => {
    adopt({ verification: { ...policyDefaults.verification, arbiters: ["judge", "bench"] } });
    enter("ada", "ada", "other@1");
    enter("bob", "bob");
    enter("judge-1", "judge");
    // Two slots and a backlog of two: four tasks are all that it takes.
    for (let n = 0; n < 4; n++) {
      const held = { jobHash: `b${n}`.padEnd(64, "0"), replica: 0, attempt: 1, nodeId: "judge-1" };
      const lease = { executionClass: plain, expiresAt: at(60), fundedAt: 0 };
      const reason = { policy: 1, seed: 0, candidates: 1, score: 1 };
      const event = { type: "TaskAssigned", ...held, ...lease, role: "arbiter", reason } as const;
      tell({ ...event, at: noon });
    }
    for (let seed = 0; seed < 20; seed++) {
      job = decider.initial;
      submit(assured);
      const made = plan(seed);
      assert.deepEqual(nodesOf(made), ["bob"]);
      if (made) dispatcher.undo(made);
      tell({ type: "JobCancelled", jobHash, at: noon });
    }
    tell({ type: "NodeSuspended", nodeId: "judge-1", reason: "test", at: noon }, "node-judge-1");
    const made = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      job = decider.initial;
      submit(assured);
      const one = plan(seed);
      for (const nodeId of nodesOf(one)) made.add(nodeId);
      if (one) dispatcher.undo(one);
      tell({ type: "JobCancelled", jobHash, at: noon });
    }
    assert.ok(made.has("ada"), "with no arbiter it begins with anybody");
  });

  test("starts a job with an assurance on two newcomers, or on one that survived enough audits", () => {
    for (const nodeId of ["ada", "bob"]) enter(nodeId, nodeId);
    submit(assured);
    const two = plan();
    assert.equal(two?.assignments.length, 2);
    assert.ok(two?.assignments.every(({ wanted }) => wanted === 2));
    if (two) carryOut(two);
    assert.equal(job.status === "open" && job.wanted, 2);
    tell({ type: "JobCancelled", jobHash, at: noon });

    const { adversaryShare, standard } = policyDefaults.verification;
    const runtime = runtimeOf("echo", plain);
    for (let n = 0; n < auditsToTrust(standard.epsilon, adversaryShare); n++)
      for (const nodeId of ["ada", "bob"]) {
        const other = `${nodeId === "ada" ? "b" : "c"}${n}`.padEnd(64, "0");
        const task = { jobHash: other, replica: 0, attempt: 1, nodeId };
        const draw = {
          replica: 0,
          attempt: 1,
          nodeId,
          runtime,
          survived: n,
          atRisk: "0",
          share: 1,
        };
        const beacon = { beacon: "b".repeat(64), from: 0, to: 1, policy: 1, at: noon };
        const draws = [{ ...draw, audited: true }];
        tell({ type: "AuditDrawn", jobHash: other, ...beacon, draws }, `job-${other}`);
        const verdict = { comparator: "exact", distance: 0, audited: true, at: noon } as const;
        tell({ type: "ResultAccepted", ...task, ...verdict }, `job-${other}`);
      }
    job = decider.initial;
    submit(assured);
    assert.equal(plan()?.assignments.length, 1);
  });
});
