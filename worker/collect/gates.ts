/**
 * One gate for each host, shared by all tasks of the node: one request passes at a time, and then
 * nobody for a while.
 */

import type { Millis } from "../../domain/decider.ts";
import type { Clock } from "../../streams/clock.ts";
import { CollectError } from "./fault.ts";

export interface Gates {
  /**
   * Runs once it is the caller's turn at the host, and `gapMs` after the last request there ended.
   *
   * @throws {CollectError} `wait-too-long` when the host wants a longer pause than `waitMsMax`.
   *   Waiting for others' requests does not count.
   */
  pass<T>(
    host: string,
    options: { readonly gapMs: Millis; readonly signal: AbortSignal },
    run: () => Promise<T>,
  ): Promise<T>;
  /** The host asked to be left alone for so long, from now. */
  rest(host: string, restMs: Millis): void;
}

/** The longest pause between two requests that a job waits for. */
export const waitMsMax = 30_000;
const gatesKept = 5_000;

interface Gate {
  /** Settles when all who came before have left. */
  queue: Promise<void>;
  waiting: number;
  lastEndAt: number;
  restUntil: number;
}

export const openGates = (clock: Clock): Gates => {
  const gates = new Map<string, Gate>();

  const gateOf = (host: string): Gate => {
    const known = gates.get(host);
    if (known) return known;
    if (gates.size >= gatesKept) forget();
    const gate: Gate = {
      queue: Promise.resolve(),
      waiting: 0,
      lastEndAt: Number.NEGATIVE_INFINITY,
      restUntil: Number.NEGATIVE_INFINITY,
    };
    gates.set(host, gate);
    return gate;
  };

  /** A host nobody waits for, and whose longest pause is over, is as one never visited. */
  const forget = () => {
    const now = clock.now();
    for (const [host, { waiting, lastEndAt, restUntil }] of gates)
      if (waiting === 0 && lastEndAt + waitMsMax < now && restUntil < now) gates.delete(host);
  };

  return {
    pass: async (host, { gapMs, signal }, run) => {
      const gate = gateOf(host);
      const before = gate.queue;
      const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
      gate.queue = before.then(() => gone);
      gate.waiting++;
      try {
        await unlessAborted(before, signal);
        const openAt = Math.max(gate.lastEndAt + gapMs, gate.restUntil);
        const delayMs = openAt - clock.now();
        if (delayMs > waitMsMax) throw new CollectError("wait-too-long");
        if (delayMs > 0) await pause(clock, delayMs, signal);
        try {
          return await run();
        } finally {
          gate.lastEndAt = clock.now();
        }
      } finally {
        gate.waiting--;
        leave();
      }
    },
    rest: (host, restMs) => {
      const gate = gateOf(host);
      gate.restUntil = Math.max(gate.restUntil, clock.now() + restMs);
    },
  };
};

/** @throws The signal's reason, when it aborts first. */
export const unlessAborted = async <T>(waited: Promise<T>, signal: AbortSignal): Promise<T> => {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([waited, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
};

const pause = async (clock: Clock, delayMs: Millis, signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(delayMs, resolve);
  try {
    await unlessAborted(promise, signal);
  } finally {
    timer.cancel();
  }
};
