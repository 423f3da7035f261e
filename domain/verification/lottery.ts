/**
 * Which tasks are audited, and which audits are checked by a second arbiter: a draw that is made after
 * the result is shown, from a beacon that nobody could know before, and that anyone can repeat
 * afterwards.
 */
import { portableSha256, type Sha256 } from "../hashing.ts";
import { taggedText } from "../identity/keys.ts";
import type { Digest } from "../ids.ts";
import { arbitersMax } from "./assurance.ts";

export interface AuditRates {
  /** Audits spent on trust: a node with k survived ones is audited in factor / (k + 1); above 0. */
  readonly auditFactor: number;
  /** The least share of tasks that are audited, of however trusted a node; above 0, at most 1. */
  readonly auditFloor: number;
}

/** What a lie could win and what it would lose, in micro-points. */
export interface PointsAtRisk {
  /** What the node gets for this result; at least 0. */
  readonly award: bigint;
  /** The node's bond and its held awards, which a conviction takes; at least 0. */
  readonly atRisk: bigint;
}

/**
 * The share of a node's tasks that is audited: the more it survived and the more it has to lose, the
 * less; never below the floor.
 *
 * - min(1/2, factor / (survived + 1)): credibility must be earned before it saves work.
 * - 2·R / (R + S), at most 1, for an award R and S points at risk. Whoever lies saves at most the
 *   cost C of the work and gets R unless it is audited; then it loses R and S. Lying pays only if
 *   C > share · (R + S), and nobody works at a cost above the award: C <= R. So the share is twice
 *   what makes lying pay. Who has nothing to lose is always audited.
 *
 * @param survived - Audits, a whole number of at least 0.
 * @returns 0 to 1.
 * @throws {RangeError} If a parameter is out of range. That is our bug.
 */
export const auditShare = (
  survived: number,
  { auditFactor, auditFloor }: AuditRates,
  points?: PointsAtRisk,
): number => {
  if (!Number.isSafeInteger(survived) || survived < 0)
    throw new RangeError(`expected a whole count of audits of at least 0, got ${survived}`);
  if (!(auditFactor > 0) || !(auditFloor > 0 && auditFloor <= 1))
    throw new RangeError(`expected a factor and a floor, got ${auditFactor} and ${auditFloor}`);
  const earned = Math.min(1 / 2, auditFactor / (survived + 1));
  return Math.max(auditFloor, earned, points === undefined ? 0 : deterring(points));
};

/** How many times more often than lying stops paying; covers what a lie is worth outside. */
const safety = 2n;

const deterring = ({ award, atRisk }: PointsAtRisk): number => {
  if (award < 0n || atRisk < 0n)
    throw new RangeError(`expected points of at least 0, got ${award} and ${atRisk}`);
  if (award === 0n) return 0; // Nothing to win by it.
  return Math.min(1, Number(safety * award) / Number(award + atRisk));
};

export interface CheckRates {
  /** The share of an arbiter's results that another arbiter computes too: 0 to 1; 0 checks none. */
  readonly arbiterCheckShare: number;
  /** So many must be found right first; until then all are checked. */
  readonly arbiterChecksFirst: number;
  /** With 1 the word of one arbiter is never doubted. */
  readonly arbitersToConvict: number;
}

/**
 * Whether an arbiter that would decide alone takes part in the lottery. Not where fewer are listed than
 * it takes to decide between two: a check could convict nobody there, and every one that is away or
 * that lies would make jobs fail.
 */
export const areArbitersChecked = (
  rates: CheckRates & { readonly arbiters: readonly string[] },
): boolean => doubts(rates) && rates.arbiters.length >= arbitersMax(rates);

const doubts = ({ arbiterCheckShare, arbitersToConvict }: CheckRates): boolean =>
  arbiterCheckShare > 0 && arbitersToConvict > 1;

/**
 * The share of an arbiter's results that is checked. An arbiter has no award that could be weighed
 * against a lie, as its price is the network's: what it may do to others is why it is checked.
 *
 * @param survived - Results that another arbiter found right, a whole number of at least 0.
 */
export const checkShare = (survived: number, rates: CheckRates): number => {
  if (!doubts(rates)) return 0;
  return survived < rates.arbiterChecksFirst ? 1 : rates.arbiterCheckShare;
};

/**
 * Whether a task is audited: SHA-256("cnct/audit/v1" ‖ beacon, task) < share · 2^256.
 *
 * @param beacon - The digest of a part of the log that is later than the task's commit.
 * @param task - The task's name (`taskName`): each attempt of a replica is drawn for itself.
 * @param share - 0 (never) to 1 (always); its 53 leading bits count.
 */
export const isAudited = (
  draw: { readonly beacon: Digest; readonly task: string; readonly share: number },
  sha256: Sha256 = portableSha256,
): boolean => {
  const { beacon, task, share } = draw;
  if (!(share >= 0 && share <= 1))
    throw new RangeError(`expected a share from 0 to 1, got ${share}`);
  if (share === 0 || share === 1) return share === 1;
  const digest = sha256(taggedText("cnct/audit/v1", { beacon, task }));
  // 13 digits are 52 bits; the 53rd leads the next digit. What follows changes nothing any more.
  const lastBit = Number.parseInt(digest.charAt(13), 16) >> 3;
  return Number.parseInt(digest.slice(0, 13), 16) * 2 + lastBit < Math.floor(share * 2 ** 53);
};
