/** The little arithmetic of measuring. */

/**
 * The value below which this share of the values lies (nearest rank).
 *
 * @param share - 0 to 1.
 * @throws {RangeError} If there are no values.
 *
 * @example
 * percentile([5, 1, 3], 0.5); // 3
 */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("a percentile of no values");
  return value;
};

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  p99: percentile(values, 0.99),
});

/** The middle one of several runs; the lower of two. */
export const medianBy = <Run>(runs: readonly Run[], key: (run: Run) => number): Run => {
  const sorted = [...runs].sort((a, b) => key(a) - key(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new RangeError("a median of no runs");
  return middle;
};
