/** Ended jobs with their outputs, for a person and for a program. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../domain/decider.ts";
import type { CnctClient, EndedJob, JobView } from "../sdk/index.ts";
import { oneLine, points, shortHash, statusTone, table } from "./output.ts";

export interface Ended {
  readonly job: JobView;
  /** The parsed output, where it is JSON. */
  readonly output: unknown;
  /** For a person: the text that was read, how many faces, or how many bytes. */
  readonly text: string | undefined;
}

/** Looks up each job, waits a little until it is paid, and gets its output, a few at a time. */
export const fetchOutputs = async (
  client: CnctClient,
  jobs: readonly EndedJob[],
): Promise<readonly Ended[]> => {
  const reports: Ended[] = [];
  const giveUpAt = performance.now() + payWithinMs;
  for (let start = 0; start < jobs.length; start += 8)
    reports.push(
      ...(await Promise.all(
        jobs.slice(start, start + 8).map(async (ended) => {
          const job = await paidJob(client, ended.hash, giveUpAt);
          if (ended.outputDigest === null) return { job, output: undefined, text: undefined };
          const bytes = await client.output(ended);
          const output = readJson(bytes);
          return { job, output, text: describe(output, bytes.length) };
        }),
      )),
    );
  return reports;
};

const readJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined; // An output need not be JSON.
  }
};

/** Text of a page, count of faces, names of tensors, or else the size. */
const describe = (output: unknown, size: number): string => {
  if (typeof output === "object" && output !== null) {
    const { text, faces, boxes, outputs } = output as Readonly<Record<string, unknown>>;
    if (typeof text === "string") return text;
    const found = faces ?? boxes;
    if (Array.isArray(found)) return `${found.length} face${found.length === 1 ? "" : "s"}`;
    if (typeof outputs === "object" && outputs !== null)
      return `tensors ${Object.keys(outputs).join(", ")}`;
  }
  return `${size} bytes`;
};

const nodesOf = ({ tasks }: JobView): string =>
  tasks
    .filter(({ status }) => status === "ACCEPTED")
    .map(({ nodeId }) => nodeId)
    .join(" ");

/** The books are closed a moment after the verdict. */
const isPaid = ({ status, escrow }: JobView): boolean =>
  status !== "COMPLETED" || (escrow !== null && escrow.refunded !== null);

/** What the job paid to nodes, by the ledger. */
const paidText = (job: JobView): string =>
  isPaid(job)
    ? points(
        job.awards.reduce((sum, { amount, voided }) => (voided ? sum : sum + BigInt(amount)), 0n),
      )
    : "pending";

const payWithinMs: Millis = 2_000;

/** The job when it is paid, or as it is when that takes too long. */
const paidJob = async (client: CnctClient, hash: string, giveUpAt: number): Promise<JobView> => {
  for (;;) {
    const job = await client.job(hash);
    if (job === null) throw new Error(`job ${hash} has ended and cannot be seen`);
    if (isPaid(job) || performance.now() > giveUpAt) return job;
    await sleep(50);
  }
};

export const endedTable = (reports: readonly Ended[]): string =>
  table<Ended>(
    [
      { title: "JOB", text: ({ job }) => shortHash(job.hash) },
      { title: "APP", text: ({ job }) => job.app },
      {
        title: "VERDICT",
        text: ({ job }) => (job.reason === null ? job.status.toLowerCase() : job.reason),
        tone: ({ job }) => statusTone(job.status),
      },
      { title: "NODES", text: ({ job }) => nodesOf(job) },
      { title: "POINTS", text: ({ job }) => paidText(job), right: true },
      { title: "OUTPUT", text: ({ text }) => oneLine(text ?? "", 60) },
    ],
    reports,
  );
