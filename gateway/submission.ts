/** How a job spec from outside becomes a job: read, checked against the catalogue, hashed, decided. */
import { hash as nodeHash } from "node:crypto";
import { type ParsedWraps, parseWraps, type WrapsFault } from "../crypto/wraps.ts";
import { type AppName, type CatalogueApp, catalogue, isAppName } from "../domain/catalogue.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { Scope } from "../domain/identity/scopes.ts";
import type { Digest, JobHash } from "../domain/ids.ts";
import { type Batch, batchOf } from "../domain/job/batch.ts";
import { jobHash } from "../domain/job/hash.ts";
import { job } from "../domain/job/job.ts";
import { type BlobRef, type JobSpec, parseSpec } from "../domain/job/spec.ts";
import { recipientsMax, type Wrap } from "../domain/job/wraps.ts";
import type { Policy } from "../domain/policy/policy.ts";
import { measuredApp } from "../domain/probe/task.ts";
import { assuranceObstacle, type Obstacle, priceObstacle } from "../domain/quote/obstacle.ts";
import { misfitOf } from "../domain/verification/fits.ts";
import type { Position } from "../streams/event-store.ts";
import { handleCommand } from "../streams/handle-command.ts";
import { jobStream } from "../streams/names.ts";
import { mayActFor, mayI } from "./access/caller.ts";
import type { Context, Gateway } from "./context.ts";
import { jobRefusals, type Refusal, type RefusalCode } from "./errors.ts";
import { marketOf } from "./market.ts";
import { nearest } from "./nearest.ts";

type Read =
  | {
      readonly ok: true;
      readonly spec: JobSpec;
      readonly hash: JobHash;
      readonly wraps?: readonly Wrap[];
    }
  | { readonly ok: false; readonly refusal: Refusal };

export type Submitted =
  | {
      readonly ok: true;
      readonly hash: JobHash;
      readonly created: boolean;
      readonly position: Position;
    }
  | { readonly ok: false; readonly refusal: Refusal };

const refuse = (
  code: RefusalCode,
  message: string,
): { readonly ok: false; readonly refusal: Refusal } => ({ ok: false, refusal: { code, message } });

export const sha256: Sha256 = (bytes) => nodeHash("sha256", bytes);

/** Reads one spec; `claimed` is the hash that the client computed, if it sent one. */
export const readSpec = (value: unknown, claimed: string | null | undefined): Read => {
  const parsed = parseSpec(value);
  if (!parsed.ok) return refuse(parsed.code, parsed.message);
  const { spec } = parsed;
  if (!isAppName(spec.app)) return refuse("unknown-app", unknownApp(spec.app));
  const refusal = misfit(spec, catalogue[spec.app]);
  if (refusal) return { ok: false, refusal };
  const hash = jobHash(spec, sha256);
  if (typeof claimed === "string" && claimed !== hash)
    return refuse("hash-mismatch", `the spec has the hash ${hash}, not ${claimed}`);
  return { ok: true, spec, hash };
};

/** Checks the wraps that came with a spec; that it is sealed at all, the job's rules say. */
const withWraps = (read: Read, value: unknown): Read => {
  if (!read.ok || value === undefined || value === null) return read;
  const parsed = parseWraps(value);
  const refusal = wrapsRefusal(parsed, read.hash);
  if (refusal) return { ok: false, refusal };
  return parsed.ok ? { ...read, wraps: parsed.wraps.recipients } : read;
};

/** Why these wraps will not do for this job; undefined if they will. */
export const wrapsRefusal = (parsed: ParsedWraps, hash: JobHash): Refusal | undefined => {
  if (!parsed.ok) return { code: parsed.code, message: wrapsMessages[parsed.code] };
  const { jobHash } = parsed.wraps;
  if (jobHash === hash) return undefined;
  return { code: "wraps-of-another-job", message: `the wraps are for job ${jobHash}, not ${hash}` };
};
const wrapsMessages: Readonly<Record<WrapsFault, string>> = {
  "wraps-malformed": "the wraps have not the form that docs/envelope.md describes",
  "too-many-recipients": `wraps are for at most ${recipientsMax} recipients at once`,
};

export const unknownApp = (name: string): string => {
  const names = Object.keys(catalogue) as AppName[];
  const guess = nearest(name, names);
  const hint = guess === undefined ? `there are ${names.join(", ")}` : `did you mean "${guess}"?`;
  return `there is no app "${name}": ${hint}`;
};

/** What about a spec does not fit its app. */
const misfit = (
  { app, params, inputs, comparator, minSpeed }: JobSpec,
  known: CatalogueApp,
): Refusal | undefined => {
  if (minSpeed !== undefined && app !== measuredApp)
    return {
      code: "not-measured",
      message: `nobody measures how fast nodes are at ${app}; minSpeed is for ${measuredApp}`,
    };
  const fault = misfitOf(comparator, app, known.comparators);
  if (fault) return fault;
  for (const name in params)
    if (!known.params.includes(name))
      return {
        code: "unknown-param",
        message: `${app} has no parameter "${name.slice(0, 64)}"${
          known.params.length === 0 ? "" : `: it knows ${known.params.join(", ")}`
        }`,
      };
  let takesAny = false;
  for (const { name } of known.inputs)
    if (name === "*") takesAny = true;
    else if (!Object.hasOwn(inputs, name))
      return { code: "missing-input", message: `${app} needs an input "${name}"` };
  if (takesAny) return undefined;
  for (const name in inputs)
    if (!known.inputs.some((input) => input.name === name))
      return { code: "unknown-input", message: `${app} reads no input "${name}"` };
  return undefined;
};

