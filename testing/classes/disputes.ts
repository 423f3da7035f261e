/**
 * How often honest nodes of different execution classes disagree, and whether wrong ones are noticed:
 *
 *     npm run disputes -- [--inputs 100] [--emulated 5] [--only <part of a name>] [--json]
 *
 * Computes the models among our dependencies on so many pictures each: natively, natively without
 * graph optimisation, by wasm, and (the first few) natively on a processor without AVX that qemu-user
 * plays. All outputs of one input are compared in pairs by the app's own comparator, as a validator
 * compares them. Then natively with faults: weights of 8 bits, of bfloat16, 1 % beside the truth, and
 * the answer to another input.
 *
 * Exit code 1 if more than 0.1 % of the pairs disagree, or a fault that must show does not.
 */
import { parseArgs } from "node:util";
import { catalogue } from "../../domain/catalogue.ts";
import type { Comparator } from "../../domain/verification/comparator.ts";
import { compareOutputs } from "../../domain/verification/compare.ts";
import { openExecutorPool } from "../../worker/children/pool.ts";
import type { Executor } from "../../worker/executor.ts";
import type { InferenceEngine } from "../../worker/executors/inference.ts";
import { openOrtNode } from "../../worker/executors/ort-node.ts";
import { openOrtWeb } from "../../worker/executors/ort-web.ts";
import { openExecutor, unoptimised, withOtherWeights } from "./engines.ts";
import { emulated, startedOn } from "./processors.ts";
import { type Subject, subjectsOf } from "./subjects.ts";
import { toBfloat16, toInt8 } from "./weights.ts";

const disputesMax = 0.001;
/**
 * The share of wrong tensors of each kind that must be noticed. (Boxes and texts may be the same from
 * another model, and a model that is sure of its answer gives the same to many inputs.)
 */
const noticedMin = 0.9;
const emulatedModel = "Nehalem";

interface Row {
  readonly subject: string;
  readonly comparator: Comparator;
  readonly inputs: number;
  readonly pairs: number;
  readonly disputes: number;
  /** The largest distance of a pair. */
  readonly distance: number;
  /** The share of wrong answers that disagree with the right one, by fault. */
  readonly noticed: Readonly<Record<string, number>>;
}

const say = (text: string): void => void process.stderr.write(text);

const readOptions = () => {
  const number = (name: string, text: string): number => {
    if (/^\d{1,5}$/.test(text)) return Number(text);
    say(`--${name} must be a whole number, not ${text}\n`);
    process.exit(64);
  };
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "100" },
      emulated: { type: "string", default: "5" },
      only: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  return {
    inputs: Math.max(2, number("inputs", values.inputs)),
    emulatedInputs: number("emulated", values.emulated),
    only: values.only,
    json: values.json,
  };
};

type Outputs = readonly Uint8Array[];

const computeAll = async (
  { app, model, inputs }: Subject,
  executor: Executor,
  count = inputs.length,
): Promise<Outputs> => {
  const { signal } = new AbortController();
  const outputs: Uint8Array[] = [];
  try {
    for (const input of inputs.slice(0, count)) {
      const all = model ? { model, ...input } : input;
      const execution = { app, params: {}, inputs: all, client: "client:disputes", signal };
      outputs.push((await executor.execute(execution)).output);
    }
    return outputs;
  } finally {
    await executor.close();
  }
};

const onEmulated = async (subject: Subject, count: number): Promise<Outputs> => {
  const processor = emulated(emulatedModel);
  if (typeof processor === "string") return [];
  const [executor] = await openExecutorPool({
    ...{ apps: [subject.app], engine: "ort-node", children: 1, fence: startedOn(processor) },
    memoryBytes: 4 * 2 ** 30,
    onTrouble: (what, error) => say(`${what}: ${error}\n`),
  });
  return executor ? computeAll(subject, executor, count) : [];
};

/** Each output of an input with each other one of it. */
const comparePairs = (comparator: Comparator, all: readonly Outputs[]) => {
  let [pairs, disputes, distance] = [0, 0, 0];
  const inputs = Math.max(...all.map(({ length }) => length));
  for (let at = 0; at < inputs; at++) {
    const outputs = all.flatMap((of) => of[at] ?? []);
    outputs.forEach((one, index) => {
      for (const other of outputs.slice(index + 1)) {
        const comparison = compareOutputs(comparator, one, other);
        pairs++;
        if (!comparison.agree) disputes++;
        distance = Math.max(distance, comparison.distance);
      }
    });
  }
  return { pairs, disputes, distance };
};

