/** What a client can do: the interface that `connect` answers, and what it takes. */

import type { Primitives } from "../crypto/primitives.ts";
import type { Random } from "../domain/chance.ts";
import type { Millis } from "../domain/decider.ts";
import type { AccountId, Digest, JobHash } from "../domain/ids.ts";
import type { BlobRef, JobSpec } from "../domain/job/spec.ts";
import type { Drains } from "./drains.ts";
import type { ByteRange } from "./http.ts";
import type { Acting } from "./identity/authority-of.ts";
import type { Queries } from "./queries.ts";
import type { RetryPolicy, Sleep } from "./retry.ts";
import type { EndedJobBatch, EventBatch, JobQuote } from "./schema.types.ts";
import type { EndedJob } from "./selections.ts";
import type { JobRequest } from "./spec.ts";
import type { SubmittedBatch } from "./submit.ts";

export interface ConnectOptions extends Acting {
  /** Where the gateway is, such as `http://127.0.0.1:4000`. */
  readonly gateway: string;
  /** Who pays for jobs that do not say, such as `client:ada`; of `identity` its own account. */
  readonly client?: AccountId;
  readonly fetch?: typeof globalThis.fetch;
  readonly webSocket?: typeof WebSocket;
  readonly retry?: RetryPolicy;
  /** How long one HTTP request may take; 30 s if left out. */
  readonly timeoutMs?: Millis;
  readonly random?: Random;
  readonly sleep?: Sleep;
  /** What seals and opens; the fastest that the platform has if left out. */
  readonly primitives?: Primitives;
}

export interface Waiting {
  readonly signal?: AbortSignal;
  /** For ever if left out: a job ends at its deadline at the latest. */
  readonly timeoutMs?: Millis;
  /**
   * Waits for an end that stands. A result of a job with an assurance may be taken back while its
   * awards are held, if no arbiter computed it: a day at most, by the policy that comes with CNCT.
   */
  readonly final?: boolean;
}

/** What becomes of a job, as `follow` tells it. */
export type Outcome =
  /** It ended; `job.final` says whether for good. */
  | { readonly state: "ended"; readonly job: EndedJob }
  /** What it ended with is not believed any more: forget it. It is open again, and ends once more. */
  | { readonly state: "reopened"; readonly hash: JobHash }
  /** Its last end stands. */
  | { readonly state: "final"; readonly job: EndedJob };

export interface Submitted {
  readonly hash: JobHash;
  /** False if this very job had been submitted before, also by a try whose answer was lost. */
  readonly created: boolean;
  readonly position: string;
}

export interface CnctClient extends Queries, Drains {
  readonly gateway: string;
  /** Stores bytes; storing twice is storing once. */
  upload(bytes: Uint8Array, mediaType?: string): Promise<BlobRef>;
  /**
   * The bytes, or a range of them. Whole blobs are checked against the digest; a range cannot be.
   * @throws {CnctRefusal} `blob-unknown`, `bad-range`, `digest-mismatch`.
   */
  download(digest: Digest, options?: { readonly range?: ByteRange }): Promise<Uint8Array>;
  /** The whole spec of a request, its bytes stored; `submit` takes either. */
  prepare(request: JobRequest): Promise<JobSpec>;
  /**
   * What the job would cost at most and as a rule, how long it would wait, and how its results would
   * be checked. Nothing is stored or submitted.
   * @throws {CnctRefusal} With the code of the rule by which it would be refused.
   */
  quote(job: JobRequest | JobSpec): Promise<JobQuote>;
  /**
   * Submits a job. Calls made while others are on their way go together in one request.
   * @throws {CnctRefusal} With the code of the rule that said no.
   */
  submit(job: JobRequest | JobSpec): Promise<Submitted>;
  /** Submits thousands of jobs; each is accepted or refused by itself. */
  submitMany(jobs: readonly (JobRequest | JobSpec)[]): Promise<SubmittedBatch>;
  /**
   * How the job ended; `status` says whether well.
   * @throws {CnctUnavailable} `timed-out` after `timeoutMs`.
   */
  await(hash: JobHash, waiting?: Waiting): Promise<EndedJob>;
  /**
   * How the job ends, whether that is taken back, how it ends then, and when its end stands: the last
   * outcome is `final`. Who used the result of an end that did not stand hears of it here.
   * @throws {CnctRefusal} `job-unknown`.
   */
  follow(hash: JobHash, options?: Pick<Waiting, "signal">): AsyncIterable<Outcome>;
  /** How each job ended, in the order given, over one subscription. */
  awaitMany(hashes: readonly JobHash[], waiting?: Waiting): Promise<readonly EndedJob[]>;
  /**
   * The output of a job that ended with one, verified, and opened if it is sealed.
   * @throws {CnctRefusal} With the job's reason if it ended without an output; `sealed-output` without
   *   an identity; `content-key-unknown`, `sealed-output-wrong`.
   */
  output(ended: EndedJob): Promise<Uint8Array>;
  /**
   * The output of the job, as `output` gives it, as soon as it is there.
   * @throws {CnctRefusal} With the job's reason if it ended without an output.
   */
  result(hash: JobHash, waiting?: Waiting): Promise<Uint8Array>;
  /** What happens to one job, from its beginning or after a position, until it has ended. */
  watch(hash: JobHash, options?: Following): AsyncIterable<EventBatch>;
  /** Events as they are written; with `after: "-1"` all there ever were. */
  events(options?: Following & EventChoice): AsyncIterable<EventBatch>;
  /** Jobs that end, of all clients or of one, and those that are opened again. */
  ended(options?: Following & { readonly client?: AccountId }): AsyncIterable<EndedJobBatch>;
  /** Calls a job off. @throws {CnctRefusal} If it has ended, or is another client's. */
  cancel(hash: JobHash): Promise<{ readonly position: string }>;
  /** Sends any document; `$atLeast` is set to the last position that this client wrote. */
  ask<Data>(query: string, variables?: Readonly<Record<string, unknown>>): Promise<Data>;
  /** Closes the socket; whoever still waits is told so. */
  close(): Promise<void>;
}

export interface Following {
  /** Deliver what comes after this position; only what is new if left out. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}
export interface EventChoice {
  /** Only events of this client's jobs. */
  readonly client?: AccountId;
  /** Only these, such as `JobCompleted`. */
  readonly types?: readonly string[];
}
