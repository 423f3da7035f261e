/**
 * What a submitter does, the same for each system that is measured: it submits no-op jobs and hears
 * of the end of each. All times are taken in the submitter.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Spread, spreadOf } from "./numbers.ts";

/** A system that takes jobs. */
export interface Target {
  /** Submits so many jobs in one call and answers their names when they are durable. */
  submit(count: number): Promise<readonly string[]>;
  /** Calls the listener with the name of each job that ended well. Called once, before any load. */
  onEnded(listener: (name: string) => void): Promise<void>;
}

export interface Throughput {
  readonly jobs: number;
  readonly seconds: number;
  readonly jobsPerSecond: number;
}

export interface Latency {
  /** From the instant at which a job was due to be submitted to the news of its end, ms. */
  readonly endToEndMs: Spread;
  /** To the answer that it is durable, ms. */
  readonly acknowledgedMs: Spread;
}

export interface Loads {
  /** Batches of `batch` jobs, `inFlight` calls at a time, until all have ended. */
  throughput(load: {
    readonly jobs: number;
    readonly batch: number;
    readonly inFlight: number;
  }): Promise<Throughput>;
  /** One job a call at a steady rate, whether or not earlier ones were answered. */
  latency(load: { readonly perSecond: number; readonly seconds: number }): Promise<Latency>;
}

/** With no end heard for so long, something is broken. */
const patienceMs = 30_000;

export const openLoads = async (target: Target): Promise<Loads> => {
  const endedAt = new Map<string, number>();
  let heardAt = performance.now();
  let wake: () => void = () => undefined;
  await target.onEnded((name) => {
    heardAt = performance.now();
    endedAt.set(name, heardAt);
    wake();
  });

  const allEnded = async (jobs: number): Promise<void> => {
    heardAt = performance.now();
    while (endedAt.size < jobs) {
      if (performance.now() - heardAt > patienceMs)
        throw new Error(`${jobs - endedAt.size} of ${jobs} jobs did not end`);
      const heard = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const limit = new AbortController();
      await Promise.race([
        heard,
        sleep(patienceMs, undefined, { signal: limit.signal }).catch(() => undefined),
      ]);
      limit.abort();
    }
  };

  return {
    throughput: async ({ jobs, batch, inFlight }) => {
      endedAt.clear();
      let left = jobs;
      const startedAt = performance.now();
      const submitAll = async () => {
        while (left > 0) {
          const count = Math.min(batch, left);
          left -= count;
          await target.submit(count);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, submitAll));
      await allEnded(jobs);
      const seconds = (heardAt - startedAt) / 1000;
      return { jobs, seconds, jobsPerSecond: jobs / seconds };
    },

    latency: async ({ perSecond, seconds }) => {
      endedAt.clear();
      const jobs = perSecond * seconds;
      const startedAt = performance.now();
      const submitted = Array.from({ length: jobs }, async (_, index) => {
        const dueAt = startedAt + (index * 1000) / perSecond;
        await sleep(Math.max(0, dueAt - performance.now()));
        const [name = ""] = await target.submit(1);
        return { name, dueAt, acknowledgedMs: performance.now() - dueAt };
      });
      const answers = await Promise.all(submitted);
      await allEnded(jobs);
      return {
        endToEndMs: spreadOf(
          answers.map(({ name, dueAt }) => (endedAt.get(name) ?? Number.NaN) - dueAt),
        ),
        acknowledgedMs: spreadOf(answers.map(({ acknowledgedMs }) => acknowledgedMs)),
      };
    },
  };
};
