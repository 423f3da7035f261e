/** What one line of text says: PP-OCR's recogniser and the reading of its output. */

import { type Picture, type Rectangle, resample, toPlanes } from "./image.ts";
import type { InferenceSession } from "./inference.ts";

export interface Reading {
  readonly text: string;
  /** Mean probability of the characters read, from 0 to 1; 0 for no text. */
  readonly confidence: number;
}

const height = 48; // The recogniser knows no other.
const widthMin = 48;
/** Longer lines are squeezed: one line of this width is 0.5 s of native CPU. */
const widthMax = 3200;
/**
 * Lines are drawn a little narrower than they are: the time goes with the width, and reading
 * suffers little. On 16 pages 1 read 0.9991 of the characters, 0.9 read 0.9989, 0.75 clearly less.
 */
const widthFactor = 0.9;

/** Bytes to -1 … 1, in the order blue, green, red that PP-OCR was trained with. */
const planes = ([2, 1, 0] as const).map((from) => ({ from, scale: 2 / 255, offset: -1 }));

/**
 * Reads one line by itself: a batch of six took as much processor time a line, or more, on both
 * runtimes.
 *
 * @param alphabet - The character of each class of the model; class 0 is "no character".
 */
export const recogniseLine = async (
  picture: Picture,
  line: Rectangle,
  session: InferenceSession,
  alphabet: readonly string[],
): Promise<Reading> => {
  const wanted = Math.round((line.width * height * widthFactor) / line.height);
  const width = Math.min(widthMax, Math.max(widthMin, wanted));
  const data = toPlanes(resample(picture, line, { width, height }), planes);
  const { name } = session.inputs[0] ?? { name: "x" };
  const outputs = await session.run({
    [name]: { dtype: "float32", shape: [1, 3, height, width], data },
  });
  const output = Object.values(outputs)[0];
  if (!(output?.data instanceof Float32Array)) throw new Error("the recogniser gave no float32");
  return readClasses(output.data, alphabet);
};

/** Takes the best class of each step, drops repeats, then drops "no character" (CTC, greedy). */
export const readClasses = (steps: Float32Array, alphabet: readonly string[]): Reading => {
  const classes = alphabet.length;
  let [text, sum, count, previous] = ["", 0, 0, 0];
  for (let start = 0; start < steps.length; start += classes) {
    let best = 0;
    let bestValue = steps[start] as number;
    for (let at = 1; at < classes; at++) {
      const value = steps[start + at] as number;
      if (value > bestValue) [best, bestValue] = [at, value];
    }
    if (best !== 0 && best !== previous) {
      text += alphabet[best] ?? "";
      sum += bestValue;
      count++;
    }
    previous = best;
  }
  return { text, confidence: count === 0 ? 0 : sum / count };
};

/** The recogniser's classes from PP-OCR's key file: nothing, one character a line, a space. */
export const alphabetFrom = (keys: string): readonly string[] => [
  "",
  ...keys.replace(/\r?\n$/, "").split(/\r?\n/),
  " ",
];
