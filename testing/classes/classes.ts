/**
 * Whether a result is the same on every processor that its execution class stands for:
 *
 *     npm run classes -- [--models Nehalem,Haswell,…] [--json]
 *
 * Computes jobs of the classes `wasm@1/…` and `ort-web@…/wasm/any/…` on this machine's processor and
 * on models that qemu-user plays, in the children that a worker uses, and compares result tags. Then
 * it plants faults, which must show: modules that run unchecked, and the native runtime.
 *
 * Exit code 1 if tags differ, a planted fault stays hidden, or fewer than three models were played;
 * what cannot be played is SKIPPED by name. 4 minutes on two idle cores.
 */
import { parseArgs } from "node:util";
import { type ClassJob, type ComputeOptions, computeOn, type Outcome } from "./compute.ts";
import { floatsJob, onnxJobs, relaxedJob, threadsJob, wasmJobs } from "./jobs.ts";
import { emulated, host, modelsDefault, type Processor } from "./processors.ts";
import { type Expectation, type Finding, findingOf, reportText } from "./report.ts";

const modelsMin = 3;
const unchecked: ComputeOptions = { programs: new URL("./unchecked.ts", import.meta.url).href };
const nativeRuntime: ComputeOptions = { engine: "ort-node" };

const say = (text: string): void => void process.stderr.write(text);

const usage = (why: string): never => {
  say(`${why}\n\nnpm run classes -- [--models ${modelsDefault.join(",")}] [--json]\n`);
  process.exit(64);
};

const readOptions = () => {
  try {
    const { values } = parseArgs({
      options: { models: { type: "string" }, json: { type: "boolean", default: false } },
    });
    return { models: values.models?.split(",") ?? modelsDefault, json: values.json };
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
};

/** Jobs, how they are computed, where, and what is to come of it. */
interface Batch extends ComputeOptions {
  readonly jobs: readonly ClassJob[];
  readonly on: (processor: Processor) => boolean;
  readonly expected: Expectation;
  readonly prefix?: string;
  readonly betweenArchitectures?: true;
}

const batches = async (): Promise<readonly Batch[]> => {
  const onnx = await onnxJobs();
  const planted = { expected: "different", ...unchecked, prefix: "unchecked: " } as const;
  return [
    { jobs: [...(await wasmJobs()), ...onnx], on: () => true, expected: "equal" },
    { jobs: [relaxedJob(), threadsJob()], on: (one) => one === host, expected: "refused" },
    { jobs: [relaxedJob()], on: ({ arch }) => arch !== "arm64", ...planted },
    // On x64 a NaN that is made has a sign, on arm64 it has none. (An emulator may differ by itself.)
    { jobs: [await floatsJob()], on: () => true, ...planted, betweenArchitectures: true },
    // ONNX Runtime's native build does not run under the emulator for arm64.
    {
      jobs: onnx.slice(1),
      on: ({ arch }) => arch !== "arm64",
      expected: "different",
      ...nativeRuntime,
      prefix: "native: ",
    },
  ];
};

const main = async (): Promise<void> => {
  const { models, json } = readOptions();
  const skipped: Record<string, string> = {};
  const processors: Processor[] = [host];
  const skip = (what: string, why: string) => {
    skipped[what] = why;
    say(`SKIPPED ${what}: ${why}\n`);
  };
  for (const model of models) {
    const one = emulated(model);
    if (typeof one === "string") skip(model, one);
    else processors.push(one);
  }
  const bothKinds = new Set(processors.map(({ arch }) => arch)).size > 1;

  const findings: Finding[] = [];
  for (const batch of await batches()) {
    const { jobs, on, expected, prefix = "" } = batch;
    const where = processors.filter(on);
    const names = jobs.map(({ name }) => prefix + name).join(", ");
    if (batch.betweenArchitectures && !bothKinds) {
      skip(names, "it shows between x64 and arm64 only");
      continue;
    }
    say(`${names}:`);
    const outcomes = new Map<string, readonly Outcome[]>();
    for (const processor of where) {
      const startedAt = performance.now();
      outcomes.set(processor.name, await computeOn(processor, jobs, batch));
      say(` ${processor.name} ${Math.round((performance.now() - startedAt) / 1000)} s`);
    }
    say("\n");
    findings.push(...findingOf(expected, outcomes, prefix));
  }

  const played = processors.length - 1;
  const good = played >= modelsMin && findings.every(({ holds }) => holds);
  process.stdout.write(reportText(findings, processors, skipped));
  if (played < modelsMin) process.stdout.write(`\n${played} of ${modelsMin} models were played.\n`);
  const names = processors.map(({ name }) => name);
  if (json)
    process.stdout.write(`${JSON.stringify({ good, processors: names, skipped, findings })}\n`);
  process.exitCode = good ? 0 : 1;
};

if (import.meta.main) await main();
