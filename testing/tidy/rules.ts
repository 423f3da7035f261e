/** All tidy rules. Each has a name, and planted code that it must catch. */
import { driversAtHome, folders, reach } from "./import-rules.ts";
import type { Rule } from "./rule.ts";
import {
  decided,
  language,
  leftovers,
  links,
  longFiles,
  noClock,
  noOnly,
  pastTense,
} from "./text-rules.ts";

export const rules: readonly Rule[] = [
  folders,
  reach,
  driversAtHome,
  noClock,
  pastTense,
  language,
  longFiles,
  leftovers,
  links,
  decided,
  noOnly,
];
