/**
 * How fast a node computes in one runtime, measured: mean and variance of what it showed in benchmark
 * tasks. The last `memory` count most: an older one weighs 1 - 1/memory less for each that follows.
 */

export interface Speed {
  /** Measurements so far. */
  readonly samples: number;
  /** WebAssembly instructions in a second. */
  readonly mean: number;
  /** Of single measurements, with Bessel's correction; 0 for the first. */
  readonly variance: number;
}

/** So many measurements make the mean; a machine that changed is seen after about as many. */
export const memory = 16;

/** With fewer nothing is said about a node. */
export const samplesLeast = 3;

/**
 * One more measurement. Up to `memory` of them as Welford's algorithm says; from then on as if the
 * mean were of one less than that.
 *
 * @see B. P. Welford, Note on a method for calculating corrected sums of squares and products,
 *   Technometrics 4 (1962), 419-420.
 */
export const withSample = (before: Speed | undefined, instructionsPerSecond: number): Speed => {
  const { samples, mean, variance } = before ?? { samples: 0, mean: 0, variance: 0 };
  const others = Math.min(samples, memory - 1);
  const off = instructionsPerSecond - mean;
  const next = mean + off / (others + 1);
  const squares = variance * Math.max(0, others - 1) + off * (instructionsPerSecond - next);
  return {
    samples: samples + 1,
    mean: next,
    variance: others === 0 ? 0 : squares / others,
  };
};

/**
 * What the mean surely is at least: two standard errors below what was measured, 0 at least;
 * undefined as long as there are fewer than `samplesLeast`.
 */
export const surelyAtLeast = ({ samples, mean, variance }: Speed): number | undefined =>
  samples < samplesLeast
    ? undefined
    : Math.max(0, mean - 2 * Math.sqrt(variance / Math.min(samples, memory)));

/**
 * What a benchmark task says of a node. The time that it needs for any task at all is taken off, as
 * its trivial task showed it: but no more than half of the whole, since who answers trivial tasks
 * late on purpose would else seem as fast as it likes.
 */
export const speedShown = ({
  instructions,
  millis,
  trivialMillis,
}: {
  readonly instructions: number;
  /** From the assignment of the benchmark task to its answer, by the log. */
  readonly millis: number;
  /** The same of the trivial task before it. */
  readonly trivialMillis: number;
}): number => {
  const took = Math.max(1, millis);
  return Math.round((instructions * 1_000) / Math.max(took - trivialMillis, took / 2));
};
