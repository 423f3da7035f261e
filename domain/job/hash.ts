import { canonicalJson } from "../canonical-json.ts";
import { portableSha256, type Sha256 } from "../hashing.ts";
import type { JobHash } from "../ids.ts";
import type { JobSpec } from "./spec.ts";

/** Keeps a job hash from ever being taken for a hash of something else. */
const tag = "cnct/job/v1\n";

/**
 * The name of a job, the same at client, gateway, worker, validator and ledger.
 *
 * @throws {TypeError} If the params hold what canonical JSON cannot say.
 */
export const jobHash = (spec: JobSpec, sha256: Sha256 = portableSha256): JobHash =>
  sha256(tag + canonicalJson(spec));

/** A task, whoever has it. */
export interface TaskNumber {
  readonly jobHash: JobHash;
  /** From 0. */
  readonly replica: number;
  /** From 1. */
  readonly attempt: number;
}

let lastNamed = { jobHash: "", replica: -1, name: "/-1" };

/**
 * What a task is called whatever its attempt: `<job hash>/<replica>`. The last name is kept: several
 * ask in turn for that of one event, and a text that was looked up once is looked up again for less.
 */
export const replicaName = (jobHash: JobHash, replica: number): string => {
  if (lastNamed.replica !== replica || lastNamed.jobHash !== jobHash)
    lastNamed = { jobHash, replica, name: `${jobHash}/${replica}` };
  return lastNamed.name;
};

/** A task's name: `<job hash>/<replica>/<attempt>`; attempts count from 1. */
export const taskName = (task: TaskNumber): string =>
  `${task.jobHash}/${task.replica}/${task.attempt}`;
