/**
 * The rules of a job, one test each, with every refusal that its decider can give. Long because the
 * rules of one aggregate are best read in one place; random sequences are in `job.property.test.ts`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, at, given, noon, noting } from "../../testing/given.ts";
import type { NodeId } from "../ids.ts";
import { commitOf } from "../receipts/commit.ts";
import type { AssuranceRefusal } from "./assurance.ts";
import type { JobEvent, ResultReceived, TaskAssigned, TaskRef } from "./events.ts";
import { jobHash as hashOf } from "./hash.ts";
import {
  type Assignment,
  attemptsMax,
  type JobRefusal,
  type Judgement,
  job,
  needsJudgement,
  type OpenJob,
  pinnedClass,
  toReveal,
  vacancies,
} from "./job.ts";
import type { SealingRefusal } from "./sealed.ts";
import type { JobSpec } from "./spec.ts";

const spec: JobSpec = {
  version: 1,
  client: "client:ada",
  app: "ocr",
  params: {},
  inputs: {},
  comparator: { kind: "text" },
  quorum: 2,
  replicasMax: 4,
  price: "1000",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
};
const jobHash = hashOf(spec);
const actor = "service:test";
const [bob, cyd, dan, eve] = ["bob", "cyd", "dan", "eve"] as const;
const native = "ort-node@1.30";
const wasm = "ort-web@1.30";
const [cat, dog] = ["ca".repeat(32), "d0".repeat(32)] as const;
const reason = { policy: 1, seed: 7, candidates: 4, score: 0.5 };
const leaseMs = 60_000;

const submittedAs = (change: Partial<JobSpec> = {}): JobEvent => {
  const changed = { ...spec, ...change };
  return { type: "JobSubmitted", jobHash, spec: changed, deadlineAt: at(60), at: noon };
};
const submitted = submittedAs();
const exact = submittedAs({ comparator: { kind: "exact" } });

const ref = (nodeId: NodeId, replica: number, attempt = 1): TaskRef => ({
  jobHash,
  replica,
  attempt,
  nodeId,
});
const to = (nodeId: NodeId, replica: number, executionClass = native): Assignment => ({
  replica,
  nodeId,
  executionClass,
  reason,
});
const assigned = (task: TaskRef, executionClass = native): TaskAssigned => {
  const lease = { executionClass, expiresAt: at(1), fundedAt: 3, reason };
  return { type: "TaskAssigned", ...task, ...lease, at: noon };
};
const answered = (task: TaskRef, outputDigest: string = cat, executionClass = native): JobEvent => {
  const result = { executionClass, outputDigest, outputSize: 3, elapsedMs: 40 };
  return { type: "ResultReceived", ...task, ...result, app: "ocr", turnaroundMs: 0, at: noon };
};
const failed = (task: TaskRef, code = "worker-fault", retryable = true): JobEvent => ({
  type: "TaskFailed",
  ...task,
  code,
  retryable,
  at: noon,
});
const expired = (task: TaskRef, minutes = 1): JobEvent => ({
  type: "TaskExpired",
  ...task,
  at: at(minutes),
});
/** What verdicts record, also the bound that the job left out. */
const byText = { comparator: "text", bounds: { version: 1, maxDistance: 0 } } as const;
const disagreed = (...groups: readonly (readonly number[])[]): JobEvent => {
  const data = { ...byText, groups, distance: 0.4, reason: "other words" };
  return { type: "ResultsDisagreed", jobHash, ...data, at: noon };
};
const rejected: JobEvent = { type: "JobRejected", jobHash, reason: "insufficient-funds", at: noon };
const cancelled: JobEvent = { type: "JobCancelled", jobHash, accepted: [], at: noon };
const hopeless = (why: string): JobEvent => ({
  type: "JobFailed",
  jobHash,
  reason: why,
  at: noon,
});
const accepted = (task: TaskRef): JobEvent => ({
  type: "ResultAccepted",
  ...task,
  ...byText,
  distance: 0.1,
  at: noon,
});
const completed = (...by: readonly TaskRef[]): JobEvent => ({
  type: "JobCompleted",
  jobHash,
  outputDigest: cat,
  outputSize: 3,
  accepted: by.map(({ replica, nodeId }) => ({ replica, nodeId })),
  at: noon,
});

