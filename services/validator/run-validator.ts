/**
 * Takes up results and says which are believed. A message is only a request to decide: a result
 * becomes a fact when the job's rules accept it, and a verdict when enough results agree.
 */
import { isEnvelopeErrorCode, isJobFault } from "../../domain/app-errors.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { JobEvent, TaskRef } from "../../domain/job/events.ts";
import {
  job as decider,
  type Job,
  type JobCommand,
  type JobRefusal,
  needsJudgement,
} from "../../domain/job/job.ts";
import { type Policy, policyDefaults } from "../../domain/policy/policy.ts";
import type { Clock } from "../../streams/clock.ts";
import type { EventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { jobStreamPrefix } from "../../streams/names.ts";
import { noRefusalLog, type RefusalLog } from "../../streams/refusal-log.ts";
import type { Consumption, Report, TaskDesk } from "../../streams/task-queue.ts";
import { type Fact, type Listener, serviceActor } from "../facts.ts";
import type { JobBook } from "../job-book.ts";
import type { SigningKeys } from "../signing-keys.ts";
import { createAssignments } from "./assignments.ts";
import { createAssuranceDesk } from "./assurance-desk.ts";
import { type Claim, checkReport, type Proofs, type ReportFault } from "./check-report.ts";
import { type Comparer, openComparer } from "./comparer.ts";
import { judgeResults, mustCompareOutputs, type Outputs } from "./judge.ts";
import { createReveals } from "./reveals.ts";

const actor = serviceActor("validator");
const retryMs = 500;
const revealTickMs = 1_000;
/** Bundles that were taken up whole and are known again at no cost. */
const bundlesKept = 10_000;

/** Why a report or one of its results was not taken up. */
export type ResultRefusal =
  | ReportFault
  /** The same bundle again, after all that it says was taken up. */
  | "report-replayed"
  /** The tag does not belong to the output that is named. */
  | "tag-of-another-output"
  /** A refusal of the job's rules, such as `attempt-fenced` for `AttemptFenced`. */
  | (string & { readonly __brand?: "JobRefusal" });

export interface RunningValidator extends Listener {
  /** What was refused, by code: unsigned, late, fenced, repeated with another content. */
  refusals(): ReadonlyMap<ResultRefusal, number>;
  close(): Promise<void>;
}

export const runValidator = ({
  book,
  store,
  ids,
  policy = () => policyDefaults,
  keys,
  proofs,
  desk,
  blobs,
  clock,
  onTrouble,
  refusalLog = noRefusalLog,
  comparer = openComparer({ clock }),
  withholds = () => false,
}: {
  readonly book: JobBook;
  readonly store: EventStore;
  readonly ids: EventIds;
  /** In force as far as facts were told; the defaults if not given. */
  readonly policy?: () => Policy;
  readonly keys: SigningKeys;
  readonly proofs: Proofs;
  readonly desk: TaskDesk;
  readonly blobs: Outputs;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Takes the results that the rules refused. */
  readonly refusalLog?: RefusalLog;
  /** One with a thread of its own if not given; closed with the validator. */
  readonly comparer?: Comparer;
  /** Whether somebody else has to see the results of a job before they are judged. */
  readonly withholds?: (jobHash: string) => boolean;
}): RunningValidator => {
  const refusals = new Map<ResultRefusal, number>();
  const reveals = createReveals(book.get, desk);
  const assignments = createAssignments();
  const { sha256 } = proofs;
  const assurance = createAssuranceDesk({ book, store, ids, clock, sha256, policy, onTrouble });
  const takenUp = new Set<string>();
  /** Jobs to be judged apart from a new result: after a restart, or when two results crossed. */
  const unjudged = new Set<string>();
  const judging = new Set<string>();
  let consumption: Consumption | undefined;
  let isLive = false;
  let closed = false;
  const revealing = clock.every(revealTickMs, () => {
    if (isLive && !closed) reveals.ask(clock.now());
  });

  const judgementOf = async (job: Job): Promise<readonly JobCommand[]> => {
    if (job.status !== "open" || !needsJudgement(job) || withholds(job.jobHash)) return [];
    const judgement = await judgeResults(job, { blobs, comparer });
    const terms = assurance.termsFor(job);
    const how = { ...judgement, ...(terms ? { assurance: terms } : {}) };
    return [{ type: "JudgeResults", ...how, actor, now: clock.now() }];
  };

  /**
   * Without its outputs a result is recorded all the same, in time, and judged when it is heard: also
   * where they must be compared, which may take long, and no other result has to wait for that.
   */
  const judgementIfPossible = async (job: Job, jobHash: string): Promise<readonly JobCommand[]> => {
    if (job.status === "open" && mustCompareOutputs(job)) return [];
    try {
      return await judgementOf(job);
    } catch (error) {
      onTrouble(`job ${jobHash} cannot be judged yet`, error);
      return [];
    }
  };

  const refuse = (code: ResultRefusal, what: string, nodeId: NodeId) => {
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
    refusalLog.record({ code, what, id: nodeId, at: clock.now() });
  };

  /** Takes up one statement. @returns Whether the rules took it. */
  const take = async (nodeId: NodeId, claim: Claim): Promise<boolean> => {
    const { jobHash, replica, attempt } = claim.statement;
    const what = `result of job ${jobHash}`;
    const job = book.get(jobHash);
    if (isTaggedWrong(claim, job, proofs)) {
      refuse("tag-of-another-output", what, nodeId);
      return false;
    }
    const command = commandOf(nodeId, claim, clock.now());
    // A verdict goes into the same append as the result that makes it possible.
    const decision = decider.decide(command, job);
    const after = decision.ok ? decision.events.reduce(decider.evolve, job) : job;
    const commands = [command, ...(await judgementIfPossible(after, jobHash))];
    const [refusal] = await book.handle(jobHash, commands);
    if (!refusal) {
      noteEnvelopeFault(job, claim);
      return true;
    }
    refuse(codeOf(refusal), what, nodeId);
    const code = uselessResults[refusal];
    if (code !== undefined) {
      const task = { jobHash, replica, attempt, nodeId };
      const failure = { type: "RecordFailure", task, code, retryable: true } as const;
      await book.handle(jobHash, [{ ...failure, actor, now: clock.now() }]);
    }
    return false;
  };

  const takeReport = async (nodeId: NodeId, report: Report) => {
    const name = "bundle" in report ? `${nodeId} ${report.signature}` : undefined;
    const what = `report of node ${nodeId}`;
    if (name !== undefined && takenUp.has(name)) return refuse("report-replayed", what, nodeId);
    const by = { keys, proofs, assignedAt: assignments.positionOf };
    const checked = checkReport({ nodeId, report }, by);
    if (!checked.ok) return refuse(checked.code, what, nodeId);
    const taken = await Promise.all(checked.claims.map((claim) => take(nodeId, claim)));
    // What was refused may be right later: a result that was shown too early, say.
    if (name === undefined || !taken.every(Boolean)) return;
    takenUp.add(name);
    const oldest = takenUp.size > bundlesKept ? takenUp.keys().next().value : undefined;
    if (oldest !== undefined) takenUp.delete(oldest);
  };

  /** A node refused an envelope: whoever made or changed it should be looked at. */
  const noteEnvelopeFault = (job: Job, { statement }: Claim) => {
    if (statement.outcome !== "failed" || !isEnvelopeErrorCode(statement.code)) return;
    if (job.status !== "open") return;
    const { code } = statement;
    const what = `envelope of job ${statement.jobHash}`;
    refusalLog.record({ code, what, id: job.spec.client, at: clock.now() });
  };

  const judge = async (jobHash: string) => {
    judging.add(jobHash);
    try {
      const commands = await judgementOf(book.get(jobHash));
      if (commands.length > 0) await book.handle(jobHash, commands);
    } catch (error) {
      if (closed) return;
      onTrouble(`job ${jobHash} could not be judged`, error);
      clock.after(retryMs, () => {
        unjudged.add(jobHash);
        act();
      });
    } finally {
      judging.delete(jobHash);
      if (unjudged.has(jobHash)) act();
    }
  };

  const act = () => {
    if (closed) return;
    consumption ??= desk.consumeResults(async (nodeId, report) => {
      try {
        await takeReport(nodeId, report);
      } catch (error) {
        onTrouble(`results of node ${nodeId} were not taken up`, error);
        throw error; // The queue brings them again.
      }
    });
    isLive = true;
    assurance.act();
    reveals.ask(clock.now());
    for (const jobHash of unjudged) {
      if (judging.has(jobHash)) continue; // Looked at again when that is done.
      const job = book.get(jobHash);
      if (job.status === "open" && withholds(jobHash)) continue;
      unjudged.delete(jobHash);
      if (job.status === "open" && needsJudgement(job)) void judge(jobHash);
    }
  };

  return {
    hear: (fact: Fact) => {
      const { event, stream } = fact;
      const isOfJob = stream.startsWith(jobStreamPrefix);
      assurance.hear(fact, isOfJob ? book.get((event as JobEvent).jobHash) : unknownJob);
      if (!isOfJob) return;
      assignments.hear(fact);
      reveals.hear(event as JobEvent);
      if (event.type === "ResultReceived" || event.type === "AuditDrawn")
        unjudged.add(event.jobHash);
      else if (event.type === "JobCompleted") unjudged.delete(event.jobHash);
    },
    act,
    refusals: () => refusals,
    close: async () => {
      closed = true;
      revealing.cancel();
      assurance.close();
      await consumption?.stop();
      await comparer.close();
    },
  };
};

const unknownJob: Job = { status: "unknown" };

/** Results with which nothing can be done: the task has failed, and need not wait for its lease. */
const uselessResults: Readonly<Partial<Record<JobRefusal, string>>> = {
  WrongExecutionClass: "wrong-class",
  ResultTagMissing: "tag-missing",
};

/** Where anybody can compute the tag from the output's digest, it must be that one. */
const isTaggedWrong = (
  { statement }: Claim,
  job: Job,
  { openResultTag }: Pick<Proofs, "openResultTag">,
): boolean => {
  if (statement.outcome !== "done" || statement.resultTag === undefined) return false;
  if (job.status !== "open" || job.spec.sealed) return false;
  return statement.resultTag !== openResultTag(statement);
};

/** `attempt-fenced` for `AttemptFenced`. */
const codeOf = (refusal: JobRefusal): ResultRefusal =>
  refusal.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

const commandOf = (nodeId: NodeId, { statement, receipt }: Claim, now: number): JobCommand => {
  const { jobHash, replica, attempt, outcome } = statement;
  const task: TaskRef = { jobHash, replica, attempt, nodeId };
  if (outcome === "committed")
    return { type: "RecordCommit", task, commit: statement.commit, actor, now };
  if (outcome === "failed") {
    const { code } = statement;
    const retryable = statement.retryable || !isJobFault(code);
    return { type: "RecordFailure", task, code: knownCode(code), retryable, actor, now };
  }
  const { executionClass, outputDigest, outputSize, elapsedMs, resultTag, salt } = statement;
  return {
    type: "RecordResult",
    task,
    ...{ executionClass, outputDigest, outputSize, elapsedMs },
    ...(resultTag === undefined ? {} : { resultTag }),
    ...(salt === undefined ? {} : { salt }),
    ...(receipt === undefined ? {} : { receipt }),
    actor,
    now,
  };
};

/** What nodes say of themselves; a code that is none of ours tells nothing that others could use. */
const nodeCodes: ReadonlySet<string> = new Set([
  "timed-out",
  "out-of-memory",
  "worker-fault",
  "key-missing",
  "node-draining",
  "reveal-lost",
  "blob-unknown",
  "blob-corrupt",
  "unavailable",
]);

const knownCode = (code: string): string =>
  isJobFault(code) || nodeCodes.has(code) ? code : "worker-fault";
