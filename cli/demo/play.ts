/** The demo itself: pages in, text out, and every figure checked against the log. */

import { join } from "node:path";
import { characterAccuracy } from "../../examples/pages/accuracy.ts";
import { makePages } from "../../examples/pages/pages.ts";
import type { Comparison } from "../../projections/compare.ts";
import { proveProjections } from "../../projections/rebuild.ts";
import type { CnctClient, EntryPage, JobView } from "../../sdk/index.ts";
import { connectEventStore } from "../../streams/connect-event-store.ts";
import { type Ended, fetchOutputs } from "../job-report.ts";
import type { Network } from "../network/network.ts";
import { progressBar } from "../progress.ts";

/** What `npm run demo -- --json` prints as its last line. */
export interface DemoFigures {
  readonly jobs: number;
  readonly completed: number;
  /** Results that the validator rejected. */
  readonly rejected: number;
  /** Share of the characters that were read right, 0 to 1, over all pages. */
  readonly charAccuracy: number;
  /** In the log, seen by the views. */
  readonly events: number;
  /** In points. */
  readonly pointsAwarded: number;
  /** All accounts add up to 0, and the nodes hold exactly what the jobs awarded. */
  readonly ledgerBalanced: boolean;
  /** Views folded anew from the log equal those in use, row by row. */
  readonly rebuildIdentical: boolean;
  /** From submission, all at once, to the end of a job, median, ms. Mostly waiting in line. */
  readonly p50Ms: number;
  /** From the start of the command until here, ms. */
  readonly wallMs: number;
}

export interface DemoShown {
  readonly reports: readonly Ended[];
  readonly statements: readonly {
    readonly account: string;
    readonly entries: EntryPage["nodes"];
  }[];
  readonly proof: Comparison & { readonly events: number };
  readonly figures: DemoFigures;
}

const replicas = 2;
const seed = 1;
/** What the pages' pictures give at the least; measured 0.99. */
const accuracyMin = 0.95;
const settleWithinMs = 15_000;

export const isWell = (figures: DemoFigures): boolean =>
  figures.completed === figures.jobs &&
  figures.charAccuracy >= accuracyMin &&
  figures.ledgerBalanced &&
  figures.rebuildIdentical;

/** The same pages each time. */
export const demoPages = (count: number) => makePages({ count, seed });

export const playDemo = async ({
  client,
  network,
  dataDirectory,
  pages: rendered,
  startedAt,
  signal,
}: {
  readonly client: CnctClient;
  readonly network: Network;
  readonly dataDirectory: string;
  /** Of `demoPages`, which may still be at work. */
  readonly pages: ReturnType<typeof demoPages>;
  readonly startedAt: number;
  readonly signal: AbortSignal;
}): Promise<DemoShown> => {
  const pages = await rendered;
  const jobs = pages.length;
  signal.throwIfAborted();
  const submittedAt = performance.now();
  const nonce = `demo-${Date.now()}`; // A log that outlives the demo may know these pages.
  const { hashes, refusals } = await client.submitMany(
    pages.map(({ png }) => ({
      app: "ocr",
      inputs: { image: { bytes: png, mediaType: "image/png" } },
      quorum: replicas,
      nonce,
    })),
  );
  const refusal = refusals[0];
  if (refusal !== undefined) throw new Error(`page ${refusal.index + 1}: ${refusal.message}`);

  const bar = progressBar(`${jobs} pages, ${replicas} replicas each`, jobs);
  const tookMs: number[] = [];
  const ended = await Promise.all(
    hashes.map(async (hash) => {
      const end = await client.await(hash ?? "", { signal });
      tookMs.push(performance.now() - submittedAt);
      bar.step();
      return end;
    }),
  );
  bar.end();
  await settled(
    client,
    ended.map(({ hash }) => hash),
    signal,
  );

  const reports = await fetchOutputs(client, ended);
  const { nodes: accounts } = await client.accounts({ first: 100, kind: "NODE" });
  const pending = await client.accounts({ first: 100, kind: "PENDING" });
  const bonds = await client.accounts({ first: 100, kind: "BOND" });
  const statements = await Promise.all(
    accounts.map(async ({ id }) => ({
      account: id,
      entries: (await client.entries(id, { first: 100 }))?.nodes ?? [],
    })),
  );
  const totals = await client.network();
  const store = await connectEventStore({ url: network.eventStoreUrl });
  let proof: DemoShown["proof"];
  try {
    proof = await proveProjections({ store, directory: join(dataDirectory, "views") });
  } finally {
    await store.close();
  }

  const { voided, slashed } = totals.points;
  const held = [...accounts, ...pending.nodes, ...bonds.nodes].reduce(
    (sum, { balance }) => sum + BigInt(balance),
    BigInt(voided) + BigInt(slashed),
  );
  const awarded = BigInt(totals.points.awarded);
  const figures: DemoFigures = {
    jobs,
    completed: ended.filter(({ status }) => status === "COMPLETED").length,
    rejected: reports.reduce((sum, { job }) => sum + rejectedIn(job), 0),
    charAccuracy: round(meanAccuracy(pages, reports), 4),
    events: totals.events,
    pointsAwarded: Number(awarded) / 1e6,
    ledgerBalanced: totals.points.sum === "0" && held === awarded,
    rebuildIdentical: proof.identical,
    p50Ms: Math.round(medianOf(tookMs)),
    wallMs: Math.round(performance.now() - startedAt),
  };
  return { reports, statements, proof, figures };
};

/** Waits until every job is paid and its escrow closed: that happens right after its end. */
const settled = async (
  client: CnctClient,
  hashes: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const giveUpAt = performance.now() + settleWithinMs;
  const open = new Set(hashes);
  while (open.size > 0) {
    signal.throwIfAborted();
    for (const hash of open) {
      const job = await client.job(hash);
      if (job?.escrow?.refunded !== null || job.status === "REJECTED") open.delete(hash);
      else break;
    }
    if (open.size === 0) return;
    if (performance.now() > giveUpAt)
      throw new Error(`${open.size} jobs were not paid within ${settleWithinMs} ms of their end`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const rejectedIn = ({ tasks }: JobView): number =>
  tasks.filter(({ status }) => status === "REJECTED").length;

const meanAccuracy = (
  pages: readonly { readonly text: string }[],
  reports: readonly Ended[],
): number => {
  const scores = pages.map(({ text }, at) => characterAccuracy(text, reports[at]?.text ?? ""));
  return scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
};

const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
};

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
