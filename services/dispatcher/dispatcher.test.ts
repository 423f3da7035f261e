/**
 * What the dispatcher plans and owes, told fact by fact. Long because sealed jobs need the same small
 * world as the others: nodes that beat, a job that is funded, plans that are carried out.
 */
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { seededRandom } from "../../domain/chance.ts";
import { encryptionKeyId } from "../../domain/identity/keys.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { job as decider, type Job, type JobCommand } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { Wrap } from "../../domain/job/wraps.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { echoCapabilities as capabilities, echoSpec as spec } from "../../testing/echo.ts";
import { at, noon } from "../../testing/given.ts";
import { createDispatcher, type Dispatcher, type Plan } from "./dispatcher.ts";
import { leaseSlackMs } from "./maintenance.ts";
import { lostAfterMs } from "./presence.ts";

const jobHash = "a".repeat(64);

describe("the dispatcher", () => {
  let dispatcher: Dispatcher;
  let job: Job;
  let revision: bigint;

  /** Tells a fact as the feed would, after the book has folded it. */
  const tell = (event: AnyEvent, stream = `job-${jobHash}`) => {
    if (stream.startsWith("job-")) job = decider.evolve(job, event as JobEvent);
    revision++;
    const fact = { event, id: `event-${revision}`, stream, revision, position: revision };
    dispatcher.hear(fact, job);
  };
  const carryOut = ({ assignments, leaseMs, fundedAt }: Plan) => {
    const wish = { type: "AssignTasks", assignments, leaseMs, fundedAt } as const;
    return decide({ ...wish, actor: "service:dispatcher", now: noon });
  };
  const decide = (command: JobCommand) => {
    const decision = decider.decide(command, job);
    assert.ok(decision.ok, JSON.stringify(decision));
    for (const event of decision.events) tell(event);
    return decision.events;
  };
  const register = (nodeId: string) =>
    tell(
      { type: "NodeRegistered", nodeId, owner: "bob", capabilities, at: noon },
      `node-${nodeId}`,
    );
  const beat = (nodeId: string, now: number, more = {}) =>
    dispatcher.heartbeat(nodeId, { instance: "one", held: 0, draining: false, ...more }, now);
  const submit = () => tell({ type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon });
  const fund = () => {
    const forgetAt = at(120);
    const entry = { jobHash, client: "client:ada", amount: "400", forgetAt, at: noon };
    tell({ type: "JobFunded", ...entry }, "ledger");
  };
  const plan = () => dispatcher.plan(seededRandom(1));

  beforeEach(() => {
    job = decider.initial;
    revision = 0n;
    dispatcher = createDispatcher(() => job);
    for (const nodeId of ["ada", "bob", "cyd"]) register(nodeId);
  });

  test("gives a job to as many nodes as its quorum needs, none twice, once it is funded", () => {
    for (const nodeId of ["ada", "bob", "cyd"]) beat(nodeId, noon);
    submit();
    assert.deepEqual(plan(), [], "not before it is funded");
    fund();
    const [first, ...rest] = plan();
    assert.ok(first);
    assert.equal(rest.length, 0);
    assert.equal(new Set(first.assignments.map(({ nodeId }) => nodeId)).size, 2);
    assert.deepEqual(plan(), [], "a plan is made once");
    carryOut(first);
    assert.equal([...dispatcher.takeOrders().values()].flat().length, 2);
    assert.equal(dispatcher.takeOrders().size, 0, "an order is handed out once");
  });

  test("gives nothing to a node that was never heard, drains or is suspended", () => {
    submit();
    fund();
    assert.deepEqual(plan(), []);
    beat("ada", noon, { draining: true });
    beat("bob", noon);
    tell({ type: "NodeSuspended", nodeId: "bob", reason: "test", at: noon }, "node-bob");
    assert.deepEqual(plan(), []);
    beat("cyd", noon);
    assert.deepEqual(
      plan().flatMap(({ assignments }) => assignments.map(({ nodeId }) => nodeId)),
      ["cyd"],
    );
  });

  test("gives a node that its owner drains nothing, and tells it so until it has heard", () => {
    for (const nodeId of ["ada", "bob", "cyd"]) beat(nodeId, noon);
    tell({ type: "NodeDrainOrdered", nodeId: "ada", from: noon, at: noon }, "node-ada");
    const later = noon + 30_000_000;
    tell({ type: "NodeDrainOrdered", nodeId: "bob", from: later, at: noon }, "node-bob");
    dispatcher.tick(noon + 1);
    assert.deepEqual([...dispatcher.takeTellings()], [["ada", true]]);
    submit();
    fund();
    const [first] = plan();
    assert.deepEqual(first?.assignments.map(({ nodeId }) => nodeId).sort(), ["bob", "cyd"]);

    beat("ada", noon + 2);
    assert.deepEqual([...dispatcher.takeTellings()], [["ada", true]], "it was away");
    beat("ada", noon + 3, { draining: true });
    assert.equal(dispatcher.takeTellings().size, 0);
    tell({ type: "NodeDrainLifted", nodeId: "ada", at: noon }, "node-ada");
    assert.deepEqual([...dispatcher.takeTellings()], [["ada", false]]);
    beat("ada", noon + 4);
    assert.equal(dispatcher.takeTellings().size, 0);

    dispatcher.tick(later);
    assert.deepEqual([...dispatcher.takeTellings()], [["bob", true]]);
    tell({ type: "NodeDrainOrdered", nodeId: "bob", from: later + 9, at: later + 1 }, "node-bob");
    assert.deepEqual([...dispatcher.takeTellings()], [["bob", false]], "it is put off");
  });

  test("gives a node no task that may last until it stops, and others until then", () => {
    const lastsMs = spec.wallMs + leaseSlackMs;
    beat("ada", noon, { drainAt: noon + lastsMs - 1 });
    beat("bob", noon, { drainAt: noon + lastsMs });
    beat("cyd", noon, { drainAt: noon + lastsMs - 1 });
    submit();
    fund();
    const nodesOf = (plans: readonly Plan[]) =>
      plans.flatMap(({ assignments }) => assignments.map(({ nodeId }) => nodeId));
    const [first] = plan();
    assert.ok(first);
    assert.deepEqual(nodesOf([first]), ["bob"]);
    carryOut(first);
    beat("cyd", noon);
    assert.deepEqual(nodesOf(plan()), ["cyd"], "it has taken back what it announced");
  });

  test("goes on when a second node comes, with the replica that is still vacant", () => {
    beat("ada", noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    carryOut(first);
    assert.deepEqual(plan(), [], "ada has it already");
    beat("bob", noon);
    const [second] = plan();
    assert.deepEqual(
      second?.assignments.map(({ replica, nodeId }) => ({ replica, nodeId })),
      [{ replica: 1, nodeId: "bob" }],
    );
  });

  test("puts a job back into the line when its assignment did not come about", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    dispatcher.undo(first);
    assert.equal(plan().length, 1);
  });

  test("takes a node for lost that is silent while others are heard, and for nothing else", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    carryOut(first);
    const silent = noon + lostAfterMs;
    const { lost: none, isCut } = dispatcher.tick(silent + 1);
    assert.deepEqual([none, isCut], [[], true], "when all are silent the line is cut");
    beat("ada", silent + 2);
    const back = dispatcher.tick(silent + 3);
    assert.deepEqual([back.lost, back.isCut], [[], false], "nobody is blamed for a cut line");
    for (let t = 1_000; t <= lostAfterMs + 1_000; t += 1_000) beat("ada", silent + t);
    const { lost } = dispatcher.tick(silent + lostAfterMs + 1_001);
    assert.deepEqual(
      lost.map(({ nodeId }) => nodeId),
      ["bob"],
    );
  });

  test("owes a worker that started anew all its unanswered orders again", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    carryOut(first);
    assert.deepEqual(beat("ada", noon + 1).again, []);
    const { again } = beat("ada", noon + 2, { instance: "two" });
    assert.deepEqual(
      again.map(({ task }) => task.jobHash),
      [jobHash],
    );
    assert.deepEqual(beat("ada", noon + 3, { instance: "two" }).again, []);
    assert.deepEqual(beat("ada", noon + 4).again, [], "two workers under one name are no restarts");
  });

  test("frees a node's room when its result is in, and when the job ends", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    const [task] = carryOut(first);
    assert.equal(dispatcher.counts().underWay, 2);
    assert.ok(task?.type === "TaskAssigned");
    const { replica, attempt, nodeId, executionClass } = task;
    decide({
      type: "RecordResult",
      task: { jobHash, replica, attempt, nodeId },
      executionClass,
      outputDigest: "d".repeat(64),
      outputSize: 1,
      elapsedMs: 1,
      actor: "service:validator",
      now: noon,
    });
    assert.equal(dispatcher.counts().underWay, 1);
    decide({ type: "CancelJob", client: "client:ada", actor: "client:ada", now: noon });
    assert.deepEqual(dispatcher.counts(), { waiting: 0, underWay: 0, nodesLive: 2 });
  });

  test("asks for a commit, frees the room when it is made, and looks when it was to be shown", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    tell({
      type: "JobSubmitted",
      jobHash,
      spec: { ...spec, commit: true },
      deadlineAt: at(60),
      at: noon,
    });
    fund();
    const [first] = plan();
    assert.ok(first);
    const tasks = carryOut(first);
    const orders = [...dispatcher.takeOrders().values()].flat();
    assert.deepEqual(
      orders.map(({ task }) => task.commit),
      [true, true],
    );
    for (const [i, task] of tasks.entries()) {
      assert.ok(task.type === "TaskAssigned");
      const { replica, attempt, nodeId } = task;
      const ref = { jobHash, replica, attempt, nodeId };
      const commit = { type: "RecordCommit", commit: `${i}`.repeat(64) } as const;
      decide({ ...commit, task: ref, actor: "service:validator", now: noon });
    }
    assert.equal(dispatcher.counts().underWay, 0);
    assert.deepEqual(dispatcher.tick(noon + 59_000).jobs, []);
    assert.deepEqual(dispatcher.tick(noon + 61_000).jobs, [jobHash]);
  });

  test("goes back to a node that was tried only when no fresh one can take the job", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    const [task] = carryOut(first);
    assert.ok(task?.type === "TaskAssigned");
    const { replica, attempt, nodeId } = task;
    const ref = { jobHash, replica, attempt, nodeId };
    const failure = { type: "RecordFailure", code: "worker-fault", retryable: true } as const;
    decide({ ...failure, task: ref, actor: "service:validator", now: noon });
    const again = plan();
    assert.deepEqual(
      again[0]?.assignments.map((one) => one.nodeId),
      [nodeId],
      "there is no other",
    );
    if (again[0]) dispatcher.undo(again[0]);
    beat("cyd", noon);
    assert.deepEqual(
      plan()[0]?.assignments.map((one) => one.nodeId),
      ["cyd"],
    );
  });

  test("looks at a job when its lease or its deadline has passed", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    carryOut(first);
    assert.deepEqual(dispatcher.tick(noon + first.leaseMs - 1_000).jobs, []);
    assert.deepEqual(dispatcher.tick(noon + first.leaseMs + 1_000).jobs, [jobHash]);
    assert.deepEqual(dispatcher.tick(at(60)).jobs, [jobHash]);
  });

  test("does not look again at a task that was answered, nor at a job that ended", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [first] = plan();
    assert.ok(first);
    carryOut(first);
    decide({ type: "CancelJob", client: "client:ada", actor: "client:ada", now: noon });
    assert.deepEqual(dispatcher.tick(at(120)).jobs, []);
  });

  test("gives out nothing while no node is heard, and goes on with the first heartbeat", () => {
    for (const nodeId of ["ada", "bob"]) assert.equal(beat(nodeId, noon).changed, true);
    assert.equal(beat("ada", noon + 1).changed, false);
    submit();
    fund();
    const silent = noon + lostAfterMs + 1_000;
    dispatcher.tick(silent);
    assert.deepEqual(plan(), [], "the line is cut");
    assert.equal(beat("ada", silent + 1).changed, true);
    assert.equal(plan()[0]?.assignments.length, 2);
  });

  test("lets a job leave the line that another dispatcher has given to nodes", () => {
    for (const nodeId of ["ada", "bob"]) beat(nodeId, noon);
    submit();
    fund();
    const [theirs] = plan();
    assert.ok(theirs);
    dispatcher.undo(theirs);
    carryOut(theirs);
    assert.deepEqual(plan(), []);
    assert.equal(dispatcher.counts().waiting, 0);
  });

  describe("with a sealed job", () => {
    const keyOf = (owner: string) => encryptionKeyId(keyBytesOf(owner));
    const keyBytesOf = (owner: string) => owner.charCodeAt(0).toString(16).padStart(64, "0");
    const idOf = (owner: string) => `cnct:${owner[0]?.repeat(52)}`;
    const own = (nodeId: string) => {
      const id = idOf(nodeId);
      const key = keyBytesOf(nodeId);
      const record = { rootKey: key, nextRootKeyHash: key, encryptionKeys: [key], nonce: "" };
      const roles = ["worker"] as const;
      const registration = { id, record: { version: 1, ...record, roles }, signature: "" } as const;
      tell({ type: "IdentityRegistered", ...registration, at: noon }, `identity-${id}`);
      const owner = { nodeId, owner: id, capabilities };
      tell({ type: "NodeRegistered", ...owner, at: noon }, `node-${nodeId}`);
    };
    const wrapFor = (owner: string): Wrap => ({
      keyId: keyOf(owner),
      enc: keyBytesOf(owner),
      seq: 0,
      wrapped: "",
    });
    const inputs = { data: { digest: "d".repeat(64), size: 200 } };
    const sealedSpec: JobSpec = { ...spec, inputs, sealed: true };
    const submitFor = (...owners: readonly string[]) => {
      tell({ type: "JobSubmitted", jobHash, spec: sealedSpec, deadlineAt: at(60), at: noon });
      wrap(...owners);
      fund();
    };
    const wrap = (...owners: readonly string[]) =>
      tell({ type: "KeysWrapped", jobHash, wraps: owners.map(wrapFor), at: noon });
    const chosen = (plans: readonly Plan[]) =>
      plans.flatMap(({ assignments }) => assignments.map(({ nodeId }) => nodeId)).sort();
    /** All beat until nobody can be taken for not yet heard. */
    const settle = () => {
      for (let t = 0; t <= 3_000; t += 1_000)
        for (const nodeId of ["dan", "eve", "fay", "gus"]) beat(nodeId, noon + t);
    };

    beforeEach(() => {
      for (const nodeId of ["dan", "eve", "fay", "gus"]) own(nodeId);
    });

    test("gives it only to nodes whose owner's key it is wrapped for", () => {
      settle();
      submitFor("dan", "fay");
      const plans = plan();
      assert.deepEqual(chosen(plans), ["dan", "fay"]);
      for (const one of plans) carryOut(one);
      const orders = dispatcher.takeOrders();
      for (const owner of ["dan", "fay"]) {
        const { app, params, inputs: named, wallMs, sealed } = orders.get(owner)?.[0]?.task ?? {};
        assert.deepEqual(sealed?.wrap, wrapFor(owner), "its own wrap and no other");
        assert.deepEqual({ ...sealed?.spec, app, params, inputs: named, wallMs }, sealedSpec);
      }
      assert.deepEqual(dispatcher.takeAwaits(), []);
    });

    test("asks the client for more, once, when nobody is left who could read it", () => {
      settle();
      submitFor("dan");
      const [first] = plan();
      assert.ok(first);
      assert.deepEqual(chosen([first]), ["dan"]);
      carryOut(first);
      plan();
      assert.deepEqual(dispatcher.takeAwaits(), [{ jobHash, recipients: 1 }]);
      plan();
      assert.deepEqual(dispatcher.takeAwaits(), [], "not twice");
      dispatcher.undoAwait({ jobHash, recipients: 1 });
      plan();
      assert.equal(dispatcher.takeAwaits().length, 1, "again, if it could not be asked");
      tell({ type: "KeysAwaited", jobHash, at: noon });
      plan();
      assert.deepEqual(dispatcher.takeAwaits(), [], "it was asked");
      wrap("nobody");
      plan();
      assert.deepEqual(dispatcher.takeAwaits(), [{ jobHash, recipients: 2 }]);
      tell({ type: "KeysAwaited", jobHash, at: noon });
      wrap("gus");
      assert.deepEqual(chosen(plan()), ["gus"], "and it goes on when more come");
    });

    test("waits for readers that are busy, and for those that may not have been heard yet", () => {
      for (const nodeId of ["dan", "gus"]) beat(nodeId, noon);
      submitFor("eve");
      plan();
      assert.deepEqual(dispatcher.takeAwaits(), [], "eve may be about to beat");
      settle();
      const [first] = plan();
      assert.ok(first);
      dispatcher.undo(first);
      for (let i = 0; i < capabilities.slots + capabilities.backlog; i++) {
        const busy = { ...spec, nonce: `${i}` };
        const other = `${i}`.repeat(64);
        const task = { jobHash: other, replica: 0, attempt: 1, nodeId: "eve" };
        const lease = { executionClass: "c", expiresAt: at(1), fundedAt: 0 };
        const reason = { policy: 1, seed: 1, candidates: 1, score: 1 };
        const open = decider.evolve(decider.initial, {
          type: "JobSubmitted",
          jobHash: other,
          spec: busy,
          deadlineAt: at(60),
          at: noon,
        });
        const event: JobEvent = { type: "TaskAssigned", ...task, ...lease, reason, at: noon };
        const fact = { event, id: "", stream: `job-${other}`, revision: 0n, position: 0n };
        dispatcher.hear(fact, decider.evolve(open, event));
      }
      assert.deepEqual(plan(), []);
      assert.deepEqual(dispatcher.takeAwaits(), []);
    });

    test("trusts no key that its owner retired, and sends no order that cannot be read", () => {
      settle();
      submitFor("dan", "eve");
      const [first] = plan();
      assert.ok(first);
      const id = idOf("dan");
      const added = { id, sequence: 1, key: "f".repeat(64), signature: "", at: noon };
      tell({ type: "EncryptionKeyAdded", ...added }, `identity-${id}`);
      const retired = { id, sequence: 2, keyId: keyOf("dan"), signature: "", at: noon };
      tell({ type: "EncryptionKeyRetired", ...retired }, `identity-${id}`);
      carryOut(first);
      assert.deepEqual([...dispatcher.takeOrders().keys()], ["eve"]);
      const over = noon + first.leaseMs + 1_000;
      assert.deepEqual(dispatcher.tick(over).jobs, [jobHash]);
      for (const t of [0, 3_000]) beat("gus", over + t);
      tell({ type: "TaskExpired", jobHash, ...taskOf(first, "dan"), at: at(1) });
      plan();
      assert.deepEqual(dispatcher.takeAwaits(), [{ jobHash, recipients: 2 }]);
    });

    const taskOf = ({ assignments }: Plan, nodeId: string) => {
      const replica = assignments.find((one) => one.nodeId === nodeId)?.replica ?? -1;
      return { replica, attempt: 1, nodeId };
    };
  });
});
