/**
 * Sealed jobs at the client: inputs are sealed before they leave, the key is wrapped for nodes that
 * could compute the job and for the client itself, and outputs are opened. Keys of jobs are kept for
 * the life of the process; a later one finds them in the job's own wrap, with the key file alone.
 */

import { outputKey } from "../crypto/derive-key.ts";
import { isContentKeyOf, openBody } from "../crypto/open.ts";
import { createWrapOpener } from "../crypto/open-wraps.ts";
import type { Primitives } from "../crypto/primitives.ts";
import { resultTag } from "../crypto/result-tag.ts";
import { newContentKey, sealBody } from "../crypto/seal.ts";
import { createWrapper } from "../crypto/wrapper.ts";
import type { Random } from "../domain/chance.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { PublicKey } from "../domain/identity/keys.ts";
import type { Digest, JobHash } from "../domain/ids.ts";
import { jobHash } from "../domain/job/hash.ts";
import { type JobSpec, parseSpec } from "../domain/job/spec.ts";
import { recipientsMax, type Wraps } from "../domain/job/wraps.ts";
import { hashOf } from "./digest.ts";
import { CnctRefusal } from "./errors.ts";
import { isThisMachine } from "./identity/authority.ts";
import type { OwnIdentity } from "./identity/own-identity.ts";
import { openRecipients, type Recipients } from "./recipients.ts";
import type { Refusal, SealedOutput } from "./schema.types.ts";
import type { JobRequest } from "./spec.ts";

type Ask = <Data>(query: string, variables: Readonly<Record<string, unknown>>) => Promise<Data>;

export interface Sealing {
  /**
   * What seals the inputs of a request; undefined for one that is or has to be open.
   *
   * @throws {CnctRefusal} `input-not-sealed` if it brings bytes beside such that are stored in the open;
   *   `gateway-claims-open` if another machine says that it knows no identities.
   */
  sealerFor(request: JobRequest): Promise<Sealer | undefined>;
  /** Keeps the key of a job whose spec is complete. */
  remember(spec: JobSpec, contentKey: Uint8Array): void;
  /**
   * Wraps for each sealed spec, in the order given; null for open ones.
   *
   * @throws {CnctRefusal} `content-key-unknown` for a sealed spec that was not prepared here.
   */
  wrapsFor(specs: readonly JobSpec[]): Promise<readonly (Wraps | null)[]>;
  /**
   * Wraps for nodes that came since, if the job waits for that.
   *
   * @param asked - Where the client was asked for it; left out, what the gateway shows now counts.
   */
  wrapForMore(hash: JobHash, asked?: string): Promise<"wrapped" | "nobody" | "not-awaited">;
  /**
   * The plaintext of an output.
   *
   * @throws {CnctRefusal} `content-key-unknown`, `wrap-forged`, or `sealed-output-wrong` if it is not the output that
   *   the nodes agreed on.
   */
  openOutput(
    hash: JobHash,
    output: { readonly body: Uint8Array; readonly digest: Digest; readonly sealed: SealedOutput },
  ): Promise<Uint8Array>;
}

export interface Sealer {
  readonly contentKey: Uint8Array;
  readonly seal: (plaintext: Uint8Array) => Uint8Array;
}