/** Why the caller may submit no job at all; undefined if it may submit some. */
export const maySubmitAny = (context: Context): Refusal | undefined => {
  const { caller } = context;
  const some = caller.kind === "identity" && caller.scopes.some(isForSome);
  return some ? undefined : mayI(context, "jobs:submit");
};
const isForSome = (scope: Scope): boolean => scope.startsWith("jobs:submit:");

/**
 * Submits specs, each by itself. Nothing is awaited between the appends, so that all of them can be
 * made durable together.
 */
export const submit = async (
  context: Context,
  specs: readonly unknown[],
  {
    claimed = [],
    wraps = [],
    batch,
  }: {
    readonly claimed?: readonly (string | null)[];
    readonly wraps?: readonly unknown[];
    /** If left out, several specs are a batch. */
    readonly batch?: Batch | undefined;
  } = {},
): Promise<readonly Submitted[]> => {
  const { gateway } = context;
  const reads = specs.map((spec, index) => withWraps(readSpec(spec, claimed[index]), wraps[index]));
  const hashes = reads.flatMap((read) => (read.ok ? [read.hash] : []));
  const together = batch ?? batchOf(hashes, sha256);
  const [stored, { policy }] = await Promise.all([
    storedSizes(gateway, reads),
    gateway.policy.find(),
  ]);
  return Promise.all(
    reads.map(async (read): Promise<Submitted> => {
      if (!read.ok) return read;
      const not = mayI(context, "jobs:submit", read.hash) ?? mayActFor(context, read.spec.client);
      if (not) return { ok: false, refusal: not };
      const missing = stored && missingBlob(read.spec, stored);
      if (missing) return { ok: false, refusal: missing };
      const obstacle = obstacleTo(gateway, read.spec, policy);
      // Who asks again, since an answer was lost, hears that it is there, whatever holds now.
      if (obstacle && (await gateway.clients.find(read.hash)) === undefined)
        return { ok: false, refusal: obstacle };
      return append(gateway, read, together);
    }),
  );
};

/** Why the job could not be done as it asks, by the policy and the nodes that there are. */
export const obstacleTo = (
  gateway: Gateway,
  spec: JobSpec,
  policy: Policy,
): Obstacle | undefined => {
  const tooCheap = priceObstacle(spec, policy);
  if (tooCheap || spec.assurance === undefined) return tooCheap;
  return assuranceObstacle(spec, policy, marketOf(gateway, spec.app, policy));
};

const append = async (
  { store, ids, clock }: Gateway,
  { spec, hash, wraps }: Extract<Read, { ok: true }>,
  batch: Batch | undefined,
): Promise<Submitted> => {
  const also = { ...(wraps ? { wraps } : {}), ...(batch ? { batch } : {}) };

  const answer = await handleCommand(
    { store, ids },
    job,
    { stream: jobStream(hash), isNew: true },
    {
      type: "SubmitJob",
      jobHash: hash,
      spec,
      ...also,
      actor: spec.client as string,
      now: clock.now(),
    },
  );
  if (!answer.ok) {
    const code = jobRefusals[answer.reason];
    if (code === undefined) throw new Error(`SubmitJob was refused with ${answer.reason}`);
    return refuse(code, `job ${hash} is not sealed, and came with wraps`);
  }
  if (answer.position === undefined) throw new Error(`job ${hash} has no event`);
  return { ok: true, hash, created: answer.events.length > 0, position: answer.position };
};

/** How large each blob is that these specs name, where it is stored; undefined if they name none. */
const storedSizes = async (
  { blobs }: Gateway,
  reads: readonly Read[],
): Promise<ReadonlyMap<Digest, number> | undefined> => {
  let wanted: Set<Digest> | undefined;
  for (const read of reads) {
    if (!read.ok) continue;
    for (const name in read.spec.inputs) {
      wanted ??= new Set();
      wanted.add((read.spec.inputs[name] as BlobRef).digest);
    }
  }
  if (!wanted) return undefined;
  const sizes = new Map<Digest, number>();
  const stats = await Promise.all(Array.from(wanted, (digest) => blobs.stat(digest)));
  for (const stat of stats) if (stat) sizes.set(stat.digest, stat.size);
  return sizes;
};

const missingBlob = (
  { inputs }: JobSpec,
  stored: ReadonlyMap<Digest, number>,
): Refusal | undefined => {
  for (const [name, { digest, size }] of Object.entries(inputs)) {
    const actual = stored.get(digest);
    if (actual === undefined)
      return {
        code: "blob-unknown",
        message: `input "${name}": no blob ${digest} is stored here; upload it first`,
      };
    if (actual !== size)
      return {
        code: "blob-size-differs",
        message: `input "${name}": ${digest} has ${actual} bytes, not ${size}`,
      };
  }
  return undefined;
};