const b0 = ref(bob, 0);
const c1 = ref(cyd, 1);
const d2 = ref(dan, 2);
const started = [submitted, assigned(b0), assigned(c1)];
const bothIn = [...started, answered(b0), answered(c1, dog)];
const done = [
  ...started,
  answered(b0),
  answered(c1),
  accepted(b0),
  accepted(c1),
  completed(b0, c1),
];

const now = noon;
const submit = { type: "SubmitJob", jobHash, spec, actor, now } as const;
const assign = (...assignments: readonly Assignment[]) =>
  ({ type: "AssignTasks", assignments, leaseMs, fundedAt: 3, actor, now }) as const;
const record = (task: TaskRef, outputDigest: string = cat, executionClass = native) => {
  const result = { executionClass, outputDigest, outputSize: 3, elapsedMs: 40 };
  return { type: "RecordResult", task, ...result, actor, now } as const;
};
const fail = (task: TaskRef, code = "worker-fault", retryable = true) =>
  ({ type: "RecordFailure", task, code, retryable, actor, now }) as const;
const judge = (...groups: Judgement["groups"]) => {
  const distances = { distanceInside: 0.1, distanceBetween: 0.4 };
  const found = { comparator: "text", groups, ...distances, reason: "other words" };
  return { type: "JudgeResults", ...found, actor, now } as const;
};
const expireTasks = (minutes: number, lessMs = 0) =>
  ({ type: "ExpireTasks", actor, now: at(minutes) - lessMs }) as const;
const expireJob = (minutes: number, lessMs = 0) =>
  ({ type: "ExpireJob", actor, now: at(minutes) - lessMs }) as const;
const cancel = (client = "client:ada") => ({ type: "CancelJob", client, actor, now }) as const;
const reject = { type: "RejectJob", reason: "insufficient-funds", actor, now } as const;

const { decider, refusals } = noting(job);
const aJob = given(decider);
const openAfter = (...past: readonly JobEvent[]): OpenJob => {
  const state = past.reduce(job.evolve, job.initial);
  assert.equal(state.status, "open");
  return state as OpenJob;
};

describe("a job", () => {
  test("is submitted once, and its deadline counts from then", () =>
    aJob().when(submit).thenRecords(submitted));

  test("that ended is not begun again by the same submission", () => {
    for (const end of [rejected, cancelled, hopeless("no-quorum")])
      aJob(submitted, end).when(submit).thenNothing();
    aJob(...done)
      .when(submit)
      .thenNothing();
  });

  test("that nobody submitted takes no other command", () => {
    for (const command of [
      reject,
      assign(to(bob, 0)),
      record(b0),
      fail(b0),
      expireTasks(1),
      judge(),
      cancel(),
      expireJob(60),
    ])
      aJob().when(command).thenRefuses("JobUnknown");
  });

  test("is rejected for want of funds as long as no node works for it", () => {
    aJob(submitted).when(reject).thenRecords(rejected);
    aJob(submitted, assigned(b0)).when(reject).thenRefuses("JobHasTasks");
    aJob(submitted, cancelled).when(reject).thenRefuses("JobEnded");
  });

  test("is cancelled by its client in any open state, and by nobody else", () => {
    for (const past of [[submitted], started]) {
      aJob(...past)
        .when(cancel("client:bob"))
        .thenRefuses("NotTheClient");
      aJob(...past)
        .when(cancel())
        .thenRecords(cancelled);
    }
    aJob(submitted, cancelled).when(cancel("client:bob")).thenRefuses("NotTheClient");
  });

  test("that is cancelled owes those who had answered, since the client may have read it", () =>
    aJob(...started, answered(b0))
      .when(cancel())
      .thenRecords({ ...cancelled, accepted: [{ replica: 0, nodeId: bob }] } as JobEvent));

  test("that ended can no longer be cancelled", () => {
    for (const end of [rejected, hopeless("deadline-passed")])
      aJob(submitted, end).when(cancel()).thenRefuses("JobEnded");
    aJob(...done)
      .when(cancel())
      .thenRefuses("JobEnded");
  });

  test("fails at its deadline and not a millisecond before", () => {
    aJob(...started)
      .when(expireJob(60, 1))
      .thenRefuses("DeadlineNotPassed");
    aJob(...started)
      .when(expireJob(60))
      .thenRecords({ type: "JobFailed", jobHash, reason: "deadline-passed", at: at(60) });
    aJob(...done)
      .when(expireJob(60))
      .thenNothing();
  });
});

