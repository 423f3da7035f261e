/** `cnct jobs`, `job`, `result`, `cancel`: what became of work. */

import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { CnctClient, Event, JobView, Outcome } from "../../sdk/index.ts";
import { ownAccount, withActor, withClient, withReader } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure, jobFailure } from "../failures.ts";
import { findJob } from "../find-job.ts";
import {
  ago,
  lineList,
  oneLine,
  points,
  print,
  printJson,
  printJsonLine,
  say,
  shortHash,
  statusTone,
  table,
} from "../output.ts";
import { verificationLines } from "../verification-text.ts";
import { demandOf, nodesFor, whyOpen } from "../waiting.ts";
import { pageSize } from "./paging.ts";

const statuses = ["open", "completed", "failed", "rejected", "cancelled"];

export const addJobs = (program: Command): void => {
  program
    .command("jobs")
    .description("list jobs, newest first")
    .option("--status <status>", statuses.join(", "))
    .option("--app <name>", "only jobs of this app")
    .option("--reopened", "only jobs that were taken back after they had completed")
    .option("--mine", "only your own jobs, or those of --client")
    .option("--first <n>", "how many, 1 to 100", "20")
    .option("--after <cursor>", "go on behind an earlier page")
    .action(async (flags: JobsFlags, command: Command) => {
      const status = flags.status?.toLowerCase();
      if (status !== undefined && !statuses.includes(status))
        throw new CliFailure(
          "bad-option",
          `--status takes ${statuses.join(", ")}, not "${flags.status}"`,
          exitCodes.usage,
        );
      const { first, after } = flags;
      await withClient(command, async (client, { json }) => {
        const filter = {
          ...(status === undefined ? {} : { status: status.toUpperCase() as JobView["status"] }),
          ...(flags.app === undefined ? {} : { app: flags.app }),
          ...(flags.reopened === true ? { reopenedAfter: "-1" } : {}),
          ...(flags.mine === true ? { client: await ownAccount(command, client) } : {}),
        };
        const page = await client.jobs({
          first: pageSize(first),
          ...(after === undefined ? {} : { after }),
          filter,
        });
        if (json) return printJson(page);
        if (page.nodes.length === 0) return say("no jobs; submit one with cnct submit");
        print(jobTable(page.nodes));
        if (page.pageInfo.hasNextPage) say(`more: --after ${page.pageInfo.endCursor}`);
      });
    });

  program
    .command("job")
    .description("one job: how its result was checked, and everything that happened to it")
    .argument("<hash>", "the job hash, or its first characters")
    .option("--watch", "how it ends, a line for each end, until one stands or Ctrl-C")
    .action(async (text: string, { watch }: { watch?: boolean }, command: Command) =>
      withClient(command, async (client, { json }) => {
        const hash = await findJob(client, text);
        if (watch === true) return watchEnds(client, hash, json);
        const [job, verification, history] = await Promise.all([
          client.job(hash),
          client.verification(hash),
          client.history(hash),
        ]);
        if (job === null || verification === null || history === null) throw unknownJob(hash);
        const waits =
          job.status === "OPEN" ? whyOpen(job, await nodesFor(client, demandOf(job))) : null;
        if (json) return printJson({ ...job, waits, verification, history });
        print(jobTable([job]));
        print("");
        print(lineList(verificationLines(job, verification)));
        print("");
        print(historyTable(history));
        if (waits !== null) say(`job ${shortHash(hash)} is open: ${waits}`);
        if (job.reason !== null) say(jobFailure(job).message);
      }),
    );

  program
    .command("result")
    .description("the output of a job, verified; waits for it")
    .argument("<hash>", "the job hash, or its first characters")
    .option("-o, --output <file>", "write it there instead of to standard output")
    .option("--final", "waits until it cannot be taken back any more")
    .action(async (text: string, { output, final = false }: ResultFlags, command: Command) =>
      withReader(command, async (client, { json }) => {
        const hash = await findJob(client, text);
        const ended = await client.await(hash, { final });
        if (ended.outputDigest === null) {
          const { code, message, exit } = jobFailure(ended);
          throw new CliFailure(code, message, exit);
        }
        const bytes = await client.output(ended);
        if (output !== undefined) await writeFile(output, bytes);
        if (json)
          return printJson({
            hash,
            digest: ended.outputDigest,
            size: bytes.length,
            ...(output === undefined
              ? { base64: Buffer.from(bytes).toString("base64") }
              : { output }),
          });
        if (output === undefined) process.stdout.write(bytes);
        else say(`${bytes.length} bytes in ${output}`);
      }),
    );

  program
    .command("cancel")
    .description("call a job off; what was not earned comes back")
    .argument("<hash>", "the job hash, or its first characters")
    .action(async (text: string, _: object, command: Command) =>
      withActor(command, async (client, { json }) => {
        const hash = await findJob(client, text);
        const { position } = await client.cancel(hash);
        if (json) printJson({ hash, position });
        else say(`job ${shortHash(hash)} is cancelled`);
      }),
    );
};

