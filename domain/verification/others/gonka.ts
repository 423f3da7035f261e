/**
 * Gonka's verifiable sampling, for comparison: one node computes, others check a share of its work,
 * the less the better its reputation, by draws that can be repeated when the seed is shown.
 *
 * @see Gonka, inference-chain/x/inference/calculations: should_validate.go, reputation.go,
 *   min_validation_average.go; types/params.go for the numbers.
 */
import { portableSha256, type Sha256 } from "../../hashing.ts";

const share = { busy: 0.01, halfway: 0.05, most: 1 } as const;
const traffic = { few: 100, halfway: 5_000, busy: 10_000 } as const;

/** Epochs of work after which a node's reputation is complete. */
const epochsToMax = 30;

/** The least checks per job, by the jobs of late: 0.01 where there are 10,000, 1 where there are 100. */
export const minimumChecks = (jobsOfLate: number): number => {
  if (jobsOfLate >= traffic.busy) return share.busy;
  if (jobsOfLate >= traffic.halfway)
    return between(share.busy, share.halfway, (traffic.busy - jobsOfLate) / traffic.halfway);
  if (jobsOfLate > traffic.few)
    return between(
      share.halfway,
      share.most,
      (traffic.halfway - jobsOfLate) / (traffic.halfway - traffic.few),
    );
  return share.most;
};

const between = (from: number, to: number, part: number): number => from + (to - from) * part;

/** Checks per job of a node with this reputation (0 to 1), on average. */
export const targetChecks = (reputation: number, jobsOfLate: number): number => {
  const least = minimumChecks(jobsOfLate);
  return Math.min(1, least + (share.most - least) * (1 - reputation));
};

/** The probability with which one checker checks one job; all together make the target. */
export const ownProbability = (
  target: number,
  {
    own,
    total,
    executor,
  }: { readonly own: number; readonly total: number; readonly executor: number },
): number => Math.min(1, (target * own) / (total - executor));

/** A checker's draw for a job, from 0 to 1: the first 64 bits of SHA-256(seed ":" job). */
export const drawOf = (seed: number, job: string, sha256: Sha256 = portableSha256): number =>
  Number(BigInt(`0x${sha256(`${seed}:${job}`).slice(0, 16)}`)) / 2 ** 64;

/** Reputation after so many epochs of work: 0 to 1 in steps of 0.01. */
export const reputationAfter = (epochs: number): number =>
  Math.floor(Math.min(1, epochs / epochsToMax) * 100) / 100;

export interface Checks {
  readonly checked: number;
  readonly invalid: number;
  /** Invalid ones in a row, up to now. */
  readonly invalidInARow: number;
}

/** Of checks of honest nodes so many are expected to fail. */
const falsePositives = 0.05;
const onceInAMillion = 1e-6;
const measurementsMin = 10;

/**
 * Whether a node is held to be bad: invalid results in a row that an honest node would have less than
 * once in a million times (5 of them), or a z-score above 1 after at least 10 checks.
 */
export const isBad = ({ checked, invalid, invalidInARow }: Checks): boolean => {
  if (falsePositives ** invalidInARow < onceInAMillion) return true;
  if (checked < measurementsMin) return false;
  const deviation = Math.sqrt((falsePositives * (1 - falsePositives)) / checked);
  return (invalid / checked - falsePositives) / deviation > 1;
};