describe("an assignment", () => {
  test("gives each replica that is needed to a node of its own, with a lease", () =>
    aJob(submitted)
      .when(assign(to(bob, 0), to(cyd, 1)))
      .thenRecords(assigned(b0), assigned(c1)));

  test("may give one replica now and the other later", () => {
    aJob(submitted)
      .when(assign(to(bob, 0)))
      .thenRecords(assigned(b0));
    aJob(submitted, assigned(b0))
      .when(assign(to(cyd, 1)))
      .thenRecords(assigned(c1));
  });

  test("may be said again while its nodes work or have answered", () => {
    aJob(...started, answered(b0))
      .when(assign(to(bob, 0), to(cyd, 1)))
      .thenNothing();
    aJob(submitted).when(assign()).thenNothing();
  });

  test("is refused for a replica that nobody needs", () => {
    const unneeded = aJob(...started).when(assign(to(dan, 2)));
    unneeded.thenRefuses("ReplicaNotNeeded");
    aJob(...started)
      .when(assign(to(dan, 0)))
      .thenRefuses("ReplicaNotNeeded");
    aJob(submitted)
      .when(assign(to(bob, 0), to(cyd, 0)))
      .thenRefuses("ReplicaNotNeeded");
  });

  test("leaves no replica out, since replicas are numbered without a gap", () => {
    aJob(submitted)
      .when(assign(to(bob, 1)))
      .thenRefuses("ReplicaNotNeeded");
    aJob(submitted)
      .when(assign(to(bob, 1), to(cyd, 0)))
      .thenRefuses("ReplicaNotNeeded");
  });

  test("never gives a node two replicas, nor one more after it has answered", () => {
    aJob(submitted)
      .when(assign(to(bob, 0), to(bob, 1)))
      .thenRefuses("NodeHasThisJob");
    aJob(...started, answered(b0), expired(c1))
      .when(assign(to(bob, 1)))
      .thenRefuses("NodeHasThisJob");
  });

  test("may give a node another attempt when its first came to nothing, or few nodes would be none", () =>
    aJob(...started, expired(b0))
      .when(assign(to(bob, 0)))
      .thenRecords(assigned({ ...b0, attempt: 2 })));

  test("never goes back to a node that found fault with the input, which would count twice", () => {
    const code = "bad-image";
    const blamed: JobEvent = { type: "TaskFailed", ...b0, code, retryable: false, at: noon };
    aJob(...started, blamed)
      .when(assign(to(bob, 0)))
      .thenRefuses("NodeHasThisJob");
  });

  test("is refused from the deadline on, since such work could not be paid", () => {
    const late = { ...assign(to(bob, 0)), now: at(60) };
    aJob(submitted).when(late).thenRefuses("DeadlinePassed");
    const inTime = { ...late, now: at(60) - 1 };
    const times = { at: at(60) - 1, expiresAt: at(61) - 1 };
    aJob(submitted)
      .when(inTime)
      .thenRecords({ ...assigned(b0), ...times });
  });

  test("keeps all replicas of an exactly compared job in one execution class", () => {
    aJob(exact)
      .when(assign(to(bob, 0, native), to(cyd, 1, wasm)))
      .thenRefuses("WrongExecutionClass");
    aJob(exact, assigned(b0))
      .when(assign(to(cyd, 1, wasm)))
      .thenRefuses("WrongExecutionClass");
    aJob(exact, assigned(b0))
      .when(assign(to(cyd, 1)))
      .thenRecords(assigned(c1));
  });

  test("may mix execution classes where the comparison allows for it", () =>
    aJob(submitted)
      .when(assign(to(bob, 0, native), to(cyd, 1, wasm)))
      .thenRecords(assigned(b0, native), assigned(c1, wasm)));

  test("is bound to a class only by nodes that compute or have computed in it", () => {
    const lost = [exact, assigned(b0), expired(b0)];
    assert.equal(pinnedClass(openAfter(...lost)), undefined);
    aJob(...lost)
      .when(assign(to(cyd, 0, wasm)))
      .thenRecords(assigned(ref(cyd, 0, 2), wasm));
    assert.equal(pinnedClass(openAfter(exact, assigned(b0), answered(b0))), native);
    const firstLost = [exact, assigned(b0), assigned(c1), answered(c1), failed(b0)];
    assert.equal(pinnedClass(openAfter(...firstLost)), native);
  });

  test("goes only to the engine that the client asked for", () => {
    const wantsWasm = submittedAs({ engine: "ort-web" });
    aJob(wantsWasm)
      .when(assign(to(bob, 0, native)))
      .thenRefuses("WrongExecutionClass");
    aJob(wantsWasm)
      .when(assign(to(bob, 0, wasm)))
      .thenRecords(assigned(b0, wasm));
  });

  test("is refused once the job has ended", () =>
    aJob(submitted, cancelled)
      .when(assign(to(bob, 0)))
      .thenRefuses("JobEnded"));
});

