/**
 * iExec's Proof of Contribution, for comparison: contributions weigh by the worker's score, weights
 * of one answer multiply, and an answer is believed when it outweighs all others by the trust asked.
 *
 * @see iExec PoCo, contracts/facets/IexecPoco2Facet.sol.
 */

/** What has been contributed to a task so far. */
export interface Contributions {
  readonly total: number;
  readonly groups: ReadonlyMap<number, number>;
}

export const noContributions: Contributions = { total: 1, groups: new Map() };

/** The weight of a worker: 2 for a fresh one. `score` is a whole number of at least 0. */
export const weightOf = (score: number): number => Math.max(Math.floor(score / 3), 3) - 1;

/** The first contribution to an answer sets the weight of its group, each further one multiplies it. */
export const contribute = (
  { total, groups }: Contributions,
  { answer, weight }: { readonly answer: number; readonly weight: number },
): Contributions => {
  const before = groups.get(answer) ?? 0;
  const after = Math.max(before, 1) * weight;
  return { total: total + after - before, groups: new Map(groups).set(answer, after) };
};

/**
 * The answer that is believed, if there is one: group · trust > total · (trust − 1).
 *
 * @param trust - How sure the requester wants to be: one wrong in `trust`; at least 1.
 */
export const consensusOf = (
  { total, groups }: Contributions,
  trust: number,
): number | undefined => {
  for (const [answer, weight] of groups) if (weight * trust > total * (trust - 1)) return answer;
  return undefined;
};

/** A worker's score after a task that came to a consensus; agreement with nobody is worth nothing. */
export const scoreAfter = (
  score: number,
  { accurate, contributors }: { readonly accurate: boolean; readonly contributors: number },
): number => {
  if (!accurate) return Math.floor((score * 2) / 3);
  return contributors > 1 ? score + 1 : score;
};

/** A contribution's part of the reward: log2 of its weight, in whole numbers. */
export const rewardShareOf = (weight: number): number => Math.floor(Math.log2(weight));
