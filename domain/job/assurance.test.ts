/** The rules of jobs with an assurance: who is asked, what is drawn, what is believed, what is undone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, given, noon, noting } from "../../testing/given.ts";
import type { NodeId } from "../ids.ts";
import { commitOf } from "../receipts/commit.ts";
import { isAudited } from "../verification/lottery.ts";
import type { AssuranceRefusal } from "./assurance.ts";
import type { AuditDraw, JobEvent, TaskRef } from "./events.ts";
import { jobHash as hashOf, taskName } from "./hash.ts";
import {
  type Assignment,
  type Job,
  type JobCommand,
  type JobRefusal,
  job,
  needsJudgement,
  type OpenJob,
  revealMs,
  toDraw,
  toReveal,
  vacancies,
} from "./job.ts";
import { type JobSpec, specDefaults } from "./spec.ts";
import { verificationOf } from "./verification.ts";

const spec: JobSpec = {
  ...specDefaults,
  client: "client:ada",
  app: "echo",
  comparator: { kind: "text" },
  quorum: 1,
  replicasMax: 5,
  price: "1000",
  commit: true,
  assurance: "standard",
};
const jobHash = hashOf(spec);
const actor = "service:test";
const now = noon;
const [bob, cyd, dan] = ["bob", "cyd", "dan"] as const;
const [abe, bea, cal] = ["arbiter-abe", "arbiter-bea", "arbiter-cal"] as const;
const executionClass = "plain@1/js/any/1t/none";
const runtime = "echo plain@1";
const reason = { policy: 1, seed: 7, candidates: 4, score: 0.5 };
const salt = "5a".repeat(32);
const [right, wrong, other] = ["aa".repeat(32), "bb".repeat(32), "cc".repeat(32)] as const;
/** What a node means to answer. */
type Answers = Readonly<Record<NodeId, string>>;

const { decider, refusals } = noting(job);

/** A job that is led through its life by commands. */
const lead = (state: Job = job.initial) => {
  let present = state;
  const events: JobEvent[] = [];
  const say = (command: JobCommand): JobRefusal | undefined => {
    const decision = decider.decide(command, present);
    if (!decision.ok) return decision.reason;
    for (const event of decision.events) {
      present = decider.evolve(present, event);
      events.push(event);
    }
    return undefined;
  };
  const open = (): OpenJob => {
    assert.equal(present.status, "open");
    return present as OpenJob;
  };
  const taskOf = (nodeId: NodeId): TaskRef => {
    const task = open().tasks.find((one) => one.nodeId === nodeId && one.status !== "vacant");
    assert.ok(task, `${nodeId} has no task`);
    return task;
  };
  const give = (nodeId: NodeId, more: Partial<Assignment> = {}) => {
    const replica = vacancies(open())[0]?.replica ?? -1;
    const assignment = { replica, nodeId, executionClass, reason, ...more };
    const lease = { leaseMs: 1_000, fundedAt: 1 };
    return say({ type: "AssignTasks", assignments: [assignment], ...lease, actor, now });
  };
  const bind = (nodeId: NodeId, answer: string) => {
    const task = taskOf(nodeId);
    const commit = commitOf({ ...task, worker: nodeId, resultTag: answer, salt });
    return say({ type: "RecordCommit", task, commit, actor, now });
  };
  const show = (nodeId: NodeId, answer: string) => {
    const result = { executionClass, outputDigest: answer, outputSize: 1, elapsedMs: 1 };
    const reveal = { resultTag: answer, salt };
    return say({ type: "RecordResult", task: taskOf(nodeId), ...result, ...reveal, actor, now });
  };
  /** Draws so that it comes out as wanted. */
  const draw = (audited: boolean, survived = 0, more: { readonly checks?: true } = {}) => {
    const tasks = toDraw(open());
    for (let i = 0; ; i++) {
      const beacon = i.toString(16).padStart(64, "0");
      const draws = tasks.map((task) => {
        const isIt = isAudited({ beacon, task: taskName(task), share: 0.5 });
        const { replica, attempt, nodeId } = task;
        const draw = { replica, attempt, nodeId, runtime, survived, atRisk: "0" };
        return { ...draw, share: 0.5, audited: isIt };
      });
      if (draws.some((one) => one.audited) !== audited) continue;
      const drawn = { beacon, from: 3, to: 9, policy: 1, draws, ...more };
      return say({ type: "DrawAudits", ...drawn, actor, now });
    }
  };
  const judge = (
    answers: Answers,
    {
      survived = {},
      convicted = [],
    }: { survived?: Record<NodeId, number>; convicted?: NodeId[] } = {},
  ) => {
    const results = open().tasks.filter(({ status }) => status === "received");
    const groups = [...new Set(results.map(({ nodeId }) => answers[nodeId]))].map((answer) =>
      results.filter(({ nodeId }) => answers[nodeId] === answer).map(({ replica }) => replica),
    );
    const found = { comparator: "text", groups, distanceInside: 0, distanceBetween: 1 };
    const terms = { policy: 1, adversaryShare: 0.35, epsilon: 0.01, arbitersToConvict: 2 };
    const record = results.map(({ replica, nodeId }) => {
      return { replica, survived: survived[nodeId] ?? 0 };
    });
    const known = results
      .filter(({ nodeId }) => convicted.includes(nodeId))
      .map(({ replica }) => replica);
    const assurance = { ...terms, survived: record, convicted: known };
    const more = { reason: "text-differs", assurance, actor, now };
    return say({ type: "JudgeResults", ...found, ...more });
  };
  const all = (work: typeof bind, answers: Answers) => {
    for (const [nodeId, answer] of Object.entries(answers))
      assert.equal(work(nodeId, answer), undefined);
  };
  say({ type: "SubmitJob", jobHash, spec, actor, now });
  return {
    say,
    give,
    bind,
    show,
    draw,
    judge,
    bindAll: (answers: Answers) => all(bind, answers),
    showAll: (answers: Answers) => all(show, answers),
    open,
    state: () => present,
    events,
    last: () => events.at(-1),
    typesFrom: (first: JobEvent["type"]) => {
      const types = events.map(({ type }) => type);
      return types.slice(types.lastIndexOf(first));
    },
  };
};

