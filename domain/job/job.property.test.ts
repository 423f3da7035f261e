/**
 * Random commands against the job, held against a reference model that knows only single tasks and
 * counts, and against invariants. Mutants show that each would be noticed.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noon } from "../../testing/given.ts";
import { blankModel, expectedOf, follow, type Model } from "../../testing/job-model.ts";
import type { Decider } from "../decider.ts";
import { commitOf } from "../receipts/commit.ts";
import type { JobEvent, TaskRef } from "./events.ts";
import {
  attemptsMax,
  type Job,
  type JobCommand,
  type JobRefusal,
  job,
  needsJudgement,
  type OpenJob,
  received,
  revealMs,
  vacancies,
} from "./job.ts";
import type { JobSpec } from "./spec.ts";
import type { Wrap } from "./wraps.ts";

type JobDecider = Decider<JobCommand, JobEvent, Job, JobRefusal>;

const jobHash = "ab".repeat(32);
const nodes = Array.from({ length: 24 }, (_, n) => `node-${n}`);
const leaseMs = 10_000;
const deadlineMs = 120_000;
/** Micro-points. */
const price = "1000";
const actor = "service:test";
const reason = { policy: 1, seed: 1, candidates: 24, score: 1 };

interface Kind {
  readonly quorum: number;
  readonly spare: number;
  readonly commit: boolean;
  readonly sealed: boolean;
}

const specFor = ({ quorum, spare, commit, sealed }: Kind): JobSpec => ({
  ...(commit ? { commit } : {}),
  version: 1,
  client: "client:ada",
  app: "ocr",
  params: {},
  inputs: {},
  comparator: { kind: "text" },
  quorum,
  replicasMax: Math.min(9, quorum + spare),
  price,
  engine: "",
  wallMs: 1_000,
  deadlineMs,
  priority: 3,
  nonce: "",
  ...(sealed ? { sealed: true } : {}),
});

/** What is drawn; which command it becomes depends on the state, so that most make sense. */
type Step =
  | {
      readonly kind: "assign";
      readonly count: number;
      readonly offset: number;
      readonly node: number;
    }
  | { readonly kind: "result"; readonly pick: number; readonly answer: number; readonly skew: Skew }
  | { readonly kind: "commit"; readonly pick: number; readonly answer: number; readonly skew: Skew }
  | {
      readonly kind: "failure";
      readonly pick: number;
      readonly input: boolean;
      readonly skew: Skew;
    }
  | {
      readonly kind: "back";
      readonly pick: number;
      readonly offset: number;
      readonly node: number;
      readonly skew: Skew;
    }
  | { readonly kind: "wrap"; readonly keys: readonly number[] }
  | { readonly kind: "await"; readonly off: number }
  | { readonly kind: "judge"; readonly honest: boolean }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "repeat" }
  | {
      readonly kind: "end";
      readonly how: "RejectJob" | "CancelJob" | "ExpireJob";
      readonly late: boolean;
    };
/** How a statement about a task is off. */
type Skew = "right" | "right" | "older" | "newer" | "stranger";

