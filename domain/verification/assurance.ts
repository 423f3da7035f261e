/**
 * The one rule that decides what becomes of a job with an assurance: believe a result, ask one more
 * node, or have an arbiter compute it again. The network and its simulation both run it.
 *
 *     results ──audited, or they differ──> arbiter ──all agree──────────────> accept (audited)
 *        │                                    └──somebody differs──> more arbiters ──> accept, convict
 *        ├──believed by credibility──> accept
 *        └──not yet──> one more replica, or an arbiter if that costs no more
 */
import { groupCredibilities, oddsOf } from "./credibility.ts";

/** A result that was shown. */
export interface JudgedResult {
  readonly replica: number;
  /** Results of one group agree; any whole number names it. */
  readonly group: number;
  /** Of its node, for the runtime in which it was computed: 0 to 1. */
  readonly credibility: number;
  readonly arbiter: boolean;
}

export interface AssuranceLimits {
  /** The share of wrong results that the client takes: above 0, below 1. */
  readonly epsilon: number;
  /** Ordinary results of one job at most: 1 to 9. */
  readonly replicasMax: number;
  /** Arbiters that must agree before somebody is convicted: 1 or 2, since a job pays for three. */
  readonly arbitersToConvict: number;
}

export type Verdict =
  | {
      readonly kind: "accept";
      readonly group: number;
      /** Probability that the group is right, 0 to 1. */
      readonly credibility: number;
      /** Whether an arbiter has computed it too. */
      readonly audited: boolean;
      /** Replicas that are proven wrong: their nodes are convicted. */
      readonly wrong: readonly number[];
    }
  | { readonly kind: "replica" }
  | { readonly kind: "arbiter" }
  /** All arbiters that can be asked contradict each other: the job fails. */
  | { readonly kind: "none" };

/**
 * What to do next about a job, from the results that were shown so far.
 *
 * An arbiter that agrees with all ordinary results settles them. Any disagreement goes to arbiters
 * until `arbitersToConvict` of them agree: theirs is the result, all who differ are proven wrong,
 * an arbiter too. At most `arbitersMax` are asked.
 *
 * @param results - Of nodes that are not convicted; at most one for each replica.
 * @param options.audited - Whether the lottery drew any of them, or the job was reopened.
 */
export const consider = (
  results: readonly JudgedResult[],
  limits: AssuranceLimits,
  { audited }: { readonly audited: boolean },
): Verdict => {
  const arbiters = results.filter(({ arbiter }) => arbiter);
  if (arbiters.length > 0) return decided(results, arbiters, limits);
  if (audited) return { kind: "arbiter" };

  const [first, ...others] = results;
  if (first === undefined) return { kind: "replica" };
  if (others.some(({ group }) => group !== first.group)) return { kind: "arbiter" };
  const credibility = credibilityOfAll(results);
  if (isEnough(credibility, limits.epsilon))
    return { kind: "accept", group: first.group, credibility, audited: false, wrong: [] };
  const oneMore = results.length < limits.replicasMax && wouldDo(results, limits.epsilon);
  return { kind: oneMore ? "replica" : "arbiter" };
};

/** Arbiters of one job at most: of so many, enough must agree if there are two answers. */
export const arbitersMax = ({ arbitersToConvict }: Pick<AssuranceLimits, "arbitersToConvict">) =>
  2 * arbitersToConvict - 1;

/** How many replicas a job starts with on a node of this credibility: 1 if that is enough, else 2. */
export const startReplicas = (credibility: number, epsilon: number): 1 | 2 =>
  isEnough(credibility, epsilon) ? 1 : 2;

/** The last digits of a product of odds are rounding. */
const rounding = 1e-12;
const isEnough = (credibility: number, epsilon: number): boolean =>
  credibility >= 1 - epsilon - rounding;

const decided = (
  results: readonly JudgedResult[],
  arbiters: readonly JudgedResult[],
  limits: AssuranceLimits,
): Verdict => {
  const accept = (group: number): Verdict => ({
    kind: "accept",
    group,
    credibility: credibilityIn(results, group),
    audited: true,
    wrong: results.filter((result) => result.group !== group).map(({ replica }) => replica),
  });
  const group = arbiters[0]?.group ?? 0;
  if (results.every((result) => result.group === group)) return accept(group);

  for (const { group } of arbiters)
    if (arbiters.filter((arbiter) => arbiter.group === group).length >= limits.arbitersToConvict)
      return accept(group);
  return { kind: arbiters.length < arbitersMax(limits) ? "arbiter" : "none" };
};

/** Whether one more result like the least credible of these would make them believed. */
const wouldDo = (results: readonly JudgedResult[], epsilon: number): boolean => {
  const odds = results.map(({ credibility }) => oddsOf(credibility));
  const withOneMore = odds.reduce((product, each) => product * each, Math.min(...odds));
  return isEnough(withOneMore / (1 + withOneMore), epsilon);
};

const credibilityOfAll = (results: readonly JudgedResult[]): number =>
  groupCredibilities([results.map(({ credibility }) => credibility)])[0] ?? 0;

const credibilityIn = (results: readonly JudgedResult[], group: number): number => {
  const groups = [...new Set(results.map((result) => result.group))];
  const credibilities = groupCredibilities(
    groups.map((name) =>
      results.filter((result) => result.group === name).map(({ credibility }) => credibility),
    ),
  );
  return credibilities[groups.indexOf(group)] ?? 0;
};
