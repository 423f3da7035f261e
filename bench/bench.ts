/**
 * How fast CNCT is, and how fast BullMQ is beside it:
 *
 *     npm run bench -- [--full] [--jobs 20000] [--only inProcess,bullmq,…] [--json] [--profile]
 *
 * Starts real processes on ephemeral ports of the loopback interface, with files in temporary
 * folders, and removes all of it. `--full` takes medians of three rounds; `--profile` (or
 * `--profile worker,store`) prints where a process' CPU goes, which slows it down: take no figures
 * from such a run. The tables are Markdown; with `--json` the last line is one JSON object.
 */
import { availableParallelism, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { type DispatchCost, dispatchCost } from "./dispatch-cost.ts";
import { medianBy } from "./numbers.ts";
import { findRedisServer } from "./peer.ts";
import type { Rebuild } from "./rebuild.ts";
import { type Figures, ratiosOf, reportText } from "./report.ts";
import { type Outcome, type Run, type Scenario, scenarios } from "./scenarios.ts";
import { endNow } from "./temporary.ts";

const roundsFull = 3;
const nodeCounts = [10, 100, 1_000, 10_000];
const namesKnown: readonly string[] = [...scenarios.map(({ name }) => name), "dispatch"];

const usage = (why: string): never => {
  process.stderr.write(`${why}\n\n`);
  process.stderr.write(`npm run bench -- [--full] [--jobs <n>] [--only <${namesKnown.join("|")},…>]
                 [--json] [--profile[=<process>,…]]\n`);
  process.exit(64);
};

const readOptions = () => {
  // `--profile` may stand alone.
  const argv = process.argv
    .slice(2)
    .map((one) => (one === "--profile" ? `${one}=coordinator` : one));
  const { values } = parseArgs({
    args: argv,
    options: {
      full: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      jobs: { type: "string", default: "20000" },
      only: { type: "string" },
      profile: { type: "string" },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isSafeInteger(jobs) || jobs < 100)
    usage(`--jobs must be a whole number from 100 on, not ${values.jobs}`);
  const only = values.only?.split(",");
  const stranger = only?.find((name) => !namesKnown.includes(name));
  if (stranger !== undefined) usage(`there is no scenario "${stranger}"`);
  return { ...values, jobs, only, profile: values.profile?.split(",") ?? [] };
};

/** What a run is ordered by. */
const keyOf = (run: Run): number =>
  "jobsPerSecond" in run ? run.jobsPerSecond : run.endToEndMs.p50;

const say = (text: string): void => void process.stderr.write(text);

const main = async (): Promise<void> => {
  const { full, json, jobs, only, profile } = readOptions();
  const rounds = full ? roundsFull : 1;
  const redisServer = findRedisServer();
  const skipped: Record<string, string> = {};
  const isWanted = (name: string) => only === undefined || only.includes(name);
  const chosen: Scenario[] = [];
  for (const scenario of scenarios.filter(({ name }) => isWanted(name)))
    if (!scenario.needsPeer || redisServer !== undefined) chosen.push(scenario);
    else
      skipped[scenario.name] = "no redis-server on the PATH (Debian: apt-get install redis-server)";
  for (const [name, why] of Object.entries(skipped)) say(`SKIPPED ${name}: ${why}\n`);

  const outcomes = new Map<string, Outcome[]>();
  const failed: Record<string, string> = {};
  for (let round = 1; round <= rounds; round++)
    for (const scenario of chosen) {
      const { name, title } = scenario;
      if (failed[name] !== undefined) continue;
      say(`${round}/${rounds} ${name}: ${title} … `);
      try {
        const outcome = await scenario.run({
          jobs,
          redisServer,
          seconds: 10,
          profile,
          onProfile: (text) => say(`\n${text}`),
        });
        say(`${Math.round(keyOf(outcome.run) * 10) / 10}\n`);
        outcomes.set(name, [...(outcomes.get(name) ?? []), outcome]);
      } catch (error) {
        // The other figures are worth having; the run as a whole fails.
        failed[name] = error instanceof Error ? error.message : String(error);
        process.exitCode = 1;
        say(`FAILED\n${error instanceof Error ? error.stack : failed[name]}\n`);
      }
    }

  const runs: Record<string, Run | null> = {};
  for (const name of Object.keys({ ...skipped, ...failed })) runs[name] = null;
  const rebuilds: Rebuild[] = [];
  for (const [name, ofOne] of outcomes) {
    if (failed[name] !== undefined) continue;
    runs[name] = medianBy(ofOne, ({ run }) => keyOf(run)).run;
    rebuilds.push(...ofOne.flatMap(({ rebuild }) => rebuild ?? []));
  }
  const dispatch: DispatchCost[] = isWanted("dispatch") ? nodeCounts.map(dispatchCost) : [];
  const figures: Figures = {
    machine: {
      cores: availableParallelism(),
      "memory GiB": Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
    },
    policy: "each append and each Redis write synced to disk before its answer",
    jobs,
    rounds,
    runs,
    rebuild:
      rebuilds.length > 0
        ? medianBy(rebuilds, ({ eventsPerSecond }) => eventsPerSecond)
        : undefined,
    dispatch,
    skipped,
    failed,
  };
  process.stdout.write(`\n${reportText(figures)}`);
  if (json) {
    const { runs: each, ...rest } = figures;
    process.stdout.write(`${JSON.stringify({ ...rest, ...each, ratios: ratiosOf(figures) })}\n`);
  }
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => endNow(130));

await main();