export const openSealing = ({
  gateway,
  identity,
  ask,
  download,
  random,
  primitives,
  sha256,
  keysKept = 50_000,
}: {
  /** Its address. */
  readonly gateway: string;
  readonly identity: () => Promise<OwnIdentity>;
  readonly ask: Ask;
  readonly download: (digest: Digest) => Promise<Uint8Array>;
  readonly random: Random;
  readonly primitives: Primitives;
  readonly sha256: Sha256;
  /** Keys of so many jobs are kept; others are found in the jobs' own wraps. */
  readonly keysKept?: number;
}): Sealing => {
  const wrapper = createWrapper(primitives);
  const recipients: Recipients = openRecipients({ ask, random });
  const contentKeys = new Map<JobHash, Uint8Array>();
  /** Of specs that may not have been submitted yet, so that no wrap holds their keys. */
  const prepared = new WeakMap<JobSpec, Uint8Array>();
  let isOpen: Promise<boolean> | undefined;

  const keep = (hash: JobHash, contentKey: Uint8Array): void => {
    contentKeys.set(hash, contentKey);
    const [oldest] = contentKeys.keys();
    if (contentKeys.size > keysKept && oldest !== undefined) contentKeys.delete(oldest);
  };

  /** On a gateway that knows no identities nobody could be wrapped for. */
  const gatewayIsOpen = (): Promise<boolean> => {
    isOpen ??= ask<{ network: { access: string } }>("query Access { network { access } }", {}).then(
      ({ network }) => network.access === "OPEN",
      (error: unknown) => {
        isOpen = undefined;
        throw error;
      },
    );
    return isOpen;
  };

  const ownKey = async (): Promise<PublicKey> => {
    const { encryptionKeys, id } = await identity();
    const key = encryptionKeys.at(-1);
    if (key === undefined) throw new CnctRefusal("unsafe-key", `${id} has no encryption key`);
    return key;
  };

  /** Leaves out candidates whose key would keep no secret. */
  const wrap = (
    job: { readonly contentKey: Uint8Array; readonly hash: JobHash },
    keys: readonly PublicKey[],
  ): Wraps | undefined => {
    if (keys.length === 0) return undefined;
    const { contentKey, hash } = job;
    const wrapped = wrapper.wrap({ contentKey, jobHash: hash, recipients: keys });
    if (wrapped.ok) return wrapped.wraps;
    return wrap(
      job,
      keys.filter((key) => key !== wrapped.recipient),
    );
  };

  /**
   * Whether it is the key that sealed the job's inputs. Anybody can wrap a key of his own for this
   * client, and with it an output and a tag that fit; the inputs are those that the job hash names.
   */
  const sealedIts = async ({ inputs }: JobSpec, contentKey: Uint8Array): Promise<boolean> => {
    const [smallest] = Object.values(inputs).sort((a, b) => a.size - b.size);
    if (smallest === undefined) return false;
    const { digest } = smallest;
    return isContentKeyOf(primitives, { contentKey, body: await download(digest), digest });
  };

  const contentKeyOf = async (hash: JobHash): Promise<Uint8Array> => {
    const known = contentKeys.get(hash);
    if (known !== undefined) return known;
    const own = await identity();
    const { job } = await ask<{ job: { spec: unknown; recipients: readonly string[] } | null }>(
      "query Recipients($hash: Digest!) { job(hash: $hash) { spec recipients } }",
      { hash },
    );
    const parsed = parseSpec(job?.spec);
    if (job === null || !parsed.ok || jobHash(parsed.spec, sha256) !== hash)
      throw new CnctRefusal("hash-mismatch", `the gateway shows another job for ${hash}`);
    const opener = createWrapOpener(primitives, own.encryptionSecret);
    let isForged = false;
    for (const keyId of job.recipients) {
      if (own.encryptionSecret(keyId) === undefined) continue;
      const { job: found } = await ask<{ job: { wrap: unknown } | null }>(
        `query OwnWrap($hash: Digest!, $keyId: Digest!) { job(hash: $hash) {
          wrap(keyId: $keyId) { keyId enc seq wrapped } } }`,
        { hash, keyId },
      );
      const opened = opener.open({ wrap: found?.wrap, jobHash: hash });
      if (!opened.ok) continue;
      isForged = !(await sealedIts(parsed.spec, opened.contentKey));
      if (isForged) continue;
      keep(hash, opened.contentKey);
      return opened.contentKey;
    }
    if (isForged)
      throw new CnctRefusal(
        "wrap-forged",
        `the key that the gateway shows for job ${hash} is not the one that sealed its inputs`,
      );
    throw new CnctRefusal(
      "content-key-unknown",
      `job ${hash} is sealed, and not for a key of ${own.id}`,
    );
  };

  return {
    sealerFor: async ({ open, inputs = {} }) => {
      if (open === true) return undefined;
      const stored = Object.entries(inputs).filter(([, input]) => isStored(input));
      if (stored.length === Object.keys(inputs).length) return undefined;
      if (await gatewayIsOpen()) {
        if (isThisMachine(gateway)) return undefined;
        throw claimsOpen(gateway);
      }
      const [first] = stored;
      if (first !== undefined)
        throw new CnctRefusal(
          "input-not-sealed",
          `input "${first[0]}" is stored in the open: give its bytes, or say open: true for all of the job`,
        );
      const contentKey = newContentKey(primitives);
      return { contentKey, seal: (plaintext) => sealBody(primitives, { contentKey, plaintext }) };
    },

    remember: (spec, contentKey) => {
      prepared.set(spec, contentKey);
      keep(hashOf(spec), contentKey);
    },

    wrapsFor: async (specs) => {
      const own = specs.some(({ sealed }) => sealed) ? await ownKey() : undefined;
      return Promise.all(
        specs.map(async (spec) => {
          if (!spec.sealed || own === undefined) return null;
          const hash = hashOf(spec);
          const contentKey = prepared.get(spec) ?? contentKeys.get(hash);
          if (contentKey === undefined)
            throw new CnctRefusal(
              "content-key-unknown",
              `the spec of job ${hash} was sealed by another process, and its key is not known here`,
            );
          const others = await recipients.choose(spec);
          const keys = [own, ...others.filter((key) => key !== own)].slice(0, recipientsMax);
          return wrap({ contentKey, hash }, keys) ?? null;
        }),
      );
    },

    wrapForMore: async (hash, asked) => {
      const { job } = await ask<{ job: AwaitingJob | null }>(
        `query Awaiting($hash: Digest!, $atLeast: Position) { job(hash: $hash, atLeast: $atLeast) {
          status awaitingKeys recipients spec tasks { status executionClass } } }`,
        asked === undefined ? { hash } : { hash, atLeast: asked },
      );
      if (job === null || job.status !== "OPEN" || !job.awaitingKeys) return "not-awaited";
      const contentKey = await contentKeyOf(hash);
      // A node of another class could read it and not compute it, once there is a result to agree with.
      const pinned = job.tasks.find(({ status }) => pinning.has(status))?.executionClass;
      const { app, engine, assurance } = job.spec;
      const fresh = await recipients.beyond(
        { app, engine: pinned ?? engine, ...(assurance ? { assurance } : {}) },
        new Set(job.recipients),
      );
      const wraps = wrap({ contentKey, hash }, fresh.slice(0, recipientsMax));
      if (wraps === undefined) return "nobody";
      const { wrapKeys } = await ask<{ wrapKeys: WrapKeysAnswer }>(
        `mutation WrapKeys($hash: Digest!, $wraps: WrapsJson!) {
          wrapKeys(hash: $hash, wraps: $wraps) { __typename ... on Refusal { code message } } }`,
        { hash, wraps },
      );
      if (wrapKeys.__typename === "WrappedKeys") return "wrapped";
      if (wrapKeys.code === "job-ended") return "not-awaited";
      throw new CnctRefusal(wrapKeys.code, wrapKeys.message);
    },

    openOutput: async (hash, { body, digest, sealed }) => {
      const contentKey = await contentKeyOf(hash);
      const { replica, attempt } = sealed;
      const key = outputKey(primitives, { contentKey, task: { jobHash: hash, replica, attempt } });
      const opened = openBody(primitives, { contentKey: key, body, digest });
      const wrong = (why: string) =>
        new CnctRefusal("sealed-output-wrong", `the output of job ${hash} cannot be used: ${why}`);
      if (!opened.ok) throw wrong(opened.code);
      const { plaintext: output } = opened;
      if (resultTag(primitives, { contentKey, jobHash: hash, output }) !== sealed.resultTag)
        throw wrong("it is not what the nodes agreed on");
      return output;
    },
  };
};

/**
 * A gateway that says so gets what is submitted in plaintext. Those that are open serve one machine
 * only, so one elsewhere may say it to read what would be sealed.
 */
export const claimsOpen = (gateway: string): CnctRefusal =>
  new CnctRefusal(
    "gateway-claims-open",
    `${gateway} says that it knows no identities, so that nothing could be sealed for anybody: if everybody may read what you submit, say open`,
  );

const isStored = (input: NonNullable<JobRequest["inputs"]>[string]): boolean =>
  !(input instanceof Uint8Array) && !("bytes" in input);

/** Of tasks by which a job's execution class is set: those that came to nothing set none. */
const pinning: ReadonlySet<string> = new Set(["ASSIGNED", "COMMITTED", "RECEIVED"]);

interface AwaitingJob {
  readonly status: string;
  readonly awaitingKeys: boolean;
  readonly recipients: readonly string[];
  readonly spec: JobSpec;
  readonly tasks: readonly { readonly status: string; readonly executionClass: string }[];
}

type WrapKeysAnswer =
  | { readonly __typename: "WrappedKeys" }
  | ({ readonly __typename: "Refusal" } & Refusal);
