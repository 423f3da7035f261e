/**
 * A connection to the network through one gateway: all that a program can ask for, in one place. Each
 * part (requests, logins, subscriptions, submissions, endings, outputs) lives in a file of its own
 * beside this one; what it can do is `cnct-client.ts`.
 */

import { platform } from "../crypto/primitives-platform.ts";
import { emptyDigest } from "../domain/hashing.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { CnctClient, ConnectOptions, Submitted } from "./cnct-client.ts";
import { digestOf, sha256 } from "./digest.ts";
import { openDrains } from "./drains.ts";
import { openEndings } from "./endings.ts";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { openHttp } from "./http.ts";
import { authorityOf } from "./identity/authority-of.ts";
import { openOutputs } from "./outputs.ts";
import { openPreparing } from "./prepare.ts";
import { openQueries } from "./queries.ts";
import { quoteSpec } from "./quote.ts";
import { defaultRetryPolicy, sleep } from "./retry.ts";
import type { Refusal } from "./schema.types.ts";
import { openSealing } from "./sealing.ts";
import { emptyBatch, jobsPerRequest, laterOf, requestsInFlight, submitSpecs } from "./submit.ts";
import { openSubscriptions } from "./subscriptions.ts";
import { together } from "./together.ts";
import { openUploads } from "./uploads.ts";
import { openWire } from "./wire.ts";

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
  const subscriptions = openSubscriptions({ wire, patience, queries });
  const endings = openEndings({
    ...{ ask, subscriptions, baseline, payer, sealing },
    learnt: () => written,
    learn: note,
    sleep: patience.sleep,
  });
  const output = openOutputs({
    download: (digest) => client.download(digest),
    accepted: endings.accepted,
    sealing,
  });

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
    ...openDrains({ send, note }),
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
          endings.submitted(hash, { payer, since: before, sealed });
      }
      return batch;
    },

    await: async (hash, { signal, timeoutMs, final = false } = {}) => {
      const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
      const signals = [signal, limit].filter((one) => one !== undefined);
      try {
        const end = final ? endings.awaitFinal : endings.await;
        const ended = await end(hash, AbortSignal.any(signals));
        note(ended.position);
        return ended;
      } catch (error) {
        if (limit?.aborted !== true || signal?.aborted === true) throw error;
        throw new CnctUnavailable("timed-out", `job ${hash} did not end within ${timeoutMs} ms`);
      }
    },

    awaitMany: (hashes, waiting) => Promise.all(hashes.map((hash) => client.await(hash, waiting))),

    follow: (hash, { signal = never } = {}) => endings.follow(hash, signal),

    result: async (hash, waiting) => output(await client.await(hash, waiting)),

    output,

    watch: (hash, { after = "-1", signal } = {}) =>
      subscriptions.jobEvents(hash, { after, signal }),

    events: async function* ({ after, signal, client: of, types } = {}) {
      const from = after ?? (await queries.network()).head;
      yield* subscriptions.events({ client: of, types }, { after: from, signal });
    },

    ended: async function* ({ after, signal, client: of } = {}) {
      yield* subscriptions.ended(of, { after: after ?? (await queries.network()).head, signal });
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
      endings.close();
      await wire.close();
    },
  };
  return client;
};

/** Of whoever does not want to stop. */
const never = new AbortController().signal;

type CancelAnswer =
  | { readonly __typename: "CancelledJob"; readonly hash: string; readonly position: string }
  | ({ readonly __typename: "Refusal" } & Refusal);