interface ResultFlags {
  readonly output?: string;
  readonly final?: boolean;
}
interface JobsFlags {
  readonly status?: string;
  readonly reopened?: boolean;
  readonly app?: string;
  readonly mine?: boolean;
  readonly first: string;
  readonly after?: string;
}

/** A line for each end of a job, and for each that is taken back, until one stands. */
const watchEnds = async (client: CnctClient, hash: string, json: boolean): Promise<void> => {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  try {
    for await (const outcome of client.follow(hash, { signal: stop.signal }))
      if (json) printJsonLine(outcome);
      else print(`${new Date().toISOString()}  ${outcomeText(outcome)}`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
};

const outcomeText = (outcome: Outcome): string => {
  if (outcome.state === "reopened")
    return "reopened: a node whose result it rested on was proven wrong; forget that result, it is computed again";
  const { status, reason, outputDigest, final } = outcome.job;
  const how = `${status.toLowerCase()}${reason === null ? "" : ` (${reason})`}${outputDigest === null ? "" : `, output ${shortHash(outputDigest)}`}`;
  if (outcome.state === "final") return `final: ${how}; it cannot be taken back any more`;
  return `ended: ${how}${final ? "" : "; it may be taken back until its awards are settled"}`;
};

const unknownJob = (hash: string): CliFailure =>
  new CliFailure(
    "job-unknown",
    `nobody submitted a job ${hash}; cnct jobs lists them`,
    exitCodes.unknown,
  );

const jobTable = (jobs: readonly JobView[]): string =>
  table<JobView>(
    [
      { title: "JOB", text: ({ hash }) => shortHash(hash) },
      { title: "APP", text: ({ app }) => app },
      {
        title: "STATUS",
        text: ({ status }) => status.toLowerCase(),
        tone: ({ status }) => statusTone(status),
      },
      { title: "CLIENT", text: ({ client }) => client },
      { title: "QUORUM", text: ({ quorum }) => String(quorum), right: true },
      { title: "TASKS", text: ({ tasks }) => String(tasks.length), right: true },
      { title: "PRICE", text: ({ price }) => points(price), right: true },
      { title: "SUBMITTED", text: ({ submittedAt }) => ago(submittedAt) },
      { title: "REASON", text: ({ reason }) => reason ?? "" },
    ],
    jobs,
  );

const historyTable = (history: readonly Event[]): string =>
  table<Event>(
    [
      { title: "AT", text: ({ at }) => new Date(at).toISOString() },
      { title: "EVENT", text: ({ type }) => type },
      { title: "WHAT", text: ({ data }) => eventText(data) },
    ],
    history,
  );

/** The fields of an event that a reader looks for, in the order in which they matter. */
const told = ["replica", "attempt", "nodeId", "executionClass", "outputDigest", "elapsedMs"];
const toldToo = ["code", "comparator", "distance", "groups", "reason"];

export const eventText = (data: unknown): string => {
  if (typeof data !== "object" || data === null) return "";
  const fields = data as Readonly<Record<string, unknown>>;
  const words = [...told, ...toldToo]
    .filter((name) => fields[name] !== undefined && fields[name] !== null)
    // Why a node was chosen is an object, for `--json`.
    .filter((name) => Array.isArray(fields[name]) || typeof fields[name] !== "object")
    .map((name) => `${name}=${fieldText(fields[name])}`);
  return oneLine(words.join(" "), 160);
};

const fieldText = (value: unknown): string =>
  typeof value === "string"
    ? /^[0-9a-f]{64}$/.test(value)
      ? shortHash(value)
      : value
    : JSON.stringify(value);
