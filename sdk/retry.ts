/** Asking again: bounded, with exponential backoff and full jitter. */

import type { Random } from "../domain/chance.ts";
import type { Millis } from "../domain/decider.ts";
import { CnctUnavailable } from "./errors.ts";

/** Resolves after so long; rejects with the signal's reason as soon as that aborts. */
export type Sleep = (ms: Millis, signal?: AbortSignal) => Promise<void>;

export interface RetryPolicy {
  /** How often a request is sent at most, at least 1. */
  readonly attempts: number;
  /** The first pause is at most this long; each further one may be twice as long. */
  readonly firstMs: Millis;
  /** No pause is longer. */
  readonly longestMs: Millis;
  /** So long after the first attempt began none is started any more; for ever if left out. */
  readonly withinMs?: Millis;
}

/** Goes on for 30 s: long enough for a gateway to restart, also on a machine that is busy. */
export const defaultRetryPolicy: RetryPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  firstMs: 100,
  longestMs: 2_000,
  withinMs: 30_000,
};

/** How long to pause after so many failures in a row (from 1), drawn between 0 and the bound. */
export const pauseMs = (failures: number, policy: RetryPolicy, random: Random): Millis =>
  random() * Math.min(policy.longestMs, policy.firstMs * 2 ** Math.min(failures - 1, 30));

export interface Patience {
  readonly policy: RetryPolicy;
  readonly random: Random;
  readonly sleep: Sleep;
}

/**
 * The first answer that is not a `CnctUnavailable`.
 *
 * @throws Whatever `attempt` throws last; the signal's reason when that aborts.
 */
export const retrying = async <T>(
  attempt: () => Promise<T>,
  { policy, random, sleep }: Patience,
  signal?: AbortSignal,
): Promise<T> => {
  const startedAt = performance.now();
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      failures += 1;
      signal?.throwIfAborted();
      if (!(error instanceof CnctUnavailable) || failures >= policy.attempts) throw error;
      // Spread behind what the gateway asks for, so that not all come back at once.
      const ms = (error.retryAfterMs ?? 0) + pauseMs(failures, policy, random);
      if (performance.now() - startedAt + ms > (policy.withinMs ?? Number.POSITIVE_INFINITY))
        throw error;
      await sleep(ms, signal);
    }
  }
};

export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
