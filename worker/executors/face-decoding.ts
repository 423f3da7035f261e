/** Reads BlazeFace's output: anchors, scores and offsets in, faces out. Lengths are shares of the side. */

export interface Face {
  /** From 0 to 1. */
  readonly score: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly keypoints: readonly { readonly x: number; readonly y: number }[];
}

interface Output {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** The model's two grids: cells a side, and anchors in each cell. 16² × 2 = 512, 8² × 6 = 384. */
const grids = [
  { cells: 16, anchors: 2 },
  { cells: 8, anchors: 6 },
] as const;
const side = 256;
const valuesPerBox = 16;
const keypointCount = 6;
const overlapMax = 0.3;

/** @param outputs - Of the model, in any order; each grid has scores `[1,n,1]` and boxes `[1,n,16]`. */
export const decodeFaces = (outputs: readonly Output[], minScore: number): readonly Face[] =>
  grids.flatMap(({ cells, anchors }) => {
    const count = cells * cells * anchors;
    const scores = pick(outputs, count, 1);
    const boxes = pick(outputs, count, valuesPerBox);
    const faces: Face[] = [];
    for (let i = 0; i < count; i++) {
      const score = 1 / (1 + Math.exp(-(scores[i] as number)));
      if (score < minScore) continue;
      const cell = Math.floor(i / anchors);
      const anchorX = ((cell % cells) + 0.5) / cells;
      const anchorY = (Math.floor(cell / cells) + 0.5) / cells;
      const values = boxes.subarray(i * valuesPerBox, (i + 1) * valuesPerBox);
      const at = (index: number) => (values[index] as number) / side;
      faces.push({
        score,
        x: anchorX + at(0) - at(2) / 2,
        y: anchorY + at(1) - at(3) / 2,
        width: at(2),
        height: at(3),
        keypoints: Array.from({ length: keypointCount }, (_, k) => ({
          x: anchorX + at(4 + 2 * k),
          y: anchorY + at(5 + 2 * k),
        })),
      });
    }
    return faces;
  });

const pick = (outputs: readonly Output[], count: number, values: number): Float32Array => {
  const found = outputs.find(({ shape }) => shape[1] === count && shape[2] === values);
  if (!found) throw new Error(`the detector gave no output of ${count} x ${values}`);
  return found.data;
};

/**
 * One face for each cluster of overlapping candidates: the mean, weighted by score, with the best
 * score. BlazeFace's authors blend so because single candidates tremble.
 */
export const suppress = (candidates: readonly Face[]): readonly Face[] => {
  let rest = candidates.toSorted((a, b) => b.score - a.score || a.x - b.x || a.y - b.y);
  const faces: Face[] = [];
  for (let best = rest[0]; best !== undefined; best = rest[0]) {
    const leader = best;
    const group = rest.filter((face) => face === leader || overlap(face, leader) > overlapMax);
    rest = rest.filter((face) => !group.includes(face));
    faces.push({ ...blend(group), score: leader.score });
  }
  return faces;
};

const blend = (group: readonly Face[]): Omit<Face, "score"> => {
  const total = group.reduce((sum, { score }) => sum + score, 0);
  const mean = (of: (face: Face) => number) =>
    group.reduce((sum, face) => sum + of(face) * face.score, 0) / total;
  return {
    x: mean((face) => face.x),
    y: mean((face) => face.y),
    width: mean((face) => face.width),
    height: mean((face) => face.height),
    keypoints: Array.from({ length: keypointCount }, (_, k) => ({
      x: mean((face) => face.keypoints[k]?.x ?? 0),
      y: mean((face) => face.keypoints[k]?.y ?? 0),
    })),
  };
};

/** Intersection over union. */
const overlap = (a: Face, b: Face): number => {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (across <= 0 || down <= 0) return 0;
  const shared = across * down;
  return shared / (a.width * a.height + b.width * b.height - shared);
};
