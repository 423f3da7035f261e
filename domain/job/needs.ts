/** What an open job still needs: nodes, a judgement, or its end. */
import type { Instant, Millis } from "../decider.ts";
import type { JobFailed } from "./events.ts";
import type { JobSpec } from "./spec.ts";
import type { Job, OpenJob, Task } from "./state.ts";

/** So often may one replica be tried before the job fails. */
export const attemptsMax = 5;
/** How long after the last commit of a job all must be revealed. */
export const revealMs: Millis = 60_000;

/**
 * Which replicas need a node now, and the attempt that each would be.
 * Empty when the results that are there or on their way can make the quorum.
 */
export const vacancies = (
  job: OpenJob,
): readonly { readonly replica: number; readonly attempt: number }[] => {
  let missing = job.spec.quorum - job.agreeing - underWay(job);
  const open: { replica: number; attempt: number }[] = [];
  for (let replica = 0; missing > 0 && replica < job.spec.replicasMax; replica++) {
    const task = job.tasks[replica];
    if (task && task.status !== "vacant") continue;
    open.push({ replica, attempt: (task?.attempt ?? 0) + 1 });
    missing--;
  }
  return open;
};

const underWay = (job: OpenJob): number =>
  job.tasks.filter(({ status }) => status === "assigned" || status === "committed").length;

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

/** True when more results are in than the last judgement has seen, and enough for a quorum. */
export const needsJudgement = (job: OpenJob): boolean => {
  const count = received(job).length;
  return count >= job.spec.quorum && count > job.judged;
};

/** Ends a job that no further attempt can complete. */
export const endIfHopeless = (job: Job, at: Instant): readonly JobFailed[] => {
  if (job.status !== "open") return [];
  const fail = (reason: string): readonly JobFailed[] => [
    { type: "JobFailed", jobHash: job.jobHash, reason, at },
  ];
  for (const [code, count] of Object.entries(job.inputFaults))
    if (count >= job.spec.quorum) return fail(code);
  const open = vacancies(job);
  if (open.some(({ attempt }) => attempt > attemptsMax)) return fail("attempts-exhausted");
  if (job.agreeing + underWay(job) + open.length < job.spec.quorum) return fail("no-quorum");
  return [];
};
