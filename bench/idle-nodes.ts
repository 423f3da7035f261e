/**
 * What nodes cost that have nothing to do:
 *
 *     npm run bench:idle -- [--nodes 100,1000] [--seconds 20] [--json]
 *
 * A whole network in which no job is submitted: nodes of one slot, each with a connection, a consumer
 * and heartbeats of its own; two processes share them. Prints the CPU that each process uses in a
 * second. With `--json` the last line is one JSON object.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startNetwork } from "./network.ts";
import { endNow } from "./temporary.ts";
import { measureProcesses } from "./usage.ts";

/** After the start, with its heartbeats and roll calls. */
const settleMs = 15_000;

const usage = (why: string): never => {
  process.stderr.write(
    `${why}\n\nnpm run bench:idle -- [--nodes 100,1000] [--seconds 20] [--json]\n`,
  );
  process.exit(64);
};

const wholeNumber = (name: string, text: string, max: number): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > max)
    usage(`--${name} must be whole numbers from 1 to ${max}, not ${text}`);
  return value;
};

interface IdleCost {
  readonly nodes: number;
  /** By the process' name, and of all together. */
  readonly cpuMsPerSecond: Readonly<Record<string, number>>;
}

const measure = async (nodes: number, seconds: number): Promise<IdleCost> => {
  const network = await startNetwork({ nodes });
  try {
    await sleep(settleMs);
    const costs = measureProcesses(network.processes);
    const from = performance.now();
    await sleep(seconds * 1_000);
    const took = (performance.now() - from) / 1_000;
    const cpuMsPerSecond: Record<string, number> = {};
    let all = 0;
    for (const [name, { cpuMicrosPerJob }] of Object.entries(costs.read(1))) {
      const ms = cpuMicrosPerJob / 1_000 / took;
      cpuMsPerSecond[name] = ms;
      all += ms;
    }
    return { nodes, cpuMsPerSecond: { ...cpuMsPerSecond, all } };
  } finally {
    await network.end();
    await network.removeFiles();
  }
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => endNow(130));
const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "100,1000" },
    seconds: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const counts = values.nodes.split(",").map((text) => wholeNumber("nodes", text, 20_000));
const seconds = wholeNumber("seconds", values.seconds, 3_600);
const costs: IdleCost[] = [];
for (const nodes of counts) {
  const cost = await measure(nodes, seconds);
  costs.push(cost);
  const parts = Object.entries(cost.cpuMsPerSecond).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
  process.stdout.write(`${nodes} idle nodes, CPU ms a second: ${parts.join(", ")}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify({ seconds, costs })}\n`);
