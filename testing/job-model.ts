/**
 * A second, naive opinion on jobs, for tests: it keeps single replicas in a map and counts from
 * scratch each time, so that it shares no shortcut with the decider.
 */
import type { JobEvent } from "../domain/job/events.ts";
import { attemptsMax, type JobCommand } from "../domain/job/job.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import { commitOf } from "../domain/receipts/commit.ts";

interface Replica {
  attempt: number;
  nodeId: string;
  state: "live" | "committed" | "answered" | "vacant";
  /** Of the lease; of the reveal when it is committed and may be revealed. */
  expiresAt: number;
  commit: string;
  digest: string;
  body: string;
  tag: string;
  judged: boolean;
}

export interface Model {
  readonly spec: JobSpec;
  readonly deadlineAt: number;
  readonly replicas: Map<number, Replica>;
  readonly used: Set<string>;
  /** Nodes that named a fault of the input, by code. */
  readonly faults: Map<string, Set<string>>;
  /** Keys that a sealed job is wrapped for. */
  readonly wrapped: Set<string>;
  /** Whether its client was asked for more. */
  awaiting: boolean;
  backedUp: boolean;
  /** The type of the event that ended it; "" before submission, "open" while it runs. */
  phase: string;
}

export const blankModel = (spec: JobSpec, deadlineAt: number): Model => ({
  spec,
  deadlineAt,
  replicas: new Map(),
  used: new Set(),
  faults: new Map(),
  wrapped: new Set(),
  awaiting: false,
  backedUp: false,
  phase: "",
});

/** What results are compared by. */
const answerOf = (
  { spec }: Model,
  { outputDigest, resultTag }: { readonly outputDigest: string; readonly resultTag?: string },
): string => (spec.sealed && resultTag ? resultTag : outputDigest);

const isRepeat = (
  { body, tag }: Replica,
  { outputDigest, resultTag = "" }: Extract<JobCommand, { type: "RecordResult" }>,
): boolean => outputDigest === body || (tag !== "" && tag === resultTag);

const inState = (model: Model, state: Replica["state"]): readonly Replica[] =>
  [...model.replicas.values()].filter((replica) => replica.state === state);

const busy = (model: Model): number =>
  inState(model, "live").length + inState(model, "committed").length;

/** The size of the largest group of equal answers. */
const largest = (answers: readonly Replica[]): number => {
  const sizes = new Map<string, number>();
  for (const { digest } of answers) sizes.set(digest, (sizes.get(digest) ?? 0) + 1);
  return Math.max(0, ...sizes.values());
};

/** The replicas that should get a node now. */
const wanted = (model: Model): readonly number[] => {
  const answers = inState(model, "answered");
  const judged = answers.filter((answer) => answer.judged);
  const hoped = largest(judged) + (answers.length - judged.length);
  const need = model.spec.quorum - hoped - busy(model);
  const free: number[] = [];
  for (let n = 0; n < model.spec.replicasMax; n++) {
    const state = model.replicas.get(n)?.state ?? "vacant";
    if (state === "vacant") free.push(n);
  }
  return free.slice(0, Math.max(0, need));
};

const isHopeless = (model: Model): boolean => {
  const { quorum } = model.spec;
  for (const nodes of model.faults.values()) if (nodes.size >= quorum) return true;
  const open = wanted(model);
  if (open.some((n) => (model.replicas.get(n)?.attempt ?? 0) >= attemptsMax)) return true;
  const answers = inState(model, "answered");
  const judged = answers.filter((answer) => answer.judged);
  const hoped = largest(judged) + (answers.length - judged.length);
  return hoped + busy(model) + open.length < quorum;
};

/** What the events would lead to, ended or not, without touching the model. */
const withEnd = (model: Model, events: readonly JobEvent[]): string => {
  const copy: Model = {
    ...model,
    replicas: new Map([...model.replicas].map(([n, replica]) => [n, { ...replica }])),
    used: new Set(model.used),
    faults: new Map([...model.faults].map(([code, nodes]) => [code, new Set(nodes)])),
  };
  for (const event of events) follow(copy, event);
  const types: string[] = events.map(({ type }) => type);
  return [...types, ...(isHopeless(copy) ? ["JobFailed"] : [])].join(" ");
};

