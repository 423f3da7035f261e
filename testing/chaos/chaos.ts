/** `npm run chaos -- [--kills 50] [--seed n] [--calm ms]`: a longer storm; exit code 1 if a rule was broken. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runStorm } from "./storm.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: String(Date.now() % 2 ** 32) },
    calm: { type: "string", default: "1500" },
  },
});
const directory = await mkdtemp(join(tmpdir(), "cnct-chaos-"));
const seed = Number(values.seed);
process.stderr.write(`seed ${seed}\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    process.exit(130);
  });
process.once("uncaughtException", (error) => {
  process.stderr.write(`${error.stack}\nthe data are kept in ${directory}\n`);
  process.exit(1);
});
const report = await runStorm({
  directory,
  seed,
  killsOfEach: Number(values.kills),
  calmMs: Number(values.calm),
  workers: 4,
  say: (line) => process.stderr.write(`${line}\n`),
});
const text = JSON.stringify(
  report,
  (_, value) => (typeof value === "bigint" ? `${value}` : value),
  2,
);
process.stdout.write(`${text}\n`);
const broken = report.invariants.violations.length > 0 || report.completed !== report.accepted;
if (broken) process.stderr.write(`the data are kept in ${directory}\n`);
else await rm(directory, { recursive: true, force: true });
process.exitCode = broken ? 1 : 0;
