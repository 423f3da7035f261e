/**
 * Runs jobs on a real network of this machine, makes every assignment again from its log, and looks
 * whether one flipped byte is found:
 *
 *     npm run check:explain -- [--jobs 10000] [--workers 4] [--quorum 2]
 *
 * Exit code 1 if an assignment comes out another, or a flipped byte is not found.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Throughput } from "../bench/loads.ts";
import { startNetwork } from "../bench/network.ts";
import type { TaskAssigned } from "../domain/job/events.ts";
import { explainLog } from "../services/dispatcher/explain-log.ts";
import { openEmbeddedStore } from "../streams/embedded/store.ts";
import type { RecordedEvent } from "../streams/event-store.ts";
import { sha256 } from "./dispatch-run.ts";

const { values: options } = parseArgs({
  options: {
    jobs: { type: "string", default: "10000" },
    workers: { type: "string", default: "4" },
    quorum: { type: "string", default: "2" },
  },
});

const wholeOf = (name: keyof typeof options, least: number): number => {
  const value = Number(options[name]);
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`--${name} must be a whole number of at least ${least}`);
  return value;
};
const [jobs, workers, quorum] = [wholeOf("jobs", 1), wholeOf("workers", 1), wholeOf("quorum", 1)];

/** The log of a network that has computed so many jobs. */
const logOf = async (): Promise<readonly RecordedEvent[]> => {
  const network = await startNetwork({ workers, quorum });
  try {
    const load = { jobs, batch: 500, inFlight: 4 };
    const { seconds } = await network.submitter.ask<Throughput>("throughput", load);
    console.log(`${jobs} jobs in ${seconds.toFixed(1)} s on ${workers} workers`);
    await network.end();
    const store = await openEmbeddedStore({ directory: join(network.dataDirectory, "events") });
    try {
      const log: RecordedEvent[] = [];
      for await (const recorded of store.readAll("start")) log.push(recorded);
      return log;
    } finally {
      await store.close();
    }
  } finally {
    await network.end();
    await network.removeFiles();
  }
};

const check = async (log: readonly RecordedEvent[]) => {
  const counts = { matches: 0, differs: 0, untold: 0 };
  const faults: string[] = [];
  await explainLog(() => log, {
    sha256,
    onExplained: ({ outcome, faults: found, task }) => {
      counts[outcome]++;
      if (outcome === "differs" && faults.length < 5)
        faults.push(`${task.jobHash}/${task.replica}/${task.attempt}: ${JSON.stringify(found)}`);
    },
  });
  return { ...counts, faults };
};

const log = await logOf();
const startedAt = performance.now();
const clean = await check(log);
const seconds = (performance.now() - startedAt) / 1000;
const all = log.filter(({ type }) => type === "TaskAssigned");
console.log(`${clean.matches} of ${all.length} assignments match, in ${seconds.toFixed(1)} s`);
for (const fault of clean.faults) console.log(fault);

const middle = all[Math.floor(all.length / 2)];
if (!middle) throw new Error("nothing was assigned");
const flipped = log.map((recorded) => {
  if (recorded !== middle) return recorded;
  const { reason, ...rest } = recorded.data as TaskAssigned;
  // The lowest bit of the seed: nothing that is ranked changes.
  return { ...recorded, data: { ...rest, reason: { ...reason, seed: reason.seed ^ 1 } } };
});
const { differs } = await check(flipped);
console.log(`with one byte flipped, ${differs} does not match`);
if (clean.matches !== all.length || differs !== 1) process.exitCode = 1;
