/** `cnct submit <app> <files…>`: a job for each file, or one job for a model with its tensors. */

import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { type CatalogueApp, catalogue, isAppName } from "../../domain/catalogue.ts";
import { inputBytesMax, specDefaults } from "../../domain/job/spec.ts";
import { microPointsPerPoint } from "../../domain/points.ts";
import type { CnctClient, JobRequest } from "../../sdk/index.ts";
import { withActor } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure, jobFailure, unknownApp } from "../failures.ts";
import { type Ended, endedTable, fetchOutputs } from "../job-report.ts";
import { print, printJson, say, shortHash } from "../output.ts";
import { type Demand, nodesFor, usable } from "../waiting.ts";

interface SubmitFlags {
  readonly input: readonly string[];
  readonly param: readonly string[];
  readonly replicas?: string;
  readonly price?: string;
  readonly engine?: string;
  readonly priority?: string;
  readonly nonce?: string;
  readonly open?: boolean;
  readonly timeout?: string;
  readonly wait: boolean;
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export const addSubmit = (program: Command): void => {
  program
    .command("submit")
    .description("submit a job for each file, and wait for the results")
    .argument("<app>", `what to run: ${Object.keys(catalogue).join(", ")}`)
    .argument("[files...]", "what it reads; for onnx the model")
    .option("--input <name=file>", "another input, such as a tensor of the model", gather, [])
    .option("--param <name=value>", "a parameter of the app; the value is JSON or text", gather, [])
    .option("--replicas <n>", "how many results must agree, 1 to 5 (default: 2)")
    .option("--price <points>", "for each accepted result (default: the app's price)")
    .option("--engine <class>", "only nodes whose execution class begins so, such as ort-web")
    .option("--priority <n>", "1 (low) to 5 (high) (default: 3)")
    .option("--nonce <text>", "makes equal work a new job")
    .option("--open", "do not seal: everybody may read the files and the results")
    .option("--timeout <seconds>", "stop waiting after so long")
    .option("--no-wait", "print the hashes and return at once")
    .addHelpText(
      "after",
      `
Examples:
  cnct submit ocr page.png
  cnct submit faces photo.jpg --replicas 3
  cnct submit onnx model.onnx --input x=tensor.json --json`,
    )
    .action(async (app: string, files: readonly string[], flags: SubmitFlags, command: Command) => {
      if (!isAppName(app)) throw unknownApp(app);
      const requests = await requestsOf(app, files, flags);
      const waiting = flags.timeout === undefined ? {} : { timeoutMs: secondsIn(flags.timeout) };
      await withActor(command, async (client, { json }) => {
        const { hashes, refusals, created } = await client.submitMany(requests);
        const refusal = refusals[0];
        if (refusal !== undefined) throw refusedOne(refusal, requests.length);
        const accepted = hashes.filter((hash) => hash !== null);
        if (created < accepted.length)
          say(
            `${accepted.length - created} of them had been submitted before; --nonce makes equal work a new job`,
          );
        const demand = {
          app,
          engine: flags.engine ?? "",
          oneClass: catalogue[app].comparator.kind === "exact",
        };
        const quorum = requests[0]?.quorum ?? specDefaults.quorum;
        if (created > 0) await warnIfShort(client, demand, quorum);
        if (!flags.wait) {
          if (json) printJson({ jobs: accepted.map((hash) => ({ hash })) });
          else for (const hash of accepted) print(hash);
          return;
        }
        await waitFor(client, accepted, { json, waiting });
      });
    });
};

/** A gateway that has just started has not heard of its nodes yet. */
const heardWithinMs = 1_200;

const warnIfShort = async (client: CnctClient, demand: Demand, quorum: number): Promise<void> => {
  const count = async () => usable(await nodesFor(client, demand), demand).length;
  if ((await count()) >= quorum) return;
  await sleep(heardWithinMs);
  const offering = await count();
  if (offering >= quorum) return;
  const who = offering === 1 ? "only 1 live node offers" : `only ${offering} live nodes offer`;
  const it = `${demand.app}${demand.engine === "" ? "" : ` on ${demand.engine}`}`;
  say(`${quorum} results must agree, and ${who} ${it}: it waits for more nodes, or its deadline`);
};

const waitFor = async (
  client: CnctClient,
  hashes: readonly string[],
  { json, waiting }: { readonly json: boolean; readonly waiting: { readonly timeoutMs?: number } },
): Promise<void> => {
  if (!json) say(`waiting for ${hashes.map(shortHash).join(", ")}`);
  const ended = await client.awaitMany(hashes, waiting);
  const reports: readonly Ended[] = await fetchOutputs(client, ended);
  if (json)
    printJson({
      jobs: reports.map(({ job, output, text }) => ({ ...job, output: output ?? text ?? null })),
    });
  else print(endedTable(reports));
  const failed = ended.find(({ status }) => status !== "COMPLETED");
  if (failed === undefined) return;
  const failure = jobFailure(failed);
  if (json) process.exitCode = failure.exit;
  else throw new CliFailure(failure.code, failure.message, failure.exit);
};

const refusedOne = (
  {
    index,
    code,
    message,
  }: { readonly index: number; readonly code: string; readonly message: string },
  count: number,
): CliFailure => {
  const which = count === 1 ? "" : `file ${index + 1} of ${count}: `;
  if (code === "not-your-account")
    return new CliFailure(
      code,
      `${message}; set CNCT_CLIENT to the account that the service key acts for`,
      exitCodes.refused,
    );
  return new CliFailure(code, `${which}${message}`, exitCodes.badInput);
};

const requestsOf = async (
  name: keyof typeof catalogue,
  files: readonly string[],
  flags: SubmitFlags,
): Promise<readonly JobRequest[]> => {
  const app: CatalogueApp = catalogue[name];
  const extra = await Promise.all(flags.input.map(readNamedInput));
  const base: JobRequest = {
    app: name,
    params: Object.fromEntries(flags.param.map(readParam)),
    ...(flags.replicas === undefined ? {} : { quorum: countIn("--replicas", flags.replicas) }),
    ...(flags.priority === undefined ? {} : { priority: countIn("--priority", flags.priority) }),
    ...(flags.price === undefined ? {} : { price: microPointsIn(flags.price) }),
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    ...(flags.nonce === undefined ? {} : { nonce: flags.nonce }),
    ...(flags.open === true ? { open: true } : {}),
  };
  const main = app.inputs.find(({ many }) => many !== true)?.name;
  if (main === undefined || (files.length === 0 && extra.some(([input]) => input === main)))
    return [{ ...base, inputs: Object.fromEntries(extra) }];
  if (files.length === 0)
    throw new CliFailure(
      "missing-input",
      `the app ${name} reads a file; write cnct submit ${name} <file>`,
      exitCodes.badInput,
    );
  return Promise.all(
    files.map(async (file) => ({
      ...base,
      inputs: { [main]: await readInput(file), ...Object.fromEntries(extra) },
    })),
  );
};

const mediaTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".json": "application/json",
  ".onnx": "application/octet-stream",
};