const skew = fc.constantFrom<Skew>(
  "right",
  "right",
  "right",
  "right",
  "older",
  "newer",
  "stranger",
);
const nat = (max: number) => fc.nat({ max });
const steps = fc.array(
  fc
    .oneof(
      {
        weight: 40,
        arbitrary: fc.record({
          kind: fc.constant("assign" as const),
          count: fc.integer({ min: 1, max: 3 }),
          offset: fc.constantFrom(0, 0, 0, 0, 1, -1),
          node: nat(nodes.length - 1),
        }),
      },
      {
        weight: 40,
        arbitrary: fc.record({
          kind: fc.constant("result" as const),
          pick: nat(8),
          answer: fc.constantFrom(0, 0, 0, 1, 2),
          skew,
        }),
      },
      {
        weight: 40,
        arbitrary: fc.record({
          kind: fc.constant("commit" as const),
          pick: nat(8),
          answer: fc.constantFrom(0, 0, 0, 1, 2),
          skew,
        }),
      },
      {
        weight: 15,
        arbitrary: fc.record({
          kind: fc.constant("failure" as const),
          pick: nat(8),
          input: fc.boolean(),
          skew,
        }),
      },
      {
        weight: 25,
        arbitrary: fc.record({
          kind: fc.constant("judge" as const),
          honest: fc.constantFrom(true, true, true, false),
        }),
      },
      {
        weight: 20,
        arbitrary: fc.record({
          kind: fc.constant("wait" as const),
          ms: fc.constantFrom(1, leaseMs - 1, leaseMs, leaseMs, leaseMs, 40_000, revealMs),
        }),
      },
      {
        weight: 15,
        arbitrary: fc.record({
          kind: fc.constant("back" as const),
          pick: nat(8),
          offset: fc.constantFrom(0, 0, 0, 0, 1, -1),
          node: nat(nodes.length - 1),
          skew,
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant("wrap" as const),
          keys: fc.array(nat(5), { minLength: 1, maxLength: 3 }),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant("await" as const),
          off: fc.constantFrom(0, 0, 1),
        }),
      },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant("repeat" as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("end" as const),
          how: fc.constantFrom("RejectJob" as const, "CancelJob" as const, "ExpireJob" as const),
          late: fc.boolean(),
        }),
      },
    )
    .map((step): Step => step),
  { minLength: 30, maxLength: 60 },
);

const digestOf = (answer: number): string => `${answer}`.repeat(64);
const salt = "5a".repeat(32);
const commits = new Map<string, string>();
/** What a node commits to when it means to give this answer; computed once for each. */
const commitFor = (task: TaskRef, answer: number): string => {
  const key = `${task.replica} ${task.attempt} ${task.nodeId} ${answer}`;
  let commit = commits.get(key);
  if (commit === undefined) {
    commit = commitOf({ ...task, worker: task.nodeId, resultTag: digestOf(answer), salt });
    commits.set(key, commit);
  }
  return commit;
};
/** The answer that a task is bound to. */
const boundTo = (job: Job, task: TaskRef): number | undefined => {
  const present = job.status === "unknown" ? undefined : job.tasks[task.replica];
  if (present?.status !== "committed") return undefined;
  return [0, 1, 2].find((answer) => commitFor(task, answer) === present.commit);
};

const wrapFor = (key: number): Wrap => {
  const keyId = digestOf(key);
  return { keyId, enc: keyId, seq: key, wrapped: "00".repeat(48) };
};

