/** Sorts results into groups that agree. */

/** What grouping needs of a comparison: see `Comparison` in `compare.ts`. */
export interface Agreement {
  readonly agree: boolean;
  readonly distance: number;
}

export interface Group<Result> {
  /** The member that most others agree with: the group's answer. */
  readonly medoid: Result;
  /** In order of id, the medoid among them. Each agrees with the medoid, not always with all others. */
  readonly members: readonly Result[];
}

/**
 * Groups results, largest group first, the same for any order of `results`.
 *
 * Agreement within a tolerance is not transitive (a ~ b and b ~ c, but not a ~ c), so that a group
 * is a medoid with all that agree with it, and not a chain. The medoid is the result with the most
 * agreeing results that are still in no group; then the one nearest to them; then the least id.
 *
 * @param results - With ids that are unique. Every pair is compared once: keep them few.
 * @param agree - Called with the lesser id first.
 * @throws {RangeError} When two results have one id. That is our bug.
 */
export const cluster = <Result extends { readonly id: string }>(
  results: readonly Result[],
  agree: (a: Result, b: Result) => Agreement,
): readonly Group<Result>[] => {
  const [only] = results;
  if (only !== undefined && results.length === 1) return [{ medoid: only, members: [only] }];
  const sorted = results.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  sorted.forEach((result, index) => {
    if (result.id === sorted[index - 1]?.id)
      throw new RangeError(`expected unique ids, got "${result.id}" twice`);
  });
  const distances = compareAll(sorted, agree);

  const groups: Group<Result>[] = [];
  let free = sorted.map((_, index) => index);
  while (free.length > 0) {
    const stars = free.map((centre) => starAround(centre, free, distances));
    const best = stars.reduce((a, b) =>
      b.members.length > a.members.length ||
      (b.members.length === a.members.length && b.total < a.total)
        ? b
        : a,
    );
    groups.push({
      medoid: sorted[best.centre] as Result,
      members: best.members.map((index) => sorted[index] as Result),
    });
    free = free.filter((index) => !best.members.includes(index));
  }
  return groups;
};

/** Row and column by index; undefined where two disagree. */
type Distances = readonly (readonly (number | undefined)[])[];

const compareAll = <Result>(
  sorted: readonly Result[],
  agree: (a: Result, b: Result) => Agreement,
): Distances => {
  const table: (number | undefined)[][] = sorted.map(() => []);
  sorted.forEach((a, i) => {
    sorted.forEach((b, j) => {
      if (j < i) return;
      const { agree: same, distance } = i === j ? { agree: true, distance: 0 } : agree(a, b);
      const cell = same ? distance : undefined;
      (table[i] as (number | undefined)[])[j] = cell;
      (table[j] as (number | undefined)[])[i] = cell;
    });
  });
  return table;
};

const starAround = (centre: number, free: readonly number[], distances: Distances) => {
  const members = free.filter((index) => distances[centre]?.[index] !== undefined);
  const total = members.reduce((sum, index) => sum + (distances[centre]?.[index] ?? 0), 0);
  return { centre, members, total };
};
