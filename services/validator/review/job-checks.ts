/** Makes the decisions on a job again, event by event, and says which come out another. */
import type { Sha256 } from "../../../domain/hashing.ts";
import type { NodeId } from "../../../domain/ids.ts";
import type {
  JobEvent,
  JobReopened,
  ResultCommitted,
  ResultReceived,
  TaskAssigned,
} from "../../../domain/job/events.ts";
import { jobHash as hashOf, taskName } from "../../../domain/job/hash.ts";
import { type Job, job as jobRules, vacancies } from "../../../domain/job/job.ts";
import { endIfHopeless } from "../../../domain/job/needs.ts";
import type { Fact } from "../../facts.ts";
import type { Proofs } from "../check-report.ts";
import type { Comparer } from "../comparer.ts";
import type { Outputs } from "../judge.ts";
import type { VerdictFault, VerdictFaultCode } from "./faults.ts";
import type { Payments } from "./payments.ts";
import type { Signers } from "./signers.ts";
import { asOfIn, type Closing, recomputeVerdict, type Standings } from "./verdict.ts";

export interface JobChecks {
  /** @param job - As it was before. */
  check(event: JobEvent, job: Job, position: bigint): Promise<void>;
  /** Hears who owns the nodes. */
  hearNode(fact: Fact): void;
  /** Nothing more is heard of these tasks. */
  forget(job: Job): void;
  counts(): Counts;
}

export interface Counts {
  readonly jobs: number;
  /** Results that nodes gave, and how many of them carry no signature. */
  readonly results: number;
  readonly unsigned: number;
  readonly verdicts: number;
  readonly matches: number;
  /** Verdicts that cannot be given again: an output is gone … */
  readonly unread: number;
  /** … or it does not say up to where its nodes were counted. */
  readonly untold: number;
}

export type Blame = (code: VerdictFaultCode, where: Omit<VerdictFault, "code">) => void;

