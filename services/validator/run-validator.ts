/**
 * Takes up results and says which are believed. A message is only a request to decide: a result
 * becomes a fact when the job's rules accept it, and a verdict when enough results agree.
 */
import { isAppErrorCode } from "../../domain/app-errors.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { TaskRef } from "../../domain/job/events.ts";
import {
  job as decider,
  type Job,
  type JobCommand,
  type JobRefusal,
  needsJudgement,
} from "../../domain/job/job.ts";
import type { BlobSource } from "../../streams/blob-store.ts";
import type { Clock } from "../../streams/clock.ts";
import { noRefusalLog, type RefusalLog } from "../../streams/refusal-log.ts";
import type { Consumption, ResultStatement, TaskDesk } from "../../streams/task-queue.ts";
import { type Fact, type Listener, serviceActor } from "../facts.ts";
import type { JobBook } from "../job-book.ts";
import { judgeResults } from "./judge.ts";

const actor = serviceActor("validator");
const retryMs = 500;

export interface RunningValidator extends Listener {
  /** Results that the rules refused, by refusal: late, fenced, repeated with another content. */
  refusals(): ReadonlyMap<JobRefusal, number>;
  close(): Promise<void>;
}

export const runValidator = ({
  book,
  desk,
  blobs,
  clock,
  onTrouble,
  refusalLog = noRefusalLog,
}: {
  readonly book: JobBook;
  readonly desk: TaskDesk;
  readonly blobs: BlobSource;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Takes the results that the rules refused. */
  readonly refusalLog?: RefusalLog;
}): RunningValidator => {
  const refusals = new Map<JobRefusal, number>();
  /** Jobs to be judged apart from a new result: after a restart, or when two results crossed. */
  const unjudged = new Set<string>();
  const judging = new Set<string>();
  let consumption: Consumption | undefined;
  let closed = false;

  const judgementOf = async (job: Job): Promise<readonly JobCommand[]> => {
    if (job.status !== "open" || !needsJudgement(job)) return [];
    const judgement = await judgeResults(job, blobs);
    return [{ type: "JudgeResults", ...judgement, actor, now: clock.now() }];
  };

  /** Without its outputs a result is recorded all the same, in time, and judged when it is heard. */
  const judgementIfPossible = async (job: Job, jobHash: string): Promise<readonly JobCommand[]> => {
    try {
      return await judgementOf(job);
    } catch (error) {
      onTrouble(`job ${jobHash} cannot be judged yet`, error);
      return [];
    }
  };

  const take = async (nodeId: NodeId, statement: ResultStatement) => {
    const command = commandOf(nodeId, statement, clock.now());
    const job = book.get(statement.jobHash);
    // A verdict goes into the same append as the result that makes it possible.
    const decision = decider.decide(command, job);
    const after = decision.ok ? decision.events.reduce(decider.evolve, job) : job;
    const commands = [command, ...(await judgementIfPossible(after, statement.jobHash))];
    const [refusal] = await book.handle(statement.jobHash, commands);
    if (!refusal) return;
    refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
    const what = `result of job ${statement.jobHash}`;
    refusalLog.record({ code: refusal, what, id: nodeId, at: clock.now() });
    if (refusal === "WrongExecutionClass") {
      const { jobHash, replica, attempt } = statement;
      const task = { jobHash, replica, attempt, nodeId };
      const failure = {
        type: "RecordFailure",
        task,
        code: "wrong-class",
        retryable: true,
      } as const;
      await book.handle(jobHash, [{ ...failure, actor, now: clock.now() }]);
    }
  };

  const judge = async (jobHash: string) => {
    judging.add(jobHash);
    try {
      const commands = await judgementOf(book.get(jobHash));
      if (commands.length > 0) await book.handle(jobHash, commands);
    } catch (error) {
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
    consumption ??= desk.consumeResults(async (nodeId, results) => {
      try {
        await Promise.all(results.map((statement) => take(nodeId, statement)));
      } catch (error) {
        onTrouble(`results of node ${nodeId} were not taken up`, error);
        throw error; // The queue brings them again.
      }
    });
    for (const jobHash of unjudged) {
      if (judging.has(jobHash)) continue; // Looked at again when that is done.
      unjudged.delete(jobHash);
      const job = book.get(jobHash);
      if (job.status === "open" && needsJudgement(job)) void judge(jobHash);
    }
  };

  return {
    hear: ({ event }: Fact) => {
      if (event.type === "ResultReceived") unjudged.add(event.jobHash);
      else if (event.type === "JobCompleted") unjudged.delete(event.jobHash);
    },
    act,
    refusals: () => refusals,
    close: async () => {
      closed = true;
      await consumption?.stop();
    },
  };
};

const commandOf = (nodeId: NodeId, statement: ResultStatement, now: number): JobCommand => {
  const { jobHash, replica, attempt } = statement;
  const task: TaskRef = { jobHash, replica, attempt, nodeId };
  if (statement.outcome === "failed") {
    const { code } = statement;
    const retryable = statement.retryable || !isAppErrorCode(code);
    return { type: "RecordFailure", task, code: knownCode(code), retryable, actor, now };
  }
  const { executionClass, outputDigest, outputSize, elapsedMs } = statement;
  const result = { executionClass, outputDigest, outputSize, elapsedMs };
  return { type: "RecordResult", task, ...result, actor, now };
};

/** What nodes say of themselves; a code that is none of ours tells nothing that others could use. */
const nodeCodes: ReadonlySet<string> = new Set([
  "timed-out",
  "out-of-memory",
  "worker-fault",
  "node-draining",
  "blob-unknown",
  "blob-corrupt",
  "unavailable",
]);

const knownCode = (code: string): string =>
  isAppErrorCode(code) || nodeCodes.has(code) ? code : "worker-fault";
