/**
 * App `ocr`: the text of a page image, by PP-OCRv4. Lines are taken as level: text that is turned
 * or steeply slanted is not straightened first.
 */

import { AppError, type Executor } from "../executor.ts";
import { decodePicture, type Rectangle } from "./image.ts";
import type { InferenceEngine } from "./inference.ts";
import { readModelFile } from "./model-files.ts";
import { encodeJson, optionalFraction, refuseOtherParams, requiredInput } from "./request.ts";
import { detectLines } from "./text-detection.ts";
import { alphabetFrom, recogniseLine } from "./text-recognition.ts";

/** Lines below this confidence are noise, as a rule; `minConfidence` overrides it. */
const minConfidenceDefault = 0.5;

/**
 * Input `image` (PNG, JPEG, WebP); parameter `minConfidence` from 0 to 1. The output is
 * `{"lines":[{"box":[x,y,width,height],"confidence","text"}],"text"}` with boxes in whole pixels,
 * confidence rounded to 4 digits, lines in reading order, and rows of `text` parted by line feeds.
 */
export const openOcr = async (engine: InferenceEngine): Promise<Executor> => {
  const [detector, recogniser, keys] = await Promise.all([
    readModelFile("ocr", "detector").then(engine.load),
    readModelFile("ocr", "recogniser").then(engine.load),
    readModelFile("ocr", "characters"),
  ]);
  const alphabet = alphabetFrom(new TextDecoder().decode(keys));

  return {
    apps: ["ocr"],
    executionClass: engine.executionClass,

    async execute({ app, params, inputs, signal }) {
      if (app !== "ocr")
        throw new AppError("unknown-app", `this executor computes ocr, not ${app}`);
      refuseOtherParams(params, ["minConfidence"]);
      const minConfidence = optionalFraction(params, "minConfidence") ?? minConfidenceDefault;
      const picture = await decodePicture(requiredInput(inputs, "image"));
      const rows = await detectLines(picture, detector);

      const lines: { box: readonly number[]; confidence: number; text: string }[] = [];
      const texts: string[] = [];
      for (const row of rows) {
        const words: string[] = [];
        for (const box of row) {
          signal.throwIfAborted();
          const reading = await recogniseLine(picture, box, recogniser, alphabet);
          const text = reading.text.trim();
          const confidence = Math.round(reading.confidence * 10_000) / 10_000;
          if (text === "" || confidence < minConfidence) continue;
          lines.push({ box: corners(box), confidence, text });
          words.push(text);
        }
        if (words.length > 0) texts.push(words.join(" "));
      }
      return {
        output: encodeJson({ lines, text: texts.join("\n") }),
        mediaType: "application/json",
      };
    },

    async close() {
      await detector.release();
      await recogniser.release();
    },
  };
};

const corners = ({ x, y, width, height }: Rectangle) => [x, y, width, height];
