/**
 * How much of the network each client has used of late: the time that nodes spent on his tasks, which
 * counts half as much after each half-life. Folded from facts, with their times, and so the same
 * after each start. From it follows whose turn comes sooner in the waiting line.
 *
 * Kept as if all had been used at one instant (forward decay, Cormode and others, ICDE 2009): what is
 * used later counts more, and nothing must be touched as time goes by.
 */
import type { Instant, Millis } from "../../domain/decider.ts";
import type { AccountId, JobHash } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { replicaName } from "../../domain/job/hash.ts";
import type { Job } from "../../domain/job/job.ts";
import type { Weights } from "./waiting-line.ts";

export interface Usage extends Weights {
  /** Folds a fact. `job` is the state after it, or newer. */
  hear(event: JobEvent, job: Job): void;
  /** What a client has used, decayed until `now`, ms of one slot. */
  of(client: AccountId, now: Instant): Millis;
  /** What a task of the app takes as a rule, ms, at least 1. */
  usualMs(app: string): Millis;
  /** From `now` on what was used counts half as much after so long. */
  setHalfLife(halfLifeMs: Millis, now: Instant): void;
}

/**
 * Who has used less than those who wait have on average gets up to so many times an equal share, and
 * who has used more an equal share divided by up to so many: nobody is ever kept out by his past.
 */
export const shareSpread = 4;

/** What a task of an app takes of which none has been computed yet. */
const usualMsAtFirst = 1_000;
/** How much of the difference a task moves what its app takes as a rule. */
const usualStep = 1 / 32;
/** After so many half-lives all is told from a later instant, or numbers would grow without end. */
const halfLivesMax = 256;
/** Failures that the client has not to answer for. */
const ofTheNode: ReadonlySet<string> = new Set([
  "node-lost",
  "node-draining",
  "worker-fault",
  "reveal-lost",
  "deliveries-exhausted",
]);

interface Running {
  readonly client: AccountId;
  /** Undefined if its job had ended before the assignment was heard. */
  readonly app: string | undefined;
  readonly at: Instant;
  readonly leaseMs: Millis;
}

export const createUsage = (options: { readonly halfLifeMs: Millis }): Usage => {
  let { halfLifeMs } = options;
  /** As of `since`, by client. */
  const used = new Map<AccountId, number>();
  /** Of the clients who wait. */
  const waiting = new Set<AccountId>();
  let usedByWaiting = 0;
  /** By `<job hash>/<replica>`. */
  const running = new Map<string, Running>();
  const usual = new Map<string, Millis>();
  let since: Instant | undefined;

  const growth = (at: Instant): number => 2 ** ((at - (since ?? at)) / halfLifeMs);

  const tellFrom = (at: Instant): void => {
    const factor = 1 / growth(at);
    usedByWaiting = 0;
    for (const [client, amount] of used) {
      const now = amount * factor;
      if (now < 1) used.delete(client);
      else used.set(client, now);
      if (now >= 1 && waiting.has(client)) usedByWaiting += now;
    }
    since = at;
  };

  const charge = (client: AccountId, ms: Millis, at: Instant): void => {
    since ??= at;
    if (at - since > halfLivesMax * halfLifeMs) tellFrom(at);
    const amount = ms * growth(at);
    used.set(client, (used.get(client) ?? 0) + amount);
    if (waiting.has(client)) usedByWaiting += amount;
  };

  /** @param tookMs - As the node says; never more than there was time for. */
  const end = (jobHash: JobHash, replica: number, at: Instant, tookMs?: Millis): void => {
    const key = replicaName(jobHash, replica);
    const task = running.get(key);
    if (!task) return;
    running.delete(key);
    const ms = Math.max(1, Math.min(tookMs ?? Infinity, at - task.at, task.leaseMs));
    charge(task.client, ms, at);
    if (task.app === undefined || tookMs === undefined) return;
    const before = usual.get(task.app);
    usual.set(task.app, before === undefined ? ms : before + usualStep * (ms - before));
  };

  return {
    hear: (event, job) => {
      switch (event.type) {
        case "TaskAssigned": {
          if (job.status === "unknown") return;
          const { jobHash, replica, at, expiresAt } = event;
          const isOpen = job.status === "open";
          const client = isOpen ? job.spec.client : job.client;
          const app = isOpen ? job.spec.app : undefined;
          running.set(replicaName(jobHash, replica), { client, app, at, leaseMs: expiresAt - at });
          return;
        }
        case "ResultReceived":
          return end(event.jobHash, event.replica, event.at, event.elapsedMs);
        case "TaskFailed":
          if (ofTheNode.has(event.code)) running.delete(replicaName(event.jobHash, event.replica));
          else end(event.jobHash, event.replica, event.at);
          return;
        case "TaskExpired":
          running.delete(replicaName(event.jobHash, event.replica));
          return;
        case "JobCompleted":
        case "JobFailed":
        case "JobCancelled":
          if (job.status === "unknown") return;
          for (const { jobHash, replica } of job.tasks) end(jobHash, replica, event.at);
      }
    },

    of: (client, now) => (used.get(client) ?? 0) / growth(now),

    usualMs: (app) => Math.max(1, usual.get(app) ?? usualMsAtFirst),

    setHalfLife: (ms, now) => {
      if (ms === halfLifeMs) return;
      if (since !== undefined) tellFrom(now);
      halfLifeMs = ms;
    },

    waits: (client, isWaiting) => {
      const amount = used.get(client) ?? 0;
      if (isWaiting) waiting.add(client);
      else waiting.delete(client);
      usedByWaiting += isWaiting ? amount : -amount;
      if (waiting.size === 0) usedByWaiting = 0; // No error of rounding stays.
    },

    weightOf: (client) => {
      const mean = usedByWaiting / Math.max(1, waiting.size);
      const own = used.get(client) ?? 0;
      if (!(mean > 0)) return 1;
      return Math.min(shareSpread, Math.max(1 / shareSpread, mean / Math.max(own, mean / 1e6)));
    },
  };
};