describe("a result", () => {
  test("is taken from the node that has the task", () =>
    aJob(...started)
      .when(record(b0))
      .thenRecords(answered(b0)));

  test("is refused from another node, for another job and for a task that never was", () => {
    const early = aJob(...started);
    early.when(record(ref(eve, 0))).thenRefuses("NotTheAssignedNode");
    early.when(record({ ...b0, jobHash: cat })).thenRefuses("TaskUnknown");
    early.when(record(ref(bob, 2))).thenRefuses("TaskUnknown");
    early.when(record(ref(bob, -1))).thenRefuses("TaskUnknown");
    early.when(record(ref(bob, 0, 2))).thenRefuses("TaskUnknown");
  });

  test("of an expired lease is too late, before and after another node has the task", () => {
    aJob(...started, expired(b0))
      .when(record(b0))
      .thenRefuses("AttemptFenced");
    aJob(...started, expired(b0), assigned(ref(dan, 0, 2)))
      .when(record(b0))
      .thenRefuses("AttemptFenced");
  });

  test("in another execution class than the assigned one is refused", () =>
    aJob(...started)
      .when(record(b0, cat, wasm))
      .thenRefuses("WrongExecutionClass"));

  test("once stated stands: the same again changes nothing, another one is refused", () => {
    aJob(...started, answered(b0))
      .when(record(b0))
      .thenNothing();
    aJob(...started, answered(b0))
      .when(record(b0, dog))
      .thenRefuses("ResultDiffers");
    aJob(...done)
      .when(record(b0))
      .thenNothing();
  });

  test("for a job that has ended is refused", () =>
    aJob(...started, cancelled)
      .when(record(b0))
      .thenRefuses("JobEnded"));
});

