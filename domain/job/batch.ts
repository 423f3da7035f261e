/** What a client submits together: the network can tell when nearly all of it is done. */
import type { Sha256 } from "../hashing.ts";
import type { JobHash } from "../ids.ts";

export interface Batch {
  /** Names the batch among those of its client. 1 to 64 of a-z, A-Z, 0-9, - and _. */
  readonly id: string;
  /** How many jobs it has, also those that are yet to come; 1 to `batchJobsMax`. */
  readonly size: number;
}

export const batchJobsMax = 10_000_000;

/** These jobs as a batch, the same whenever they are submitted again; undefined where it is one job alone. */
export const batchOf = (hashes: readonly JobHash[], sha256: Sha256): Batch | undefined => {
  if (hashes.length < 2) return undefined;
  const id = sha256(`cnct/batch/v1\n${hashes.join("\n")}`).slice(0, 16);
  return { id, size: hashes.length };
};

const idForm = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a value from outside is a batch. */
export const isBatch = (value: unknown): value is Batch => {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 2) return false;
  const { id, size } = value as Partial<Record<keyof Batch, unknown>>;
  if (typeof id !== "string" || !idForm.test(id)) return false;
  return Number.isSafeInteger(size) && (size as number) >= 1 && (size as number) <= batchJobsMax;
};