const noticedOf = (comparator: Comparator, right: Outputs, wrong: Outputs): number => {
  const disagree = wrong.filter(
    (output, at) => !compareOutputs(comparator, output, right[at] as Uint8Array).agree,
  );
  return disagree.length / wrong.length;
};

const faults: Readonly<Record<string, () => Promise<InferenceEngine>>> = {
  "8-bit weights": () => withOtherWeights(toInt8),
  "bfloat16 weights": () => withOtherWeights(toBfloat16),
  "weights 1 % off": () => {
    let sign = 1;
    return withOtherWeights((weight) => {
      sign = -sign;
      return weight * (1 + 0.01 * sign);
    });
  },
};

const rowOf = async (subject: Subject, emulatedInputs: number): Promise<Row> => {
  const { comparator } = catalogue[subject.app];
  const computed = async (engine: InferenceEngine) =>
    computeAll(subject, await openExecutor(subject, engine));
  const right = await computed(await openOrtNode());
  const all = [right, await computed(unoptimised), await computed(await openOrtWeb())];
  if (emulatedInputs > 0) all.push(await onEmulated(subject, emulatedInputs));
  const noticed: Record<string, number> = {};
  for (const [fault, open] of Object.entries(faults))
    noticed[fault] = noticedOf(comparator, right, await computed(await open()));
  noticed["another input"] = noticedOf(comparator, right, [
    ...right.slice(1),
    ...right.slice(0, 1),
  ]);
  const { name, inputs } = subject;
  const pairs = comparePairs(comparator, all);
  return { subject: name, comparator, inputs: inputs.length, ...pairs, noticed };
};

const noticedOn = (rows: readonly Row[], fault: string): number => {
  const tensors = rows.filter(({ comparator }) => comparator.kind === "tolerance");
  const inputs = tensors.reduce((sum, row) => sum + row.inputs, 0);
  const noticed = tensors.reduce((sum, row) => sum + row.inputs * (row.noticed[fault] ?? 0), 0);
  return inputs === 0 ? 1 : noticed / inputs;
};

const percent = (share: number): string => `${(100 * share).toFixed(share === 1 ? 0 : 1)} %`;

const tableOf = (rows: readonly Row[]): string => {
  const names = Object.keys(rows[0]?.noticed ?? {});
  const head = ["subject", "comparator", "inputs", "pairs", "disputes", "largest distance"];
  const lines = rows.map(({ subject, comparator, inputs, pairs, disputes, distance, noticed }) => [
    ...[subject, JSON.stringify(comparator), inputs, pairs, disputes, distance.toExponential(1)],
    ...names.map((name) => percent(noticed[name] ?? 0)),
  ]);
  const all = [...head, ...names.map((name) => `noticed: ${name}`)];
  return [all, all.map(() => "---"), ...lines].map((line) => `| ${line.join(" | ")} |\n`).join("");
};

const main = async (): Promise<void> => {
  const { inputs, emulatedInputs, only, json } = readOptions();
  const processor = emulated(emulatedModel);
  if (typeof processor === "string") say(`SKIPPED ${emulatedModel}: ${processor}\n`);
  const rows: Row[] = [];
  for (const { name, open } of subjectsOf(inputs)) {
    if (only !== undefined && !name.includes(only)) continue;
    const startedAt = performance.now();
    const row = await rowOf(await open(), emulatedInputs);
    rows.push(row);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    say(`${name}: ${row.disputes} of ${row.pairs} pairs disagree; ${seconds} s\n`);
  }
  const pairs = rows.reduce((sum, row) => sum + row.pairs, 0);
  const disputes = rows.reduce((sum, row) => sum + row.disputes, 0);
  const hidden = Object.keys(rows[0]?.noticed ?? {}).filter(
    (fault) => noticedOn(rows, fault) < noticedMin,
  );
  const good = pairs > 0 && disputes <= disputesMax * pairs && hidden.length === 0;
  process.stdout.write(`${tableOf(rows)}\n${disputes} of ${pairs} pairs disagree.\n`);
  for (const fault of hidden) process.stdout.write(`Hidden from the comparator: ${fault}.\n`);
  if (json) process.stdout.write(`${JSON.stringify({ good, pairs, disputes, hidden, rows })}\n`);
  process.exitCode = good ? 0 : 1;
};

if (import.meta.main) await main();
