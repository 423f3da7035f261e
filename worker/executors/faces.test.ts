import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import sharp from "sharp";
import { catalogue } from "../../domain/catalogue.ts";
import { compareOutputs } from "../../domain/verification/compare.ts";
import { photoOfFour, photoOfTwo } from "../../examples/photo.ts";
import { execute, parseJson, refusedAs } from "../../testing/fixtures/execute.ts";
import type { Executor } from "../executor.ts";
import { openExecutors } from "./open.ts";

interface Faces {
  readonly faces: readonly { box: number[]; keypoints: [number, number][]; score: number }[];
}

describe("finding faces", () => {
  let [native, wasm]: readonly Executor[] = [];
  before(async () => {
    [native] = await openExecutors(["faces"], { engine: "ort-node" });
    [wasm] = await openExecutors(["faces"], { engine: "ort-web" });
  });
  after(async () => {
    await native?.close();
    await wasm?.close();
  });

  const find = async (image: Uint8Array, params = {}) =>
    (parseJson((await execute(native!, { image }, { params })).output) as Faces).faces;

  test("finds all four, each where the person stands", async () => {
    const faces = await find(await photoOfFour());
    const centres = faces.map(({ box: [x, , width] }) => x! + width! / 2).sort((a, b) => a - b);
    // Read off the photo by eye, left to right.
    const expected = [142, 275, 403, 497];
    assert.equal(centres.length, expected.length);
    expected.forEach((x, index) => {
      assert.ok(Math.abs(centres[index]! - x) < 20, `${centres[index]} is not near ${x}`);
    });
    for (const { box, keypoints, score } of faces) {
      const [rightEye, leftEye, nose, mouth] = keypoints;
      assert.equal(keypoints.length, 6);
      assert.ok(rightEye![0] < leftEye![0] && nose![1] > rightEye![1] && mouth![1] > nose![1]);
      assert.ok(box[2]! > 30 && box[2]! < 80 && score >= 0.6 && score <= 1);
    }
  });

  test("finds both in an upright photo", async () =>
    assert.equal((await find(await photoOfTwo())).length, 2));

  test("finds none on a blank sheet", async () => {
    const background = "white";
    const blank = sharp({ create: { width: 300, height: 200, channels: 3, background } });
    assert.deepEqual(await find(await blank.png().toBuffer()), []);
  });

  test("takes no face below the score asked for", async () =>
    assert.deepEqual(await find(await photoOfTwo(), { minScore: 0.99 }), []));

  test("finds the same in wasm, and not in another photo", async () => {
    const { output: a } = await execute(native!, { image: await photoOfFour() });
    const { output: b } = await execute(wasm!, { image: await photoOfFour() });
    const { output: c } = await execute(wasm!, { image: await photoOfTwo() });
    assert.equal(compareOutputs(catalogue.faces.comparator, a, b).agree, true);
    assert.equal(compareOutputs(catalogue.faces.comparator, a, c).agree, false);
  });

  test("refuses what it does not know", async () => {
    const image = await photoOfTwo();
    const params = { minConfidence: 0.5 };
    await refusedAs(execute(native!, { image }, { params }), "bad-params", /known: minScore/);
    await refusedAs(execute(native!, {}), "missing-input", /"image"/);
    await refusedAs(execute(native!, { image: new Uint8Array(3) }), "bad-image", /neither/);
    await refusedAs(execute(native!, { image }, { app: "ocr" }), "unknown-app", /not ocr/);
  });
});
