/**
 * How likely a result is right, from audits that its node survived. This accepts results;
 * reputation never does.
 *
 * @see L. F. G. Sarmenta, "Sabotage-Tolerance Mechanisms for Volunteer Computing Systems",
 *   CCGrid 2001: spot-checks, credibility, and groups of results.
 */

/**
 * The credibility of one result of a node: a lower bound of the probability that it is right.
 *
 * Of nodes a share f lies, each in a share s of its results. Who lies so and survived k audits is met
 * with probability f·s(1−s)^k / ((1−f) + f(1−s)^k) <= f/(1−f) · 1/(e·k), since s(1−s)^k is greatest
 * at s = 1/(k+1): so the bound holds for any s. It supposes that one failed audit expels.
 *
 * @param survived - Audits, a whole number of at least 0; 0 after a conviction.
 * @param adversaryShare - f, above 0 and below 1: the share of nodes that may lie.
 * @returns 1 − f for a newcomer, rising towards 1, never reaching it. With f = 0.35: 0.65 at 0,
 *   0.9901 at 20, 0.999 at 199.
 * @throws {RangeError} If a parameter is out of range. That is our bug, not the node's.
 */
export const credibilityOf = (survived: number, adversaryShare: number): number => {
  countIn(survived);
  shareIn(adversaryShare);
  const blank = 1 - adversaryShare;
  return survived === 0 ? blank : Math.max(blank, 1 - doubt(adversaryShare) / survived);
};

/**
 * Audits that a newcomer must survive until one result of its own is enough: 20 for an epsilon of
 * 0.01, 199 for 0.001 (198.09 before rounding), if 0.35 of nodes may lie.
 */
export const auditsToTrust = (epsilon: number, adversaryShare: number): number => {
  shareIn(epsilon);
  shareIn(adversaryShare);
  return adversaryShare <= epsilon ? 0 : Math.ceil(doubt(adversaryShare) / epsilon);
};

/** f / ((1 − f)·e): what is left of doubt after one audit. */
const doubt = (adversaryShare: number): number => adversaryShare / (1 - adversaryShare) / Math.E;

/**
 * The credibility of groups of results that contradict each other, each group given as the
 * credibilities of its members: at most one group is right, and all of its members are.
 *
 * P(this group good) · ∏ P(each other bad) over the sum of all cases that can be: one group is good,
 * or all are bad. With odds = c/(1−c) that is ∏ odds of the group / (1 + Σ over groups).
 * Members count as independent. Those who plan a lie together are not: audits, not agreement, make
 * a node credible, and audits find them one by one.
 *
 * @param groups - None empty; credibilities from 0 to 1.
 * @returns For each group, in the same order; the sum is at most 1.
 * @throws {RangeError} If a group is empty or a credibility out of range. That is our bug.
 */
export const groupCredibilities = (groups: readonly (readonly number[])[]): readonly number[] => {
  const odds = groups.map((members) => {
    if (members.length === 0)
      throw new RangeError("expected groups with members, got an empty one");
    return members.reduce((product, credibility) => product * oddsOf(credibility), 1);
  });
  const sum = odds.reduce((a, b) => a + b, 1);
  return odds.map((each) => each / sum);
};

/** Odds that a result is right; of one that is certain, as if one in 10^12 were wrong. */
export const oddsOf = (credibility: number): number => {
  if (!(credibility >= 0 && credibility <= 1))
    throw new RangeError(`expected a credibility from 0 to 1, got ${credibility}`);
  return credibility / Math.max(1 - credibility, 1e-12);
};

const countIn = (survived: number): void => {
  if (!Number.isSafeInteger(survived) || survived < 0)
    throw new RangeError(`expected a whole count of audits of at least 0, got ${survived}`);
};

const shareIn = (share: number): void => {
  if (!(share > 0 && share < 1))
    throw new RangeError(`expected a share above 0 and below 1, got ${share}`);
};
