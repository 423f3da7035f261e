/**
 * The jobs that are open: from its funding a job waits in the line until it needs no more tasks, and
 * its deadline rings as long as it has not ended.
 */
import type { Instant } from "../../domain/decider.ts";
import type { JobHash } from "../../domain/ids.ts";
import { type Job, vacancies } from "../../domain/job/job.ts";
import { createAlarms } from "../alarms.ts";
import type { Usage } from "./usage.ts";
import { createWaitingLine, type Offered } from "./waiting-line.ts";

export interface OpenJobs {
  submit(jobHash: JobHash, deadlineAt: Instant): void;
  /** @param fundedAt - Revision of the event that funded it. */
  fund(jobHash: JobHash, fundedAt: number): void;
  /** Undefined as long as it is not funded. */
  fundedAt(jobHash: JobHash): number | undefined;
  /** Puts a funded job that lacks tasks in the line, where it stays if it stands there; passes over any other. */
  enlist(jobHash: JobHash, job: Job): void;
  /** It needs nothing more, and does not ring any more at its deadline. */
  close(jobHash: JobHash): void;
  /** Offers the jobs that wait, in turn. */
  serve(offer: (jobHash: JobHash) => Offered): void;
  /** Names the job in `due` from that instant on. */
  ring(jobHash: JobHash, at: Instant): void;
  /** Takes back one `ring`. */
  forget(jobHash: JobHash, at: Instant): void;
  /** The jobs whose time has come since the last call. */
  due(now: Instant): readonly JobHash[];
  waiting(): number;
}

export const createOpenJobs = (usage: Usage): OpenJobs => {
  const funded = new Map<JobHash, number>();
  const deadlines = new Map<JobHash, Instant>();
  const line = createWaitingLine(usage);
  const alarms = createAlarms();

  return {
    submit: (jobHash, deadlineAt) => {
      deadlines.set(jobHash, deadlineAt);
      alarms.add(deadlineAt, jobHash);
    },

    fund: (jobHash, fundedAt) => void funded.set(jobHash, fundedAt),
    fundedAt: (jobHash) => funded.get(jobHash),

    enlist: (jobHash, job) => {
      if (job.status !== "open" || !funded.has(jobHash)) return;
      const { client, priority, app, engine, sealed, minSpeed } = job.spec;
      const vacant = vacancies(job);
      if (vacant.length === 0) return;
      const judged = vacant.some(({ by }) => by === "arbiter");
      const how = `${sealed ? " sealed" : ""}${judged ? " arbiter" : ""}`;
      const kind = `${app} ${engine}${how}${minSpeed === undefined ? "" : ` ${minSpeed}`}`;
      line.join(jobHash, { client, priority, kind, cost: vacant.length * usage.usualMs(app) });
    },

    close: (jobHash) => {
      line.leave(jobHash);
      funded.delete(jobHash);
      alarms.forget(deadlines.get(jobHash) ?? 0, jobHash);
      deadlines.delete(jobHash);
    },

    serve: line.serve,
    ring: (jobHash, at) => alarms.add(at, jobHash),
    forget: (jobHash, at) => alarms.forget(at, jobHash),
    due: alarms.due,
    waiting: line.size,
  };
};