/** The types of the events that should follow, "" for none, or "refused". */
export const expectedOf = (command: JobCommand, model: Model): string => {
  const open = model.phase === "open";
  const at = command.now;
  if (command.type === "SubmitJob") {
    if (model.phase !== "") return "";
    return command.wraps ? "JobSubmitted KeysWrapped" : "JobSubmitted";
  }
  if (model.phase === "") return "refused";

  switch (command.type) {
    case "RejectJob":
      if (model.phase === "JobRejected") return "";
      return open && model.replicas.size === 0 ? "JobRejected" : "refused";
    case "CancelJob":
      if (model.phase === "JobCancelled") return "";
      return open ? "JobCancelled" : "refused";
    case "ExpireJob":
      if (!open) return "";
      return at >= model.deadlineAt ? "JobFailed" : "refused";
    case "DrawAudits":
    case "ReopenJob":
      return ""; // The jobs of this model have no assurance.
    case "WrapKeys":
      if (!open || model.spec.sealed !== true) return "refused";
      return command.wraps.every(({ keyId }) => model.wrapped.has(keyId)) ? "" : "KeysWrapped";
    case "AwaitKeys":
      if (!open || model.awaiting) return "";
      if (model.spec.sealed !== true || command.recipients !== model.wrapped.size) return "refused";
      return wanted(model).length > 0 ? "KeysAwaited" : "";
    case "AssignTasks":
      return expectedOfAssign(command, model);
    case "RecordResult":
    case "RecordCommit":
    case "RecordFailure": {
      const { task } = command;
      const replica = model.replicas.get(task.replica);
      if (replica?.attempt !== task.attempt || replica.nodeId !== task.nodeId) return "refused";
      if (command.type === "RecordResult") {
        if (replica.state === "answered") return isRepeat(replica, command) ? "" : "refused";
        if (!open || !mayAnswer(model, replica, command)) return "refused";
        return "ResultReceived";
      }
      if (command.type === "RecordCommit") {
        if (replica.commit !== "" && replica.state !== "vacant")
          return replica.commit === command.commit ? "" : "refused";
        return open && model.spec.commit && replica.state === "live"
          ? "ResultCommitted"
          : "refused";
      }
      if (replica.state === "vacant") return "";
      if (!open || replica.state === "answered") return "refused";
      const { code, retryable } = command;
      return withEnd(model, [{ type: "TaskFailed", ...task, code, retryable, at }]);
    }
    case "ExpireTasks": {
      if (!open) return "";
      const over = [...model.replicas].filter(
        ([, { state, expiresAt }]) =>
          (state === "live" || state === "committed") && expiresAt <= at,
      );
      return withEnd(
        model,
        over.map(([replica, { attempt, nodeId }]) => {
          return { type: "TaskExpired", jobHash: "", replica, attempt, nodeId, at };
        }),
      );
    }
    case "JudgeResults": {
      if (!open) return "";
      const answers = inState(model, "answered");
      const numbers = [...model.replicas].filter(([, { state }]) => state === "answered");
      const looked = JSON.stringify(command.groups.flat().sort((a, b) => a - b));
      if (looked !== JSON.stringify(numbers.map(([n]) => n).sort((a, b) => a - b)))
        return "refused";
      if (answers.every(({ judged }) => judged)) return "";
      if (answers.length < model.spec.quorum) return "refused";
      const best = largest(answers);
      if (best >= model.spec.quorum) {
        const winner = command.groups.find((group) => group.length === best) ?? [];
        const verdict = ([n]: readonly [number, Replica]): string =>
          winner.includes(n) ? "ResultAccepted" : "ResultRejected";
        const inOrder = numbers.sort(([a], [b]) => a - b);
        const stops = inState(model, "live").map(() => "TaskStopped");
        return [...inOrder.map(verdict), ...stops, "JobCompleted"].join(" ");
      }
      const { comparator, groups, reason } = command;
      const seen = { comparator, groups, distance: 0, reason, at };
      return withEnd(model, [{ type: "ResultsDisagreed", jobHash: "", ...seen }]);
    }
  }
};

const mayAnswer = (
  { spec }: Model,
  { state, expiresAt, commit }: Replica,
  { task, resultTag = "", salt = "" }: Extract<JobCommand, { type: "RecordResult" }>,
): boolean => {
  if (!spec.commit) return state === "live";
  if (state !== "committed" || expiresAt === Number.POSITIVE_INFINITY) return false;
  return commitOf({ ...task, worker: task.nodeId, resultTag, salt }) === commit;
};