/** The command that a step means in this state; some are wrong on purpose. */
const commandFor = (
  step: Step,
  job: Job,
  {
    sealed,
    now,
    last,
  }: { readonly sealed: boolean; readonly now: number; readonly last: JobCommand },
): JobCommand => {
  const tasks = job.status === "unknown" ? [] : job.tasks;
  const skewed = (pick: number, how: Skew) => {
    const task = tasks[pick % Math.max(1, tasks.length)];
    const { replica, attempt, nodeId } = task ?? { replica: pick, attempt: 1, nodeId: "node-0" };
    const off = how === "older" ? -1 : how === "newer" ? 1 : 0;
    const who = how === "stranger" ? "node-x" : nodeId;
    return { jobHash, replica, attempt: attempt + off, nodeId: who };
  };
  switch (step.kind) {
    case "assign": {
      const open = job.status === "open" ? vacancies(job) : [{ replica: 0 }];
      const assignments = open.slice(0, step.count).map(({ replica }, i) => ({
        replica: replica + step.offset,
        nodeId: nodes[(step.node + i) % nodes.length] as string,
        executionClass: "ort-node",
        reason,
      }));
      return { type: "AssignTasks", assignments, leaseMs, fundedAt: 0, actor, now };
    }
    case "back": {
      const { attempt, replica: backed } = skewed(step.pick, step.skew);
      const vacant = tasks.findIndex(({ status }) => status === "vacant");
      const replica = (vacant < 0 ? tasks.length : vacant) + step.offset;
      const nodeId = nodes[step.node] as string;
      const backs = { replica: backed, attempt };
      const assignment = { replica, nodeId, executionClass: "ort-node", reason, backs };
      const rest = { leaseMs, fundedAt: 0, actor, now };
      return { type: "AssignTasks", assignments: [assignment], ...rest };
    }
    case "result": {
      const task = skewed(step.pick, step.skew);
      // One in five tries to show another result than it is bound to.
      const answer = step.answer === 2 ? 2 : (boundTo(job, task) ?? step.answer);
      // Each sealing of the same output is another body.
      const outputDigest = sealed ? `${now % 10}`.repeat(64) : digestOf(answer);
      const result = { executionClass: "ort-node", outputDigest };
      const reveal = { resultTag: digestOf(answer), salt };
      const rest = { outputSize: 1, elapsedMs: 1, actor, now };
      return { type: "RecordResult", task, ...result, ...reveal, ...rest };
    }
    case "commit": {
      const task = skewed(step.pick, step.skew);
      return { type: "RecordCommit", task, commit: commitFor(task, step.answer), actor, now };
    }
    case "failure": {
      const task = skewed(step.pick, step.skew);
      const code = step.input ? "bad-input" : "worker-fault";
      return { type: "RecordFailure", task, code, retryable: !step.input, actor, now };
    }
    case "judge": {
      const groups = new Map<string, number[]>();
      for (const task of job.status === "open" ? received(job) : []) {
        const answer = task.resultTag ?? task.outputDigest;
        groups.set(answer, [...(groups.get(answer) ?? []), task.replica]);
      }
      const found = step.honest ? [...groups.values()] : [...groups.values(), [0]];
      const distances = { distanceInside: 0, distanceBetween: found.length > 1 ? 1 : 0 };
      const judgement = { comparator: "text", groups: found, ...distances, reason: "differ" };
      return { type: "JudgeResults", ...judgement, actor, now };
    }
    case "wrap":
      return { type: "WrapKeys", client: "client:ada", wraps: step.keys.map(wrapFor), actor, now };
    case "await": {
      const recipients = (job.status === "open" ? job.wraps.size : 0) + step.off;
      return { type: "AwaitKeys", recipients, actor, now };
    }
    case "wait":
      return { type: "ExpireTasks", actor, now };
    case "repeat":
      return last;
    case "end":
      if (step.how === "RejectJob")
        return { type: "RejectJob", reason: "insufficient-funds", actor, now };
      if (step.how === "CancelJob") return { type: "CancelJob", client: "client:ada", actor, now };
      return { type: "ExpireJob", actor, now };
  }
};

