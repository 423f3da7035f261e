/**
 * Storj's audit reputation, for comparison: a Beta score that forgets, and a bound below which a
 * node is out. It only scores: what to check is not its business.
 *
 * @see Storj, satellite/reputation/config.go and calculations.go.
 */

export interface AuditScore {
  readonly alpha: number;
  readonly beta: number;
}

export const startScore: AuditScore = { alpha: 1_000, beta: 0 };

/** How much of the past remains after one audit. */
const lambda = 0.999;
const disqualifiedBelow = 0.96;

/** After `times` audits with the same outcome, in one step. */
export const afterAudits = (
  { alpha, beta }: AuditScore,
  outcome: "passed" | "failed",
  times = 1,
): AuditScore => {
  const kept = lambda ** times;
  const added = (1 - kept) / (1 - lambda);
  return outcome === "passed"
    ? { alpha: kept * alpha + added, beta: kept * beta }
    : { alpha: kept * alpha, beta: kept * beta + added };
};

/** 0 to 1; a new node has 1. */
export const scoreOf = ({ alpha, beta }: AuditScore): number => alpha / (alpha + beta);

export const isDisqualified = (score: AuditScore): boolean => scoreOf(score) < disqualifiedBelow;
