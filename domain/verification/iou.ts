/** Comparator `iou`: the same boxes, by intersection over union. */

import type { Comparator } from "./comparator.ts";
import type { Comparison } from "./comparison.ts";
import { isObject, member, readObject, readText } from "./read-json.ts";

export const iouThresholdDefault = 0.9;

/** Matching takes the square of it. */
const boxesMax = 500;

/** Left, top, width, height, in one unit for both outputs. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/**
 * Agrees when both outputs (`{"faces":[{"box":[x,y,width,height]}]}`) have as many boxes, and each
 * finds a partner that it shares at least `threshold` with. Best pairs are matched first.
 *
 * The distance is 1 - the least intersection over union of a pair; 0 where both have no boxes.
 */
export const compareBoxes = (
  { threshold = iouThresholdDefault }: Extract<Comparator, { kind: "iou" }>,
  a: Uint8Array,
  b: Uint8Array,
): Comparison => {
  const left = readBoxes(a);
  const right = readBoxes(b);
  if (!left || !right) return { agree: false, distance: 1, reason: "unreadable" };
  if (left.length !== right.length) return { agree: false, distance: 1, reason: "counts-differ" };
  if (left.length > boxesMax) return { agree: false, distance: 1, reason: "too-many-boxes" };
  const least = leastOfMatch(left, right);
  return least >= threshold
    ? { agree: true, distance: 1 - least, reason: "boxes-match" }
    : { agree: false, distance: 1 - least, reason: "boxes-differ" };
};

const readBoxes = (bytes: Uint8Array): readonly Box[] | undefined => {
  const text = readText(bytes);
  const object = text === undefined ? undefined : readObject(text);
  const faces = object && member(object, "faces");
  if (!Array.isArray(faces)) return undefined;
  const boxes: Box[] = [];
  for (const face of faces as readonly unknown[]) {
    const box = isObject(face) ? member(face, "box") : undefined;
    if (!isBox(box)) return undefined;
    boxes.push(box);
  }
  return boxes;
};

const isBox = (value: unknown): value is Box =>
  Array.isArray(value) &&
  value.length === 4 &&
  value.every((part) => typeof part === "number" && Number.isFinite(part)) &&
  (value[2] as number) > 0 &&
  (value[3] as number) > 0;

const leastOfMatch = (left: readonly Box[], right: readonly Box[]): number => {
  const pairs = left.flatMap((one, i) =>
    right.map((other, j) => ({ i, j, share: intersectionOverUnion(one, other) })),
  );
  // Equal shares are taken by place in the lists, so that the same outputs match the same way.
  pairs.sort((p, q) => q.share - p.share || p.i - q.i || p.j - q.j);
  const [takenLeft, takenRight] = [new Set<number>(), new Set<number>()];
  let least = 1;
  for (const { i, j, share } of pairs) {
    if (takenLeft.has(i) || takenRight.has(j)) continue;
    takenLeft.add(i);
    takenRight.add(j);
    least = Math.min(least, share);
  }
  return least;
};

/** From 0 (apart) to 1 (the same). */
export const intersectionOverUnion = (a: Box, b: Box): number => {
  const across = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (across <= 0 || down <= 0) return 0;
  const shared = across * down;
  const share = shared / (a[2] * a[3] + b[2] * b[3] - shared);
  return Number.isFinite(share) ? Math.min(1, share) : 0;
};