/** One node has shown its answer. */
const shown = (answer: string = right) => {
  const led = lead();
  led.give(bob);
  led.bind(bob, answer);
  led.show(bob, answer);
  return led;
};
/** It was drawn for an audit, and arbiters have computed it too. */
const audited = (answers: Answers, ...arbiters: readonly NodeId[]) => {
  const led = shown(answers[bob]);
  led.draw(true);
  for (const arbiter of arbiters) {
    assert.equal(led.give(arbiter, { role: "arbiter" }), undefined);
    led.bind(arbiter, answers[arbiter] as string);
    led.showAll(
      Object.fromEntries(
        toReveal(led.open()).map(({ nodeId }) => [nodeId, answers[nodeId]]),
      ) as Answers,
    );
    led.judge(answers);
  }
  return led;
};
const completion = (led: ReturnType<typeof lead>) => {
  const event = led.last();
  assert.ok(event?.type === "JobCompleted", `it ended with ${event?.type}`);
  return event;
};

describe("a job with an assurance", () => {
  test("wants one ordinary result at first, or two if its dispatcher says so", () => {
    const led = lead();
    assert.deepEqual(vacancies(led.open()), [{ replica: 0, attempt: 1 }]);
    led.give(bob, { wanted: 2 });
    assert.deepEqual(vacancies(led.open()), [{ replica: 1, attempt: 1 }]);
    assert.equal(led.give(cyd, { wanted: 2 }), undefined);
    assert.deepEqual(vacancies(led.open()), []);
    assert.equal(led.open().wanted, 2);
  });

  test("starts with no more than its replicas, and none are added once the lottery is drawn", () => {
    assert.equal(lead().give(bob, { wanted: 6 }), "ReplicaNotNeeded");
    const led = shown();
    led.draw(true);
    assert.equal(led.give(abe, { role: "arbiter", wanted: 2 }), "ReplicaNotNeeded");
  });

  test("is drawn when its result is shown and cannot be kept back any more, and judged after that", () => {
    const led = lead();
    led.give(bob);
    led.bind(bob, right);
    assert.deepEqual(toDraw(led.open()), []);
    assert.equal(led.open().revealBy, noon + revealMs);
    assert.equal(led.show(bob, right), undefined);
    assert.equal(needsJudgement(led.open()), false);
    assert.equal(led.draw(false), undefined);
    assert.ok(needsJudgement(led.open()));
  });

  test("draws when all wanted results are shown, each replica once", () => {
    const led = lead();
    led.give(bob, { wanted: 2 });
    led.bind(bob, right);
    assert.deepEqual(toDraw(led.open()), []);
    led.give(cyd);
    led.bind(cyd, right);
    assert.deepEqual(toDraw(led.open()), []);
    led.show(bob, right);
    assert.deepEqual(toDraw(led.open()), []);
    led.show(cyd, right);
    assert.deepEqual(
      toDraw(led.open()).map(({ replica }) => replica),
      [0, 1],
    );
    led.draw(false);
    assert.deepEqual(toDraw(led.open()), []);
    const { events } = led;
    led.draw(false);
    assert.equal(led.events, events);
  });

  test("draws nothing for a node that keeps its result back, and all for the one in its place", () => {
    const led = lead();
    led.give(bob);
    led.bind(bob, right);
    led.say({ type: "ExpireTasks", actor, now: noon + revealMs });
    assert.deepEqual(toDraw(led.open()), []);
    led.give(cyd);
    led.bind(cyd, right);
    led.show(cyd, right);
    assert.deepEqual(
      toDraw(led.open()).map(({ nodeId }) => nodeId),
      [cyd],
    );
  });

  test("has an audited result computed by an arbiter, also by one that was lost before", () => {
    const led = shown();
    led.draw(true);
    assert.deepEqual(vacancies(led.open()), [{ replica: 1, attempt: 1, by: "arbiter" }]);
    assert.equal(led.give(cyd), "RoleDiffers");
    assert.equal(led.give(abe, { role: "arbiter" }), undefined);
    led.bind(abe, right);
    assert.equal(needsJudgement(led.open()), false);
    led.say({ type: "ExpireTasks", actor, now: noon + revealMs });
    assert.equal(led.give(abe, { role: "arbiter" }), undefined);
    led.bind(abe, right);
    led.showAll({ [abe]: right });
    assert.ok(needsJudgement(led.open()));
  });

  test("gives a lost arbiter's replica to an arbiter again", () => {
    const led = shown();
    led.draw(true);
    led.give(abe, { role: "arbiter" });
    led.say({ type: "ExpireTasks", actor, now: noon + revealMs });
    assert.deepEqual(vacancies(led.open()), [{ replica: 1, attempt: 2, by: "arbiter" }]);
    assert.equal(led.give(cyd), "RoleDiffers");
    assert.equal(led.give(bea, { role: "arbiter" }), undefined);
  });

  test("fails for its input's fault if two nodes find it, or one arbiter", () => {
    const fault = { code: "bad-image", retryable: false, actor, now } as const;
    const led = lead();
    const blame = (nodeId: NodeId) => {
      const task = led.open().tasks.find((one) => one.nodeId === nodeId) as TaskRef;
      led.say({ type: "RecordFailure", task, ...fault });
    };
    led.give(bob);
    blame(bob);
    assert.equal(led.state().status, "open");
    led.give(cyd);
    blame(cyd);
    assert.equal(led.state().status, "failed");

    const second = shown();
    second.draw(true);
    second.give(abe, { role: "arbiter" });
    const task = second.open().tasks[1] as TaskRef;
    second.say({ type: "RecordFailure", task, ...fault });
    assert.equal(second.state().status, "failed");
  });
});

