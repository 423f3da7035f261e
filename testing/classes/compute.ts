/** Computes jobs on one processor as a worker does: its children, an order, a statement, a result tag. */

import { native } from "../../crypto/primitives-native.ts";
import { openResultTag } from "../../crypto/result-tag.ts";
import { type AppName, catalogue } from "../../domain/catalogue.ts";
import { portableSha256 } from "../../domain/hashing.ts";
import type { Digest } from "../../domain/ids.ts";
import { jobHash } from "../../domain/job/hash.ts";
import { type JobSpec, specDefaults } from "../../domain/job/spec.ts";
import { BlobError, type BlobSink, type BlobSource } from "../../streams/blob-store.ts";
import { wallClock } from "../../streams/clock.ts";
import { openExecutorPool } from "../../worker/children/pool.ts";
import type { Executor } from "../../worker/executor.ts";
import type { EngineName } from "../../worker/executors/inference.ts";
import { runTask } from "../../worker/run-task.ts";
import { type Processor, startedOn } from "./processors.ts";

export interface ClassJob {
  readonly name: string;
  readonly app: AppName;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, Uint8Array>>;
}

export type Outcome =
  | { readonly job: string; readonly tag: Digest; readonly elapsedMs: number }
  /** The statement's code: nothing was computed. */
  | { readonly job: string; readonly failed: string };

/** An emulated processor is 10 to 50 times slower, and this machine may be busy. */
const wallMs = 600_000;
/** An emulator's own memory counts. */
const memoryBytes = 4 * 2 ** 30;

export interface ComputeOptions {
  readonly engine?: EngineName;
  /** In the place of the catalogue's programs. */
  readonly programs?: string;
}

/** In the order of the jobs. Children live for this call. */
export const computeOn = async (
  processor: Processor,
  jobs: readonly ClassJob[],
  { engine = "ort-web", programs }: ComputeOptions = {},
): Promise<readonly Outcome[]> => {
  const executors = await openExecutorPool({
    apps: [...new Set(jobs.map(({ app }) => app))],
    engine,
    children: 1,
    warm: 0, // No child is started that nobody needs.
    fence: startedOn(processor),
    memoryBytes,
    ...(programs === undefined ? {} : { programs }),
    onTrouble: () => undefined, // What goes wrong becomes a statement.
  });
  try {
    const outcomes: Outcome[] = [];
    for (const job of jobs) outcomes.push(await computeOne(job, executors));
    return outcomes;
  } finally {
    await Promise.all(executors.map((executor) => executor.close()));
  }
};

const computeOne = async (
  { name, app, params = {}, inputs }: ClassJob,
  executors: readonly Executor[],
): Promise<Outcome> => {
  const blobs = memoryBlobs();
  const refs: Record<string, { readonly digest: Digest; readonly size: number }> = {};
  for (const [input, bytes] of Object.entries(inputs)) refs[input] = await blobs.put(bytes, "");
  const { comparator, priceMicroPoints: price } = catalogue[app];
  const task = { app, params, inputs: refs, wallMs };
  const client = "client:classes" as JobSpec["client"];
  const spec: JobSpec = { ...specDefaults, ...task, client, comparator, replicasMax: 4, price };
  const statement = await runTask(
    {
      ...task,
      jobHash: jobHash(spec),
      replica: 0,
      attempt: 1,
      client,
      executionClass: executors.find(({ apps }) => apps.includes(app))?.executionClass ?? "",
      expiresAt: Number.MAX_SAFE_INTEGER,
    },
    { executors, blobs, clock: wallClock },
  );
  if (statement.outcome !== "done")
    return { job: name, failed: "code" in statement ? statement.code : statement.outcome };
  const { outputDigest, elapsedMs } = statement;
  const tag = openResultTag(native, { jobHash: jobHash(spec), outputDigest });
  return { job: name, tag, elapsedMs };
};

const memoryBlobs = (): BlobSource & BlobSink => {
  const kept = new Map<Digest, Uint8Array>();
  return {
    put: async (bytes) => {
      const digest = portableSha256(bytes);
      kept.set(digest, bytes);
      return { digest, size: bytes.byteLength };
    },
    get: async (digest) => {
      const bytes = kept.get(digest);
      if (!bytes) throw new BlobError("blob-unknown", `no blob ${digest}`);
      return bytes;
    },
  };
};
