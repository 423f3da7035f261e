/** Where the text lines of a picture are: PP-OCR's detector and the reading of its map. */

import { type Picture, type Rectangle, resample, toPlanes } from "./image.ts";
import type { InferenceSession } from "./inference.ts";

/** The longest side that the detector sees, as in PP-OCR's own pipeline. A multiple of 32. */
const sideMax = 960;
/** From PP-OCR's own configuration: what counts as text, and which regions are sure enough. */
const pixelThreshold = 0.3;
const regionThreshold = 0.6;
/**
 * The detector marks the core of a line; this grows the core to the line again. The recogniser
 * misreads lines cut too close: 1.6 read 0.9875 of the characters on 24 pages, 1.8 read 0.9983, 2.0
 * read 0.9992 (`examples/pages/measure.ts`).
 */
const unclipRatio = 2;
const sideMin = 3;

/** ImageNet's mean and deviation, in the order blue, green, red that PP-OCR was trained with. */
const normalisation = [
  { from: 2, mean: 0.485, deviation: 0.229 },
  { from: 1, mean: 0.456, deviation: 0.224 },
  { from: 0, mean: 0.406, deviation: 0.225 },
] as const;
const planes = normalisation.map(({ from, mean, deviation }) => ({
  from,
  scale: 1 / (255 * deviation),
  offset: -mean / deviation,
}));

/** Boxes in reading order: rows from the top, in each row from the left. Whole pixels. */
export const detectLines = async (
  picture: Picture,
  session: InferenceSession,
): Promise<readonly (readonly Rectangle[])[]> => {
  const shrink = Math.min(1, sideMax / Math.max(picture.width, picture.height));
  const width = multipleOf32(picture.width * shrink);
  const height = multipleOf32(picture.height * shrink);
  const whole = { x: 0, y: 0, width: picture.width, height: picture.height };
  const data = toPlanes(resample(picture, whole, { width, height }), planes);
  const { name } = session.inputs[0] ?? { name: "x" };
  const outputs = await session.run({
    [name]: { dtype: "float32", shape: [1, 3, height, width], data },
  });
  const map = Object.values(outputs)[0]?.data;
  if (!(map instanceof Float32Array)) throw new Error("the detector gave no float32 map");

  const scaleX = picture.width / width;
  const scaleY = picture.height / height;
  const boxes = regions(map, width, height)
    .map(grow)
    .map((box) =>
      clip(
        {
          x: box.x * scaleX,
          y: box.y * scaleY,
          width: box.width * scaleX,
          height: box.height * scaleY,
        },
        picture,
      ),
    );
  return inRows(boxes);
};

const multipleOf32 = (length: number): number => Math.max(32, Math.round(length / 32) * 32);

/** Bounding boxes of the connected regions (8 neighbours) of the map that are text. */
export const regions = (map: Float32Array, width: number, height: number): readonly Rectangle[] => {
  const seen = new Uint8Array(map.length);
  const stack: number[] = [];
  const found: Rectangle[] = [];
  const push = (at: number) => {
    if (seen[at] === 1 || (map[at] as number) <= pixelThreshold) return;
    seen[at] = 1;
    stack.push(at);
  };

  for (let start = 0; start < map.length; start++) {
    push(start);
    if (stack.length === 0) continue;
    let [left, right, top, bottom] = [width, 0, height, 0];
    let [sum, count] = [0, 0];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      sum += map[at] as number;
      count++;
      for (let dy = y > 0 ? -1 : 0; dy <= (y < height - 1 ? 1 : 0); dy++)
        for (let dx = x > 0 ? -1 : 0; dx <= (x < width - 1 ? 1 : 0); dx++)
          push(at + dy * width + dx);
    }
    const box = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
    const largeEnough = Math.min(box.width, box.height) >= sideMin;
    if (largeEnough && sum / count >= regionThreshold) found.push(box);
  }
  return found;
};

/** Moves each side out by area * ratio / perimeter, as the detector's training moved it in. */
const grow = ({ x, y, width, height }: Rectangle): Rectangle => {
  const by = (width * height * unclipRatio) / (2 * (width + height));
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
};

const clip = (box: Rectangle, picture: Picture): Rectangle => {
  const x = Math.max(0, Math.floor(box.x));
  const y = Math.max(0, Math.floor(box.y));
  return {
    x,
    y,
    width: Math.min(picture.width, Math.ceil(box.x + box.width)) - x,
    height: Math.min(picture.height, Math.ceil(box.y + box.height)) - y,
  };
};

/** Boxes share a row when the centre of one is within the height of the other. */
const inRows = (boxes: readonly Rectangle[]): readonly (readonly Rectangle[])[] => {
  const centre = ({ y, height }: Rectangle) => y + height / 2;
  const rows: Rectangle[][] = [];
  for (const box of boxes.toSorted((a, b) => centre(a) - centre(b) || a.x - b.x)) {
    const row = rows.at(-1);
    const last = row?.[0];
    const sameRow =
      last && Math.abs(centre(box) - centre(last)) < Math.min(box.height, last.height) / 2;
    if (row && sameRow) row.push(box);
    else rows.push([box]);
  }
  return rows.map((row) => row.sort((a, b) => a.x - b.x));
};
