/**
 * Waits for any number of jobs over one `jobEnded` subscription: until they end, and until it is known
 * whether an end stands. What came by is kept for a while, so that a job that ends before somebody
 * waits for it costs no query.
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
  /** What becomes of an end that is not final. */
  turn(ended: EndedJob, signal?: AbortSignal): Promise<Turn>;
  close(): void;
}

/** An end was taken back, or it stands; known at that position. */
export interface Turn {
  readonly kind: "reopened" | "final";
  readonly position: string;
}

export interface EndedFeedOptions {
  readonly listen: (after: string, signal: AbortSignal) => AsyncIterable<EndedJobBatch>;
  /** Where the log stands now. */
  readonly position: () => Promise<string>;
  /** The job as it is at this position or later, null if it is unknown. */
  readonly look: (hash: JobHash, atLeast: string) => Promise<Seen | null>;
}
export interface Seen {
  readonly end: EndedJob | "open";
  /** Position at which it was opened again last. */
  readonly reopenedAt: string | null;
}

/** So many ends are kept. */
const keptMax = 50_000;
/** The subscription outlives the last waiter by this much, ms. */
const lingerMs = 1_000;

interface Waiter<Of> {
  readonly resolve: (value: Of) => void;
  readonly reject: (error: unknown) => void;
}

/** What was heard of jobs, the latest of so many, and who waits to hear of them. */
interface Hearing<Of extends { readonly position: string }> {
  readonly kept: Map<JobHash, Of>;
  readonly waiters: Map<JobHash, Set<Waiter<Of>>>;
}

export const openEndedFeed = ({ listen, position, look }: EndedFeedOptions): EndedFeed => {
  const ends: Hearing<EndedJob> = { kept: new Map(), waiters: new Map() };
  const turns: Hearing<Turn> = { kept: new Map(), waiters: new Map() };
  /** All that happened after this position is kept, or will come. */
  let coveredFrom: bigint | undefined;
  let seen = "-1";
  let running: AbortController | undefined;
  let linger: ReturnType<typeof setTimeout> | undefined;

  const hear = <Of extends { readonly position: string }>(
    { kept, waiters }: Hearing<Of>,
    hash: JobHash,
    what: Of,
  ): void => {
    kept.delete(hash); // What is heard last is forgotten last.
    kept.set(hash, what);
    const oldest = kept.size > keptMax ? kept.entries().next().value : undefined;
    if (oldest !== undefined) {
      kept.delete(oldest[0]);
      const at = BigInt(oldest[1].position);
      if (coveredFrom === undefined || at > coveredFrom) coveredFrom = at;
    }
    settle(waiters, hash, (waiter) => waiter.resolve(what));
  };

  const settle = <Of>(
    waiters: Map<JobHash, Set<Waiter<Of>>>,
    hash: JobHash,
    how: (waiter: Waiter<Of>) => void,
  ): void => {
    const waiting = waiters.get(hash);
    waiters.delete(hash);
    for (const waiter of waiting ?? []) how(waiter);
    stopSoon();
  };
  const settleAll = (error: unknown): void => {
    for (const hash of [...ends.waiters.keys()])
      settle(ends.waiters, hash, ({ reject }) => reject(error));
    for (const hash of [...turns.waiters.keys()])
      settle(turns.waiters, hash, ({ reject }) => reject(error));
  };

  const stopSoon = (): void => {
    if (ends.waiters.size + turns.waiters.size > 0) return;
    clearTimeout(linger);
    linger = setTimeout(stop, lingerMs);
  };
  const stop = (): void => {
    clearTimeout(linger);
    running?.abort();
    running = undefined;
  };

  const take = ({ position: at, jobs, reopened, settled }: EndedJobBatch): void => {
    seen = at;
    for (const job of jobs) hear(ends, job.hash, job);
    for (const { hash, position } of reopened) {
      const end = ends.kept.get(hash);
      if (end !== undefined && BigInt(end.position) < BigInt(position)) ends.kept.delete(hash);
      hear<Turn>(turns, hash, { kind: "reopened", position });
    }
    for (const hash of settled) hear<Turn>(turns, hash, { kind: "final", position: at });
  };

  const run = (): void => {
    clearTimeout(linger);
    if (running !== undefined) return;
    const own = new AbortController();
    running = own;
    const follow = async () => {
      try {
        for await (const batch of listen(seen, own.signal)) take(batch);
      } catch (error) {
        if (running === own) running = undefined;
        settleAll(error);
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

  /** @param peek - Finds it without listening; undefined if it has not come about. */
  const wait = async <Of>(
    waiters: Map<JobHash, Set<Waiter<Of>>>,
    hash: JobHash,
    peek: (() => Promise<Of | undefined>) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Of> => {
    const waiter = Promise.withResolvers<Of>();
    const entry: Waiter<Of> = waiter;
    const waiting = waiters.get(hash) ?? new Set();
    waiters.set(hash, waiting.add(entry));
    run();
    const leave = () => {
      waiting.delete(entry);
      if (waiting.size === 0 && waiters.get(hash) === waiting) waiters.delete(hash);
      stopSoon();
      waiter.reject(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    try {
      const found = await Promise.race([peek?.(), waiter.promise]);
      return found ?? (await waiter.promise);
    } finally {
      signal?.removeEventListener("abort", leave);
      waiter.promise.catch(() => undefined); // Left behind: nobody is to hear of it.
      leave();
    }
  };

  const lookAt = async (hash: JobHash): Promise<Seen> => {
    const found = await look(hash, seen);
    if (found === null) throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
    return found;
  };

  return {
    await: async (hash, since, signal, openAt = "-1") => {
      signal?.throwIfAborted();
      const isCovered = await cover(since);
      const known = ends.kept.get(hash);
      if (known !== undefined && BigInt(known.position) > BigInt(openAt)) return known;
      const peek = async () => {
        const { end } = await lookAt(hash);
        return end === "open" ? undefined : end;
      };
      return wait(ends.waiters, hash, isCovered ? undefined : peek, signal);
    },
    turn: async (ended, signal) => {
      signal?.throwIfAborted();
      const isCovered = await cover(ended.position);
      const known = turns.kept.get(ended.hash);
      if (known !== undefined && BigInt(known.position) > BigInt(ended.position)) return known;
      const peek = async (): Promise<Turn | undefined> => {
        const { end, reopenedAt } = await lookAt(ended.hash);
        if (reopenedAt !== null && BigInt(reopenedAt) > BigInt(ended.position))
          return { kind: "reopened", position: reopenedAt };
        return end !== "open" && end.final ? { kind: "final", position: seen } : undefined;
      };
      return wait(turns.waiters, ended.hash, isCovered ? undefined : peek, signal);
    },
    close: () => {
      stop();
      settleAll(new CnctRefusal("closed", "the client was closed"));
      clearTimeout(linger);
    },
  };
};
