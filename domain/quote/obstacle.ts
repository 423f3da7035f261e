/** Why nobody could do what a job asks for: said before any point moves. */

import { type AppName, isAppName } from "../catalogue.ts";
import type { JobSpec } from "../job/spec.ts";
import { formatPoints } from "../points.ts";
import type { Policy } from "../policy/policy.ts";
import { startReplicas } from "../verification/assurance.ts";
import { credibilityOf } from "../verification/credibility.ts";
import { type Market, marketsOf, ownersOf, votersOf } from "./offers.ts";

export type ObstacleCode =
  | "price-below-floor"
  /** The policy lists none, or too few of them compute the app. */
  | "assurance-without-arbiters"
  /** No node computes the app, or none in the class that was asked for. */
  | "assurance-without-nodes"
  /** As many replicas as a job starts with never come together: too few owners. */
  | "assurance-without-owners"
  /** More replicas than the policy lets one job have. */
  | "replicas-beyond-policy";

export interface Obstacle {
  readonly code: ObstacleCode;
  readonly message: string;
}

/** Whether the price is below what the policy asks for at least. */
export const priceObstacle = ({ app, price }: JobSpec, policy: Policy): Obstacle | undefined => {
  const floors: Readonly<Record<AppName, number>> = policy.pricing.floorMicroPoints;
  const floor = isAppName(app) ? BigInt(floors[app]) : 0n;
  if (BigInt(price) >= floor) return undefined;
  return {
    code: "price-below-floor",
    message: `a result of ${app} costs at least ${formatPoints(floor)} points here (${floor} micro-points), and the job offers ${formatPoints(BigInt(price))}`,
  };
};

/**
 * Whether the nodes that are registered could ever give the assurance that the job asks for. One of
 * the job's possible markets is enough; who is away may come back, so that liveness does not count.
 */
export const assuranceObstacle = (
  spec: JobSpec,
  policy: Policy,
  market: Market,
): Obstacle | undefined => {
  const { assurance, app, engine } = spec;
  if (assurance === undefined) return undefined;
  const { arbiters, arbitersToConvict, adversaryShare, replicasMax } = policy.verification;
  const { epsilon } = policy.verification[assurance];
  const fast = spec.minSpeed === undefined ? "" : ` at ${spec.minSpeed} instructions a second`;
  const what = `${app}${engine === "" ? "" : ` on ${engine}`}${fast}`;
  if (arbiters.length === 0)
    return {
      code: "assurance-without-arbiters",
      message: `nobody can give the assurance ${assurance}: this network has no arbiters (its policy lists none); leave the assurance out`,
    };

  if (spec.replicasMax > replicasMax)
    return {
      code: "replicas-beyond-policy",
      message: `at most ${replicasMax} nodes may compute a job with an assurance here (the policy says so), and this one asks for ${spec.replicasMax}; set replicasMax to 3 to ${replicasMax}`,
    };
  const markets = marketsOf(spec, market);
  if (markets.every(({ nodes }) => nodes.length === 0))
    return {
      code: "assurance-without-nodes",
      message: `nobody can give the assurance ${assurance}: no node offers ${what}`,
    };
  const isEnough = ({ nodes }: Market) => {
    const alone = nodes.some(
      ({ survived }) => startReplicas(credibilityOf(survived, adversaryShare), epsilon) === 1,
    );
    return votersOf(nodes, policy.dispatch.ownersApart) >= (alone ? 1 : 2);
  };
  const enough = markets.filter(isEnough);
  if (enough.length === 0)
    return {
      code: "assurance-without-owners",
      message: `nobody can give the assurance ${assurance}: it takes nodes of 2 owners, as long as none is trusted alone, and 1 owner offers ${what}${markets.length > 1 ? " in any one execution class" : ""}`,
    };
  const most = Math.max(...enough.map((one) => ownersOf(one.arbiters)));
  if (most < arbitersToConvict)
    return {
      code: "assurance-without-arbiters",
      message: `nobody can give the assurance ${assurance}: it takes arbiters of ${arbitersToConvict} owners that compute ${what}, and there are ${most}`,
    };
  return undefined;
};
