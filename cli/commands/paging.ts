import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";

/** `--first`: 1 to 100 rows. @throws {CliFailure} `bad-option`. */
export const pageSize = (text: string): number => {
  const first = Number(text);
  if (!/^\d{1,3}$/.test(text) || first < 1 || first > 100)
    throw new CliFailure("bad-option", `--first takes 1 to 100, not "${text}"`, exitCodes.usage);
  return first;
};
