/** What numbers `cnct serve` takes. */

import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";

/** @throws {CliFailure} `bad-option`. */
export const grantsIn = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CliFailure(
    "bad-option",
    `--grants-per-hour takes a whole number, not "${text}"`,
    exitCodes.usage,
  );
};

/** @throws {CliFailure} `bad-option`. */
export const budgetIn = (text: string): number => {
  const points = Number(text);
  if (/^\d{1,9}$/.test(text) && points >= 5) return points;
  throw new CliFailure(
    "bad-option",
    `--budget takes a whole number of points from 5 on, not "${text}"`,
    exitCodes.usage,
  );
};
