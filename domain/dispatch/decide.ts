/**
 * Who of a slate gets the task. The terms are rounded first and ranked then, so that whoever reads the
 * assignment can rank them again and must come to the same node.
 *
 *     score = standing x free x fast, each from 0 to 1
 *     free  = slots / (slots + loadWeight x load)        load: held and on their way
 *     fast  = fastest / (fastest + turnaroundWeight x (turnaround - fastest)), 1 where it is unknown
 *
 * Plus, minus, times and divided by: the same bits on every machine (IEEE 754).
 */
import { seededRandom } from "../chance.ts";
import type { Sha256 } from "../hashing.ts";
import type { Digest, NodeId } from "../ids.ts";
import type { TaskAssigned } from "../job/events.ts";
import type { Policy } from "../policy/policy.ts";
import type { AssignmentReason, Backup, Looked } from "./reason.ts";

/** Version of the rules in this file; `policy` of each assignment's reason. */
export const dispatchRules = 2;

/** What is weighed of one node, unrounded. */
export interface Terms {
  readonly nodeId: NodeId;
  readonly executionClass: string;
  /** 0 to 1. */
  readonly standing: number;
  /** Tasks that it has by the log. */
  readonly held: number;
  /** Tasks given to it that are not in the log yet. */
  readonly reserved: number;
  readonly slots: number;
  /** Mean, ms; undefined as long as it never answered such an app. */
  readonly turnaroundMs: number | undefined;
}

/** What a decision rests on besides the terms. */
export interface Setting {
  readonly jobHash: Digest;
  readonly replica: number;
  readonly seed: number;
  readonly explores: boolean;
  readonly candidates: number;
  readonly asOf: string;
  /** Left out where no other node has the task already. */
  readonly backup?: Backup;
}

export interface Decision {
  readonly nodeId: NodeId;
  readonly executionClass: string;
  readonly reason: AssignmentReason;
}

type Weights = Pick<Policy["dispatch"], "loadWeight" | "turnaroundWeight">;

/** @param terms - At least one. */
export const decide = (
  setting: Setting,
  terms: readonly Terms[],
  policy: Policy,
  sha256: Sha256,
): Decision => {
  const rounded = terms.map(lookedOf);
  const scores = scoresOf(rounded, policy.dispatch);
  const best = bestOf(scores);
  const chosen = terms[best];
  if (!chosen) throw new RangeError("nobody to choose from");
  const { nodeId, executionClass } = chosen;
  const looked = rounded.map((one, i): Looked => {
    const other = terms[i]?.executionClass ?? executionClass;
    return other === executionClass ? one : [one[0], one[1], one[2], one[3], one[4], one[5], other];
  });
  const { seed, candidates, asOf, explores, backup } = setting;
  const score = roundedScore(scores[best] ?? 0);
  const digest = inputsDigest(setting, terms, policy.version, sha256);
  const parameters = policy.version;
  const made = { policy: dispatchRules, seed, candidates, score, parameters, asOf, looked, digest };
  const reason: AssignmentReason = {
    ...made,
    ...(explores ? { explores } : {}),
    ...(backup ? { backup } : {}),
  };
  return { nodeId, executionClass, reason };
};

/** As it is recorded. */
export const lookedOf = ({
  nodeId,
  standing,
  held,
  reserved,
  slots,
  turnaroundMs,
}: Terms): Looked => [
  nodeId,
  Math.round(standing * 10_000),
  held,
  reserved,
  slots,
  turnaroundMs === undefined ? 0 : Math.max(1, Math.round(turnaroundMs)),
];

/** The score of each node, in the order given. */
export const scoresOf = (
  looked: readonly Looked[],
  { loadWeight, turnaroundWeight }: Weights,
): readonly number[] => {
  // By index: to take a list apart by a pattern costs several times as much.
  let fastest = Number.POSITIVE_INFINITY;
  for (const one of looked) if (one[5] > 0 && one[5] < fastest) fastest = one[5];
  return looked.map((one) => {
    const slots = one[4];
    const ms = one[5];
    const free = slots / (slots + loadWeight * (one[2] + one[3]));
    const fast = ms > 0 ? fastest / (fastest + turnaroundWeight * (ms - fastest)) : 1;
    return (one[1] / 10_000) * free * fast;
  });
};

/** The first of the greatest. */
export const bestOf = (scores: readonly number[]): number => {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] ?? 0) > (scores[best] ?? 0)) best = i;
  return best;
};

export const roundedScore = (score: number): number => Math.round(score * 10_000) / 10_000;

/** Binds an assignment to everything that it was made from, to the last bit of each term. */
export const inputsDigest = (
  { jobHash, replica, seed, explores, candidates, asOf, backup }: Setting,
  terms: readonly Terms[],
  parameters: number,
  sha256: Sha256,
): Digest => {
  // Not the attempt: by the time it is written down, one that was under way may have failed.
  let text = `cnct/dispatch/v2\n${jobHash}/${replica} ${asOf} ${parameters} ${seed} ${explores} ${candidates}`;
  if (backup) text += `\nbackup ${backup.join(" ")}`;
  for (const { nodeId, executionClass, standing, held, reserved, slots, turnaroundMs } of terms)
    text += `\n${nodeId} ${executionClass} ${bitsOf(standing)} ${held} ${reserved} ${slots} ${bitsOf(turnaroundMs ?? -1)}`;
  return sha256(text).slice(0, 32);
};

const bits = new DataView(new ArrayBuffer(8));
/** The two halves of an IEEE 754 double; to print it in decimal takes ten times as long. */
const bitsOf = (value: number): string => {
  bits.setFloat64(0, value);
  return `${bits.getUint32(0)}.${bits.getUint32(4)}`;
};

/** Why the choice that an assignment tells of cannot be made again from what it tells. */
export type ChoiceFault =
  /** The reason lacks something, or is of rules that this program does not know. */
  | "reason-incomplete"
  /** The node that got the task is none of those that were ranked. */
  | "chosen-not-ranked"
  /** By the terms another node should have got it. */
  | "outranked"
  /** The score is not the one that follows from the terms. */
  | "score-differs"
  /** The seed does not say that new nodes were to be looked for. */
  | "explores-against-seed";

/** Makes the choice again from the reason alone; undefined if it comes out the same. */
export const choiceFault = (
  { nodeId, reason }: Pick<TaskAssigned, "nodeId" | "reason">,
  policy: Policy,
): ChoiceFault | undefined => {
  const { looked, seed, explores, score } = reason;
  if (reason.policy !== dispatchRules || looked === undefined || looked.length === 0)
    return "reason-incomplete";
  const place = looked.findIndex(([name]) => name === nodeId);
  if (place === -1) return "chosen-not-ranked";
  const scores = scoresOf(looked, policy.dispatch);
  if (bestOf(scores) !== place) return "outranked";
  if (score !== roundedScore(scores[place] ?? 0)) return "score-differs";
  const drawn = seededRandom(seed)() < policy.dispatch.explorationShare;
  return explores === true && !drawn ? "explores-against-seed" : undefined;
};