/** What must hold of the log alone, whoever decided. */
const audit = (
  log: readonly JobEvent[],
  { quorum, replicasMax = 9, commit }: Pick<JobSpec, "quorum" | "commit"> & Partial<JobSpec>,
): void => {
  let backed = false;
  let parts = 0n;
  const bound = new Map<number, string>();
  const live = new Map<number, number>();
  const attempts = new Map<number, number>();
  const used = new Set<string>();
  const answers = new Map<number, string>();
  let ended = false;
  for (const event of log) {
    assert.ok(!ended, `${event.type} after the end`);
    switch (event.type) {
      case "TaskAssigned":
        assert.ok(!live.has(event.replica), "two live attempts of one replica");
        assert.ok(!used.has(event.nodeId), "two tasks of one job on one node");
        assert.equal(event.attempt, (attempts.get(event.replica) ?? 0) + 1, "attempts rise by one");
        assert.ok(event.attempt <= attemptsMax, "more attempts than are allowed");
        if (event.backs !== undefined) {
          assert.ok(!backed && !commit, "a second backup, or one of a job with commits");
          assert.ok(live.has(event.backs), "a backup for a task that is not under way");
          backed = true;
        }
        live.set(event.replica, event.attempt);
        attempts.set(event.replica, event.attempt);
        used.add(event.nodeId);
        break;
      case "ResultCommitted":
        assert.equal(live.get(event.replica), event.attempt, "a commit of no live attempt");
        bound.set(event.replica, event.commit);
        break;
      case "ResultReceived":
      case "TaskFailed":
      case "TaskExpired": {
        if (commit && event.type === "ResultReceived") {
          const { resultTag = "", salt = "" } = event;
          assert.ok(
            [...live.keys()].every((replica) => bound.has(replica)),
            "a result is shown before all are bound",
          );
          assert.equal(
            commitOf({ ...event, worker: event.nodeId, resultTag, salt }),
            bound.get(event.replica),
            "a result is shown that was not committed to",
          );
        }
        // Who kept back what it was bound to may have read what others have shown.
        const hasSeen = bound.has(event.replica) && answers.size > 0;
        bound.delete(event.replica);
        assert.equal(live.get(event.replica), event.attempt, `${event.type} of no live attempt`);
        live.delete(event.replica);
        const isFree =
          event.type === "TaskExpired" || (event.type === "TaskFailed" && event.retryable);
        if (isFree && !hasSeen) used.delete(event.nodeId);
        if (event.type === "ResultReceived")
          answers.set(event.replica, event.resultTag ?? event.outputDigest);
        break;
      }
      case "TaskStopped":
        assert.equal(live.get(event.replica), event.attempt, "a task stopped that is not live");
        live.delete(event.replica);
        assert.ok(backed, "a task stopped of a job that had no backup");
        assert.ok(BigInt(event.amount) <= BigInt(price), "a part above the price");
        parts += BigInt(event.amount);
        break;
      case "JobCompleted": {
        const paid = BigInt(price) * BigInt(event.accepted.length) + parts;
        assert.ok(paid <= BigInt(price) * BigInt(replicasMax), "it costs more than its escrow");
        assert.ok(live.size === 0, "a task goes on after the end");
        const digests = new Set(event.accepted.map(({ replica }) => answers.get(replica)));
        const spare = event.accepted.length - quorum;
        assert.ok(spare === 0 || (spare === 1 && backed), "accepted as many as the quorum");
        const said = event.sealed?.resultTag ?? event.outputDigest;
        assert.deepEqual([...digests], [said], "accepted results agree");
        const by = new Set(event.accepted.map(({ nodeId }) => nodeId));
        assert.equal(by.size, event.accepted.length, "accepted results are of distinct nodes");
      }
    }
    ended = /^Job(Completed|Failed|Cancelled|Rejected)$/.test(event.type);
  }
};

/** What must hold of an open job: enough is due, and no more than is needed. */
const checkOpen = (job: OpenJob): void => {
  const underWay = job.tasks.filter(
    ({ status }) => status === "assigned" || status === "committed",
  ).length;
  const due = underWay + vacancies(job).length;
  const most = job.spec.quorum + (job.backedUp ? 1 : 0);
  assert.ok(job.agreeing + due <= most, "more is under way than is needed");
  assert.ok(due > 0 || needsJudgement(job), "the job is stuck: nothing is due");
  const isWaiting = job.tasks.some(({ status }) => status === "assigned") || vacancies(job).length;
  const isBound = job.tasks.some(({ status }) => status === "committed");
  assert.equal(job.revealBy !== undefined, isBound && !isWaiting, "a commit waits for nothing");
};

let commands = 0;
/** The kinds of facts that came about, failures with their reason. */
const reached = new Set<string>();