describe("a draw", () => {
  const { state } = shown();
  const task = { jobHash, replica: 0, attempt: 1 };
  const beacon = "12".repeat(32);
  const isIt = isAudited({ beacon, task: taskName(task), share: 0.5 });
  const whose = { replica: 0, attempt: 1, nodeId: bob, runtime };
  const fair = { ...whose, survived: 0, atRisk: "0", share: 0.5, audited: isIt };
  const drawn = (...draws: readonly AuditDraw[]): JobCommand => {
    return { type: "DrawAudits", beacon, from: 3, to: 9, policy: 1, draws, actor, now };
  };
  const refusalOf = (command: JobCommand) => lead(state()).say(command);

  test("that follows from its beacon is recorded once", () => {
    const led = lead(state());
    assert.equal(led.say(drawn(fair)), undefined);
    const event = { type: "AuditDrawn", jobHash, beacon, from: 3, to: 9, policy: 1 } as const;
    assert.deepEqual(led.events, [{ ...event, draws: [fair], at: noon }]);
    assert.equal(led.say(drawn(fair)), undefined);
    assert.equal(led.events.length, 1);
  });

  test("that does not is refused", () => {
    assert.equal(refusalOf(drawn({ ...fair, audited: !isIt })), "DrawDiffers");
    for (const share of [-0.1, 1.1, Number.NaN])
      assert.equal(refusalOf(drawn({ ...fair, share })), "DrawDiffers");
    assert.equal(refusalOf(drawn({ ...fair, runtime: "ocr plain@1" })), "DrawDiffers");
  });

  test("for other replicas than those that wait is refused", () => {
    assert.equal(refusalOf(drawn()), "AuditsOutdated");
    for (const change of [{ replica: 1 }, { attempt: 2 }, { nodeId: cyd }])
      assert.equal(refusalOf(drawn({ ...fair, ...change })), "AuditsOutdated");
    assert.equal(refusalOf(drawn(fair, { ...fair, replica: 1 })), "AuditsOutdated");
  });

  test("for a job that is unknown or over changes nothing", () => {
    given(job)().when(drawn(fair)).thenRefuses("JobUnknown");
    const led = lead(state());
    led.say({ type: "CancelJob", client: spec.client, actor, now });
    assert.equal(led.say(drawn(fair)), undefined);
    assert.equal(led.last()?.type, "JobCancelled");
  });
});

