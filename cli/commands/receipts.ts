/** `cnct receipt` and `cnct verify result`: who signed a job's results, and whether that is so. */

import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { native } from "../../crypto/primitives-native.ts";
import { type Verification, type VerifiedResult, verifyReceipts } from "../../sdk/index.ts";
import { flagsOf, withClient } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { findJob } from "../find-job.ts";
import { print, printJson, say, shortHash, table } from "../output.ts";

/** A job has 9 replicas of 5 attempts at most, so no true file is nearly so large. */
const fileBytesMax = 16 * 1024 * 1024;

export const addReceipts = (program: Command): void => {
  program
    .command("receipt")
    .description("all that anybody needs to check a job's results offline, as one file")
    .argument("<hash>", "the job hash, or its first characters")
    .option("-o, --out <file>", "write it there instead of to standard output")
    .action(async (text: string, { out }: { out?: string }, command: Command) =>
      withClient(command, async (client, { json }) => {
        const hash = await findJob(client, text);
        const file = await client.receipts(hash);
        if (file === null)
          throw new CliFailure("job-unknown", `nobody submitted a job ${hash}`, exitCodes.unknown);
        if (out === undefined) return printJson(file);
        await writeFile(out, `${JSON.stringify(file, undefined, 2)}\n`);
        const results = file.events.filter(({ type }) => type === "ResultReceived").length;
        if (json) return printJson({ hash, results, file: out });
        say(`${results} results of job ${shortHash(hash)} in ${out}: cnct verify result ${out}`);
      }),
    );

  program
    .command("verify")
    .description("check what others say, without asking anybody")
    .command("result")
    .description(
      "check a file of receipts: signatures, keys, commits, and the output if it is given",
    )
    .argument("<file>", "made by cnct receipt")
    .option("--output <file>", "the job's output, as cnct result wrote it")
    .action(async (path: string, { output }: { output?: string }, command: Command) => {
      const value = jsonIn(path, await bytesIn(path));
      const bytes = output === undefined ? undefined : await readFile(output);
      const verified = verifyReceipts(value, {
        primitives: native,
        ...(bytes === undefined ? {} : { output: bytes }),
      });
      if (flagsOf(command).json === true) printJson(verified);
      else show(verified);
      const [fault] = verified.faults;
      if (fault === undefined) return;
      const exit = fault.code === "file-malformed" ? exitCodes.badInput : exitCodes.refused;
      throw new CliFailure(fault.code, `${path}: ${sentence(fault)}`, exit);
    });
};

const bytesIn = async (path: string): Promise<Buffer> => {
  const bytes = await readFile(path);
  if (bytes.length <= fileBytesMax) return bytes;
  const message = `${path} has ${bytes.length} bytes of at most ${fileBytesMax}`;
  throw new CliFailure("file-malformed", message, exitCodes.badInput);
};

const jsonIn = (path: string, bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new CliFailure("file-malformed", `${path} is not JSON`, exitCodes.badInput, error);
  }
};

const sentence = ({ message, replica }: Verification["faults"][number]): string =>
  replica === null ? message : `replica ${replica}: ${message}`;

const show = ({ jobHash, results, faults }: Verification): void => {
  if (results.length > 0) print(table<VerifiedResult>(columns, results));
  for (const fault of faults) say(`${fault.code}: ${sentence(fault)}`);
  if (faults.length === 0)
    say(
      `${results.length} results of job ${shortHash(jobHash ?? "")} are what their workers signed`,
    );
};

const columns: Parameters<typeof table<VerifiedResult>>[0] = [
  { title: "REPLICA", text: ({ replica }) => String(replica), right: true },
  { title: "ATTEMPT", text: ({ attempt }) => String(attempt), right: true },
  { title: "NODE", text: ({ nodeId }) => nodeId },
  { title: "OUTPUT", text: ({ outputDigest }) => shortHash(outputDigest) },
  { title: "VERDICT", text: ({ accepted }) => (accepted ? "accepted" : "-") },
  { title: "SIGNED BY", text: ({ worker }) => worker ?? "nobody" },
];
