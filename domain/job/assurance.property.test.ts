/**
 * Random lives of jobs with an assurance, held against what must be true after every step; each is led
 * by the commands that the network would say, in any order that it could.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { noon } from "../../testing/given.ts";
import { commitOf } from "../receipts/commit.ts";
import { isAudited } from "../verification/lottery.ts";
import { runtimeOf } from "../verification/runtime.ts";
import type { JobEvent } from "./events.ts";
import { jobHash as hashOf, taskName } from "./hash.ts";
import {
  attemptsMax,
  type Job,
  type JobCommand,
  job,
  needsJudgement,
  type OpenJob,
  received,
  revealMs,
  toDraw,
  toReveal,
  vacancies,
} from "./job.ts";
import { arbitersPerJobMax, type JobSpec, specDefaults } from "./spec.ts";

const spec: JobSpec = {
  ...specDefaults,
  client: "client:ada",
  app: "echo",
  comparator: { kind: "exact" },
  quorum: 1,
  replicasMax: 4,
  price: "1",
  commit: true,
  assurance: "standard",
};
const jobHash = hashOf(spec);
const executionClass = "plain@1/js/any/1t/none";
const actor = "service:test";
const reason = { policy: 1, seed: 1, candidates: 1, score: 1 };
const salt = "5a".repeat(32);
const answers = ["aa", "bb", "cc"].map((byte) => byte.repeat(32));

type Step =
  | { readonly kind: "assign"; readonly wanted: number }
  | { readonly kind: "commit" | "lose"; readonly pick: number; readonly answer: number }
  | { readonly kind: "draw"; readonly share: number; readonly survived: number }
  | { readonly kind: "show"; readonly pick: number }
  | { readonly kind: "judge"; readonly survived: number; readonly convict: boolean }
  | { readonly kind: "late" }
  | { readonly kind: "reopen" };

const nat = (max: number) => fc.nat({ max });
const steps = fc.array(
  fc
    .oneof(
      {
        weight: 8,
        arbitrary: fc.record({ kind: fc.constant("assign" as const), wanted: nat(2) }),
      },
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constantFrom("commit" as const, "commit" as const, "lose" as const),
          pick: nat(4),
          answer: fc.constantFrom(0, 0, 0, 1, 2),
        }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("draw" as const),
          share: fc.constantFrom(0, 0.3, 1),
          survived: nat(30),
        }),
      },
      { weight: 10, arbitrary: fc.record({ kind: fc.constant("show" as const), pick: nat(4) }) },
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant("judge" as const),
          survived: fc.constantFrom(0, 10, 30),
          convict: fc.constantFrom(false, false, true),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("late" as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
    )
    .map((step): Step => step),
  { minLength: 40, maxLength: 90 },
);

interface Seen {
  readonly types: Map<string, number>;
}

const life = (sequence: readonly Step[], seen: Seen): void => {
  let state: Job = job.initial;
  let now = noon;
  let nodes = 0;
  const bound = new Map<string, string>();
  const shown = new Map<number, string>();
  const say = (command: JobCommand): void => {
    const decision = job.decide(command, state);
    assert.ok(decision.ok, `${command.type} was refused: ${decision.ok ? "" : decision.reason}`);
    for (const event of decision.events) {
      check(event, state);
      state = job.evolve(state, event);
      seen.types.set(event.type, (seen.types.get(event.type) ?? 0) + 1);
    }
    if (state.status === "open") checkOpen(state);
  };
  /** What an event may say after what was before. */
  const check = (event: JobEvent, before: Job): void => {
    if (event.type === "ResultReceived" && before.status === "open") {
      const others = before.tasks.filter(({ status }) => status === "assigned");
      assert.deepEqual(others, [], "shown before all were bound");
    }
    if (event.type === "AuditDrawn" && before.status === "open")
      for (const { role, status } of before.tasks)
        assert.ok(
          role || status === "received" || status === "vacant",
          "drawn before it was shown",
        );
    if (event.type !== "JobCompleted" || before.status !== "open") return;
    assert.deepEqual(toDraw(before), [], "completed before the lottery");
    assert.deepEqual(vacancies(before), [], "completed while a result was wanted");
    const said = new Set(event.accepted.map(({ replica }) => shown.get(replica)));
    assert.deepEqual([...said], [event.outputDigest], "accepted results differ");
    const judged = event.accepted.some(({ arbiter }) => arbiter);
    if (before.audited) assert.ok(judged, "audited, and no arbiter among the accepted");
    assert.equal(event.assurance?.audited, judged);
    const { credibility = 0, threshold = 1 } = event.assurance ?? {};
    if (!judged) assert.ok(credibility >= threshold, `${credibility} was enough`);
  };

  say({ type: "SubmitJob", jobHash, spec, actor, now });
  for (const step of sequence) {
    now += 1;
    const by = { actor, now };
    const open = state as OpenJob;
    if (step.kind === "reopen") {
      if (state.status !== "completed") continue;
      const [first] = state.accepted ?? [];
      if (!first || state.accepted?.some(({ arbiter }) => arbiter)) continue;
      say({ type: "ReopenJob", convicts: [first.nodeId], fundedAt: 1, ...by });
      assert.equal((state as Job).status, "open");
      continue;
    }
    if (state.status !== "open") continue;
    const pickOf = <Item>(items: readonly Item[], pick: number) => items[pick % items.length];
    switch (step.kind) {
      case "assign": {
        const vacancy = vacancies(open)[0];
        if (!vacancy) break;
        const wanted = open.tasks.length === 0 && step.wanted > 1 ? { wanted: step.wanted } : {};
        const role = vacancy.by ? { role: vacancy.by } : {};
        const whom = { replica: vacancy.replica, nodeId: `node-${nodes++}`, executionClass };
        const assignments = [{ ...whom, reason, ...role, ...wanted }];
        say({ type: "AssignTasks", assignments, leaseMs: revealMs, fundedAt: 0, ...by });
        break;
      }
      case "commit":
      case "lose": {
        const busy = open.tasks.filter(({ status }) => status === "assigned");
        const task = pickOf(busy, step.pick);
        if (!task) break;
        if (step.kind === "lose") {
          const failure = { code: "worker-fault", retryable: true } as const;
          say({ type: "RecordFailure", task, ...failure, ...by });
          break;
        }
        const resultTag = answers[step.answer] as string;
        bound.set(taskName(task), resultTag);
        const commit = commitOf({ ...task, worker: task.nodeId, resultTag, salt });
        say({ type: "RecordCommit", task, commit, ...by });
        break;
      }
      case "draw": {
        const { share, survived } = step;
        const beacon = "be".repeat(32);
        const draws = toDraw(open).map((task) => {
          const { replica, attempt, nodeId } = task;
          const audited = isAudited({ beacon, task: taskName(task), share });
          const whose = { replica, attempt, nodeId, runtime: runtimeOf("echo", executionClass) };
          return { ...whose, survived, atRisk: "0", share, audited };
        });
        say({ type: "DrawAudits", beacon, from: 0, to: 1, policy: 1, draws, ...by });
        break;
      }
      case "show": {
        const task = pickOf(toReveal(open), step.pick);
        if (!task) break;
        const resultTag = bound.get(taskName(task)) as string;
        shown.set(task.replica, resultTag);
        const result = { executionClass, outputDigest: resultTag, outputSize: 1, elapsedMs: 1 };
        say({ type: "RecordResult", task, ...result, resultTag, salt, ...by });
        break;
      }
      case "judge": {
        if (!needsJudgement(open)) break;
        const results = received(open);
        const groups = [...new Set(results.map(({ outputDigest }) => outputDigest))].map((answer) =>
          results
            .filter(({ outputDigest }) => outputDigest === answer)
            .map(({ replica }) => replica),
        );
        const ordinary = results.filter(({ role }) => role === undefined);
        const assurance = {
          ...{ policy: 1, adversaryShare: 0.35, epsilon: 0.01, arbitersToConvict: 2 },
          survived: ordinary.map(({ replica }) => ({ replica, survived: step.survived })),
          convicted: step.convict ? ordinary.slice(0, 1).map(({ replica }) => replica) : [],
        };
        const found = { comparator: "exact", groups, distanceInside: 0, distanceBetween: 1 };
        const why = { reason: "different-bytes", assurance };
        say({ type: "JudgeResults", ...found, ...why, ...by });
        break;
      }
      case "late":
        now += revealMs;
        say({ type: "ExpireTasks", actor, now });
    }
  }
};

