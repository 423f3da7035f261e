/** What a model declares, held against what a job brings. */

import { isDtype } from "../../domain/verification/tensor-json.ts";
import { AppError } from "../executor.ts";
import type { InferenceSession, Tensor, TensorInfo } from "./inference.ts";
import { requiredInput } from "./request.ts";
import { decodeTensor } from "./tensor-bytes.ts";

/** About 150 MB of JSON: a larger result belongs to a smaller job. */
const outputElementsMax = 8_000_000;

/** @throws {AppError} `bad-model`, `missing-input`, `bad-tensor` or `shape-mismatch`. */
export const readFeeds = (
  { inputs: declared, outputs }: InferenceSession,
  given: Readonly<Record<string, Uint8Array>>,
): Readonly<Record<string, Tensor>> => {
  for (const info of [...declared, ...outputs])
    if (!isDtype(info.dtype))
      throw new AppError(
        "bad-model",
        `the model's tensor "${info.name}" has the dtype ${info.dtype}, which CNCT cannot carry`,
      );
  if (declared.some(({ name }) => name === "model"))
    throw new AppError(
      "bad-model",
      `the model has an input "model", which is the model's own place`,
    );

  const names = declared.map(({ name }) => name);
  const stranger = Object.keys(given).find((name) => name !== "model" && !names.includes(name));
  if (stranger !== undefined)
    throw new AppError(
      "bad-tensor",
      `the model has no input "${stranger}"; it has: ${names.join(", ") || "none"}`,
    );

  const feeds = declared.map((info) => {
    const tensor = decodeTensor(info.name, requiredInput(given, info.name));
    if (!fits(info, tensor))
      throw new AppError(
        "shape-mismatch",
        `the input "${info.name}" is ${describe(tensor)}, the model expects ${describe(info)}`,
      );
    return [info.name, tensor] as const;
  });
  checkNamedSizes(declared, Object.fromEntries(feeds));
  return Object.fromEntries(feeds);
};

const isFixed = (size: number | string | undefined): size is number =>
  typeof size === "number" && size >= 0;

const fits = (info: TensorInfo, { dtype, shape }: Tensor): boolean =>
  dtype === info.dtype &&
  shape.length === info.shape.length &&
  info.shape.every((size, axis) => !isFixed(size) || size === shape[axis]);

/** A dimension of one name has one size in all inputs. */
const checkNamedSizes = (
  declared: readonly TensorInfo[],
  feeds: Readonly<Record<string, Tensor>>,
): void => {
  const seen = new Map<string, { readonly size: number; readonly input: string }>();
  for (const { name: input, shape } of declared)
    shape.forEach((dimension, axis) => {
      const size = feeds[input]?.shape[axis];
      if (typeof dimension !== "string" || dimension === "" || size === undefined) return;
      const first = seen.get(dimension) ?? { size, input };
      seen.set(dimension, first);
      if (first.size !== size)
        throw new AppError(
          "shape-mismatch",
          `the inputs "${first.input}" and "${input}" disagree on the size "${dimension}": ` +
            `${first.size} and ${size}`,
        );
    });
};

const describe = ({ dtype, shape }: Pick<TensorInfo, "dtype" | "shape">): string =>
  `${dtype}[${shape.map((size) => (isFixed(size) || (typeof size === "string" && size !== "") ? size : "?")).join(",")}]`;

/** @throws {AppError} `output-too-large`. */
export const checkOutputs = (outputs: Readonly<Record<string, Tensor>>): void => {
  const count = Object.values(outputs).reduce((sum, { data }) => sum + data.length, 0);
  if (count > outputElementsMax)
    throw new AppError(
      "output-too-large",
      `the outputs have ${count} elements, at most ${outputElementsMax} are carried`,
    );
};
