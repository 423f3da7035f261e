/**
 * How jobs end: waits for any number of them, wraps the keys of sealed ones for more nodes meanwhile,
 * and tells whether an end is taken back or stands.
 */

import type { AccountId, JobHash } from "../domain/ids.ts";
import type { Outcome } from "./cnct-client.ts";
import { type EndedFeed, openEndedFeed } from "./ended.ts";
import { CnctRefusal } from "./errors.ts";
import { type KeyWatch, openKeyWatch } from "./keys-awaited.ts";
import type { Ask } from "./queries.ts";
import type { Sleep } from "./retry.ts";
import type { SealedOutput } from "./schema.types.ts";
import type { Sealing } from "./sealing.ts";
import type { EndedJob } from "./selections.ts";
import { laterOf } from "./submit.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** A job that this client submitted and has not waited for. */
export interface OwnJob {
  readonly payer: AccountId;
  /** A position at which it was not yet there. */
  readonly since: string;
  readonly sealed: boolean;
}

export interface Endings {
  /** Takes note of a job, so that to wait for it costs no query. */
  submitted(hash: JobHash, own: OwnJob): void;
  /** @throws {CnctRefusal} `job-unknown`. */
  await(hash: JobHash, signal: AbortSignal): Promise<EndedJob>;
  /** The end that stands. @throws {CnctRefusal} `job-unknown`. */
  awaitFinal(hash: JobHash, signal: AbortSignal): Promise<EndedJob>;
  follow(hash: JobHash, signal: AbortSignal): AsyncGenerator<Outcome>;
  /** Results of a job that were accepted, as they stand now. */
  accepted(hash: JobHash): Promise<readonly AcceptedOutput[]>;
  close(): void;
}

/** An output, and what opens it. */
export interface AcceptedOutput {
  readonly digest: string;
  readonly sealed: SealedOutput;
}

export const openEndings = ({
  ask,
  subscriptions,
  baseline,
  learnt,
  learn,
  payer,
  sealing,
  sleep,
}: {
  readonly ask: Ask;
  readonly subscriptions: Subscriptions;
  /** A position before anything that is written from now on. */
  readonly baseline: () => Promise<string>;
  /** The last position that this client wrote, or has learnt. */
  readonly learnt: () => string | undefined;
  readonly learn: (position: string) => void;
  readonly payer: () => Promise<AccountId | undefined>;
  readonly sealing: Sealing | undefined;
  readonly sleep: Sleep;
}): Endings => {
  const own = new Map<JobHash, OwnJob>();
  /** One for each client whose jobs are waited for; nearly always one. */
  const feeds = new Map<AccountId, EndedFeed>();
  const watches = new Map<AccountId, KeyWatch>();

  const look = async (hash: JobHash, atLeast: string) => {
    const known = learnt();
    const { job } = await ask<{ job: LookedAt | null }>(
      `query Ended($hash: Digest!, $atLeast: Position) { job(hash: $hash, atLeast: $atLeast) {
        hash client status reason position final reopenedAt output { digest size } sealed
        tasks { replica attempt status resultTag output { digest } } } }`,
      { hash, atLeast: known === undefined ? atLeast : laterOf(atLeast, known) },
    );
    return job;
  };
  const lookAt = async (hash: JobHash): Promise<LookedAt> => {
    const job = await look(hash, await baseline());
    if (job === null) throw new CnctRefusal("job-unknown", `nobody submitted a job ${hash}`);
    return job;
  };

  const watchOf = (account: AccountId): KeyWatch | undefined => {
    if (sealing === undefined) return undefined;
    const known = watches.get(account);
    if (known !== undefined) return known;
    const watch = openKeyWatch({
      listen: (after, signal) => subscriptions.keysAwaited(account, { after, signal }),
      position: baseline,
      wrapForMore: sealing.wrapForMore,
      sleep,
    });
    watches.set(account, watch);
    return watch;
  };

  const feedOf = (account: AccountId): EndedFeed => {
    const known = feeds.get(account);
    if (known !== undefined) return known;
    const feed = openEndedFeed({
      listen: (after, signal) => subscriptions.ended(account, { after, signal }),
      position: baseline,
      look: async (hash, atLeast) => {
        const job = await look(hash, atLeast);
        return job && { end: endOf(job), reopenedAt: job.reopenedAt };
      },
    });
    feeds.set(account, feed);
    return feed;
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

  const awaitEnd = async (hash: JobHash, signal: AbortSignal): Promise<EndedJob> => {
    const mine = own.get(hash);
    if (mine !== undefined) {
      const waiting = feedOf(mine.payer).await(hash, mine.since, signal);
      const ended = await (mine.sealed ? withKeys(hash, mine, waiting) : waiting);
      own.delete(hash);
      return ended;
    }
    const job = await lookAt(hash);
    const ended = endOf(job);
    if (ended !== "open") return ended;
    const waiting = feedOf(job.client).await(hash, undefined, signal, job.position);
    if (!job.sealed || (await payer()) !== job.client) return waiting;
    return withKeys(hash, { payer: job.client }, waiting);
  };

  async function* follow(hash: JobHash, signal: AbortSignal): AsyncGenerator<Outcome> {
    const { client } = await lookAt(hash);
    for (;;) {
      const job = await awaitEnd(hash, signal);
      learn(job.position);
      yield { state: "ended", job };
      if (job.final) return yield { state: "final", job };
      const { kind, position } = await feedOf(client).turn(job, signal);
      learn(position); // What is asked from now on is answered from there or later.
      if (kind === "final") return yield { state: "final", job: { ...job, final: true } };
      yield { state: "reopened", hash };
    }
  }

  return {
    submitted: (hash, job) => own.set(hash, job),
    await: awaitEnd,
    awaitFinal: async (hash, signal) => {
      for await (const outcome of follow(hash, signal))
        if (outcome.state === "final") return outcome.job;
      throw new Error("a job that was followed has no final end");
    },
    follow,
    accepted: async (hash) => acceptedIn(await lookAt(hash)),
    close: () => {
      for (const feed of feeds.values()) feed.close();
      for (const watch of watches.values()) watch.close();
    },
  };
};

interface LookedAt {
  readonly hash: string;
  readonly client: string;
  readonly status: EndedJob["status"];
  readonly reason: string | null;
  readonly position: string;
  readonly final: boolean;
  readonly reopenedAt: string | null;
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
  const { hash, status, reason, position, output, final } = job;
  if (status === "OPEN") return "open";
  const { digest: outputDigest, size: outputSize } = output ?? { digest: null, size: null };
  const sealed = sealedOf(job);
  return { hash, status, reason, position, outputDigest, outputSize, sealed, final };
};

const acceptedIn = ({ tasks }: LookedAt): readonly AcceptedOutput[] =>
  tasks.flatMap(({ output, replica, attempt, resultTag, status }) =>
    status === "ACCEPTED" && output !== null && resultTag !== null
      ? [{ digest: output.digest, sealed: { replica, attempt, resultTag } }]
      : [],
  );

const sealedOf = (job: LookedAt): SealedOutput | null => {
  if (!job.sealed || job.output === null) return null;
  const { digest } = job.output;
  return acceptedIn(job).find((one) => one.digest === digest)?.sealed ?? null;
};
