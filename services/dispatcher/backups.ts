/**
 * Finds the tasks that hang at the end of a batch, and gives each to a second node: what MapReduce
 * calls backup tasks (Dean and Ghemawat, OSDI 2004). Only when all who wait have been served, and only
 * to nodes with an idle slot, so that it keeps nobody waiting.
 */
import type { Random } from "../../domain/chance.ts";
import type { Instant } from "../../domain/decider.ts";
import type { Tail } from "../../domain/dispatch/batches.ts";
import type { Roster } from "../../domain/dispatch/roster.ts";
import type { JobHash } from "../../domain/ids.ts";
import {
  type Assignment,
  type Job,
  type OpenJob,
  oldestAssigned,
  spareReplica,
} from "../../domain/job/job.ts";
import type { Hung, Planner } from "./planning.ts";

/** Jobs that are looked at in one round, and backups given in it: a round takes a second. */
const looksMax = 10_000;
const backupsMax = 200;

export interface BackedUp {
  readonly job: OpenJob;
  readonly assignment: Assignment;
}

/** What hangs, each with the node that gets it as well; room is set aside for it. */
export const findBackups = (
  { roster, jobOf, mayHave, backupFor }: BackupTools,
  now: Instant,
  random: Random,
): readonly BackedUp[] => {
  const found: BackedUp[] = [];
  let looks = 0;
  for (const tail of roster.batches.tails(roster.policy.dispatch.tailShare))
    for (const jobHash of tail.jobHashes) {
      if (++looks > looksMax || found.length === backupsMax) return found;
      if (!mayHave(jobHash)) continue;
      const job = jobOf(jobHash);
      const hung = job.status === "open" ? hungIn(job, tail, now) : undefined;
      if (job.status !== "open" || !hung) continue;
      const assignment = backupFor(job, hung, random);
      if (assignment) found.push({ job, assignment });
    }
  return found;
};

export interface BackupTools {
  readonly roster: Pick<Roster, "batches" | "policy">;
  readonly jobOf: (jobHash: JobHash) => Job;
  /** Whether the job is funded, and no backup of it on its way into the log. */
  readonly mayHave: (jobHash: JobHash) => boolean;
  readonly backupFor: Planner["backupFor"];
}

const hungIn = (job: OpenJob, tail: Tail, now: Instant): Hung | undefined => {
  const hangsAfterMs = tail.hangsAfterMs(job.spec.app);
  const task = oldestAssigned(job);
  if (hangsAfterMs === undefined || !task) return undefined;
  const ranMs = now - task.assignedAt;
  if (ranMs <= hangsAfterMs) return undefined;
  const spare = spareReplica(job);
  return spare && { task, spare, backup: [ranMs, hangsAfterMs, tail.open, tail.size] };
};
