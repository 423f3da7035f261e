/**
 * Runs the whole network on virtual time, once for each seed:
 *
 *     npm run simulate -- [--seeds 100] [--from 1] [--seed n] [--trace] [--json] [--jobs n]
 *
 * A seed decides everything. Every tenth seed is run twice, and both runs must be the same to the last
 * event. A seed that fails prints what was violated, the last lines of its trace and the command that
 * repeats it. `--seed` runs one only, `--trace` prints all that happened in it. Exit code 1 if any
 * seed failed.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type RunReport, runSimulation } from "./run.ts";
import { type Share, sumUp } from "./summary.ts";

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    jobs: { type: "string" },
  },
});

const wholeOf = (name: string, text: string, least: number): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`--${name} must be a whole number of at least ${least}, not ${text}`);
  return value;
};

const linesShown = 60;
const repeatEvery = 10;

/** What is printed of a seed that failed. */
const story = ({ seed, violations, lines }: RunReport): string =>
  [
    "",
    ...lines.slice(-linesShown),
    "",
    `seed ${seed} failed: ${violations[0]}`,
    ...violations.slice(1).map((sentence) => `  and: ${sentence}`),
    `repeat it: npm run simulate -- --seed ${seed} --trace`,
    "",
  ].join("\n");

/** Runs a seed, some of them twice. */
const runSeed = async (seed: number): Promise<RunReport> => {
  const report = await runSimulation({ seed, keepTrace: options.trace });
  if (options.seed === undefined && seed % repeatEvery !== 0) return report;
  const again = await runSimulation({ seed });
  if (again.trace === report.trace) return report;
  const differs = `two runs differ: ${report.trace} and ${again.trace}`;
  return { ...report, violations: [...report.violations, differs] };
};

const runShare = async (seeds: readonly number[]): Promise<Share> => {
  const reports: RunReport[] = [];
  for (const seed of seeds) {
    const report = await runSeed(seed);
    if (report.violations.length > 0 && !options.json) console.log(story(report));
    reports.push({ ...report, lines: report.violations.length > 0 ? report.lines : [] });
  }
  return { reports, repeated: seeds.filter((seed) => seed % repeatEvery === 0).length };
};

/** Splits the seeds over processes; each sends its share back. */
const runAcross = async (seeds: readonly number[], processes: number): Promise<Share> => {
  const shares = await Promise.all(
    Array.from({ length: processes }, async (_, index) => {
      const child = fork(import.meta.filename, [...process.argv.slice(2), "--jobs", "1"], {
        env: { ...process.env, CNCT_SIMULATE_SHARE: `${index}/${processes}` },
        execArgv: ["--disable-warning=ExperimentalWarning"],
      });
      const share = Promise.withResolvers<Share>();
      child.once("message", (message) => share.resolve(message as Share));
      child.once("exit", (code) => share.reject(new Error(`a process ended with code ${code}`)));
      return share.promise;
    }),
  );
  const reports = shares.flatMap((share) => share.reports).sort((a, b) => a.seed - b.seed);
  const repeated = shares.reduce((sum, share) => sum + share.repeated, 0);
  if (reports.length !== seeds.length)
    throw new Error(`${seeds.length - reports.length} seeds lost`);
  return { reports, repeated };
};

const main = async (): Promise<void> => {
  if (options.seed !== undefined) {
    const report = await runSeed(wholeOf("seed", options.seed, 0));
    if (options.trace && !options.json) console.log(report.lines.join("\n"));
    if (options.json) console.log(JSON.stringify({ ...report, lines: undefined }));
    else {
      if (report.violations.length > 0) console.log(story(report));
      console.log(sumUp({ reports: [report], repeated: 1 }).text);
    }
    process.exitCode = report.violations.length > 0 ? 1 : 0;
    return;
  }
  const from = wholeOf("from", options.from, 0);
  const count = wholeOf("seeds", options.seeds, 1);
  const all = Array.from({ length: count }, (_, i) => from + i);
  const [index, of] = (process.env["CNCT_SIMULATE_SHARE"] ?? "").split("/").map(Number);
  if (index !== undefined && of !== undefined) {
    process.send?.(await runShare(all.filter((seed) => seed % of === index)));
    return;
  }
  const processes = Math.min(
    count,
    wholeOf("jobs", options.jobs ?? String(availableParallelism()), 1),
  );
  const started = performance.now();
  const share = processes === 1 ? await runShare(all) : await runAcross(all, processes);
  const elapsedMs = performance.now() - started;
  const { text, json } = sumUp({ ...share, elapsedMs });
  console.log(options.json ? JSON.stringify(json) : text);
  process.exitCode = json.failed.length > 0 ? 1 : 0;
};

await main();
