/**
 * How long a node takes from an assignment to its answer, by app: mean and variance, in which old
 * answers count less and less. The instants are those of the events, not what the node says.
 */
import type { Millis } from "../decider.ts";

export interface Turnaround {
  /** Answers that it rests on, old ones counted in part. */
  readonly weight: number;
  readonly meanMs: Millis;
  /** Weighted sum of squared distances from the mean, ms^2. */
  readonly squares: number;
}

export const noTurnaround: Turnaround = { weight: 0, meanMs: 0, squares: 0 };

/** @see Welford, "Note on a method for calculating corrected sums", Technometrics 4 (1962). */
export const addTurnaround = (before: Turnaround, ms: Millis): Turnaround => {
  const weight = before.weight + 1;
  const distance = ms - before.meanMs;
  const meanMs = before.meanMs + distance / weight;
  return { weight, meanMs, squares: before.squares + distance * (ms - meanMs) };
};

export const fadeTurnaround = (before: Turnaround, kept: number): Turnaround => ({
  weight: before.weight * kept,
  meanMs: before.meanMs,
  squares: before.squares * kept,
});

/** Standard deviation, ms; 0 before the second answer. */
export const deviationMs = ({ weight, squares }: Turnaround): Millis =>
  weight > 0 ? Math.sqrt(Math.max(0, squares) / weight) : 0;

/** Fewer answers than this say too little for a deadline. */
const leastWeight = 3;

/**
 * Within which an answer can be expected: mean + k deviations; undefined while too little is known.
 *
 * @param deviations - k; by Chebyshev's one-sided bound at most 1 / (1 + k^2) of the answers take longer.
 */
export const turnaroundBound = (
  turnaround: Turnaround | undefined,
  deviations: number,
): Millis | undefined =>
  turnaround === undefined || turnaround.weight < leastWeight
    ? undefined
    : turnaround.meanMs + deviations * deviationMs(turnaround);