const readInput = async (file: string) => {
  const { size } = await stat(file);
  if (size > inputBytesMax)
    throw new CliFailure(
      "body-too-large",
      `${basename(file)} has ${size} bytes; an input has at most ${inputBytesMax} (64 MiB)`,
      exitCodes.badInput,
    );
  const mediaType = mediaTypes[extname(file).toLowerCase()] ?? "application/octet-stream";
  return { bytes: new Uint8Array(await readFile(file)), mediaType };
};

const partsOf = (option: string, text: string): readonly [string, string] => {
  const at = text.indexOf("=");
  if (at < 1)
    throw new CliFailure(
      "bad-option",
      `${option} "${text}" has no name; write ${option} name=value`,
      exitCodes.usage,
    );
  return [text.slice(0, at), text.slice(at + 1)];
};

const readNamedInput = async (text: string) => {
  const [name, file] = partsOf("--input", text);
  return [name, await readInput(file)] as const;
};

const readParam = (text: string): readonly [string, unknown] => {
  const [name, value] = partsOf("--param", text);
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value]; // Plain text needs no quotes.
  }
};

const countIn = (option: string, text: string): number => {
  if (!/^[1-5]$/.test(text))
    throw new CliFailure("bad-option", `${option} takes 1 to 5, not "${text}"`, exitCodes.usage);
  return Number(text);
};

const secondsIn = (text: string): number => {
  const seconds = Number(text);
  if (!(seconds > 0) || seconds > 2_000_000)
    throw new CliFailure(
      "bad-option",
      `--timeout takes seconds above 0, not "${text}"`,
      exitCodes.usage,
    );
  return Math.ceil(seconds * 1_000);
};

/** `0.25` points are `250000n` micro-points; at most six decimals, never below zero. */
export const microPointsIn = (text: string): bigint => {
  const match = /^(\d{1,7})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null)
    throw new CliFailure(
      "bad-price",
      `the price "${text}" is none: give points from 0 to 1000000 with at most six decimals, such as 0.01`,
      exitCodes.badInput,
    );
  const [, whole = "0", rest = ""] = match;
  return BigInt(whole) * microPointsPerPoint + BigInt(rest.padEnd(6, "0"));
};
