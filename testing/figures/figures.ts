/**
 * Simulates verification under attack and writes what came of it into `docs/`:
 *
 *     npm run figures:verification
 *
 * Ten minutes or so on two quiet cores. `--seeds 2 --jobs 10000` prints a rough version and writes
 * nothing. It ends with 1 and says which, if a bar is missed.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import {
  type Scheme,
  schemes,
  settingsDefaults,
} from "../../domain/verification/simulation/settings.ts";
import type { Summary } from "../../domain/verification/simulation/tally.ts";
import { longDocument, missesIn, picture, type Row, shortTables } from "./document.ts";
import { type Attack, attacks, barOf } from "./settings.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string" }, jobs: { type: "string" } },
});
const isRough = values.seeds !== undefined || values.jobs !== undefined;
const jobs = values.jobs ?? "100000";
const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Where a bar says so 20 seeds, else 4: enough to see the difference. */
const seedsOf = (scheme: Scheme, attack: Attack): string =>
  values.seeds ?? (barOf(scheme, attack) === undefined ? "4" : "20");

/** By the command that everybody has. */
const summaryFor = async (scheme: Scheme, attack: Attack): Promise<Summary> => {
  const flags = {
    policy: scheme,
    kind: attack.kind,
    saboteurs: String(attack.saboteurs),
    sabotage: String(attack.sabotage),
    seeds: seedsOf(scheme, attack),
    jobs,
  };
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const command = ["cli/main.ts", "simulate", "verification", "--json", ...given];
  const { stdout } = await run(process.execPath, command, { cwd: root });
  process.stderr.write(`${given.join(" ")}\n`);
  return JSON.parse(stdout) as Summary;
};

/** The longest first, as many at once as there are cores. */
const measureAll = async (): Promise<readonly Row[]> => {
  const cells = attacks
    .flatMap((attack) => schemes.map((scheme) => ({ attack, scheme })))
    .toSorted((a, b) => Number(seedsOf(b.scheme, b.attack)) - Number(seedsOf(a.scheme, a.attack)));
  const measured = new Map<Attack, Partial<Record<Scheme, Summary>>>();
  const line = async () => {
    for (let cell = cells.shift(); cell !== undefined; cell = cells.shift()) {
      const { attack, scheme } = cell;
      const summary = await summaryFor(scheme, attack);
      measured.set(attack, { ...measured.get(attack), [scheme]: summary });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, line));
  return attacks.map((attack) => ({
    attack,
    summaries: measured.get(attack) as Record<Scheme, Summary>,
  }));
};

const rows = await measureAll();
const heading = `# Figures of simulated verification

Written by \`npm run figures:verification\`; what they are about stands in [verification.md](verification.md#what-cheats-achieve). Means of 20 runs where a bar is set, of 4 elsewhere, of ${settingsDefaults.workers} nodes and ${Number(jobs).toLocaleString("en")} jobs each.`;

if (isRough) process.stdout.write(`${longDocument(rows, heading)}\n${shortTables(rows)}\n`);
else {
  const page = join(root, "docs/verification.md");
  const [before, rest] = readFileSync(page, "utf8").split("<!-- figures: begin -->\n");
  const after = rest?.split("<!-- figures: end -->")[1];
  if (before === undefined || after === undefined)
    throw new Error(`${page} lacks the marks between which the figures stand`);
  writeFileSync(
    page,
    `${before}<!-- figures: begin -->\n\n${shortTables(rows)}\n\n<!-- figures: end -->${after}`,
  );
  writeFileSync(join(root, "docs/verification-figures.md"), longDocument(rows, heading));
  writeFileSync(join(root, "docs/verification-figures.svg"), picture(rows));
}

const misses = missesIn(rows);
for (const miss of misses) process.stdout.write(`missed: ${miss}\n`);
process.exitCode = misses.length === 0 ? 0 : 1;
