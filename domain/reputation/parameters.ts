/** What scores are computed with. A score can be recomputed only with the parameters of its time. */
import type { Millis } from "../decider.ts";

export interface ReputationParameters {
  /** How much of an outcome still counts a day later, 0.5 to 1. */
  readonly keptPerDay: number;
  /** Below this share of tasks answered in time, surely, work is lost. 0 to 0.75. */
  readonly reliabilityFloor: number;
  /** Below this share of answers accepted, surely, work is lost. 0 to 0.75. */
  readonly correctnessFloor: number;
  /** A warning comes when so many more bad outcomes would lead below a floor, 1 to 20. */
  readonly warnedAhead: number;
  /** Silences within so long of the first are one outage, 0 to a day. */
  readonly outageMs: Millis;
  /** So many outages cost nothing, old ones counting less and less. 0 to 100. */
  readonly outagesForgiven: number;
  /** Accepted results that end the vetting stage, 1 to 10,000 … */
  readonly vettingResults: number;
  /** … if they came on so many days (UTC), 1 to 365. */
  readonly vettingDays: number;
  /** Standing of a node of which little is known, 0 to 0.25. */
  readonly newcomerStanding: number;
}

export const reputationDefaults: ReputationParameters = {
  keptPerDay: 0.98,
  reliabilityFloor: 0.6,
  correctnessFloor: 0.75,
  warnedAhead: 3,
  outageMs: 600_000,
  outagesForgiven: 3,
  vettingResults: 20,
  vettingDays: 2,
  newcomerStanding: 0.0625,
};

/**
 * Least and most of each parameter, and whether it is a whole number. No floor is above 0.75: one bad
 * outcome of one leaves an upper end of 0.793, so that nobody falls below a floor without a warning.
 */
export const reputationBounds: {
  readonly [Name in keyof ReputationParameters]: {
    readonly least: number;
    readonly most: number;
    readonly whole: boolean;
  };
} = {
  keptPerDay: { least: 0.5, most: 1, whole: false },
  reliabilityFloor: { least: 0, most: 0.75, whole: false },
  correctnessFloor: { least: 0, most: 0.75, whole: false },
  warnedAhead: { least: 1, most: 20, whole: true },
  outageMs: { least: 0, most: 86_400_000, whole: true },
  outagesForgiven: { least: 0, most: 100, whole: false },
  vettingResults: { least: 1, most: 10_000, whole: true },
  vettingDays: { least: 1, most: 365, whole: true },
  newcomerStanding: { least: 0, most: 0.25, whole: false },
};