export const createJobChecks = ({
  blame,
  onProof,
  ...by
}: {
  readonly blame: Blame;
  /** Hears of each result that a verdict proves wrong. */
  readonly onProof: (
    proof: Extract<JobEvent, { type: "ResultRejected" }>,
    position: bigint,
  ) => void;
  readonly signers: Signers;
  readonly standings: Standings;
  readonly payments: Payments;
  readonly sha256: Sha256;
  readonly openResultTag: Proofs["openResultTag"];
  readonly blobs: Outputs;
  readonly comparer: Comparer;
}): JobChecks => {
  const { signers, standings, payments, sha256 } = by;
  const owners = new Map<NodeId, string>();
  /** Where each task of an open job was assigned. */
  const assignedAt = new Map<string, bigint>();
  /** Where the last result of an ordinary node of each open job stands. */
  const resultAt = new Map<string, bigint>();
  /** Since a verdict first said up to where its nodes were counted, all must. */
  let isTold = false;
  /** Verdicts whose closing event is still to come, with the job as it was before them. */
  const begun = new Map<string, { readonly said: readonly JobEvent[]; readonly job: Job }>();
  const counts = { jobs: 0, results: 0, unsigned: 0, verdicts: 0 };
  const outcomes = { matches: 0, unread: 0, untold: 0, differs: 0 };

  const takeUp = (event: ResultCommitted | ResultReceived, job: Job, position: bigint) => {
    const { jobHash, replica, attempt, nodeId } = event;
    const where = { position, jobHash, nodeId, replica };
    const task = { jobHash, replica, attempt, nodeId };
    const again = { task, actor: "audit", now: event.at } as const;
    const decision = jobRules.decide(
      event.type === "ResultCommitted"
        ? { type: "RecordCommit", ...again, commit: event.commit }
        : { ...event, type: "RecordResult", ...again },
      job,
    );
    if (!decision.ok) blame("result-unfounded", { ...where, detail: decision.reason });
    else if (decision.events.length === 0)
      blame("result-unfounded", { ...where, detail: "it was there" });
    if (event.type === "ResultCommitted") return;
    counts.results++;
    const isOrdinary = job.status === "open" && job.tasks[replica]?.role === undefined;
    if (isOrdinary) resultAt.set(jobHash, position);
    if (event.receipt === undefined) counts.unsigned++;
    const signed = { position, assignedAt: assignedAt.get(taskName(event)) };
    const fault = signers.faultOf(event, signed);
    if (fault) blame(fault, where);
    const isSealed = job.status === "open" && job.spec.sealed;
    if (event.resultTag !== undefined && !isSealed && event.resultTag !== by.openResultTag(event))
      blame("tag-of-another-output", where);
  };

  const checkTask = (event: TaskAssigned, job: Job, position: bigint) => {
    assignedAt.set(taskName(event), position);
    if (event.role !== "arbiter") return;
    const { jobHash, nodeId, replica } = event;
    const where = { position, jobHash, nodeId, replica };
    const open = job.status === "open" ? vacancies(job) : [];
    if (!open.some((one) => one.replica === replica && one.by === "arbiter"))
      blame("check-added", where);
    const { arbiters } = standings.policyAt(Number(event.reason.asOf ?? position)).verification;
    const owner = owners.get(nodeId);
    if (owner === undefined || !arbiters.includes(owner)) blame("arbiter-unlisted", where);
  };

  const checkVerdict = async (closing: Closing, now: Job, position: bigint) => {
    const { jobHash } = closing;
    const { said: before, job } = begun.get(jobHash) ?? { said: [], job: now };
    const said = [...before, closing];
    begun.delete(jobHash);
    counts.verdicts++;
    const where = { position, resultAt: resultAt.get(jobHash) ?? -1n };
    const outcome = await recomputeVerdict(said, job, { ...by, ...where });
    outcomes[outcome.kind]++;
    if (outcome.kind === "differs") {
      const { code, detail } = outcome;
      return blame(code, { position, jobHash, detail });
    }
    isTold ||= asOfIn(closing) !== undefined;
    if (outcome.kind === "untold" && isTold)
      blame("verdict-differs", { position, jobHash, detail: "up to where nodes were counted" });
    for (const event of said)
      if (event.type === "ResultRejected" && event.convicted) onProof(event, position);
  };

  const checkFailure = async (
    event: Extract<JobEvent, { type: "JobFailed" }>,
    job: Job,
    position: bigint,
  ) => {
    if (job.status === "open") {
      if (event.reason === "deadline-passed" && event.at >= job.deadlineAt) return;
      if (endIfHopeless(job, event.at).some(({ reason }) => reason === event.reason)) return;
      if (job.spec.assurance && event.reason === "no-quorum")
        return checkVerdict(event, job, position);
    }
    const { jobHash, reason } = event;
    blame("failure-unfounded", { position, jobHash, detail: reason });
  };

  const checkReopening = (event: JobReopened, job: Job, position: bigint) => {
    const { jobHash, convicts, fundedAt } = event;
    const where = { position, jobHash };
    if (!payments.reopens(jobHash, fundedAt))
      blame("reopening-unfounded", { ...where, detail: "no award was taken back" });
    const innocent = convicts.find((nodeId) => !payments.isConvicted(nodeId));
    if (innocent !== undefined)
      blame("reopening-unfounded", { ...where, detail: `${innocent} was not convicted` });
    const again = { convicts, fundedAt, actor: "audit", now: event.at };
    const decision = jobRules.decide({ type: "ReopenJob", ...again }, job);
    if (!decision.ok) blame("reopening-unfounded", { ...where, detail: decision.reason });
  };

  /** A verdict on results, and what closes it, stand together: they were one append. */
  const checkWhole = ({ type, jobHash }: JobEvent, position: bigint) => {
    if (!begun.has(jobHash) || inVerdicts.has(type)) return;
    blame("verdict-unfounded", { position, jobHash, detail: `${type} amid a verdict` });
    begun.delete(jobHash);
  };

  return {
    hearNode: ({ event }) => {
      if (event.type === "NodeRegistered") owners.set(event.nodeId, event.owner);
    },
    check: async (event, job, position) => {
      const { jobHash } = event;
      checkWhole(event, position);
      switch (event.type) {
        case "JobSubmitted":
          counts.jobs++;
          if (hashOf(event.spec, sha256) !== jobHash)
            blame("job-hash-differs", { position, jobHash });
          return;
        case "TaskAssigned":
          return checkTask(event, job, position);
        case "ResultCommitted":
        case "ResultReceived":
          return takeUp(event, job, position);
        case "ResultAccepted":
        case "ResultRejected":
        case "TaskStopped": {
          const open = begun.get(jobHash) ?? { said: [], job };
          begun.set(jobHash, { ...open, said: [...open.said, event] });
          return;
        }
        case "JobCompleted":
        case "ReplicaWanted":
        case "ResultsDisagreed":
          return checkVerdict(event, job, position);
        case "JobFailed":
          return checkFailure(event, job, position);
        case "JobReopened":
          return checkReopening(event, job, position);
      }
    },
    forget: (job) => {
      if (job.status === "unknown") return;
      const [first] = job.tasks;
      if (first) resultAt.delete(first.jobHash);
      for (const { attempt, ...task } of job.tasks)
        for (let one = 1; one <= attempt; one++)
          assignedAt.delete(taskName({ ...task, attempt: one }));
    },
    counts: () => {
      const { matches, unread, untold } = outcomes;
      return { ...counts, matches, unread, untold };
    },
  };
};

const inVerdicts: ReadonlySet<JobEvent["type"]> = new Set([
  ...(["ResultAccepted", "ResultRejected", "TaskStopped"] as const),
  ...(["JobCompleted", "ResultsDisagreed"] as const),
]);
