/** A second node for a task that hangs: when a job may have one, who counts, and what the loser gets. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { at, given, noon } from "../../testing/given.ts";
import { partOf, spareReplica } from "./backup.ts";
import { isBatch } from "./batch.ts";
import type { JobEvent, TaskRef } from "./events.ts";
import { type Assignment, attemptsMax, type JobCommand, job, type OpenJob } from "./job.ts";
import type { JobSpec } from "./spec.ts";

const spec: JobSpec = {
  version: 1,
  client: "client:ada",
  app: "ocr",
  params: {},
  inputs: {},
  comparator: { kind: "exact" },
  quorum: 1,
  replicasMax: 3,
  price: "1000",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
};
const jobHash = "ab".repeat(32);
const actor = "service:test";
const native = "ort-node@1.30";
const reason = { policy: 1, seed: 7, candidates: 4, score: 0.5 };
const ref = (nodeId: string, replica: number, attempt = 1): TaskRef => {
  return { jobHash, replica, attempt, nodeId };
};
const submitted = (change: Partial<JobSpec> = {}): JobEvent => {
  const changed = { ...spec, ...change };
  const batch = { id: "b", size: 40 };
  return { type: "JobSubmitted", jobHash, spec: changed, deadlineAt: at(60), batch, at: noon };
};
const assigned = (task: TaskRef, when = noon, more: { readonly backs?: number } = {}): JobEvent => {
  const lease = { executionClass: native, expiresAt: when + 60_000, fundedAt: 3, reason };
  return { type: "TaskAssigned", ...task, ...lease, ...more, at: when };
};
const answered = (task: TaskRef, turnaroundMs: number, when: number, digest = "ca"): JobEvent => {
  const output = { outputDigest: digest.repeat(32), outputSize: 3, elapsedMs: 40 };
  const result = { executionClass: native, ...output, app: "ocr", turnaroundMs };
  return { type: "ResultReceived", ...task, ...result, at: when };
};
const failed = (task: TaskRef): JobEvent => {
  return { type: "TaskFailed", ...task, code: "worker-fault", retryable: true, at: noon };
};
const back = (nodeId: string, replica: number, backs = { replica: 0, attempt: 1 }): Assignment => {
  return { replica, nodeId, executionClass: native, reason, backs };
};
const assign = (...assignments: readonly Assignment[]): JobCommand => {
  const lease = { assignments, leaseMs: 60_000, fundedAt: 3 };
  return { type: "AssignTasks", ...lease, actor, now: noon + 9_000 };
};
const judge = (now: number, ...groups: readonly (readonly number[])[]): JobCommand => {
  const found = {
    comparator: "exact",
    distanceInside: 0,
    distanceBetween: 0,
    reason: "same-bytes",
  };
  return { type: "JudgeResults", groups, ...found, actor, now };
};
const accepted = (task: TaskRef, when: number): JobEvent => {
  return { type: "ResultAccepted", ...task, comparator: "exact", distance: 0, at: when };
};
const completed = (when: number, ...tasks: readonly TaskRef[]): JobEvent => {
  const output = { outputDigest: "ca".repeat(32), outputSize: 3 };
  const all = tasks.map(({ replica, nodeId }) => ({ replica, nodeId }));
  return { type: "JobCompleted", jobHash, ...output, accepted: all, at: when };
};
const theJob = given(job);
const [bob, cyd] = [ref("bob", 0), ref("cyd", 1)];
const hung = [submitted(), assigned(bob)];
const both = [...hung, assigned(cyd, noon + 9_000, { backs: 0 })];

describe("a backup", () => {
  test("takes a replica that the job may have anyway, and says whom it stands in for", () =>
    theJob(...hung)
      .when(assign(back("cyd", 1)))
      .thenRecords(assigned(cyd, noon + 9_000, { backs: 0 })));

  test("is one at most, also when it came to nothing", () => {
    theJob(...both)
      .when(assign(back("dan", 2)))
      .thenRefuses("BackupNotNeeded");
    theJob(...both, failed(cyd))
      .when(assign(back("dan", 1)))
      .thenRefuses("BackupNotNeeded");
  });

  test("is for a task that is under way, in that very attempt, and alone in its command", () => {
    const refused = (...assignments: readonly Assignment[]) =>
      theJob(...hung)
        .when(assign(...assignments))
        .thenRefuses("BackupNotNeeded");
    refused(back("cyd", 1, { replica: 0, attempt: 2 }));
    refused(back("cyd", 1, { replica: 1, attempt: 1 }));
    refused(back("cyd", 1), back("dan", 2));
    theJob(submitted(), assigned(bob), answered(bob, 10, noon))
      .when(assign(back("cyd", 1)))
      .thenRefuses("BackupNotNeeded");
  });

  test("goes to no node that has the job", () =>
    theJob(...hung)
      .when(assign(back("bob", 1)))
      .thenRefuses("NodeHasThisJob"));

  test("is not to be had where all replicas are used, nodes are bound to results, or one is wanted anyway", () => {
    const spareOf = (...events: readonly JobEvent[]) =>
      spareReplica(events.reduce(job.evolve, job.initial) as OpenJob);
    assert.deepEqual(spareOf(...hung), { replica: 1, attempt: 1 });
    assert.equal(spareOf(submitted({ replicasMax: 1 }), assigned(bob)), undefined);
    assert.equal(spareOf(submitted({ commit: true }), assigned(bob)), undefined);
    const assured = { commit: true, assurance: "standard" } as const;
    assert.equal(spareOf(submitted(assured), assigned(bob)), undefined);
    assert.equal(spareOf(submitted({ quorum: 2 }), assigned(bob)), undefined, "one is vacant");
    const tries = Array.from({ length: attemptsMax }, (_, n) => ref(`node-${n}`, 0, n + 1));
    const spent = tries.flatMap((task) => [assigned(task), failed(task)]);
    const second = [...spent, assigned(ref("dan", 1))];
    assert.equal(spareOf(submitted(), ...second), undefined, "its replica was tried too often");
  });

  test("that answers first ends the job, and the task that hung is stopped and paid in part", () => {
    const when = noon + 10_000;
    const ran = { ranMs: 10_000, amount: "100", app: "ocr", turnaroundMs: 10_000 };
    theJob(...both, answered(cyd, 1_000, when))
      .when(judge(when, [1]))
      .thenRecords(
        accepted(cyd, when),
        { type: "TaskStopped", ...bob, ...ran, at: when },
        completed(when, cyd),
      );
  });

  test("that was not needed after all is paid for as much of the time as it had", () => {
    const when = noon + 12_000;
    theJob(...both, answered(bob, 12_000, when))
      .when(judge(when, [0]))
      .thenRecords(
        accepted(bob, when),
        // Nothing of its pace: it was stopped before it could show any.
        { type: "TaskStopped", ...cyd, ranMs: 3_000, amount: "250", at: when },
        completed(when, bob),
      );
  });

  test("counts with the others of a quorum: any two of three that agree", () => {
    const dan = ref("dan", 2);
    const when = noon + 10_000;
    const past = [submitted({ quorum: 2 }), assigned(bob), assigned(cyd)];
    const third = assigned(dan, noon + 9_000, { backs: 0 });
    theJob(...past, answered(cyd, 800, noon + 800), third, answered(dan, 1_000, when))
      .when(judge(when, [1, 2]))
      .thenRecords(
        accepted(cyd, when),
        accepted(dan, when),
        {
          ...{ type: "TaskStopped", ...bob, ranMs: 10_000, amount: "100" },
          ...{ app: "ocr", turnaroundMs: 10_000, at: when },
        },
        completed(when, cyd, dan),
      );
  });

  test("and the task that hung are both paid in full if both answers are there", () => {
    const when = noon + 10_000;
    theJob(...both, answered(cyd, 1_000, when), answered(bob, 10_000, when))
      .when(judge(when, [0, 1]))
      .thenRecords(accepted(bob, when), accepted(cyd, when), completed(when, bob, cyd));
  });

  test("takes over when the task that hung comes to nothing", () => {
    const open = [...both, failed(bob)].reduce(job.evolve, job.initial) as OpenJob;
    theJob(...both, failed(bob))
      .when(assign({ replica: 0, nodeId: "dan", executionClass: native, reason }))
      .thenRefuses("ReplicaNotNeeded");
    assert.equal(open.backedUp, true);
  });
});

test("a late answer of a task that was stopped is refused", () =>
  theJob(
    ...both,
    answered(cyd, 1_000, noon + 10_000),
    { type: "TaskStopped", ...bob, ranMs: 10_000, amount: "100", at: noon + 10_000 },
    completed(noon + 10_000, cyd),
  )
    .when({
      ...{ type: "RecordResult", task: bob, executionClass: native, outputSize: 3 },
      ...{ outputDigest: "ca".repeat(32), elapsedMs: 1, actor, now: noon + 11_000 },
    })
    .thenRefuses("JobEnded"));

describe("what a loser is paid", () => {
  const ms = fc.integer({ min: 0, max: 3_600_000 });
  const price = fc.bigInt({ min: 0n, max: 1_000_000_000_000n }).map(String);

  test("is at most the price, and all of it only for as much time as the winner took", () => {
    assert.equal(partOf("1000", 5_000, 5_000), "1000");
    assert.equal(partOf("1000", 5_001, 5_000), "999");
    assert.equal(partOf("1000", 4_999, 5_000), "999");
    assert.equal(partOf("1000", 0, 5_000), "0");
    assert.equal(partOf("1000", 0, 0), "0");
    fc.assert(
      fc.property(price, ms, ms, (price, ranMs, winnerMs) => {
        const part = BigInt(partOf(price, ranMs, winnerMs));
        return part >= 0n && part <= BigInt(price);
      }),
    );
  });

  test("falls with every moment that a task hangs, and is worth less time for time than an answer", () => {
    // Who hangs runs for 1.5 times what is usual before a backup is asked, which then takes its time.
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), ms, ms, (usualMs, moreMs, winnerMs) => {
        const ranMs = 1.5 * usualMs + winnerMs + moreMs;
        const part = Number(partOf("1000000", ranMs, winnerMs));
        const later = Number(partOf("1000000", ranMs + 1, winnerMs));
        return later <= part && part / ranMs < 1_000_000 / usualMs;
      }),
    );
  });
});

test("a batch has an id and a size", () => {
  assert.ok(isBatch({ id: "a-Z_9", size: 1 }));
  for (const wrong of [
    ...[null, "b", {}, { id: "b" }, { id: "", size: 1 }, { id: "b c", size: 1 }],
    ...[
      { id: "b", size: 0 },
      { id: "b", size: 1.5 },
      { id: "b", size: 10_000_001 },
    ],
    ...[
      { id: "b".repeat(65), size: 1 },
      { id: "b", size: "1" },
      { id: "b", size: 1, more: 1 },
    ],
  ])
    assert.equal(isBatch(wrong), false, JSON.stringify(wrong));
});
