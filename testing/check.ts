/** Runs the checks that are not tests: `npm run check`, or one of them by a part of its name. */
import { dirname } from "node:path";
import { checks, runCheck } from "./runner/checks.ts";

const [part = ""] = process.argv.slice(2);
const chosen = checks.filter(({ name }) => name.includes(part));
if (chosen.length === 0) console.log(`no check is called like "${part}"`);
const results = chosen.map((check) => runCheck(dirname(import.meta.dirname), check));
process.exitCode = results.length > 0 && results.every(Boolean) ? 0 : 1;
