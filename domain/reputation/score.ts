/** An estimate of a share, with its certainty. */

export interface Score {
  /** Best estimate, 0 to 1; 0.5 for a new node. */
  readonly mean: number;
  /** Lower end of the 95 % interval, 0 to 1; 0 for a new node. */
  readonly lower: number;
  /** Upper end of the 95 % interval, 0 to 1; 1 for a new node. */
  readonly upper: number;
  /** Outcomes that the score rests on, old ones counted in part. */
  readonly weight: number;
}

/** 97.5th percentile of the normal distribution. */
const z = 1.959964;
/** Of less than this nothing can be said; it would also overflow below. */
const leastWeight = 1e-9;

/**
 * Scores good and bad outcomes.
 *
 * @param good - At least 0, and finite; so is `bad`.
 * @throws {RangeError} If a sum is negative or no number. That is our bug, not the node's.
 * @see Mean: that of the Beta distribution with a uniform prior, (good + 1) / (good + bad + 2); for
 *   whole counts Laplace's rule of succession (1814). Interval: Wilson, "Probable inference", JASA 22
 *   (1927); for a spotless record its lower end is n / (n + z^2).
 */
export const score = (good: number, bad: number): Score => {
  if (!(good >= 0 && bad >= 0 && good + bad < Number.POSITIVE_INFINITY))
    throw new RangeError(`expected finite sums of at least 0, got ${good} and ${bad}`);
  const n = good + bad;
  const mean = (good + 1) / (n + 2);
  if (n < leastWeight) return { mean, lower: 0, upper: 1, weight: n };
  const p = good / n;
  const whole = 1 + (z * z) / n;
  const centre = p + (z * z) / (2 * n);
  const spread = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const lower = Math.min(mean, Math.max(0, (centre - spread) / whole));
  const upper = Math.max(mean, Math.min(1, (centre + spread) / whole));
  return { mean, lower, upper, weight: n };
};

/**
 * Whether the true share is surely below a floor: the whole 95 % interval is. An absolute bound: a
 * cut relative to others (`z <= -1`) would always remove somebody, however good all are.
 */
export const isBelow = ({ upper }: Score, floor: number): boolean => upper < floor;

/** How many more bad outcomes in a row would lead below the floor: 0 to `most`, or undefined if more. */
export const badOnesToFloor = (
  { good, bad }: { readonly good: number; readonly bad: number },
  floor: number,
  most: number,
): number | undefined => {
  if (!isBelow(score(good, bad + most), floor)) return undefined; // Nearly always so.
  for (let more = 0; more < most; more++) if (isBelow(score(good, bad + more), floor)) return more;
  return most;
};
