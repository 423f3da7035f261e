/**
 * Lets cheats loose on a real network, and says what they got:
 *
 *     npm run cheats -- [--jobs 2000] [--share 0.5] [--hold 400] [--audits 0.3] [--open] [--no-audits]
 *                       [--json]
 *
 * 20 workers on a real NATS server, of which two lie from the start, two earn trust first, all four
 * agree on what they say, and one copies; three arbiters. Ends with exit code 1 if a wrong result was
 * settled, a cheat was not expelled, an honest node was, or the books do not balance. Cheats must be
 * found within `--jobs`; then `--hold` more follow, so that all that was held before is settled.
 * `--no-audits` plants the fault that this must find.
 */
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "2000" },
    share: { type: "string", default: "0.5" },
    hold: { type: "string", default: "400" },
    audits: { type: "string", default: "0.3" },
    open: { type: "boolean", default: false },
    "no-audits": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const numberOf = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (!(value >= least && value <= most))
    throw new RangeError(`--${name} must be ${least} to ${most}, not ${text}`);
  return value;
};

const { log, ...campaign } = await runCampaign({
  jobs: Math.floor(numberOf("jobs", values.jobs, 1, 1_000_000)),
  lieShare: numberOf("share", values.share, 0, 1),
  holdJobs: Math.floor(numberOf("hold", values.hold, 1, 1_000_000)),
  auditFloor: numberOf("audits", values.audits, 0, 1),
  identities: true,
  sealed: !values.open,
  audits: !values["no-audits"],
  onProgress: (line) => process.stderr.write(`${line}\n`),
});
const plain = (_: string, value: unknown) => (typeof value === "bigint" ? value.toString() : value);
if (values.json) process.stdout.write(`${JSON.stringify(campaign, plain)}\n`);
else {
  const { failures, ...figures } = campaign;
  for (const [name, value] of Object.entries(figures))
    process.stdout.write(`${name.padEnd(16)} ${Array.isArray(value) ? value.join(" ") : value}\n`);
  for (const failure of failures.slice(0, 20)) process.stdout.write(`FAILED: ${failure}\n`);
}
if (campaign.failures.length > 0) {
  for (const line of [...new Set(log)].slice(0, 20)) process.stderr.write(`${line}\n`);
  process.exitCode = 1;
}