describe("an arbiter that would decide alone", () => {
  /** Bob's result is audited, and Abe, who may be checked, has shown his. */
  const vouched = (answers: Answers) => {
    const led = shown(answers[bob]);
    led.draw(true, 0, { checks: true });
    led.give(abe, { role: "arbiter" });
    led.bindAll({ [abe]: answers[abe] as string });
    led.showAll({ [abe]: answers[abe] as string });
    return led;
  };
  const second = (led: ReturnType<typeof lead>, nodeId: NodeId, answer: string) => {
    assert.equal(led.give(nodeId, { role: "arbiter" }), undefined);
    led.bindAll({ [nodeId]: answer });
    led.showAll({ [nodeId]: answer });
  };

  test("takes part in a lottery when its result is shown, and nothing is judged before", () => {
    const led = vouched({ [bob]: right, [abe]: right });
    assert.deepEqual(
      toDraw(led.open()).map(({ nodeId }) => nodeId),
      [abe],
    );
    assert.equal(needsJudgement(led.open()), false);
    led.draw(false);
    assert.equal(needsJudgement(led.open()), true);
    led.judge({ [bob]: right, [abe]: right });
    assert.deepEqual(completion(led).accepted.length, 2);
  });

  test("is joined by another one if it is drawn; both are found right", () => {
    const answers = { [bob]: right, [abe]: right, [bea]: right };
    const led = vouched(answers);
    led.draw(true);
    assert.deepEqual(vacancies(led.open()), [{ replica: 2, attempt: 1, by: "arbiter" }]);
    second(led, bea, right);
    assert.deepEqual(toDraw(led.open()), [], "two have checked each other");
    led.judge(answers);
    const verdicts = led.events.filter(({ type }) => type === "ResultAccepted");
    assert.deepEqual(
      verdicts.map((event) => event.type === "ResultAccepted" && event.audited),
      [true, true, true],
    );
  });

  test("is convicted with the liar whom it vouched for, when a third agrees with the second", () => {
    const answers = { [bob]: wrong, [abe]: wrong, [bea]: right, [cal]: right };
    const led = vouched(answers);
    led.draw(true);
    second(led, bea, right);
    led.judge(answers);
    assert.equal(led.last()?.type, "ReplicaWanted");
    second(led, cal, right);
    led.judge(answers);
    assert.equal(completion(led).outputDigest, right);
    const convicted = led.events.flatMap((event) =>
      event.type === "ResultRejected" && event.convicted ? [event.nodeId] : [],
    );
    assert.deepEqual(convicted, [bob, abe]);
  });

  test("is not doubted where the lottery of the nodes did not say so", () => {
    const led = shown();
    led.draw(true);
    second(led, abe, right);
    assert.deepEqual(toDraw(led.open()), []);
  });

  test("and was convicted later: its job is opened again, and another one decides", () => {
    const led = vouched({ [bob]: right, [abe]: right });
    led.draw(false);
    led.judge({ [bob]: right, [abe]: right });
    const reopen = { type: "ReopenJob", fundedAt: 7, actor, now } as const;
    assert.equal(led.say({ ...reopen, convicts: [abe] }), undefined);
    const event = led.last();
    assert.ok(event?.type === "JobReopened" && event.checks);
    second(led, bea, right);
    assert.deepEqual(
      toDraw(led.open()).map(({ nodeId }) => nodeId),
      [bea],
    );
    led.draw(false);
    led.judge({ [bob]: right, [bea]: right });
    assert.deepEqual(
      completion(led).accepted.map(({ nodeId }) => nodeId),
      [bob, bea],
    );
  });

  test("and another one, who vouches still: the job stands", () => {
    const answers = { [bob]: right, [abe]: right, [bea]: right };
    const led = vouched(answers);
    led.draw(true);
    second(led, bea, right);
    led.judge(answers);
    const reopen = { type: "ReopenJob", convicts: [abe], fundedAt: 7, actor, now } as const;
    assert.equal(led.say(reopen), "JobStands");
  });
});

