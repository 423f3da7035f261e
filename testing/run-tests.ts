/**
 * Runs the tests of the project:
 *
 *     npm test [-- --quick] [-- --filter text] [-- --second-try] [-- --timeout-ms n] [-- --root folder]
 *
 * First the checks (types, format and lint, generated files), then tidy and every `*.test.ts`, two to
 * four files at a time and the longest first, then every `*.serial.test.ts` alone, one after another:
 * those that measure time. `--quick` leaves out the checks, `--filter` all files whose path lacks the text (and the
 * checks as well). `--second-try` runs each file that failed once more, alone, and counts that run: on a
 * machine that others load, a test that waits for something may be late; the first failure stays in
 * the output. The last line is `N passed, N failed[, N skipped]` and counts tests, not files or
 * suites. Exit code 1 if anything failed or nothing ran.
 */
import { availableParallelism } from "node:os";
import { dirname, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { checks, runCheck } from "./runner/checks.ts";
import { shareCompileCache } from "./runner/compile-cache.ts";
import { findFiles } from "./runner/find-files.ts";
import { longestFirst } from "./runner/longest-first.ts";
import { runFiles } from "./runner/run-file.ts";
import { closingLine, isGood, noTests, plus, type Tally } from "./runner/tally.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    filter: { type: "string", default: "" },
    "second-try": { type: "boolean", default: false },
    root: { type: "string", default: dirname(import.meta.dirname) },
    "timeout-ms": { type: "string", default: "180000" },
  },
});
const root = resolve(options.root);
const timeoutMs = Number(options["timeout-ms"]);
if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1)
  throw new RangeError(`--timeout-ms must be a whole number of at least 1, not ${timeoutMs}`);

/**
 * One more than there are cores, since many wait; four files at a time use 4 cores, and more only makes
 * the tests that wait for something late.
 */
const concurrency = Math.max(2, Math.min(4, availableParallelism() + 1));

const isTest = (name: string): boolean => name.endsWith(".test.ts");
const isSerial = (name: string): boolean => name.endsWith(".serial.test.ts");
const isTidy = (file: string): boolean => file.endsWith(["", "tidy", "tidy.test.ts"].join(sep));

const files = findFiles(root, isTest).filter(
  (file) => relative(root, file).includes(options.filter) && !(options.quick && isTidy(file)),
);
const tallies = new Map<string, Tally>();
const onEnd = (file: string, counts: Tally, report: string): void => {
  process.stdout.write(report);
  tallies.set(file, counts);
};

shareCompileCache();
const withChecks = !options.quick && options.filter === "";
const failedChecks = withChecks ? checks.filter((check) => !runCheck(root, check)) : [];
const run = (some: readonly string[], atATime: number): Promise<Tally> =>
  runFiles(some, { root, timeoutMs, concurrency: atATime, onEnd });
const others = files.filter((file) => !isTidy(file) && !isSerial(file));
await run([...files.filter(isTidy), ...longestFirst(root, others)], concurrency);
await run(files.filter(isSerial), 1);
if (options["second-try"]) {
  const failed = files.filter((file) => !isGood(tallies.get(file) ?? noTests) && !isTidy(file));
  for (const file of failed) console.log(`second try: ${relative(root, file)}`);
  await run(failed, 1);
}

const groups = new Map<string, Tally>();
for (const [file, counts] of tallies) {
  const group = relative(root, dirname(file)).split(sep)[0] || ".";
  groups.set(group, plus(groups.get(group) ?? noTests, counts));
}
const total = [...groups.values()].reduce(plus, { ...noTests, failed: failedChecks.length });
console.log("");
for (const [group, counts] of [...groups].sort()) console.log(`${group}: ${closingLine(counts)}`);
for (const { name } of failedChecks) console.log(`check failed: ${name}`);
if (files.length === 0) console.log(`no test file below ${root} matches`);
console.log(closingLine(total));
process.exitCode = isGood(total) ? 0 : 1;
