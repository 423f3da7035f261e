/** What every app asks of its inputs and parameters, with the refusals spelled once. */

import { canonicalJson } from "../../domain/canonical-json.ts";
import { AppError } from "../executor.ts";

type Named<T> = Readonly<Record<string, T>>;

/** @throws {AppError} `missing-input`. */
export const requiredInput = (inputs: Named<Uint8Array>, name: string): Uint8Array => {
  const bytes = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  if (bytes !== undefined) return bytes;
  const given = Object.keys(inputs).sort().join(", ") || "none";
  throw new AppError("missing-input", `the input "${name}" is missing; given: ${given}`);
};

/**
 * A parameter nobody reads is a spelling mistake that would silently change the result.
 *
 * @throws {AppError} `bad-params`.
 */
export const refuseOtherParams = (params: Named<unknown>, known: readonly string[]): void => {
  const unknown = Object.keys(params).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const list = known.join(", ") || "none";
  throw new AppError("bad-params", `the parameter "${unknown}" is unknown; known: ${list}`);
};

/** @throws {AppError} `bad-params` when it is there and no number from 0 to 1. */
export const optionalFraction = (params: Named<unknown>, name: string): number | undefined => {
  const value = params[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new AppError("bad-params", `the parameter "${name}" must be a number from 0 to 1`);
};

/** The bytes of canonical JSON. */
export const encodeJson = (value: unknown): Uint8Array =>
  new TextEncoder().encode(canonicalJson(value));
