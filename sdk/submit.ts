/** Handing jobs over. The job hash makes it safe to ask again when an answer is lost. */

import type { JobHash } from "../domain/ids.ts";
import { batchOf } from "../domain/job/batch.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { Wraps } from "../domain/job/wraps.ts";
import { hashOf, sha256 } from "./digest.ts";
import { CnctRefusal } from "./errors.ts";
import type { Refusal, RefusalOfOne, SubmittedJobs } from "./schema.types.ts";

export interface SubmittedBatch {
  /** In the order given; null where a job was refused. */
  readonly hashes: readonly (JobHash | null)[];
  /** How many are new. After a lost answer, fewer than this call really made. */
  readonly created: number;
  /** Whether each is new, in the order given; false where a job was refused. */
  readonly isNew: readonly boolean[];
  /** Those that were refused; `index` counts from 0. */
  readonly refusals: readonly RefusalOfOne[];
  /** Where the last of them stands in the log. */
  readonly position: string;
}

export const emptyBatch: SubmittedBatch = {
  hashes: [],
  created: 0,
  isNew: [],
  refusals: [],
  position: "-1",
};

/** One request takes so many jobs, and so many characters of specs: about 10,000 names in objects. */
export const jobsPerRequest = 500;
const charactersPerRequest = 280_000;
export const requestsInFlight = 4;

const document = `mutation SubmitJobs(
  $specs: [JobSpecJson!]!, $hashes: [Digest!], $wraps: [WrapsJson], $batch: BatchInput) {
  submitJobs(specs: $specs, hashes: $hashes, wraps: $wraps, batch: $batch) {
    __typename
    ... on SubmittedJobs { hashes created isNew position refusals { index code message } }
    ... on Refusal { code message }
  }
}`;

type Answer =
  | ({ readonly __typename: "SubmittedJobs" } & SubmittedJobs)
  | ({ readonly __typename: "Refusal" } & Refusal);

interface Chunk {
  readonly start: number;
  readonly specs: string[];
  readonly hashes: JobHash[];
  /** As JSON; "null" for open jobs. */
  readonly wraps: string[];
  characters: number;
}

/**
 * Submits whole specs, several requests at a time; together they are a batch.
 *
 * @param wraps - Of sealed jobs, in the order of the specs; null for open ones.
 * @throws {CnctRefusal} If a request as a whole is refused.
 * @throws {CnctUnavailable} If the gateway does not answer; some jobs may have been submitted.
 */
export const submitSpecs = async (
  specs: readonly JobSpec[],
  wraps: readonly (Wraps | null)[],
  send: <Data>(body: string) => Promise<Data>,
): Promise<SubmittedBatch> => {
  const chunks = chunksOf(specs, wraps);
  const answers: { readonly start: number; readonly answer: SubmittedJobs }[] = [];
  const hashes = chunks.flatMap((chunk) => chunk.hashes);
  const batch = JSON.stringify(batchOf(hashes, sha256) ?? null);
  const queue = chunks.values();
  const work = async () => {
    for (const { start, specs, hashes, wraps } of queue) {
      // Each spec is JSON already: it is not read and written a second time.
      const body = `{"query":${JSON.stringify(document)},"variables":{"specs":[${specs}],"hashes":${JSON.stringify(hashes)},"wraps":[${wraps}],"batch":${batch}}}`;
      const { submitJobs } = await send<{ submitJobs: Answer }>(body);
      if (submitJobs.__typename === "Refusal")
        throw new CnctRefusal(submitJobs.code, submitJobs.message);
      answers.push({ start, answer: submitJobs });
    }
  };
  await Promise.all(Array.from({ length: Math.min(requestsInFlight, chunks.length) }, work));
  answers.sort((a, b) => a.start - b.start);
  return {
    hashes: answers.flatMap(({ answer }) => answer.hashes),
    created: answers.reduce((sum, { answer }) => sum + answer.created, 0),
    isNew: answers.flatMap(({ answer }) => answer.isNew),
    refusals: answers.flatMap(({ start, answer }) =>
      answer.refusals.map((refusal) => ({ ...refusal, index: refusal.index + start })),
    ),
    position: answers.reduce((last, { answer }) => laterOf(last, answer.position), "-1"),
  };
};

const chunksOf = (
  specs: readonly JobSpec[],
  wraps: readonly (Wraps | null)[],
): readonly Chunk[] => {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const [index, spec] of specs.entries()) {
    const text = JSON.stringify(spec);
    const keys = JSON.stringify(wraps[index] ?? null);
    const characters = text.length + keys.length;
    const isFull =
      chunk !== undefined &&
      (chunk.specs.length === jobsPerRequest ||
        chunk.characters + characters > charactersPerRequest);
    if (chunk === undefined || isFull) {
      chunk = { start: index, specs: [], hashes: [], wraps: [], characters: 0 };
      chunks.push(chunk);
    }
    chunk.specs.push(text);
    chunk.hashes.push(hashOf(spec));
    chunk.wraps.push(keys);
    chunk.characters += characters;
  }
  return chunks;
};

export const laterOf = (a: string, b: string): string => (BigInt(a) >= BigInt(b) ? a : b);
