/** What `cnct submit` and `cnct quote` are told about a job, and the requests that follow from it. */

import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { type Command, Option } from "commander";
import { type AppName, type CatalogueApp, catalogue, isAppName } from "../domain/catalogue.ts";
import { inputBytesMax } from "../domain/job/spec.ts";
import { microPointsPerPoint } from "../domain/points.ts";
import type { JobRequest } from "../sdk/index.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure, unknownApp } from "./failures.ts";

export interface RequestFlags {
  readonly input: readonly string[];
  readonly param: readonly string[];
  readonly assurance?: "standard" | "high" | "none";
  readonly replicas?: string;
  readonly price?: string;
  readonly engine?: string;
  readonly minSpeed?: string;
  readonly priority?: string;
  readonly nonce?: string;
  readonly open?: boolean;
}

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export const addRequestOptions = (command: Command): Command =>
  command
    .argument("<app>", `what to run: ${Object.keys(catalogue).join(", ")}`)
    .argument("[files...]", "what it reads; for onnx the model")
    .option("--input <name=file>", "another input, such as a tensor of the model", gather, [])
    .option("--param <name=value>", "a parameter of the app; the value is JSON or text", gather, [])
    .addOption(
      new Option(
        "--assurance <class>",
        "how sure you want to be: audited at random, and decided by arbiters (default: none)",
      ).choices(["standard", "high", "none"]),
    )
    .option("--replicas <n>", "how many results must agree, 1 to 5 (default: 2)")
    .option("--price <points>", "for each accepted result (default: the app's price)")
    .option("--engine <class>", "only nodes whose execution class begins so, such as ort-web")
    .option(
      "--min-speed <millions>",
      "only nodes measured at so many million instructions a second",
    )
    .option("--priority <n>", "1 (low) to 5 (high) (default: 3)")
    .option("--nonce <text>", "makes equal work a new job")
    .option("--open", "do not seal: everybody may read the files and the results");

/** @throws {CliFailure} `unknown-app`. */
export const appIn = (name: string): AppName => {
  if (isAppName(name)) return name;
  throw unknownApp(name);
};

/** A request for each file, or one for an app that reads something else. */
export const requestsOf = async (
  name: AppName,
  files: readonly string[],
  flags: RequestFlags,
): Promise<readonly JobRequest[]> => {
  const app: CatalogueApp = catalogue[name];
  const extra = await Promise.all(flags.input.map(readNamedInput));
  const base: JobRequest = {
    app: name,
    params: Object.fromEntries(flags.param.map(readParam)),
    ...(flags.assurance === undefined || flags.assurance === "none"
      ? {}
      : { assurance: flags.assurance }),
    ...(flags.replicas === undefined ? {} : { quorum: countIn("--replicas", flags.replicas) }),
    ...(flags.priority === undefined ? {} : { priority: countIn("--priority", flags.priority) }),
    ...(flags.price === undefined ? {} : { price: microPointsIn(flags.price) }),
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    ...(flags.minSpeed === undefined
      ? {}
      : { minSpeed: 1_000_000 * countIn("--min-speed", flags.minSpeed) }),
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
