/**
 * Why a node got a task, as the assignment tells it: what the choice was made from, so that it can be
 * made again (`decide.ts`) and held against the log (`explain.ts`). It is in every assignment: kept small.
 */
import type { Digest, NodeId } from "../ids.ts";

/** What `dispatchRules` of `decide.ts` was for the first assignments, which tell their terms no further. */
export interface FirstReason {
  /** Version of the rules by which nodes are ranked. */
  readonly policy: number;
  /** Seed of the draw, 32 bits. */
  readonly seed: number;
  /** How many nodes were looked at. */
  readonly candidates: number;
  /** Score of the chosen node, 0 to 1. */
  readonly score: number;
}

export interface AssignmentReason extends FirstReason {
  /** Version of the network's policy, whose parameters were used. With all that follows since rules 2. */
  readonly parameters?: number;
  /** Position of the last event that the decision could know. */
  readonly asOf?: string;
  /** Only new nodes were looked for; left out otherwise. */
  readonly explores?: true;
  /** The nodes that were ranked, in the order in which they were drawn: the first wins a tie. */
  readonly looked?: readonly Looked[];
  /** Why a second node was asked, where `backs` of the assignment says so. */
  readonly backup?: Backup;
  /** Of the terms as they were before they were rounded: `inputsDigest`. Half of a SHA-256. */
  readonly digest?: Digest;
}

/**
 * Of a task that hangs: how long it has run, after how long such a task does hang, both in ms, how many
 * jobs of its batch are open, and how many the batch has.
 */
export type Backup = readonly [ranMs: number, hangsAfterMs: number, open: number, size: number];

/**
 * One node that was ranked. A list and not an object, since it is in the log for ever:
 * its standing in 1/10,000, tasks that it held by the log, tasks on their way into the log, its slots,
 * its mean time to answer this app in ms (0 if unknown), and its execution class where it is not that
 * of the node that was chosen.
 */
export type Looked = readonly [
  nodeId: NodeId,
  standing: number,
  held: number,
  reserved: number,
  slots: number,
  turnaroundMs: number,
  executionClass?: string,
];