describe("a commit", () => {
  const asked = submittedAs({ commit: true });
  const salt = "5a".repeat(32);
  const bind = (task: TaskRef, resultTag: string = cat) =>
    commitOf({ ...task, worker: task.nodeId, resultTag, salt });
  const committed = (task: TaskRef, commit = bind(task)): JobEvent => ({
    type: "ResultCommitted",
    ...task,
    commit,
    app: "ocr",
    turnaroundMs: 0,
    at: noon,
  });
  const commit = (task: TaskRef, to = bind(task)) =>
    ({ type: "RecordCommit", task, commit: to, actor, now }) as const;
  const reveal = (task: TaskRef, change: { resultTag?: string; salt?: string } = {}) =>
    ({ ...record(task), resultTag: cat, salt, ...change }) as const;
  const revealed = (task: TaskRef): JobEvent => {
    const { app: _, turnaroundMs: __, ...shown } = answered(task) as ResultReceived;
    return { ...shown, resultTag: cat, salt }; // The commit was the answer.
  };
  const begun = [asked, assigned(b0), assigned(c1)];
  const bound = [...begun, committed(b0), committed(c1)];

  test("binds a node to a result that it does not show yet", () =>
    aJob(...begun)
      .when(commit(b0))
      .thenRecords(committed(b0)));

  test("counts as under way, so that nobody else gets the replica", () =>
    assert.deepEqual(vacancies(openAfter(...begun, committed(b0))), []));

  test("once made stands, also when it has been opened", () => {
    for (const past of [[], [committed(c1), revealed(b0)]]) {
      aJob(...begun, committed(b0), ...past)
        .when(commit(b0))
        .thenNothing();
      aJob(...begun, committed(b0), ...past)
        .when(commit(b0, bind(b0, dog)))
        .thenRefuses("CommitDiffers");
    }
  });

  test("is refused where the job asks for none, has ended, or has given the task away", () => {
    aJob(...started)
      .when(commit(b0))
      .thenRefuses("CommitNotAsked");
    aJob(...started, answered(b0))
      .when(commit(b0))
      .thenRefuses("CommitNotAsked");
    aJob(...begun, cancelled)
      .when(commit(b0))
      .thenRefuses("JobEnded");
    aJob(...begun, expired(b0))
      .when(commit(b0))
      .thenRefuses("AttemptFenced");
    aJob(...begun)
      .when(commit(ref(dan, 0)))
      .thenRefuses("NotTheAssignedNode");
  });

  test("is opened by the result that it was made for, once all have committed", () => {
    aJob(...bound)
      .when(reveal(b0))
      .thenRecords(revealed(b0));
    aJob(...bound, revealed(b0))
      .when(reveal(c1))
      .thenRecords(revealed(c1));
    const half = openAfter(...bound, revealed(b0));
    assert.deepEqual(
      toReveal(half).map(({ nodeId }) => nodeId),
      [cyd],
    );
    assert.equal(half.revealBy, at(1));
  });

  test("by an identity is opened in its name", () => {
    const worker = `cnct:${"a".repeat(52)}`;
    const receipt = {
      worker,
      keyId: cat,
      size: 1,
      root: dog,
      signature: "5".repeat(128),
      index: 0,
      path: [],
      appDigest: cat,
      usage: { wallMs: 40 },
      startedAt: noon,
    };
    const own = commitOf({ ...b0, worker, resultTag: cat, salt });
    aJob(...begun, committed(b0, own), committed(c1))
      .when({ ...reveal(b0), receipt })
      .thenRecords({ ...revealed(b0), receipt } as JobEvent);
    aJob(...bound)
      .when({ ...reveal(b0), receipt })
      .thenRefuses("RevealDoesNotOpen");
  });

  test("must come before the result", () =>
    aJob(...begun)
      .when(reveal(b0))
      .thenRefuses("CommitMissing"));

  test("is not opened while a replica has not committed, or has no node", () => {
    aJob(...begun, committed(b0))
      .when(reveal(b0))
      .thenRefuses("RevealTooEarly");
    aJob(...begun, committed(b0), expired(c1))
      .when(reveal(b0))
      .thenRefuses("RevealTooEarly");
    assert.deepEqual(toReveal(openAfter(...begun, committed(b0))), []);
  });

  test("is held back again when another node is to have a replica", () => {
    const again = [...bound, failed(c1, "reveal-lost"), assigned(ref(dan, 1, 2))];
    for (const past of [again, again.slice(0, -1)])
      aJob(...past)
        .when(reveal(b0))
        .thenRefuses("RevealTooEarly");
    aJob(...again, committed(ref(dan, 1, 2)))
      .when(reveal(b0))
      .thenRecords(revealed(b0));
  });

  test("is not opened by another result, another salt, nor by whoever copied it", () => {
    for (const change of [{ resultTag: dog }, { salt: dog }])
      aJob(...bound)
        .when(reveal(b0, change))
        .thenRefuses("RevealDoesNotOpen");
    aJob(...bound)
      .when(record(b0))
      .thenRefuses("RevealDoesNotOpen");
    aJob(...begun, committed(b0), committed(c1, bind(b0)))
      .when(reveal(c1))
      .thenRefuses("RevealDoesNotOpen");
    aJob(...bound)
      .when({ ...reveal(b0), executionClass: wasm })
      .thenRefuses("WrongExecutionClass");
  });

  test("that is not opened within a minute after the last one comes to nothing", () => {
    const tick = (minutes: number) => ({ type: "ExpireTasks", actor, now: at(minutes) }) as const;
    aJob(...begun, committed(b0))
      .when({ ...tick(1), now: at(1) - 1 })
      .thenNothing();
    aJob(...bound, revealed(b0))
      .when({ ...tick(1), now: at(1) - 1 })
      .thenNothing();
    aJob(...bound, revealed(b0))
      .when(tick(1))
      .thenRecords(expired(c1));
    assert.deepEqual(vacancies(openAfter(...bound, revealed(b0), expired(c1))), [
      { replica: 1, attempt: 2 },
    ]);
  });

  test("does not run out while it may not be opened", () =>
    aJob(...begun, committed(b0), expired(c1))
      .when({ type: "ExpireTasks", actor, now: at(30) })
      .thenNothing());

  test("of a node that has lost its result is taken back by its failure", () =>
    aJob(...bound)
      .when(fail(b0, "reveal-lost"))
      .thenRecords(failed(b0, "reveal-lost")));

  test("that is kept back when others have shown theirs costs the node the job", () => {
    const assign = (nodeId: string) =>
      ({
        type: "AssignTasks",
        assignments: [{ replica: 1, nodeId, executionClass: native, reason }],
        ...{ leaseMs: 60_000, fundedAt: 3, actor, now },
      }) as const;
    for (const gone of [failed(c1, "reveal-lost"), expired(c1)]) {
      aJob(...bound, revealed(b0), gone)
        .when(assign(c1.nodeId))
        .thenRefuses("NodeHasThisJob");
      // With nothing shown there was nothing to copy.
      const after = openAfter(...bound, gone);
      assert.deepEqual([after.nodes, after.tried], [[b0.nodeId], [c1.nodeId]]);
    }
  });

  test("that was not opened earns nothing when the client cancels", () =>
    aJob(...bound)
      .when({ type: "CancelJob", client: spec.client, actor, now })
      .thenRecords(cancelled));
});

