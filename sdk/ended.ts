/**
 * Waits for any number of jobs over one `jobEnded` subscription. Every end that came by is kept for
 * a while, so that a job that ends before somebody waits for it costs no query.
 */

import type { JobHash } from "../domain/ids.ts";
import { CnctRefusal } from "./errors.ts";
import type { EndedJob, EndedJobBatch } from "./schema.types.ts";

export interface EndedFeed {
  /**
   * The end of a job.
   *
   * @param since - A position that is known to lie before the job's end; undefined if none is known.
   * @param openAt - A position at which the job is known to be open: it may have been opened again,
   *   and an end before that is none.
   */
  await(
    hash: JobHash,
    since: string | undefined,
    signal?: AbortSignal,
    openAt?: string,
  ): Promise<EndedJob>;
  close(): void;
}

export interface EndedFeedOptions {
  readonly listen: (after: string, signal: AbortSignal) => AsyncIterable<EndedJobBatch>;
  /** Where the log stands now. */
  readonly position: () => Promise<string>;
  /** The job's end if it has ended by this position, null if it is unknown. */
  readonly look: (hash: JobHash, atLeast: string) => Promise<EndedJob | "open" | null>;
}

/** So many ends are kept. */
const keptMax = 50_000;
/** The subscription outlives the last waiter by this much, ms. */
const lingerMs = 1_000;

interface Waiter {
  readonly resolve: (job: EndedJob) => void;
  readonly reject: (error: unknown) => void;
}

export const openEndedFeed = ({ listen, position, look }: EndedFeedOptions): EndedFeed => {
  const kept = new Map<JobHash, EndedJob>();
  const waiters = new Map<JobHash, Set<Waiter>>();
  /** Every end after this position is in `kept`, or will come. */
  let coveredFrom: bigint | undefined;
  let seen = "-1";
  let running: AbortController | undefined;
  let linger: ReturnType<typeof setTimeout> | undefined;

  const hear = (job: EndedJob): void => {
    kept.set(job.hash, job);
    const oldest = kept.size > keptMax ? kept.entries().next().value : undefined;
    if (oldest !== undefined) {
      kept.delete(oldest[0]);
      coveredFrom = BigInt(oldest[1].position);
    }
    settle(job.hash, (waiter) => waiter.resolve(job));
  };

  const settle = (hash: JobHash, how: (waiter: Waiter) => void): void => {
    const waiting = waiters.get(hash);
    waiters.delete(hash);
    for (const waiter of waiting ?? []) how(waiter);
    if (waiters.size === 0) stopSoon();
  };

  const stopSoon = (): void => {
    clearTimeout(linger);
    linger = setTimeout(stop, lingerMs);
  };
  const stop = (): void => {
    clearTimeout(linger);
    running?.abort();
    running = undefined;
  };

  const run = (): void => {
    clearTimeout(linger);
    if (running !== undefined) return;
    const own = new AbortController();
    running = own;
    const follow = async () => {
      try {
        for await (const batch of listen(seen, own.signal)) {
          seen = batch.position;
          for (const job of batch.jobs) hear(job);
        }
      } catch (error) {
        if (running === own) running = undefined;
        for (const hash of [...waiters.keys()]) settle(hash, ({ reject }) => reject(error));
      }
    };
    void follow();
  };

  /** Starts following at `from`, or learns that it follows from later on. */
  const cover = async (since: string | undefined): Promise<boolean> => {
    if (coveredFrom === undefined) {
      const from = since ?? (await position());
      if (coveredFrom === undefined) {
        coveredFrom = BigInt(from);
        seen = from;
      }
    }
    return since !== undefined && BigInt(since) >= coveredFrom;
  };

  return {
    await: async (hash, since, signal, openAt = "-1") => {
      signal?.throwIfAborted();
      const isCovered = await cover(since);
      const known = kept.get(hash);
      if (known !== undefined && BigInt(known.position) > BigInt(openAt)) return known;

      const waiter = Promise.withResolvers<EndedJob>();
      const entry: Waiter = waiter;
      const waiting = waiters.get(hash) ?? new Set();
      waiters.set(hash, waiting.add(entry));
      run();
      const leave = () => {
        waiting.delete(entry);
        if (waiting.size === 0 && waiters.get(hash) === waiting) waiters.delete(hash);
        if (waiters.size === 0) stopSoon();
        waiter.reject(signal?.reason);
      };
      signal?.addEventListener("abort", leave, { once: true });
      try {
        if (!isCovered) {
          const found = await Promise.race([look(hash, seen), waiter.promise]);
          if (found === null)
            throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
          if (found !== "open") return found;
        }
        return await waiter.promise;
      } finally {
        signal?.removeEventListener("abort", leave);
        waiter.promise.catch(() => undefined); // Left behind: nobody is to hear of it.
        leave();
      }
    },
    close: () => {
      stop();
      const closed = new CnctRefusal("closed", "the client was closed");
      for (const hash of [...waiters.keys()]) settle(hash, ({ reject }) => reject(closed));
      clearTimeout(linger);
    },
  };
};
