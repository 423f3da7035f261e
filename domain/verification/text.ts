/** Comparator `text`: the same words, whatever the white space. */

import type { Comparator } from "./comparator.ts";
import type { Comparison } from "./comparison.ts";
import { codePoints, editDistance } from "./edit-distance.ts";
import { member, readObject, readText } from "./read-json.ts";

export const maxDistanceDefault = 0;

/** What a validator spends on one pair, about 0.2 s: texts as long as a book are not compared in full. */
const stepsMax = 50_000_000;

/**
 * Agrees when the texts, in Unicode NFC with white space folded to single spaces, differ in at most
 * the share `maxDistance` of the longer one's characters.
 *
 * An output is a JSON object with a string `text` (as `ocr` gives) or plain UTF-8; both must have
 * the same form. The distance is edits per character; where the texts are so long and different
 * that it was not counted to the end, it is the least that it can be, and they disagree.
 */
export const compareText = (
  { maxDistance = maxDistanceDefault }: Extract<Comparator, { kind: "text" }>,
  a: Uint8Array,
  b: Uint8Array,
): Comparison => {
  const left = read(a);
  const right = read(b);
  if (!left || !right) return { agree: false, distance: 1, reason: "unreadable" };
  if (left.form !== right.form) return { agree: false, distance: 1, reason: "forms-differ" };
  if (left.text === right.text) return { agree: true, distance: 0, reason: "same-text" };

  const length = Math.max(codePoints(left.text).length, codePoints(right.text).length);
  const limit = Math.min(length, Math.max(1, Math.floor(stepsMax / (2 * length))));
  const edits = editDistance(left.text, right.text, limit);
  const distance = Math.min(1, (edits ?? limit + 1) / length);
  return edits !== undefined && distance <= maxDistance
    ? { agree: true, distance, reason: "text-within-distance" }
    : { agree: false, distance, reason: "text-differs" };
};

const read = (
  bytes: Uint8Array,
): { readonly form: "json" | "plain"; readonly text: string } | undefined => {
  const whole = readText(bytes);
  if (whole === undefined) return undefined;
  const object = readObject(whole);
  if (!object) return { form: "plain", text: normalise(whole) };
  const text = member(object, "text");
  return typeof text === "string" ? { form: "json", text: normalise(text) } : undefined;
};

const normalise = (text: string): string => text.normalize("NFC").replace(/\s+/g, " ").trim();
