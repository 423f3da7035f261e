/**
 * Watches over sealed jobs that somebody waits for: when the gateway says that no node is left that
 * could read one, its key is wrapped for others, as soon as there are any.
 */
import type { JobHash } from "../domain/ids.ts";
import { CnctUnavailable } from "./errors.ts";
import type { Sleep } from "./retry.ts";
import type { AwaitingJob, KeysAwaitedBatch } from "./schema.types.ts";
import type { Sealing } from "./sealing.ts";

export interface KeyWatch {
  /**
   * Watches over a job until `stop`.
   *
   * @param since - A position before anything can have been asked for it; left out, it is looked at now.
   * @returns `failed` rejects when nothing more can be done for it, and never resolves.
   */
  watch(
    hash: JobHash,
    since: string | undefined,
  ): { readonly failed: Promise<never>; readonly stop: () => void };
  close(): void;
}

/** Between two looks for nodes that a job could be wrapped for. */
const lookEveryMs = 1_000;
const lookEveryMsMax = 10_000;

/** The subscription outlives the last waiter by this much. */
const lingerMs = 1_000;
/** So many jobs for which nobody waited yet are remembered. */
const passedMax = 10_000;

interface Watched {
  readonly reject: (error: unknown) => void;
  /** How many wait for it. */
  waiters: number;
  readonly failed: Promise<never>;
  /** Being served now. */
  served: boolean;
  /** Asked for again meanwhile, there. */
  again: string | undefined;
}

export const openKeyWatch = ({
  listen,
  position,
  wrapForMore,
  sleep,
}: {
  /** What is asked of this client from a position on. */
  readonly listen: (after: string, signal: AbortSignal) => AsyncIterable<KeysAwaitedBatch>;
  readonly position: () => Promise<string>;
  readonly wrapForMore: Sealing["wrapForMore"];
  readonly sleep: Sleep;
}): KeyWatch => {
  const watched = new Map<JobHash, Watched>();
  /** Asked for while nobody waited for them. */
  const passed = new Map<JobHash, string>();
  let running: AbortController | undefined;
  /** All that is asked for after this position is heard. */
  let coveredFrom: string | undefined;
  let linger: ReturnType<typeof setTimeout> | undefined;

  const fail = (error: unknown): void => {
    for (const { reject } of watched.values()) reject(error);
  };

  const serve = async (
    { hash, position: asked }: { readonly hash: JobHash; readonly position?: string },
    signal: AbortSignal,
  ): Promise<void> => {
    const job = watched.get(hash);
    if (!job) return;
    if (job.served) {
      job.again = asked;
      return;
    }
    job.served = true;
    try {
      for (let pauseMs = lookEveryMs; watched.has(hash) && !signal.aborted; ) {
        const answer = await wrapForMore(hash, asked).catch((error: unknown) => {
          if (error instanceof CnctUnavailable) return "nobody" as const; // Asked again below.
          throw error;
        });
        if (answer !== "nobody") break;
        await sleep(pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, lookEveryMsMax);
      }
    } catch (error) {
      if (!signal.aborted) job.reject(error);
    } finally {
      job.served = false;
    }
    const { again } = job;
    job.again = undefined;
    if (again !== undefined && !signal.aborted) await serve({ hash, position: again }, signal);
  };

  const hear = (job: AwaitingJob, signal: AbortSignal): void => {
    const { hash, position: asked } = job;
    if (watched.has(hash)) {
      void serve(job, signal);
      return;
    }
    passed.set(hash, asked);
    const [oldest] = passed.keys();
    if (passed.size > passedMax && oldest !== undefined) passed.delete(oldest);
  };

  const run = (since: string | undefined): AbortController => {
    const own = new AbortController();
    const follow = async () => {
      try {
        const from = since ?? (await position());
        coveredFrom = from;
        for await (const batch of listen(from, own.signal))
          for (const job of batch.jobs) hear(job, own.signal);
      } catch (error) {
        if (own.signal.aborted) return;
        stop();
        fail(error);
      }
    };
    void follow();
    return own;
  };

  const stop = (): void => {
    clearTimeout(linger);
    running?.abort();
    running = undefined;
    coveredFrom = undefined;
    passed.clear();
  };

  const isCovered = (since: string | undefined): boolean =>
    since !== undefined && coveredFrom !== undefined && BigInt(since) >= BigInt(coveredFrom);

  return {
    watch: (hash, since) => {
      clearTimeout(linger);
      const { promise: failed, reject } = Promise.withResolvers<never>();
      failed.catch(() => undefined); // Whoever waits for the job hears of it.
      const job = watched.get(hash) ?? {
        reject,
        failed,
        waiters: 0,
        served: false,
        again: undefined,
      };
      job.waiters++;
      watched.set(hash, job);
      const isNew = running === undefined;
      running ??= run(since);
      const asked = passed.get(hash);
      passed.delete(hash);
      if (asked !== undefined) void serve({ hash, position: asked }, running.signal);
      else if (isNew ? since === undefined : !isCovered(since))
        void serve({ hash }, running.signal);
      return {
        failed: job.failed,
        stop: () => {
          if (--job.waiters > 0) return;
          watched.delete(hash);
          if (watched.size > 0) return;
          clearTimeout(linger);
          linger = setTimeout(stop, lingerMs);
        },
      };
    },
    close: () => {
      watched.clear();
      stop();
    },
  };
};