const checkOpen = (open: OpenJob): void => {
  const live = open.tasks.filter(({ status }) => status !== "vacant");
  const busy = live.filter(({ status }) => status === "assigned" || status === "committed");
  const isOurs = toDraw(open).length > 0 || needsJudgement(open);
  const isDue = busy.length > 0 || vacancies(open).length > 0 || isOurs;
  assert.ok(isDue, "nothing is due, so the job waits for its deadline");
  const waiting = busy.every(({ status }) => status === "committed");
  if (busy.length > 0 && waiting && vacancies(open).length === 0)
    assert.ok(toReveal(open).length > 0, "bound, and nobody is asked");
  const arbiters = live.filter(({ role }) => role === "arbiter").length;
  assert.ok(arbiters <= arbitersPerJobMax, `${arbiters} arbiters`);
  assert.ok(live.length - arbiters <= spec.replicasMax, `${live.length - arbiters} replicas`);
  assert.equal(new Set(live.map(({ nodeId }) => nodeId)).size, live.length);
  for (const { attempt } of open.tasks) assert.ok(attempt <= attemptsMax);
};

test("no life of a job with an assurance breaks its rules or gets stuck", () => {
  const seen: Seen = { types: new Map() };
  fc.assert(
    fc.property(steps, (sequence) => life(sequence, seen)),
    { numRuns: 400 },
  );
  for (const type of [
    "AuditDrawn",
    "ReplicaWanted",
    "JobCompleted",
    "JobReopened",
    "ResultRejected",
  ])
    assert.ok((seen.types.get(type) ?? 0) >= 5, `${type} came ${seen.types.get(type) ?? 0} times`);
});