/** Runs the steps; throws at the first thing that must not be. */
const run = (decider: JobDecider, kind: Kind, steps: readonly Step[]): void => {
  const { sealed } = kind;
  const spec = specFor(kind);
  const log: JobEvent[] = [];
  const model: Model = blankModel(spec, noon + deadlineMs);
  let state = decider.initial;
  let now = noon;
  const wraps = sealed ? { wraps: [wrapFor(0)] } : {};
  let last: JobCommand = { type: "SubmitJob", jobHash, spec, ...wraps, actor, now };

  const say = (command: JobCommand): void => {
    commands++;
    const decision = decider.decide(command, state);
    const types = decision.ok ? decision.events.map(({ type }) => type).join(" ") : "refused";
    const expected = expectedOf(command, model);
    assert.equal(types, expected, `the reference says otherwise to ${command.type}`);
    if (!decision.ok) return;
    for (const event of decision.events) {
      log.push(event);
      reached.add(event.type === "JobFailed" ? `JobFailed: ${event.reason}` : event.type);
      state = decider.evolve(state, event);
      follow(model, event);
    }
    audit(log, spec);
    if (state.status === "open") checkOpen(state);
    const again = decider.decide(command, state);
    assert.deepEqual(again, { ok: true, events: [] }, `${command.type} said twice`);
    last = command;
  };

  say(last);
  for (const step of steps) {
    if (step.kind === "wait") now += step.ms;
    if (step.kind === "end" && step.late) now = Math.max(now, noon + deadlineMs);
    say(commandFor(step, state, { sealed, now, last }));
  }
};

const property = (decider: JobDecider, commit: boolean) =>
  fc.property(nat(2), nat(3), fc.boolean(), steps, (more, spare, sealed, drawn) =>
    run(decider, { quorum: 1 + more, spare, commit, sealed }, drawn),
  );

test("a job keeps its rules under any sequence of commands", () => {
  fc.assert(property(job, false), { numRuns: 2_000 });
  fc.assert(property(job, true), { numRuns: 1_000 });
  assert.ok(commands >= 20_000, `only ${commands} commands were tried`);
  assert.deepEqual([...reached].sort(), [
    "JobCancelled",
    "JobCompleted",
    "JobFailed: attempts-exhausted",
    "JobFailed: bad-input",
    "JobFailed: deadline-passed",
    "JobFailed: no-quorum",
    "JobRejected",
    "JobSubmitted",
    "KeysAwaited",
    "KeysWrapped",
    "ResultAccepted",
    "ResultCommitted",
    "ResultReceived",
    "ResultRejected",
    "ResultsDisagreed",
    "TaskAssigned",
    "TaskExpired",
    "TaskFailed",
    "TaskStopped",
  ]);
});

describe("the properties of a job notice", () => {
  const openOr = (state: Job, change: (open: OpenJob) => Job): Job =>
    state.status === "open" ? change(state) : state;
  const mutants: Readonly<Record<string, JobDecider>> = {
    "a fence that lets older attempts through": {
      ...job,
      decide: (command, state) => {
        if (command.type !== "RecordResult" || state.status !== "open")
          return job.decide(command, state);
        const task = { ...command.task };
        const present = state.tasks[task.replica];
        if (present && task.attempt < present.attempt) task.attempt = present.attempt;
        return job.decide({ ...command, task }, state);
      },
    },
    "a node that gets two tasks of one job": {
      ...job,
      decide: (command, state) =>
        job.decide(
          command,
          openOr(state, (open) => ({ ...open, nodes: [] })),
        ),
    },
    "a quorum that is one too small": {
      ...job,
      decide: (command, state) =>
        job.decide(
          command,
          command.type !== "JudgeResults"
            ? state
            : openOr(state, (open) => {
                const quorum = Math.max(1, open.spec.quorum - 1);
                return { ...open, spec: { ...open.spec, quorum } };
              }),
        ),
    },
    "a lease that ends a millisecond early": {
      ...job,
      decide: (command, state) =>
        job.decide(
          command.type === "ExpireTasks" ? { ...command, now: command.now + 1 } : command,
          state,
        ),
    },
    "a fold that forgets that a task was lost": {
      ...job,
      evolve: (state, event) => (event.type === "TaskExpired" ? state : job.evolve(state, event)),
    },
    "a reveal before all have committed": {
      ...job,
      decide: (command, state) =>
        job.decide(
          command,
          command.type !== "RecordResult"
            ? state
            : openOr(state, (open) => ({ ...open, revealBy: noon })),
        ),
    },
    "a commit that opens to anything": {
      ...job,
      decide: (command, state) => {
        if (command.type !== "RecordResult" || state.status !== "open")
          return job.decide(command, state);
        const { resultTag = "", salt = "", task } = command;
        const present = state.tasks[task.replica];
        if (present?.status !== "committed") return job.decide(command, state);
        const commit = commitOf({ ...task, worker: task.nodeId, resultTag, salt });
        const tasks = state.tasks.with(task.replica, { ...present, commit });
        return job.decide(command, { ...state, tasks });
      },
    },
    "a second backup": {
      ...job,
      decide: (command, state) =>
        job.decide(
          command,
          openOr(state, (open) => ({ ...open, backedUp: false })),
        ),
    },
    "a backup beyond the escrow": {
      ...job,
      decide: (command, state) =>
        job.decide(
          command,
          command.type !== "AssignTasks"
            ? state
            : openOr(state, (open) => {
                const replicasMax = open.spec.replicasMax + 1;
                return { ...open, spec: { ...open.spec, replicasMax } };
              }),
        ),
    },
    "a loser that is paid more than a result": {
      ...job,
      decide: (command, state) => {
        const decision = job.decide(command, state);
        if (!decision.ok) return decision;
        const events = decision.events.map((event) =>
          event.type === "TaskStopped" ? { ...event, amount: "1001" } : event,
        );
        return { ...decision, events };
      },
    },
    "an end that does not end": {
      ...job,
      evolve: (state, event) => (event.type === "JobCancelled" ? state : job.evolve(state, event)),
    },
  };
  for (const [fault, mutant] of Object.entries(mutants))
    test(fault, () => {
      const commit = /commit/.test(fault);
      const { failed } = fc.check(property(mutant, commit), { numRuns: 700, endOnFailure: true });
      assert.ok(failed, "the planted fault was not found");
    });
});

