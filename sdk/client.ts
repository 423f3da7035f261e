/**
 * A connection to the network through one gateway: all that a program can ask for, in one place. Each
 * part (requests, logins, subscriptions, submissions) lives in a file of its own beside this one.
 */

import type { Primitives } from "../crypto/primitives.ts";
import { platform } from "../crypto/primitives-platform.ts";
import type { Random } from "../domain/chance.ts";
import type { Millis } from "../domain/decider.ts";
import { emptyDigest } from "../domain/hashing.ts";
import type { AccountId, Digest, JobHash } from "../domain/ids.ts";
import type { BlobRef, JobSpec } from "../domain/job/spec.ts";
import { digestOf, sha256 } from "./digest.ts";
import { type EndedFeed, openEndedFeed } from "./ended.ts";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { type ByteRange, openHttp } from "./http.ts";
import { type Acting, authorityOf } from "./identity/authority-of.ts";
import { type KeyWatch, openKeyWatch } from "./keys-awaited.ts";
import { openPreparing } from "./prepare.ts";
import { openQueries, type Queries } from "./queries.ts";
import { quoteSpec } from "./quote.ts";
import { resume } from "./resume.ts";
import { defaultRetryPolicy, type RetryPolicy, type Sleep, sleep } from "./retry.ts";
import type {
  EndedJobBatch,
  EventBatch,
  JobQuote,
  KeysAwaitedBatch,
  Refusal,
  SealedOutput,
} from "./schema.types.ts";
import { openSealing } from "./sealing.ts";
import { type EndedJob, endedFields, eventFields } from "./selections.ts";
import type { JobRequest } from "./spec.ts";
import {
  emptyBatch,
  jobsPerRequest,
  laterOf,
  requestsInFlight,
  type SubmittedBatch,
  submitSpecs,
} from "./submit.ts";
import { together } from "./together.ts";
import { openUploads } from "./uploads.ts";
import { openWire } from "./wire.ts";

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
}

export interface Submitted {
  readonly hash: JobHash;
  /** False if this very job had been submitted before, also by a try whose answer was lost. */
  readonly created: boolean;
  readonly position: string;
}