describe("a result is believed", () => {
  const single = (survived: number) => {
    const led = shown();
    led.draw(false, survived);
    led.judge({ [bob]: right }, { survived: { [bob]: survived } });
    return led;
  };

  test("by the credibility of its node alone, if that is enough", () => {
    const led = single(20);
    const { assurance, held, accepted } = completion(led);
    assert.deepEqual(accepted, [{ replica: 0, nodeId: bob }]);
    assert.equal(held, true);
    assert.ok(assurance && assurance.credibility > 0.99 && assurance.credibility < 0.9902);
    assert.deepEqual(
      { ...assurance, credibility: 0 },
      { credibility: 0, threshold: 0.99, policy: 1, audited: false },
    );
    const verdict = led.events.at(-2);
    assert.ok(verdict?.type === "ResultAccepted");
    assert.equal(verdict.survived, 20);
    assert.equal(verdict.audited, undefined);
  });

  test("not yet, if it is not: one more is asked, or an arbiter where more would not do", () => {
    const near = single(10).last();
    assert.ok(near?.type === "ReplicaWanted");
    assert.deepEqual([near.wanted, near.arbitersWanted], [2, 0]);
    assert.ok(near.credibility > 0.98 && near.credibility < near.threshold);
    const far = single(0).last();
    assert.ok(far?.type === "ReplicaWanted");
    assert.deepEqual([far.wanted, far.arbitersWanted], [1, 1]);
  });

  test("when an arbiter has computed the same; that is an audit survived", () => {
    const led = audited({ [bob]: right, [abe]: right }, abe);
    const { accepted, assurance } = completion(led);
    assert.deepEqual(accepted, [
      { replica: 0, nodeId: bob },
      { replica: 1, nodeId: abe, arbiter: true },
    ]);
    assert.equal(assurance?.audited, true);
    const [first, second] = led.events.slice(-3);
    assert.ok(first?.type === "ResultAccepted" && second?.type === "ResultAccepted");
    assert.equal(first.audited, true);
    assert.equal(second.audited, undefined);
  });

  test("not against two arbiters, who convict the node", () => {
    const answers = { [bob]: wrong, [abe]: right, [bea]: right };
    const one = audited(answers, abe);
    assert.deepEqual(one.typesFrom("ReplicaWanted"), ["ReplicaWanted"]);
    const led = audited(answers, abe, bea);
    const { accepted, outputDigest } = completion(led);
    assert.equal(outputDigest, right);
    assert.deepEqual(
      accepted.map(({ nodeId }) => nodeId),
      [abe, bea],
    );
    const rejected = led.events.find(({ type }) => type === "ResultRejected");
    assert.ok(rejected?.type === "ResultRejected");
    assert.deepEqual([rejected.nodeId, rejected.convicted], [bob, true]);
  });

  test("with one arbiter against another after a third, who convicts the one that was wrong", () => {
    const led = audited({ [bob]: right, [abe]: wrong, [bea]: right, [cal]: right }, abe, bea, cal);
    assert.equal(completion(led).outputDigest, right);
    const convicted = led.events.flatMap((event) =>
      event.type === "ResultRejected" && event.convicted ? [event.nodeId] : [],
    );
    assert.deepEqual(convicted, [abe]);
  });

  test("by nobody when three arbiters say three things", () => {
    const led = audited(
      { [bob]: right, [abe]: right.replace("a", "b"), [bea]: wrong, [cal]: other },
      abe,
      bea,
      cal,
    );
    const event = led.last();
    assert.ok(event?.type === "JobFailed");
    assert.equal(event.reason, "no-quorum");
  });

  test("no more, if its node was convicted in the meantime: it has no voice and no pay", () => {
    const led = lead();
    led.give(bob, { wanted: 2 });
    led.give(cyd);
    led.bindAll({ [bob]: wrong, [cyd]: right });
    led.showAll({ [bob]: wrong, [cyd]: right });
    led.draw(false);
    led.judge({ [bob]: wrong, [cyd]: right }, { survived: { [cyd]: 30 }, convicted: [bob] });
    assert.deepEqual(completion(led).accepted, [{ replica: 1, nodeId: cyd }]);
    const rejected = led.events.find(({ type }) => type === "ResultRejected");
    assert.ok(rejected?.type === "ResultRejected");
    assert.deepEqual([rejected.reason, rejected.convicted], ["node-convicted", undefined]);
  });

  test("on no terms at all by nobody", () => {
    const led = shown();
    led.draw(false);
    const found = { comparator: "text", groups: [[0]], distanceInside: 0, distanceBetween: 0 };
    const judged = { type: "JudgeResults", ...found, reason: "same-bytes", actor, now } as const;
    assert.equal(led.say(judged), "AssuranceMissing");
  });
});