describe("a failure", () => {
  test("frees the replica for another node and the next attempt", () => {
    aJob(...started)
      .when(fail(b0))
      .thenRecords(failed(b0));
    assert.deepEqual(vacancies(openAfter(...started, failed(b0))), [{ replica: 0, attempt: 2 }]);
  });

  test("is believed only of the node that has the task, and not after its result", () => {
    aJob(...started)
      .when(fail(ref(eve, 0)))
      .thenRefuses("NotTheAssignedNode");
    aJob(...started, answered(b0))
      .when(fail(b0))
      .thenRefuses("AttemptFenced");
    aJob(...started, expired(b0), assigned(ref(dan, 0, 2)))
      .when(fail(b0))
      .thenRefuses("AttemptFenced");
    aJob(...started, cancelled)
      .when(fail(b0))
      .thenRefuses("JobEnded");
  });

  test("of the input ends the job when a quorum of nodes says the same", () => {
    const code = "no-image";
    aJob(...started)
      .when(fail(b0, code, false))
      .thenRecords(failed(b0, code, false));
    aJob(...started, failed(b0, code, false))
      .when(fail(c1, code, false))
      .thenRecords(failed(c1, code, false), hopeless(code));
  });

  test("of the input is no quorum when nodes name different faults or call it their own", () => {
    const past = [...started, failed(b0, "no-image", false)];
    aJob(...past)
      .when(fail(c1, "too-big", false))
      .thenRecords(failed(c1, "too-big", false));
    aJob(...past)
      .when(fail(c1, "no-image", true))
      .thenRecords(failed(c1, "no-image", true));
  });

  test("may carry any code, also one that every object knows", () => {
    for (const code of ["constructor", "__proto__"])
      aJob(...started, failed(b0, code, false))
        .when(fail(c1, code, false))
        .thenRecords(failed(c1, code, false), hopeless(code));
  });
});

describe("a lease", () => {
  test("runs until the very instant it ends", () => {
    aJob(...started)
      .when(expireTasks(1, 1))
      .thenNothing();
    aJob(...started)
      .when(expireTasks(1))
      .thenRecords(expired(b0), expired(c1));
  });

  test("that ends while no node at all is heard is excused", () => {
    const excused: JobEvent = { type: "TaskExpired", ...b0, excused: true, at: at(1) };
    aJob(...started)
      .when({ ...expireTasks(1), isCut: true })
      .thenRecords(excused, { ...excused, ...c1 });
  });

  test("does not end for a task that was answered, nor in a job that has ended", () => {
    aJob(...started, answered(b0))
      .when(expireTasks(2))
      .thenRecords(expired(c1, 2));
    aJob(...started, cancelled)
      .when(expireTasks(2))
      .thenNothing();
  });

  test(`that is lost ${attemptsMax} times for one replica ends the job`, () => {
    const past: JobEvent[] = [submitted];
    for (let attempt = 1; attempt < attemptsMax; attempt++) {
      const task = ref(`node-${attempt}`, 0, attempt);
      past.push(assigned(task));
      aJob(...past)
        .when(expireTasks(1))
        .thenRecords(expired(task));
      past.push(expired(task));
    }
    const last = ref("node-last", 0, attemptsMax);
    const gaveUp: JobEvent = { ...hopeless("attempts-exhausted"), at: at(1) } as JobEvent;
    aJob(...past, assigned(last))
      .when(expireTasks(1))
      .thenRecords(expired(last), gaveUp);
    aJob(...past, assigned(last))
      .when(fail(last))
      .thenRecords(failed(last), hopeless("attempts-exhausted"));
  });
});

