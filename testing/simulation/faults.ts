/** What may go wrong in a run, drawn from its seed: each seed has its own mix of some of it. */
import type { Random } from "../../domain/chance.ts";
import { noFaults, type QueueFaults } from "../memory-broker.ts";

/** Probabilities from 0 to 1, for each call. */
export interface StoreFaults {
  /** That a call to the store is lost, so that nothing is written and no answer comes. */
  readonly requestLost: number;
  /** That it is done and the answer is lost. */
  readonly answerLost: number;
  /** That a call or a batch of a subscription takes up to 4 s longer. */
  readonly delay: number;
  /** That a subscription breaks, at each batch. */
  readonly subscriptionBreaks: number;
}

export const noStoreFaults: StoreFaults = {
  requestLost: 0,
  answerLost: 0,
  delay: 0,
  subscriptionBreaks: 0,
};

/** Things that happen at once, to somebody. */
export const mishaps = [
  "crash-dispatcher",
  "crash-validator",
  "crash-rewards",
  "crash-node",
  "crash-store",
  "crash-everything",
  "close-service",
  "twin-service",
  "drain-node",
  "mute-node",
  "cut-node",
  "wipe-queue",
  "queue-outage",
  "store-outage",
  "blob-outage",
  "break-subscriptions",
  "intrude",
] as const;
export type Mishap = (typeof mishaps)[number];

export interface Faults {
  readonly queue: QueueFaults;
  readonly store: StoreFaults;
  /** That a blob cannot be had or stored now. */
  readonly blobsFail: number;
  /** That an execution breaks for no fault of the input. */
  readonly executionBreaks: number;
  /** That an execution never ends. */
  readonly executionHangs: number;
  readonly mishaps: readonly Mishap[];
  /** Mean time between two mishaps, ms. */
  readonly mishapGapMs: number;
}

export const noneAtAll: Faults = {
  queue: noFaults,
  store: noStoreFaults,
  blobsFail: 0,
  executionBreaks: 0,
  executionHangs: 0,
  mishaps: [],
  mishapGapMs: Number.POSITIVE_INFINITY,
};

export const drawFaults = (random: Random): Faults => {
  /** In some seeds hardly anything works. */
  const wild = random() < 0.2 ? 3 : 1;
  /** Nothing in half of the seeds, otherwise up to `max`, small values more often. */
  const rate = (max: number): number =>
    random() < 0.5 ? 0 : Math.min(0.9, wild * max * random() ** 2);
  return {
    queue: {
      drop: rate(0.2),
      delay: rate(0.5),
      delayMaxMs: 1 + random() * 8_000,
      duplicate: rate(0.3),
      reorder: rate(0.5),
      wipe: rate(0.03),
    },
    store: {
      requestLost: rate(0.1),
      answerLost: rate(0.15),
      delay: rate(0.2),
      subscriptionBreaks: rate(0.05),
    },
    blobsFail: rate(0.2),
    executionBreaks: rate(0.2),
    executionHangs: rate(0.1),
    mishaps: mishaps.filter(() => random() < 0.4),
    mishapGapMs: (1_000 + random() * 12_000) / wild,
  };
};

export const between = (random: Random, low: number, high: number): number =>
  low + random() * (high - low);

export const wholeBetween = (random: Random, low: number, high: number): number =>
  Math.floor(between(random, low, high + 1));

export const pick = <T>(random: Random, choices: readonly T[]): T =>
  choices[Math.floor(random() * choices.length)] as T;