describe("a completed job", () => {
  const finished = (survived = 20) => {
    const led = lead();
    led.give(bob);
    led.bind(bob, wrong);
    led.show(bob, wrong);
    led.draw(false);
    led.judge({ [bob]: wrong }, { survived: { [bob]: survived } });
    completion(led);
    return led;
  };
  const reopen = (...convicts: readonly NodeId[]): JobCommand => {
    return { type: "ReopenJob", convicts, fundedAt: 77, actor, now };
  };

  test("is opened again when who it rests on was convicted, and an arbiter decides", () => {
    const led = finished();
    assert.equal(led.say(reopen(bob, dan)), undefined);
    assert.deepEqual(led.last(), {
      type: "JobReopened",
      jobHash,
      convicts: [bob],
      deadlineAt: noon + spec.deadlineMs,
      fundedAt: 77,
      at: noon,
    });
    assert.deepEqual(vacancies(led.open()), [{ replica: 1, attempt: 1, by: "arbiter" }]);
    assert.equal(needsJudgement(led.open()), false);
    led.give(abe, { role: "arbiter" });
    led.bind(abe, right);
    led.show(abe, right);
    led.judge({ [abe]: right });
    const { accepted, outputDigest } = completion(led);
    assert.equal(outputDigest, right);
    assert.deepEqual(accepted, [{ replica: 1, nodeId: abe, arbiter: true }]);
  });

  test("is opened once for a conviction, however often that is said", () => {
    const led = finished();
    led.say(reopen(bob));
    const { length } = led.events;
    led.say(reopen(bob));
    assert.equal(led.events.length, length);
  });

  test("stands when its node was not convicted, or when an arbiter vouches for it", () => {
    assert.equal(finished().say(reopen(dan)), "JobStands");
    const led = audited({ [bob]: right, [abe]: right }, abe);
    completion(led);
    assert.equal(led.say(reopen(bob)), "JobStands");
  });

  test("is judged anew together with those who were not convicted, who are not asked again", () => {
    const led = lead();
    led.give(bob, { wanted: 2 });
    led.give(cyd);
    led.bindAll({ [bob]: wrong, [cyd]: wrong });
    led.showAll({ [bob]: wrong, [cyd]: wrong });
    led.draw(false);
    led.judge({ [bob]: wrong, [cyd]: wrong }, { survived: { [bob]: 20, [cyd]: 20 } });
    completion(led);
    led.say(reopen(bob));
    assert.deepEqual(vacancies(led.open()), [{ replica: 2, attempt: 1, by: "arbiter" }]);
    for (const arbiter of [abe, bea]) {
      led.give(arbiter, { role: "arbiter" });
      led.bind(arbiter, right);
      led.show(arbiter, right);
      led.judge({ [cyd]: wrong, [abe]: right, [bea]: right });
    }
    assert.equal(completion(led).outputDigest, right);
    const rejected = led.events.findLast(({ type }) => type === "ResultRejected");
    assert.ok(rejected?.type === "ResultRejected" && rejected.convicted);
    assert.equal(rejected.nodeId, cyd);
  });

  test("of a plain quorum is never opened again", () => {
    const ended = { jobHash, outputDigest: right, outputSize: 1, at: noon };
    const accepted = [{ replica: 0, nodeId: bob }];
    const { assurance: _, ...plain } = spec;
    const submitted = { type: "JobSubmitted", jobHash, spec: plain, deadlineAt: 0, at: 0 } as const;
    given(job)(submitted, { type: "JobCompleted", ...ended, accepted })
      .when(reopen(bob))
      .thenNothing();
  });
});

