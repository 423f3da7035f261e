/** The rules of jobs that are sealed, with every refusal that only they can meet. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertEachRefusalShown, at, given, noon, noting } from "../../testing/given.ts";
import type { NodeId } from "../ids.ts";
import type { JobEvent, TaskRef } from "./events.ts";
import { jobHash as hashOf } from "./hash.ts";
import { type Job, type JobRefusal, job, pinnedClass } from "./job.ts";
import type { SealingRefusal } from "./sealed.ts";
import type { JobSpec } from "./spec.ts";
import { jobRecipientsMax, type Wrap } from "./wraps.ts";

const spec: JobSpec = {
  version: 1,
  client: "client:ada",
  app: "ocr",
  params: {},
  inputs: { image: { digest: "1a".repeat(32), size: 200 } },
  comparator: { kind: "text" },
  quorum: 2,
  replicasMax: 4,
  price: "1000",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
  sealed: true,
};
const jobHash = hashOf(spec);
const actor = "service:test";
const now = noon;
const native = "ort-node@1.30";
const [cat, dog] = ["ca".repeat(32), "d0".repeat(32)] as const;
const tag = "7a".repeat(32);

const wrapFor = (n: number, seq = 0): Wrap => ({
  keyId: n.toString(16).padStart(64, "0"),
  enc: "e0".repeat(32),
  seq,
  wrapped: "00".repeat(48),
});
const wraps = [wrapFor(1), wrapFor(2)];
const { sealed: _, ...openSpec } = spec;
const submitted: JobEvent = {
  type: "JobSubmitted",
  jobHash,
  spec,
  deadlineAt: at(60),
  at: noon,
};
const submittedOpen: JobEvent = { ...submitted, spec: openSpec };
const wrapped: JobEvent = { type: "KeysWrapped", jobHash, wraps, at: noon };
const awaited: JobEvent = { type: "KeysAwaited", jobHash, at: noon };
const cancelled: JobEvent = { type: "JobCancelled", jobHash, accepted: [], at: noon };
const ref = (nodeId: NodeId, replica: number): TaskRef => ({
  jobHash,
  replica,
  attempt: 1,
  nodeId,
});
const [bob, cyd] = [ref("bob", 0), ref("cyd", 1)];
const reason = { policy: 1, seed: 7, candidates: 4, score: 0.5 };
const assigned = (task: TaskRef): JobEvent => {
  const lease = { executionClass: native, expiresAt: at(1), fundedAt: 3, reason };
  return { type: "TaskAssigned", ...task, ...lease, at: noon };
};
const answered = (task: TaskRef, outputDigest: string): JobEvent => {
  const result = { executionClass: native, outputDigest, outputSize: 300, resultTag: tag };
  const answer = { elapsedMs: 40, app: spec.app, turnaroundMs: 0 };
  return { type: "ResultReceived", ...task, ...result, ...answer, at: noon };
};
const started = [submitted, wrapped, assigned(bob), assigned(cyd)];

const submit = { type: "SubmitJob", jobHash, spec, actor, now } as const;
const wrapMore = (...more: readonly Wrap[]) =>
  ({ type: "WrapKeys", client: "client:ada", wraps: more, actor, now }) as const;
const awaitKeys = (recipients: number) => ({ type: "AwaitKeys", recipients, actor, now }) as const;
const record = (task: TaskRef, outputDigest: string, resultTag?: string) => {
  const result = { executionClass: native, outputDigest, outputSize: 300, elapsedMs: 40 };
  const tagged = resultTag === undefined ? {} : { resultTag };
  return { type: "RecordResult", task, ...result, ...tagged, actor, now } as const;
};

const { decider, refusals } = noting(job);
const aJob = given(decider);
const after = (...events: readonly JobEvent[]): Extract<Job, { status: "open" }> => {
  const state = events.reduce<Job>(job.evolve, job.initial);
  assert.ok(state.status === "open");
  return state;
};

describe("a sealed job", () => {
  test("is submitted together with its wraps, or without any", () => {
    aJob()
      .when({ ...submit, wraps })
      .thenRecords(submitted, wrapped);
    aJob().when(submit).thenRecords(submitted);
  });

  test("has no wraps if it is open", () =>
    aJob()
      .when({ ...submit, spec: openSpec, wraps })
      .thenRefuses("NotSealed"));

  test("is computed in one execution class, whatever its comparator", () => {
    assert.equal(pinnedClass(after(submitted, wrapped, assigned(bob))), native);
    assert.equal(pinnedClass(after(submittedOpen, assigned(bob))), undefined);
    const other = { replica: 1, nodeId: "cyd", executionClass: "ort-web@1.30", reason };
    aJob(submitted, wrapped, assigned(bob))
      .when({ type: "AssignTasks", assignments: [other], leaseMs: 1, fundedAt: 3, actor, now })
      .thenRefuses("WrongExecutionClass");
  });

  test("is wrapped for more when its client says so", () => {
    const more = wrapFor(3);
    aJob(submitted, wrapped)
      .when(wrapMore(more))
      .thenRecords({ type: "KeysWrapped", jobHash, wraps: [more], at: noon });
    const keys = [...after(submitted, wrapped, { ...wrapped, wraps: [more] }).wraps.keys()];
    assert.deepEqual(
      keys,
      [...wraps, more].map(({ keyId }) => keyId),
    );
  });

  test("shrugs at wraps that it has, and takes new ones for the same key", () => {
    aJob(submitted, wrapped)
      .when(wrapMore(...wraps))
      .thenNothing();
    const again = wrapFor(1, 5);
    aJob(submitted, wrapped)
      .when(wrapMore(again))
      .thenRecords({ type: "KeysWrapped", jobHash, wraps: [again], at: noon });
    const { wraps: kept } = after(submitted, wrapped, { ...wrapped, wraps: [again] });
    assert.deepEqual(kept.get(again.keyId), again);
  });

  test("is wrapped by its client alone, while it is open, and if it is sealed at all", () => {
    aJob(submitted)
      .when({ ...wrapMore(wrapFor(3)), client: "client:eve" })
      .thenRefuses("NotTheClient");
    aJob(submitted, cancelled)
      .when(wrapMore(wrapFor(3)))
      .thenRefuses("JobEnded");
    aJob(submittedOpen)
      .when(wrapMore(wrapFor(3)))
      .thenRefuses("NotSealed");
    aJob()
      .when(wrapMore(wrapFor(3)))
      .thenRefuses("JobUnknown");
  });

  test(`has at most ${jobRecipientsMax} recipients`, () => {
    const all = Array.from({ length: jobRecipientsMax }, (_, n) => wrapFor(n));
    const full: JobEvent = { ...wrapped, wraps: all };
    aJob(submitted, { ...wrapped, wraps: all.slice(1) })
      .when(wrapMore(wrapFor(0)))
      .thenRecords({ ...wrapped, wraps: [wrapFor(0)] });
    aJob(submitted, full)
      .when(wrapMore(wrapFor(jobRecipientsMax)))
      .thenRefuses("TooManyRecipients");
    aJob(submitted, full)
      .when(wrapMore(wrapFor(0, 1)))
      .thenRecords({ ...wrapped, wraps: [wrapFor(0, 1)] });
  });
});

describe("a sealed job that nobody left can read", () => {
  test("asks its client for more recipients, once", () => {
    aJob(submitted, wrapped).when(awaitKeys(2)).thenRecords(awaited);
    aJob(submitted).when(awaitKeys(0)).thenRecords(awaited);
    assert.equal(after(submitted, awaited).awaitingKeys, true);
  });

  test("has what it asked for when wraps come, or a node after all", () => {
    assert.equal(after(submitted, awaited, wrapped).awaitingKeys, false);
    assert.equal(after(submitted, wrapped, awaited, assigned(bob)).awaitingKeys, false);
    aJob(submitted, awaited, wrapped).when(awaitKeys(2)).thenRecords(awaited);
  });

  test("does not ask because of wraps that are no longer all", () =>
    aJob(submitted, wrapped).when(awaitKeys(0)).thenRefuses("WrapsOutdated"));

  test("does not ask when nothing is vacant, when it has ended, or if it is open", () => {
    aJob(...started)
      .when(awaitKeys(2))
      .thenNothing();
    aJob(submitted, cancelled).when(awaitKeys(0)).thenNothing();
    aJob(submittedOpen).when(awaitKeys(0)).thenRefuses("NotSealed");
  });
});

describe("a sealed result", () => {
  test("is recorded with its tag", () =>
    aJob(...started)
      .when(record(bob, cat, tag))
      .thenRecords(answered(bob, cat)));

  test("is refused without one", () =>
    aJob(...started)
      .when(record(bob, cat))
      .thenRefuses("ResultTagMissing"));

  test("may come again in another sealing, and not with another tag", () => {
    aJob(...started, answered(bob, cat))
      .when(record(bob, dog, tag))
      .thenNothing();
    aJob(...started, answered(bob, cat))
      .when(record(bob, dog, dog))
      .thenRefuses("ResultDiffers");
  });

  test("that completes the job says whose sealing the output is", () => {
    const verdict = (task: TaskRef): JobEvent => {
      const data = { comparator: "tag", distance: 0 };
      return { type: "ResultAccepted", ...task, ...data, at: noon };
    };
    const judgement = { comparator: "tag", groups: [[1, 0]], distanceInside: 0 };
    aJob(...started, answered(bob, cat), answered(cyd, dog))
      .when({
        type: "JudgeResults",
        ...judgement,
        distanceBetween: 0,
        reason: "same-tag",
        actor,
        now,
      })
      .thenRecords(verdict(bob), verdict(cyd), {
        type: "JobCompleted",
        jobHash,
        outputDigest: dog,
        outputSize: 300,
        sealed: { replica: 1, attempt: 1, resultTag: tag },
        accepted: [
          { replica: 0, nodeId: "bob" },
          { replica: 1, nodeId: "cyd" },
        ],
        at: noon,
      });
  });
});

test("each refusal of a sealed job has been shown", () => {
  const ofOpenJobs: readonly JobRefusal[] = [
    "JobUnknown",
    "JobEnded",
    "NotTheClient",
    "ResultDiffers",
    "WrongExecutionClass",
  ];
  const own = [...refusals].filter((refusal) => !ofOpenJobs.includes(refusal));
  assertEachRefusalShown<SealingRefusal>(new Set(own as SealingRefusal[]), {
    NotSealed: true,
    ResultTagMissing: true,
    TooManyRecipients: true,
    WrapsOutdated: true,
  });
});