test("the audit of a job's log finds what no decider should have written", () => {
  const task = { jobHash, replica: 0, attempt: 1, nodeId: "node-0" };
  const lease = { executionClass: "c", expiresAt: noon, fundedAt: 0, reason, at: noon };
  const first: JobEvent = { type: "TaskAssigned", ...task, ...lease };
  const result = { executionClass: "c", outputDigest: digestOf(1), outputSize: 1, elapsedMs: 1 };
  const answer: JobEvent = { type: "ResultReceived", ...task, ...result, at: noon };
  const over: JobEvent = { type: "JobCancelled", jobHash, at: noon };
  const by = [{ replica: 0, nodeId: "node-0" }];
  const same = { jobHash, outputDigest: digestOf(1), outputSize: 1, at: noon };
  const complete: JobEvent = { type: "JobCompleted", ...same, accepted: by };
  const found = (log: readonly JobEvent[], quorum: number, fault: RegExp): void =>
    assert.throws(() => audit(log, { quorum }), fault);

  audit([first, answer, complete], { quorum: 1 });
  found([first, { ...first, attempt: 2, nodeId: "node-1" }], 1, /two live attempts/);
  found([first, { ...first, replica: 1 }], 1, /two tasks of one job/);
  found([{ ...first, attempt: 2 }], 1, /attempts rise/);
  found([first, { ...answer, attempt: 2 }], 1, /no live attempt/);
  found([first, answer, over, first], 1, /after the end/);
  found([first, answer, complete], 2, /as many as the quorum/);
  const second: JobEvent = { ...first, replica: 1, nodeId: "node-1", backs: 0 };
  found([first, second, { ...second, replica: 2, nodeId: "node-2" }], 1, /second backup/);
  found([first, answer, second], 1, /not under way/);
  const stop: JobEvent = { ...task, type: "TaskStopped", ranMs: 1, amount: "1001", at: noon };
  found([first, second, stop], 1, /above the price/);
  found([first, { ...stop, amount: "1" }], 1, /had no backup/);
  found([first, second, answer, complete], 1, /goes on after/);
  found([first, answer, { ...complete, outputDigest: digestOf(2) }], 1, /agree/);
});