describe("a judgement", () => {
  test("is due when a quorum of results is in, and again when there are more", () => {
    assert.equal(needsJudgement(openAfter(...started, answered(b0))), false);
    assert.equal(needsJudgement(openAfter(...bothIn)), true);
    const split = [...bothIn, disagreed([0], [1])];
    assert.equal(needsJudgement(openAfter(...split)), false);
    assert.equal(needsJudgement(openAfter(...split, assigned(d2), answered(d2))), true);
  });

  test("of results that agree completes the job and names who is to be paid", () =>
    aJob(...started, answered(b0), answered(c1))
      .when(judge([0, 1]))
      .thenRecords(accepted(b0), accepted(c1), completed(b0, c1)));

  test("of results that disagree asks one more node", () => {
    aJob(...bothIn)
      .when(judge([0], [1]))
      .thenRecords(disagreed([0], [1]));
    const split = openAfter(...bothIn, disagreed([0], [1]));
    assert.deepEqual(vacancies(split), [{ replica: 2, attempt: 1 }]);
  });

  test("of a third result decides, and the one that differs is rejected", () => {
    const distance = 0.4;
    const wrong = { ...byText, distance, reason: "other words", at: noon };
    aJob(...bothIn, disagreed([0], [1]), assigned(d2), answered(d2))
      .when(judge([0, 2], [1]))
      .thenRecords(
        accepted(b0),
        { type: "ResultRejected", ...c1, ...wrong },
        accepted(d2),
        completed(b0, d2),
      );
  });

  test("that leaves too few replicas for a quorum ends the job", () => {
    const few = submittedAs({ replicasMax: 2 });
    aJob(few, ...bothIn.slice(1))
      .when(judge([0], [1]))
      .thenRecords(disagreed([0], [1]), hopeless("no-quorum"));
  });

  test("of one result is enough for a quorum of one", () =>
    aJob(submittedAs({ quorum: 1 }), assigned(b0), answered(b0))
      .when(judge([0]))
      .thenRecords(accepted(b0), completed(b0)));

  test("must be of exactly the results that are in", () => {
    const judged = aJob(...bothIn);
    judged.when(judge([0])).thenRefuses("JudgementOutdated");
    judged.when(judge([0, 1, 2])).thenRefuses("JudgementOutdated");
    judged.when(judge([0, 0])).thenRefuses("JudgementOutdated");
    judged.when(judge([0, 2])).thenRefuses("JudgementOutdated");
  });

  test("is refused before there are enough results", () =>
    aJob(...started, answered(b0))
      .when(judge([0]))
      .thenRefuses("JudgementOutdated"));

  test("of a job that has ended changes nothing", () =>
    aJob(...bothIn, cancelled)
      .when(judge([0, 1]))
      .thenNothing());
});

test("a job believes its past, also where it would decide otherwise today", () => {
  const impossible = [submitted, assigned(b0), assigned(ref(bob, 1)), answered(b0), answered(c1)];
  assert.deepEqual(
    openAfter(...impossible).tasks.map(({ nodeId, status }) => [nodeId, status]),
    [
      [bob, "received"],
      [cyd, "received"],
    ],
  );
});

test("each refusal of a job has been shown", () =>
  // Backups have a suite of their own: `backup.test.ts`.
  assertEachRefusalShown<
    Exclude<JobRefusal, SealingRefusal | AssuranceRefusal | "BackupNotNeeded">
  >(refusals as ReadonlySet<never>, {
    JobUnknown: true,
    JobEnded: true,
    JobHasTasks: true,
    TaskUnknown: true,
    AttemptFenced: true,
    NotTheAssignedNode: true,
    WrongExecutionClass: true,
    ResultDiffers: true,
    CommitNotAsked: true,
    CommitMissing: true,
    CommitDiffers: true,
    RevealTooEarly: true,
    RevealDoesNotOpen: true,
    ReplicaNotNeeded: true,
    NodeHasThisJob: true,
    NotTheClient: true,
    DeadlinePassed: true,
    DeadlineNotPassed: true,
    JudgementOutdated: true,
  }));
