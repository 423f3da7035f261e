/** App `faces`: where the faces of a photo are, by MediaPipe's BlazeFace (back camera, 256 x 256). */

import { AppError, type Executor } from "../executor.ts";
import { decodeFaces, suppress } from "./face-decoding.ts";
import { decodePicture, resample } from "./image.ts";
import type { InferenceEngine, Tensor } from "./inference.ts";
import { readModelFile } from "./model-files.ts";
import { encodeJson, optionalFraction, refuseOtherParams, requiredInput } from "./request.ts";

const minScoreDefault = 0.6;
const side = 256;

/**
 * Input `image` (PNG, JPEG, WebP); parameter `minScore` from 0 to 1. The output is
 * `{"faces":[{"box":[x,y,width,height],"keypoints":[[x,y] × 6],"score"}]}`, best face first, in
 * pixels of the upright image rounded to 0.1, scores rounded to 4 digits. The keypoints are right
 * eye, left eye, nose, mouth, right ear, left ear, as the person sees left and right.
 */
export const openFaces = async (engine: InferenceEngine): Promise<Executor> => {
  const detector = await engine.load(await readModelFile("faces", "detector"));

  return {
    apps: ["faces"],
    executionClass: engine.executionClass,

    async execute({ app, params, inputs, signal }) {
      if (app !== "faces")
        throw new AppError("unknown-app", `this executor computes faces, not ${app}`);
      refuseOtherParams(params, ["minScore"]);
      const minScore = optionalFraction(params, "minScore") ?? minScoreDefault;
      const picture = await decodePicture(requiredInput(inputs, "image"));
      signal.throwIfAborted();

      // The model wants a square: the picture is centred in one, its border repeated outwards.
      const length = Math.max(picture.width, picture.height);
      const square = {
        x: (picture.width - length) / 2,
        y: (picture.height - length) / 2,
        width: length,
        height: length,
      };
      const pixels = resample(picture, square, { width: side, height: side });
      const data = pixels.map((value) => value / 127.5 - 1);
      const [input] = detector.inputs;
      const outputs = await detector.run({
        [input?.name ?? ""]: { dtype: "float32", shape: [1, side, side, 3], data },
      });
      const candidates = decodeFaces(Object.values(outputs).map(floats), minScore);

      const toX = (x: number) => tenth(square.x + x * length);
      const toY = (y: number) => tenth(square.y + y * length);
      const faces = suppress(candidates).map(({ score, x, y, width, height, keypoints }) => ({
        score: Math.round(score * 10_000) / 10_000,
        box: [toX(x), toY(y), tenth(width * length), tenth(height * length)],
        keypoints: keypoints.map((point) => [toX(point.x), toY(point.y)]),
      }));
      return { output: encodeJson({ faces }), mediaType: "application/json" };
    },

    close: () => detector.release(),
  };
};

const tenth = (value: number): number => Math.round(value * 10) / 10;

const floats = ({ data, shape }: Tensor) => {
  if (!(data instanceof Float32Array)) throw new Error("the detector gave no float32");
  return { data, shape };
};