const expectedOfAssign = (
  { assignments, now }: Extract<JobCommand, { type: "AssignTasks" }>,
  model: Model,
): string => {
  if (model.phase !== "open") return "refused";
  const said = assignments.every(({ replica, nodeId }) => {
    const present = model.replicas.get(replica);
    return present?.nodeId === nodeId && present.state !== "vacant";
  });
  if (said) return "";
  if (now >= model.deadlineAt) return "refused";
  const backs = assignments.some((one) => one.backs !== undefined);
  if (backs && !mayBack(assignments, model)) return "refused";
  const open = new Set(backs ? spare(model) : wanted(model));
  const known = new Set(model.replicas.keys());
  const used = new Set(model.used);
  for (const { replica, nodeId } of assignments) {
    for (let n = 0; n < replica; n++) if (!known.has(n)) return "refused";
    if (!open.delete(replica) || used.has(nodeId)) return "refused";
    known.add(replica);
    used.add(nodeId);
  }
  return assignments.map(() => "TaskAssigned").join(" ");
};

/** The lowest replica that nobody has. */
const spare = (model: Model): readonly number[] => {
  for (let n = 0; n < model.spec.replicasMax; n++)
    if ((model.replicas.get(n)?.state ?? "vacant") === "vacant") return [n];
  return [];
};

const mayBack = (
  assignments: Extract<JobCommand, { type: "AssignTasks" }>["assignments"],
  model: Model,
): boolean => {
  const backs = assignments[0]?.backs;
  const task = backs && model.replicas.get(backs.replica);
  if (assignments.length !== 1 || task?.state !== "live" || task.attempt !== backs?.attempt)
    return false;
  if (model.backedUp || model.spec.commit || wanted(model).length > 0) return false;
  return spare(model).every((n) => (model.replicas.get(n)?.attempt ?? 0) < attemptsMax);
};

/** Takes an event into the model. */
export const follow = (model: Model, event: JobEvent): void => {
  take(model, event);
  const mayShow = inState(model, "live").length === 0 && wanted(model).length === 0;
  for (const each of model.replicas.values()) {
    if (each.state !== "committed") continue;
    if (!mayShow) each.expiresAt = Number.POSITIVE_INFINITY;
    else each.expiresAt = Math.min(each.expiresAt, event.at + 60_000);
  }
};

const take = (model: Model, event: JobEvent): void => {
  switch (event.type) {
    case "JobSubmitted":
      model.phase = "open";
      return;
    case "TaskAssigned": {
      const { attempt, nodeId, expiresAt } = event;
      const blank = {
        digest: "",
        body: "",
        tag: "",
        commit: "",
        judged: false,
        state: "live" as const,
      };
      model.replicas.set(event.replica, { attempt, nodeId, expiresAt, ...blank });
      model.used.add(nodeId);
      model.awaiting = false;
      model.backedUp ||= event.backs !== undefined;
      return;
    }
    case "ResultCommitted": {
      const own = model.replicas.get(event.replica);
      if (!own) throw new Error("a commit of a replica that nobody has");
      const expiresAt = Number.POSITIVE_INFINITY;
      Object.assign(own, { state: "committed", commit: event.commit, expiresAt });
      return;
    }
    case "ResultReceived":
    case "TaskFailed":
    case "TaskStopped":
    case "TaskExpired": {
      const replica = model.replicas.get(event.replica);
      if (!replica) throw new Error(`${event.type} of a replica that nobody has`);
      const wasBound = replica.state === "committed";
      replica.state = event.type === "ResultReceived" ? "answered" : "vacant";
      if (event.type === "ResultReceived") {
        const { outputDigest: body, resultTag: tag = "" } = event;
        Object.assign(replica, { digest: answerOf(model, event), body, tag });
      }
      // What came to nothing leaves the node free to try again; an answer or a fault does not, nor
      // that it kept back what it was bound to when others had shown theirs.
      const others = [...model.replicas.values()];
      const hasSeen = wasBound && others.some(({ state }) => state === "answered");
      if (event.type === "TaskExpired" && !hasSeen) model.used.delete(event.nodeId);
      if (event.type !== "TaskFailed") return;
      if (event.retryable) {
        if (!hasSeen) model.used.delete(event.nodeId);
        return;
      }
      const nodes = model.faults.get(event.code) ?? new Set();
      model.faults.set(event.code, nodes.add(event.nodeId));
      return;
    }
    case "ResultsDisagreed":
      for (const answer of inState(model, "answered")) (answer as Replica).judged = true;
      return;
    case "ResultAccepted":
    case "ResultRejected":
      return;
    case "AuditDrawn":
    case "ReplicaWanted":
    case "JobReopened":
      throw new Error(`${event.type} of a job without an assurance`);
    case "KeysWrapped":
      for (const { keyId } of event.wraps) model.wrapped.add(keyId);
      model.awaiting = false;
      return;
    case "KeysAwaited":
      model.awaiting = true;
      return;
    default:
      model.phase = event.type;
  }
};
