/** `cnct submit <app> <files…>`: a job for each file, or one job for a model with its tensors. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { catalogue } from "../../domain/catalogue.ts";
import { specDefaults } from "../../domain/job/spec.ts";
import type { CnctClient, EndedJob, Waiting } from "../../sdk/index.ts";
import { withActor } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure, jobFailure } from "../failures.ts";
import { type Ended, endedTable, fetchOutputs } from "../job-report.ts";
import { addRequestOptions, appIn, type RequestFlags, requestsOf } from "../job-request.ts";
import { print, printJson, say, shortHash } from "../output.ts";
import { type Demand, nodesFor, usable } from "../waiting.ts";

interface SubmitFlags extends RequestFlags {
  readonly timeout?: string;
  readonly wait: boolean;
  readonly final?: boolean;
}

export const addSubmit = (program: Command): void => {
  addRequestOptions(
    program.command("submit").description("submit a job for each file, and wait for the results"),
  )
    .option("--timeout <seconds>", "stop waiting after so long")
    .option("--final", "wait until the results cannot be taken back any more, too")
    .option("--no-wait", "print the hashes and return at once")
    .addHelpText(
      "after",
      `
Examples:
  cnct submit ocr page.png
  cnct submit ocr page.png --assurance high
  cnct submit faces photo.jpg --replicas 3
  cnct submit onnx model.onnx --input x=tensor.json --json`,
    )
    .action(
      async (name: string, files: readonly string[], flags: SubmitFlags, command: Command) => {
        const app = appIn(name);
        const requests = await requestsOf(app, files, flags);
        const waiting = {
          ...(flags.timeout === undefined ? {} : { timeoutMs: secondsIn(flags.timeout) }),
          ...(flags.final === true ? { final: true } : {}),
        };
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
          // What an assurance takes, the gateway has looked at.
          if (created > 0 && requests[0]?.assurance === undefined)
            await warnIfShort(client, demand, quorum);
          if (!flags.wait) {
            if (json) printJson({ jobs: accepted.map((hash) => ({ hash })) });
            else for (const hash of accepted) print(hash);
            return;
          }
          await waitFor(client, accepted, { json, waiting });
        });
      },
    );
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
  { json, waiting }: { readonly json: boolean; readonly waiting: Waiting },
): Promise<void> => {
  if (!json) say(`waiting for ${hashes.map(shortHash).join(", ")}`);
  const ended = await client.awaitMany(hashes, waiting);
  const reports: readonly Ended[] = await fetchOutputs(client, ended);
  if (json)
    printJson({
      jobs: reports.map(({ job, output, text }) => ({ ...job, output: output ?? text ?? null })),
    });
  else print(endedTable(reports));
  if (!json) sayIfProvisional(ended);
  const failed = ended.find(({ status }) => status !== "COMPLETED");
  if (failed === undefined) return;
  const failure = jobFailure(failed);
  if (json) process.exitCode = failure.exit;
  else throw new CliFailure(failure.code, failure.message, failure.exit);
};

/** A result that no arbiter computed may turn out to rest on a node that is proven wrong elsewhere. */
const sayIfProvisional = (ended: readonly EndedJob[]): void => {
  const open = ended.filter(({ final }) => !final);
  const [first] = open;
  if (first === undefined) return;
  const which = open.length === ended.length ? "" : `${open.length} of ${ended.length}: `;
  say(
    `${which}not final: a result may be taken back until its awards are settled; cnct job ${shortHash(first.hash)} --watch tells, --final waits`,
  );
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
  const exit = code.startsWith("assurance-") ? exitCodes.refused : exitCodes.badInput;
  return new CliFailure(code, `${which}${message}`, exit);
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
