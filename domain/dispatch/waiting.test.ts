import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { echoCapabilities, echoClass as plain, echoSpec as spec } from "../../testing/echo.ts";
import type { JobEvent, TaskAssigned } from "../job/events.ts";
import { job as decider, type Job } from "../job/job.ts";
import type { JobSpec } from "../job/spec.ts";
import { policyDefaults } from "../policy/policy.ts";
import { createRoster, type Roster, type RosterEvent } from "./roster.ts";
import { whyWaiting } from "./waiting.ts";

const jobHash = "a".repeat(64);
const eve = `cnct:${"e".repeat(51)}a`;

describe("why an open job waits", () => {
  let roster: Roster;
  let job: Job;

  const tell = (event: RosterEvent) => {
    if ("jobHash" in event && event.type !== "NodeConvicted" && event.jobHash === jobHash)
      job = decider.evolve(job, event as JobEvent);
    roster.hear(event);
  };
  const enter = (nodeId: string, owner = nodeId, executionClass = plain) => {
    const apps = [{ app: "echo", executionClass }];
    const capabilities = { ...echoCapabilities, apps, slots: 1, backlog: 0 };
    tell({ type: "NodeRegistered", nodeId, owner, capabilities, at: 1 });
  };
  const assign = (nodeId: string, more: Partial<TaskAssigned> = {}) => {
    const task = { jobHash, replica: 0, attempt: 1, nodeId, executionClass: plain };
    const reason = { policy: 1, seed: 1, candidates: 1, score: 1 };
    tell({ type: "TaskAssigned", ...task, expiresAt: 9, fundedAt: 0, reason, at: 2, ...more });
  };
  const why = (more: Partial<Parameters<typeof whyWaiting>[2]> = {}) => {
    assert.ok(job.status === "open");
    return whyWaiting(job, roster, { funded: true, ...more });
  };
  const submit = (what: JobSpec = spec) =>
    tell({ type: "JobSubmitted", jobHash, spec: what, deadlineAt: 9, at: 1 });

  beforeEach(() => {
    roster = createRoster();
    job = decider.initial;
  });

  test("is told by a code for each cause, with the nodes left at each step", () => {
    submit();
    assert.equal(why({ funded: false }).code, "not-funded");
    assert.equal(why().code, "nobody-computes");
    enter("ada");
    assert.equal(why({ heard: () => false }).code, "nobody-heard");
    assert.equal(why().code, "due");
    assign("ada");
    assert.equal(why().code, "nodes-have-job");
    enter("bob", "bob", "other@1");
    assert.equal(why().code, "nodes-have-job");
    enter("cyd");
    assert.deepEqual(why(), {
      code: "due",
      computing: ["ada"],
      vacant: 1,
      nodes: { offering: 3, inClass: 2, fast: 2, heard: 2, ofOthers: 1, withRoom: 1 },
    });
    assign("cyd", { jobHash: "b".repeat(64) });
    assert.equal(why().code, "no-room");
    assign("dan", { replica: 1 });
    assert.deepEqual([why().code, why().computing], ["computing", ["ada", "dan"]]);
  });

  test("names owners that have it already, and a class that nobody else computes", () => {
    submit();
    for (const nodeId of ["eve-1", "eve-2"]) enter(nodeId, eve);
    assign("eve-1");
    assert.equal(why().code, "owners-have-job");
    const { dispatch } = policyDefaults;
    const policy = { ...policyDefaults, version: 2, dispatch: { ...dispatch, ownersApart: false } };
    tell({ type: "PolicyAdopted", policy, at: 3 });
    assert.equal(why().code, "due");
    const apps = [{ app: "echo", executionClass: "other@1" }];
    for (const nodeId of ["eve-1", "eve-2"]) {
      const capabilities = { ...roster.node(nodeId)?.capabilities, apps } as never;
      tell({ type: "NodeCapabilitiesChanged", nodeId, capabilities, at: 4 });
    }
    assert.equal(why().code, "class-not-offered");
  });

  test("says when none was measured to be as fast as it asks", () => {
    submit({ ...spec, minSpeed: 2_000 });
    const probe = { jobHash: "c".repeat(64), seed: "0".repeat(32), millis: 1 };
    const both = { trivial: probe, benchmark: { ...probe, instructions: 1 } };
    const measure = (nodeId: string, samples: number, mean: number) => {
      const speed = { executionClass: plain, samples, mean, variance: 0 };
      tell({ type: "NodeMeasured", nodeId, app: "echo", ...both, ...speed, at: 2 });
    };
    for (const nodeId of ["ada", "bob", "cyd"]) enter(nodeId);
    measure("ada", 2, 9_000);
    measure("bob", 3, 1_999);
    const { code, nodes } = why();
    assert.deepEqual([code, nodes.inClass, nodes.fast], ["too-slow", 3, 0]);
    measure("cyd", 3, 2_000);
    assert.equal(why().code, "due");
  });

  test("says that all were told by their owners to take no tasks", () => {
    enter("bob");
    enter("cyd");
    submit();
    for (const nodeId of ["bob", "cyd"]) tell({ type: "NodeDrainOrdered", nodeId, from: 1, at: 1 });
    assert.equal(why().code, "nodes-drained");
    tell({ type: "NodeDrainLifted", nodeId: "cyd", at: 2 });
    assert.equal(why().code, "due");
  });

  test("names the arbiter that is missing where nodes are at hand for the rest", () => {
    enter("bob");
    enter("cyd");
    submit({ ...spec, quorum: 1, assurance: "standard", commit: true });
    assign("bob");
    const sure = { credibility: 0.6, threshold: 0.99 };
    tell({ type: "ReplicaWanted", jobHash, wanted: 2, arbitersWanted: 1, ...sure, at: 3 });
    assert.equal(why().code, "no-arbiter");
  });

  test("names arbiters and keys where it is they who are wanted", () => {
    submit({ ...spec, quorum: 1, replicasMax: 5, commit: true, assurance: "standard" });
    enter("ada");
    assign("ada");
    const sure = { credibility: 0.5, threshold: 0.99 };
    tell({ type: "ReplicaWanted", jobHash, wanted: 1, arbitersWanted: 1, ...sure, at: 3 });
    assert.equal(why().code, "no-arbiter");
    const { verification } = policyDefaults;
    const arbiters = ["judge", "bench"];
    const policy = { ...policyDefaults, version: 2, verification: { ...verification, arbiters } };
    tell({ type: "PolicyAdopted", policy, at: 3 });
    enter("judge-1", "judge");
    assert.equal(why().code, "due");
    tell({ type: "KeysAwaited", jobHash, at: 4 });
    assert.equal(why().code, "keys-awaited");
  });
});
