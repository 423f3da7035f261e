/** Why lying does not pay: what a node at any level of trust can expect of it. */
import { startReplicas } from "./assurance.ts";
import { credibilityOf, groupCredibilities } from "./credibility.ts";
import { type AuditRates, auditShare } from "./lottery.ts";

export interface Deterrence extends AuditRates {
  readonly epsilon: number;
  readonly adversaryShare: number;
  /** So many audited awards become a node's bond. */
  readonly bondAwards: number;
}

/**
 * What a node that survived so many audits can expect of lying in every job from now on, beside
 * honest work, in awards of one size.
 *
 * The best case for the liar: all replicas of its jobs are with its friends, who survived as much and
 * say the same, and none of its awards is held. With the chance p of an audit it lies (1 − p)/p times
 * until it is found out. Each lie saves `workCost`; the last one is not paid, and the bond is gone:
 * gain = workCost · 1/p − 1 − bond.
 *
 * @param survived - Audits, a whole number of at least 0; that many awards, at most `bondAwards`,
 *   are its bond, since only audited awards go into it.
 * @param workCost - What a result costs its node, as a part of its award; at most 1.
 * @see The argument is the usual one of deterrence: an honest node is better off if p·(R + S) > C.
 */
export const gainOfLying = (
  survived: number,
  { epsilon, adversaryShare, bondAwards, ...rates }: Deterrence,
  workCost = 0.9,
): number => {
  const bond = Math.min(survived, bondAwards);
  const share = auditShare(survived, rates, { award: 1n, atRisk: BigInt(bond) });
  const credibility = credibilityOf(survived, adversaryShare);
  const replicas = startReplicas(credibility, epsilon);
  const [together = 0] = groupCredibilities([Array<number>(replicas).fill(credibility)]);
  const caught = together >= 1 - epsilon ? 1 - (1 - share) ** replicas : 1;
  return workCost / caught - 1 - bond;
};
