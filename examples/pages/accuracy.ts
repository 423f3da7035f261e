/** How much of a text a reader got right. */

import { codePoints, editDistance } from "../../domain/verification/edit-distance.ts";

/**
 * 1 - edits / length of the expected text, in characters; at least 0. Nothing expected and nothing
 * read is 1.
 *
 * @example
 * characterAccuracy("whale", "whele"); // 0.8
 */
export const characterAccuracy = (expected: string, actual: string): number => {
  const length = codePoints(expected).length;
  if (length === 0) return actual === "" ? 1 : 0;
  const edits = editDistance(expected, actual, length) ?? length;
  return 1 - Math.min(edits, length) / length;
};
