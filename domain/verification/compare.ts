/** Carries out a comparator on two outputs. */

import type { Comparator } from "./comparator.ts";
import { compareBoxes } from "./iou.ts";
import { compareItems } from "./items.ts";
import { compareText } from "./text.ts";
import { compareTensors } from "./tolerance.ts";

export interface Comparison {
  readonly agree: boolean;
  /** 0 for the same, 1 for entirely different or not to be compared; what it measures depends on the comparator. */
  readonly distance: number;
  /** Says why, for verdicts and people. Never holds a part of an output. */
  readonly reason: ComparisonReason;
}

export type ComparisonReason =
  | "same-bytes"
  | "different-bytes"
  /** One of the two is not what the comparator reads. */
  | "unreadable"
  | "within-tolerance"
  | "out-of-tolerance"
  | "names-differ"
  | "dtypes-differ"
  | "shapes-differ"
  | "same-text"
  | "text-within-distance"
  | "text-differs"
  | "forms-differ"
  | "boxes-match"
  | "boxes-differ"
  | "counts-differ"
  | "too-many-boxes"
  | "items-match"
  | "items-differ";

/**
 * Whether two outputs agree. It does not matter which of them is `a`.
 *
 * Never throws: bytes that the comparator cannot read disagree with everything, even with
 * themselves, because an unreadable output is nobody's honest result.
 */
export const compareOutputs = (
  comparator: Comparator,
  a: Uint8Array,
  b: Uint8Array,
): Comparison => {
  switch (comparator.kind) {
    case "exact":
      return compareBytes(a, b);
    case "tolerance":
      return compareTensors(comparator, a, b);
    case "text":
      return compareText(comparator, a, b);
    case "iou":
      return compareBoxes(comparator, a, b);
    case "items":
      return compareItems(comparator, a, b);
  }
};

const compareBytes = (a: Uint8Array, b: Uint8Array): Comparison =>
  a.length === b.length && a.every((byte, index) => byte === b[index])
    ? { agree: true, distance: 0, reason: "same-bytes" }
    : { agree: false, distance: 1, reason: "different-bytes" };
