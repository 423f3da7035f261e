/** Carries out a comparator on two outputs. */

import type { Comparator } from "./comparator.ts";
import type { Comparison } from "./comparison.ts";
import { compareBoxes } from "./iou.ts";
import { compareItems } from "./items.ts";
import { compareText } from "./text.ts";
import { compareTensors } from "./tolerance.ts";

/** Outputs beyond it agree only if they are the same: to read 60 MiB took a validator 50 s. */
export const comparedBytesMax = 8 * 1024 * 1024;

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
  if (comparator.kind === "exact") return compareBytes(a, b);
  if (Math.max(a.length, b.length) > comparedBytesMax)
    return { agree: false, distance: 1, reason: "too-large" };
  switch (comparator.kind) {
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
