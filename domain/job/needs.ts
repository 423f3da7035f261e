/** What an open job still needs: nodes, a judgement, or its end. */
import type { Instant, Millis } from "../decider.ts";
import type { JobFailed } from "./events.ts";
import type { JobSpec } from "./spec.ts";
import type { Job, OpenJob, Task } from "./state.ts";

/** So often may one replica be tried before the job fails. */
export const attemptsMax = 5;
/** How long after the last commit of a job all must be revealed. */
export const revealMs: Millis = 60_000;

export interface Vacancy {
  readonly replica: number;
  /** The attempt that it would be. */
  readonly attempt: number;
  /** Whom it is for, if not for an ordinary node. */
  readonly by?: "arbiter";
}

/**
 * Which replicas need a node now. Empty when the results that are there or on their way can make the
 * quorum; of a job with an assurance, when they are as many as wanted.
 */
export const vacancies = (job: OpenJob): readonly Vacancy[] => {
  if (job.spec.assurance) return wantedReplicas(job);
  let missing = job.spec.quorum - job.agreeing - underWay(job);
  if (missing <= 0) return none;
  const open: { replica: number; attempt: number }[] = [];
  for (let replica = 0; missing > 0 && replica < job.spec.replicasMax; replica++) {
    const task = job.tasks[replica];
    if (task && task.status !== "vacant") continue;
    open.push({ replica, attempt: (task?.attempt ?? 0) + 1 });
    missing--;
  }
  return open;
};

const none: readonly Vacancy[] = [];

const wantedReplicas = ({ tasks, wanted, arbitersWanted }: OpenJob): readonly Vacancy[] => {
  let [ordinary, arbiters] = [wanted, arbitersWanted];
  for (const { status, role } of tasks) if (status !== "vacant") role ? arbiters-- : ordinary--;
  if (ordinary <= 0 && arbiters <= 0) return none;
  const open: Vacancy[] = [];
  for (const { status, role, replica, attempt } of tasks)
    if (status === "vacant" && (role ? arbiters-- : ordinary--) > 0)
      open.push({ replica, attempt: attempt + 1, ...(role ? { by: role } : {}) });
  let replica = tasks.length;
  for (; ordinary > 0; ordinary--) open.push({ replica: replica++, attempt: 1 });
  for (; arbiters > 0; arbiters--) open.push({ replica: replica++, attempt: 1, by: "arbiter" });
  return open;
};

const underWay = ({ tasks }: OpenJob): number => {
  let count = 0;
  for (const { status } of tasks) if (status === "assigned" || status === "committed") count++;
  return count;
};

/**
 * Whether results agree only if they are the same to the bit, so that all must be computed in one
 * execution class. Of sealed results nothing but their tags can be seen.
 */
export const needsOneClass = ({ comparator, sealed }: JobSpec): boolean =>
  comparator.kind === "exact" || sealed === true;

/**
 * The execution class that all results must have, because a node computes or has computed in it;
 * undefined if free. A task that came to nothing pins nothing, or a job would starve with its class.
 */
export const pinnedClass = (job: OpenJob): string | undefined =>
  needsOneClass(job.spec)
    ? job.tasks.find((task) => task.status !== "vacant")?.executionClass
    : undefined;

/** The results that wait for a judgement, by replica. */
export const received = (job: OpenJob): readonly Extract<Task, { status: "received" }>[] =>
  job.tasks.filter((task) => task.status === "received");

/** The tasks that may be revealed and are not yet. */
export const toReveal = (job: OpenJob): readonly Extract<Task, { status: "committed" }>[] =>
  job.revealBy === undefined ? [] : job.tasks.filter((task) => task.status === "committed");

/**
 * The results whose lottery is to be drawn: those of ordinary nodes that took part in none, when no
 * other ordinary result is still to come. All are shown by then: whoever knew that it is audited
 * could keep a lie back. So it is with an arbiter that would decide alone: it is shown before anybody
 * knows whether it is checked. Empty for a job without an assurance.
 */
export const toDraw = (job: OpenJob): readonly Extract<Task, { status: "received" }>[] => {
  if (!job.spec.assurance) return [];
  const isUnderWay = job.tasks.some(
    ({ role, status }) => !role && (status === "assigned" || status === "committed"),
  );
  if (isUnderWay || vacancies(job).some(({ by }) => by !== "arbiter")) return [];
  const notDrawn = received(job).filter(
    ({ replica, attempt }) => job.draws.get(replica)?.attempt !== attempt,
  );
  const ordinary = notDrawn.filter(({ role }) => !role);
  return ordinary.length === 0 && job.checks && isOneArbiters(job) ? notDrawn : ordinary;
};

/** Whether one arbiter has answered, and no other is asked. */
const isOneArbiters = (job: OpenJob): boolean =>
  received(job).filter(({ role }) => role).length === 1 &&
  underWay(job) === 0 &&
  vacancies(job).length === 0;

/**
 * True when more results are in than the last judgement has seen, and enough for a quorum; of a job
 * with an assurance, all that are wanted, and their audits are drawn.
 */
export const needsJudgement = (job: OpenJob): boolean => {
  const count = received(job).length;
  if (job.spec.assurance)
    return (
      count > job.judged &&
      underWay(job) === 0 &&
      vacancies(job).length === 0 &&
      toDraw(job).length === 0
    );
  return count >= job.spec.quorum && count > job.judged;
};

/** Ends a job that no further attempt can complete. */
export const endIfHopeless = (job: Job, at: Instant): readonly JobFailed[] => {
  if (job.status !== "open") return [];
  const fail = (reason: string): readonly JobFailed[] => [
    { type: "JobFailed", jobHash: job.jobHash, reason, at },
  ];
  for (const [code, count] of Object.entries(job.inputFaults))
    if (count >= faultsNeeded(job.spec)) return fail(code);
  const open = vacancies(job);
  if (open.some(({ attempt }) => attempt > attemptsMax)) return fail("attempts-exhausted");
  if (job.spec.assurance) return []; // The judgement says when nothing more can help.
  if (job.agreeing + underWay(job) + open.length < job.spec.quorum) return fail("no-quorum");
  return [];
};

/** So many nodes must find the same fault with the input; an arbiter counts for all of them. */
export const faultsNeeded = ({ quorum, assurance }: JobSpec): number => (assurance ? 2 : quorum);
