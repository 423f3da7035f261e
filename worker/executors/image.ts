/** Pictures as plain pixels: decoding by libvips, everything after it by our own arithmetic. */

import sharp from "sharp";
import { AppError } from "../executor.ts";

/** Pixels row by row, 3 bytes each: red, green, blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** In pixels; may reach over the edge of its picture, whose border pixels then repeat. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const pixelsMax = 40_000_000;

/**
 * Decodes a PNG, JPEG or WebP, turned upright by its EXIF orientation, transparency over white.
 *
 * Only these three formats reach the decoder: others that libvips reads (SVG, PDF) can name files.
 *
 * @throws {AppError} `bad-image`, or `image-too-large` for more than 40 million pixels.
 */
export const decodePicture = async (bytes: Uint8Array): Promise<Picture> => {
  const format = sniffFormat(bytes);
  if (format === undefined)
    throw new AppError("bad-image", "the input is neither a PNG nor a JPEG nor a WebP image");
  const image = sharp(bytes, { limitInputPixels: false, failOn: "error" });
  const { width, height } = await image.metadata().catch(badImage(format));
  if (width * height > pixelsMax)
    throw new AppError(
      "image-too-large",
      `the image has ${width} x ${height} pixels, more than ${pixelsMax}`,
    );
  const { data, info } = await image
    .autoOrient()
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(badImage(format));
  return { width: info.width, height: info.height, rgb: toRgb(data, info.channels) };
};

const badImage = (format: string) => (cause: unknown) => {
  if (/out of memory|allocate/i.test(String(cause))) throw cause; // This machine's fault.
  throw new AppError("bad-image", `the input starts like a ${format} but cannot be decoded`, cause);
};

const sniffFormat = (bytes: Uint8Array): "PNG" | "JPEG" | "WebP" | undefined => {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (head.startsWith("\xff\xd8\xff")) return "JPEG";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "WebP";
  return undefined;
};

const toRgb = (data: Uint8Array, channels: number): Uint8Array => {
  if (channels === 3) return data;
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < 3; channel++)
      rgb[pixel * 3 + channel] = data[pixel * channels + (channels < 3 ? 0 : channel)] ?? 0;
  return rgb;
};

/**
 * A part of a picture, resized with a triangle filter that widens when it shrinks (no aliasing).
 *
 * Own code, because a resizer with SIMD may round differently on another processor, and then equal
 * inputs would not give equal bits in the wasm class.
 *
 * @returns `width * height` pixels of 3 numbers from 0 to 255, row by row.
 */
export const resample = (
  { width: pictureWidth, height: pictureHeight, rgb }: Picture,
  part: Rectangle,
  { width, height }: { readonly width: number; readonly height: number },
): Float32Array => {
  const columns = taps({ start: part.x, length: part.width, count: width, limit: pictureWidth });
  const rows = taps({ start: part.y, length: part.height, count: height, limit: pictureHeight });
  const result = new Float32Array(width * height * 3);
  const narrowed = new Map<number, Float32Array>(); // Source rows, already at the new width.

  const narrow = (row: number): Float32Array => {
    const line = new Float32Array(width * 3);
    const base = row * pictureWidth * 3;
    for (let x = 0; x < width; x++) {
      const { indexes, weights } = columns[x] as Taps;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let tap = 0; tap < indexes.length; tap++) {
        const source = base + (indexes[tap] as number) * 3;
        const weight = weights[tap] as number;
        red += (rgb[source] as number) * weight;
        green += (rgb[source + 1] as number) * weight;
        blue += (rgb[source + 2] as number) * weight;
      }
      line[x * 3] = red;
      line[x * 3 + 1] = green;
      line[x * 3 + 2] = blue;
    }
    return line;
  };

  for (let y = 0; y < height; y++) {
    const { indexes, weights } = rows[y] as Taps;
    const first = indexes[0] as number;
    for (const row of narrowed.keys()) if (row < first) narrowed.delete(row);
    const out = result.subarray(y * width * 3, (y + 1) * width * 3);
    for (let tap = 0; tap < indexes.length; tap++) {
      const row = indexes[tap] as number;
      const line = narrowed.get(row) ?? narrow(row);
      narrowed.set(row, line);
      const weight = weights[tap] as number;
      for (let i = 0; i < out.length; i++)
        out[i] = (out[i] as number) + (line[i] as number) * weight;
    }
  }
  return result;
};

/** Which source pixels make one new pixel, and how much each counts. Weights sum to 1. */
interface Taps {
  readonly indexes: readonly number[];
  readonly weights: readonly number[];
}

const taps = ({
  start,
  length,
  count,
  limit,
}: {
  readonly start: number;
  readonly length: number;
  readonly count: number;
  readonly limit: number;
}): readonly Taps[] => {
  const scale = length / count;
  const reach = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * scale - 0.5;
    const byIndex = new Map<number, number>();
    let sum = 0;
    for (let at = Math.ceil(centre - reach); at <= Math.floor(centre + reach); at++) {
      const weight = 1 - Math.abs(at - centre) / reach;
      if (weight === 0) continue;
      const index = Math.min(Math.max(at, 0), limit - 1);
      byIndex.set(index, (byIndex.get(index) ?? 0) + weight);
      sum += weight;
    }
    return { indexes: [...byIndex.keys()], weights: [...byIndex.values()].map((w) => w / sum) };
  });
};

/** Reorders pixels to planes, each value as `value * scale + offset` of its channel. */
export const toPlanes = (
  pixels: Float32Array,
  channels: readonly {
    readonly from: 0 | 1 | 2;
    readonly scale: number;
    readonly offset: number;
  }[],
): Float32Array => {
  const size = pixels.length / 3;
  const planes = new Float32Array(size * channels.length);
  channels.forEach(({ from, scale, offset }, plane) => {
    for (let i = 0; i < size; i++)
      planes[plane * size + i] = (pixels[i * 3 + from] as number) * scale + offset;
  });
  return planes;
};