test("each refusal of an assurance has been shown", () => {
  const all: Readonly<Record<AssuranceRefusal, true>> = {
    AuditsOutdated: true,
    DrawDiffers: true,
    RoleDiffers: true,
    JobStands: true,
    AssuranceMissing: true,
  };
  const isOwn = (refusal: JobRefusal): refusal is AssuranceRefusal => Object.hasOwn(all, refusal);
  const own = new Set([...refusals].filter(isOwn));
  assertEachRefusalShown(own, all);
});

describe("how a job was checked", () => {
  test("is told from its events: the audit, what was wanted, the verdicts and how sure it is", () => {
    const led = audited({ [bob]: right, [abe]: right }, abe);
    const told = verificationOf(led.events);
    assert.deepEqual(
      told?.wishes.map(({ why, wanted, arbitersWanted }) => [why, wanted, arbitersWanted]),
      [["audit-drawn", 1, 1]],
    );
    const [draw] = told?.draws ?? [];
    assert.equal(draw?.audited, true);
    assert.equal(draw?.policy, 1);
    const bounds = { version: 1, maxDistance: 0 };
    assert.deepEqual(
      told?.verdicts.map(({ nodeId, arbiter, accepted, audited: isAudited, ...how }) => {
        return [nodeId, arbiter, accepted, isAudited, how.comparator, how.bounds, how.survived];
      }),
      [
        [bob, false, true, true, "text", bounds, 0],
        [abe, true, true, false, "text", bounds, undefined],
      ],
    );
    assert.equal(told?.assurance?.threshold, 0.99);
    assert.equal(told?.assurance?.audited, true);
  });

  test("names who differs and how far, and whose result was proven wrong", () => {
    const led = audited({ [bob]: wrong, [abe]: right, [bea]: right }, abe, bea);
    const told = verificationOf(led.events);
    const differ = told?.wishes.find(({ why }) => why === "results-differ");
    assert.deepEqual(differ?.groups, [[0], [1]]);
    assert.equal(differ?.distance, 1);
    assert.equal(differ?.arbitersWanted, 2);
    const lie = told?.verdicts.find(({ nodeId }) => nodeId === bob);
    assert.equal(lie?.convicted, true);
    assert.equal(lie?.reason, "text-differs");
  });

  test("says that results which agree could not be believed yet", () => {
    const led = shown();
    led.draw(false);
    led.judge({ [bob]: right });
    const wish = verificationOf(led.events)?.wishes.at(-1);
    assert.equal(wish?.why, "not-credible");
    assert.equal(wish?.credibility, 0.65);
    assert.equal(verificationOf(led.events)?.assurance, undefined);
  });

  test("of a job that was opened again is told anew", () => {
    const led = shown();
    led.draw(false);
    led.judge({ [bob]: right }, { survived: { [bob]: 100 } });
    assert.ok(verificationOf(led.events)?.assurance);
    led.say({ type: "ReopenJob", convicts: [bob], fundedAt: 9, actor, now });
    const told = verificationOf(led.events);
    assert.equal(told?.assurance, undefined);
    assert.deepEqual(told?.reopenings, [{ at: noon, convicts: [bob] }]);
    const { why, wanted, arbitersWanted } = told?.wishes.at(-1) ?? {};
    assert.deepEqual([why, wanted, arbitersWanted], ["reopened", 0, 1]);
  });

  test("of a job that was called off names arbiters among those who are paid", () => {
    const led = audited({ [bob]: wrong, [abe]: right }, abe);
    led.say({ type: "CancelJob", client: spec.client, actor, now });
    const event = led.last();
    assert.ok(event?.type === "JobCancelled");
    assert.deepEqual(event.accepted, [
      { replica: 0, nodeId: bob },
      { replica: 1, nodeId: abe, arbiter: true },
    ]);
  });
});