export interface CnctClient extends Queries {
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
  /** Jobs that end, of all clients or of one. */
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

/**
 * Opens a client. Nothing is sent before the first call.
 *
 * @throws {CnctRefusal} `bad-service-key`, `insecure-gateway`.
 */
export const connect = (options: ConnectOptions): CnctClient => {
  const gateway = options.gateway.replace(/\/+$/, "");
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const timeoutMs = options.timeoutMs ?? 30_000;
  const authority = authorityOf(options, { gateway, fetch, timeoutMs });
  const patience = {
    policy: options.retry ?? defaultRetryPolicy,
    random: options.random ?? Math.random,
    sleep: options.sleep ?? sleep,
  };
  const http = openHttp({
    gateway,
    fetch: authority?.fetch ?? fetch,
    patience,
    timeoutMs,
  });
  const payer = async () => options.client ?? (await authority?.account());
  const wire = openWire(
    `${gateway.replace(/^http/, "ws")}/graphql`,
    options.webSocket ?? globalThis.WebSocket,
    authority,
  );

  /** The last position that this client wrote, or has learnt. */
  let written: string | undefined;
  const note = (position: string) => {
    written = written === undefined ? position : laterOf(written, position);
  };
  const uploads = openUploads({ http, note });
  /** Jobs that this client submitted and has not waited for: who pays, and when it was not yet there. */
  const submitted = new Map<
    JobHash,
    { readonly payer: AccountId; readonly since: string; readonly sealed: boolean }
  >();

  const send = <Data>(query: string, variables: Readonly<Record<string, unknown>>) =>
    http.graphql<Data>(JSON.stringify({ query, variables }));
  const ask = <Data>(query: string, variables: Readonly<Record<string, unknown>> = {}) =>
    send<Data>(query, query.includes("$atLeast") ? { atLeast: written, ...variables } : variables);
  const queries = openQueries(ask);

  /** A position before anything that is written from now on, and after all that was written before. */
  const baseline = async (): Promise<string> => {
    if (written === undefined) {
      const { network } = await ask<{ network: { head: string } }>(
        "query Head { network { head } }",
      );
      note(network.head);
    }
    return written ?? "-1";
  };

  const follow = <Batch extends { readonly position: string }>(
    field: string,
    query: string,
    variables: Readonly<Record<string, unknown>>,
    { after, signal }: { readonly after: string; readonly signal?: AbortSignal | undefined },
    isOver?: () => Promise<boolean>,
  ) =>
    resume<Batch>({
      wire,
      query,
      variables,
      after,
      read: (data) => data[field],
      ...(isOver === undefined ? {} : { isOver }),
      patience,
      signal,
    });

  const endedAfter = (after: string, client?: AccountId, signal?: AbortSignal) =>
    follow<EndedJobBatch>(
      "jobEnded",
      `subscription Ended($client: AccountId, $after: Position) {
        jobEnded(client: $client, after: $after, batchMax: 1000) { position jobs { ${endedFields} } } }`,
      { client },
      { after, signal },
    );

  const { identity } = options;
  const sealing =
    identity &&
    openSealing({
      gateway,
      identity: typeof identity === "function" ? identity : async () => identity,
      ask,
      download: (digest) => client.download(digest),
      random: patience.random,
      primitives: options.primitives ?? platform,
      sha256,
    });
  const watches = new Map<AccountId, KeyWatch>();
  const watchOf = (account: AccountId): KeyWatch | undefined => {
    if (sealing === undefined) return undefined;
    const known = watches.get(account);
    if (known !== undefined) return known;
    const watch = openKeyWatch({
      listen: (after, signal) =>
        follow<KeysAwaitedBatch>(
          "keysAwaited",
          `subscription KeysAwaited($client: AccountId!, $after: Position) {
            keysAwaited(client: $client, after: $after) { position jobs { hash position } } }`,
          { client: account },
          { after, signal },
        ),
      position: baseline,
      wrapForMore: sealing.wrapForMore,
      sleep: patience.sleep,
    });
    watches.set(account, watch);
    return watch;
  };

  const look = async (hash: JobHash, atLeast: string) => {
    const { job } = await ask<{ job: LookedAt | null }>(
      `query Ended($hash: Digest!, $atLeast: Position) { job(hash: $hash, atLeast: $atLeast) {
        hash client status reason position output { digest size } sealed
        tasks { replica attempt status resultTag output { digest } } } }`,
      { hash, atLeast: written === undefined ? atLeast : laterOf(atLeast, written) },
    );
    return job;
  };

  /** One for each client whose jobs are waited for; nearly always one. */
  const feeds = new Map<AccountId, EndedFeed>();
  const feedOf = (payer: AccountId): EndedFeed => {
    const known = feeds.get(payer);
    if (known !== undefined) return known;
    const feed = openEndedFeed({
      listen: (after, signal) => endedAfter(after, payer, signal),
      position: baseline,
      look: async (hash, atLeast) => {
        const job = await look(hash, atLeast);
        return job === null ? null : endOf(job);
      },
    });
    feeds.set(payer, feed);
    return feed;
  };

  const awaitEnd = async (hash: JobHash, signal: AbortSignal): Promise<EndedJob> => {
    const own = submitted.get(hash);
    if (own !== undefined) {
      const waiting = feedOf(own.payer).await(hash, own.since, signal);
      const ended = await (own.sealed ? withKeys(hash, own, waiting) : waiting);
      submitted.delete(hash);
      return ended;
    }
    const job = await look(hash, await baseline());
    if (job === null) throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
    const ended = endOf(job);
    if (ended !== "open") return ended;
    const waiting = feedOf(job.client).await(hash, undefined, signal, job.position);
    if (!job.sealed || (await payer()) !== job.client) return waiting;
    return withKeys(hash, { payer: job.client }, waiting);
  };

  /** Waits for a sealed job, and wraps its key for more nodes when that is asked for meanwhile. */
  const withKeys = async (
    hash: JobHash,
    { payer: account, since }: { readonly payer: AccountId; readonly since?: string },
    waiting: Promise<EndedJob>,
  ): Promise<EndedJob> => {
    const watching = watchOf(account)?.watch(hash, since);
    if (watching === undefined) return waiting;
    try {
      return await Promise.race([waiting, watching.failed]);
    } finally {
      waiting.catch(() => undefined); // Left behind: nobody is to hear of it.
      watching.stop();
    }
  };

  /** Any other accepted result will do if the first one cannot be read: their tags are equal. */
  const openAny = async (
    hash: JobHash,
    { outputDigest, sealed }: EndedJob,
  ): Promise<Uint8Array> => {
    if (sealing === undefined)
      throw new CnctRefusal(
        "sealed-output",
        `the output of job ${hash} is sealed: connect with the identity that submitted it`,
      );
    const openOne = async (digest: Digest, from: SealedOutput) =>
      sealing.openOutput(hash, { body: await client.download(digest), digest, sealed: from });
    const first =
      outputDigest === null || sealed === null ? undefined : ([outputDigest, sealed] as const);
    let failure: unknown;
    if (first !== undefined)
      try {
        return await openOne(...first);
      } catch (error) {
        if (!(error instanceof CnctRefusal) || error.code === "content-key-unknown") throw error;
        failure = error;
      }
    const job = await look(hash, await baseline());
    for (const { status, output, replica, attempt, resultTag } of job?.tasks ?? []) {
      if (status !== "ACCEPTED" || output === null || resultTag !== sealed?.resultTag) continue;
      if (output.digest === outputDigest) continue;
      try {
        return await openOne(output.digest, { replica, attempt, resultTag });
      } catch (error) {
        if (!(error instanceof CnctRefusal)) throw error;
      }
    }
    throw failure;
  };

  const submitOne = together(
    async (specs: readonly JobSpec[]): Promise<readonly (Submitted | CnctRefusal)[]> => {
      const { hashes, isNew, refusals, position } = await client.submitMany(specs);
      const refused = new Map(refusals.map((refusal) => [refusal.index, refusal]));
      return specs.map((_, index) => {
        const refusal = refused.get(index);
        if (refusal !== undefined) return new CnctRefusal(refusal.code, refusal.message);
        const hash = hashes[index];
        if (hash === null || hash === undefined)
          return new CnctRefusal("bad-answer", "the gateway answers neither a hash nor a refusal");
        return { hash, created: isNew[index] === true, position };
      });
    },
    { most: jobsPerRequest, inFlight: requestsInFlight },
  );

  const preparing = openPreparing({
    commits: authority !== undefined,
    payer,
    upload: (bytes, mediaType) => client.upload(bytes, mediaType),
    sealing,
    queries,
  });

  const client: CnctClient = {
    ...queries,
    gateway,
    ask,

    upload: (bytes, mediaType = "application/octet-stream") => uploads.upload(bytes, mediaType),

    download: async (digest, { range } = {}) => {
      // No node stores nothing.
      if (digest === emptyDigest && range === undefined) return new Uint8Array();
      const bytes = await http.getBlob(digest, range);
      if (range === undefined && (await digestOf(bytes)) !== digest)
        throw new CnctRefusal("digest-mismatch", `the gateway sent other bytes for ${digest}`);
      return bytes;
    },

    prepare: preparing.prepare,

    quote: async (job) => quoteSpec("version" in job ? job : await preparing.draft(job), ask),

    submit: async (job) => {
      const answer = await submitOne("version" in job ? job : await client.prepare(job));
      if (answer instanceof CnctRefusal) throw answer;
      return answer;
    },

    submitMany: async (jobs) => {
      if (jobs.length === 0) return emptyBatch;
      const specs = await Promise.all(
        jobs.map((job) => ("version" in job ? job : client.prepare(job))),
      );
      const before = await baseline();
      const wraps = (await sealing?.wrapsFor(specs)) ?? [];
      const batch = await submitSpecs(specs, wraps, (body) => http.graphql(body));
      note(batch.position);
      for (const [index, hash] of batch.hashes.entries()) {
        const { client: payer, sealed = false } = specs[index] ?? {};
        // A job that was there before may have ended before.
        if (hash !== null && payer !== undefined && batch.isNew[index] === true)
          submitted.set(hash, { payer, since: before, sealed });
      }
      return batch;
    },

    await: async (hash, { signal, timeoutMs } = {}) => {
      const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
      const signals = [signal, limit].filter((one) => one !== undefined);
      try {
        const ended = await awaitEnd(hash, AbortSignal.any(signals));
        note(ended.position);
        return ended;
      } catch (error) {
        if (limit?.aborted !== true || signal?.aborted === true) throw error;
        throw new CnctUnavailable("timed-out", `job ${hash} did not end within ${timeoutMs} ms`);
      }
    },

    awaitMany: (hashes, waiting) => Promise.all(hashes.map((hash) => client.await(hash, waiting))),

    result: async (hash, waiting) => client.output(await client.await(hash, waiting)),

    output: async (ended) => {
      const { hash, status, reason, outputDigest, sealed } = ended;
      if (outputDigest === null)
        throw new CnctRefusal(
          reason ?? `job-${status.toLowerCase()}`,
          `job ${hash} has no output: it is ${status.toLowerCase()}${reason === null ? "" : ` (${reason})`}`,
        );
      return sealed === null ? client.download(outputDigest) : openAny(hash, ended);
    },

    watch: (hash, { after = "-1", signal } = {}) =>
      follow<EventBatch>(
        "jobEvents",
        `subscription JobEvents($hash: Digest!, $after: Position) {
          jobEvents(hash: $hash, after: $after) { position events { ${eventFields} } } }`,
        { hash },
        { after, signal },
        async () => {
          const job = await queries.job(hash);
          if (job === null) throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
          return job.status !== "OPEN";
        },
      ),

    events: async function* ({ after, signal, client: of, types } = {}) {
      const from = after ?? (await queries.network()).head;
      yield* follow<EventBatch>(
        "events",
        `subscription Events($client: AccountId, $types: [String!], $after: Position) {
          events(client: $client, types: $types, after: $after) {
            position events { ${eventFields} } } }`,
        { client: of, types },
        { after: from, signal },
      );
    },

    ended: async function* ({ after, signal, client: of } = {}) {
      yield* endedAfter(after ?? (await queries.network()).head, of, signal);
    },

    cancel: async (hash) => {
      const client = (await payer()) ?? (await queries.job(hash))?.client;
      if (client === undefined)
        throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
      const { cancelJob } = await send<{ cancelJob: CancelAnswer }>(
        `mutation Cancel($input: CancelJobInput!) { cancelJob(input: $input) { __typename
          ... on CancelledJob { hash position } ... on Refusal { code message } } }`,
        { input: { hash, client } },
      );
      if (cancelJob.__typename === "Refusal")
        throw new CnctRefusal(cancelJob.code, cancelJob.message);
      note(cancelJob.position);
      return { position: cancelJob.position };
    },

    close: async () => {
      for (const feed of feeds.values()) feed.close();
      for (const watch of watches.values()) watch.close();
      await wire.close();
    },
  };
  return client;
};

type CancelAnswer =
  | { readonly __typename: "CancelledJob"; readonly hash: string; readonly position: string }
  | ({ readonly __typename: "Refusal" } & Refusal);

interface LookedAt {
  readonly hash: string;
  readonly client: string;
  readonly status: EndedJob["status"];
  readonly reason: string | null;
  readonly position: string;
  readonly output: { readonly digest: string; readonly size: number } | null;
  readonly sealed: boolean;
  readonly tasks: readonly {
    readonly replica: number;
    readonly attempt: number;
    readonly status: string;
    readonly resultTag: string | null;
    readonly output: { readonly digest: string } | null;
  }[];
}

const endOf = (job: LookedAt): EndedJob | "open" => {
  const { hash, status, reason, position, output } = job;
  if (status === "OPEN") return "open";
  const { digest: outputDigest, size: outputSize } = output ?? { digest: null, size: null };
  return { hash, status, reason, position, outputDigest, outputSize, sealed: sealedOf(job) };
};

const sealedOf = ({ sealed, output, tasks }: LookedAt): SealedOutput | null => {
  if (!sealed || output === null) return null;
  for (const { output: own, replica, attempt, resultTag, status } of tasks)
    if (own?.digest === output.digest && status === "ACCEPTED" && resultTag !== null)
      return { replica, attempt, resultTag };
  return null;
};
