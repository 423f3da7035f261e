/** Requests to a gateway over HTTP: GraphQL documents, and blobs. Knows what may be asked again. */

import { type ParcelBlob, packParcel, parcelType } from "../domain/blob/parcel.ts";
import type { Millis } from "../domain/decider.ts";
import type { Digest } from "../domain/ids.ts";
import { CnctRefusal, CnctUnavailable } from "./errors.ts";
import { inLowerCase } from "./identity/authority.ts";
import { type Patience, retrying } from "./retry.ts";

export interface ByteRange {
  /** First byte, from 0. */
  readonly from: number;
  /** Last byte, inclusive; to the end if left out. */
  readonly to?: number;
}

export interface Http {
  /** Sends a GraphQL body that is JSON already; answers its `data`. Asked again on a lost answer. */
  graphql<Data>(body: string, signal?: AbortSignal): Promise<Data>;
  /** Answers where the blob stands in the log, if the gateway says so. */
  putBlob(
    digest: Digest,
    bytes: Uint8Array,
    mediaType: string,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** Stores small blobs in one request; answers what the gateway says of each. */
  putParcel(blobs: readonly ParcelBlob[]): Promise<readonly StoredBlob[]>;
  getBlob(digest: Digest, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface StoredBlob {
  readonly digest: Digest;
  /** Where the event that says so stands in the log. */
  readonly position: string;
}

export interface HttpOptions {
  /** Without a slash at the end. */
  readonly gateway: string;
  readonly fetch: typeof globalThis.fetch;
  readonly patience: Patience;
  /** How long one attempt may take. */
  readonly timeoutMs: Millis;
}

export const openHttp = ({ gateway, fetch, patience, timeoutMs }: HttpOptions): Http => {
  /** One attempt, read to its end; a reply cut short is no reply. */
  const send = async (path: string, init: RequestInit, signal?: AbortSignal): Promise<Reply> => {
    const limit = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${gateway}${path}`, {
        ...init,
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, bytes, retryAfterMs: retryAfterIn(response.headers) };
    } catch (error) {
      signal?.throwIfAborted();
      // Of a login that had to come first.
      if (error instanceof CnctRefusal || error instanceof CnctUnavailable) throw error;
      if (isUntrusted(error))
        throw new CnctUnavailable(
          "untrusted-gateway",
          `nobody that this machine trusts vouches for what answers at ${gateway}`,
          error,
        );
      const what = limit.aborted ? `did not answer within ${timeoutMs} ms` : "cannot be reached";
      throw new CnctUnavailable("unreachable", `the gateway ${gateway} ${what}`, error);
    }
  };

  return {
    graphql: (body, signal) =>
      retrying(
        async () => {
          const headers = { "content-type": "application/json", accept: "application/json" };
          return readData(await send("/graphql", { method: "POST", headers, body }, signal));
        },
        patience,
        signal,
      ),

    putBlob: (digest, bytes, mediaType, signal) =>
      retrying(
        async () => {
          const reply = await send(
            `/blobs/${digest}`,
            {
              method: "PUT",
              headers: { "content-type": mediaType },
              body: bytes as Uint8Array<ArrayBuffer>,
            },
            signal,
          );
          if (!isOk(reply)) throw failureOf(reply);
          const answer = parseJson(reply.bytes);
          const position = isObject(answer) ? answer["position"] : undefined;
          return typeof position === "string" ? position : undefined;
        },
        patience,
        signal,
      ),

    putParcel: (blobs) => {
      const body = packParcel(blobs);
      return retrying(async () => {
        const headers = { "content-type": parcelType };
        const reply = await send("/blobs/parcel", { method: "POST", headers, body });
        if (!isOk(reply)) throw failureOf(reply);
        const answer = parseJson(reply.bytes) as { readonly blobs?: readonly StoredBlob[] };
        return answer?.blobs ?? [];
      }, patience);
    },

    getBlob: (digest, range, signal) =>
      retrying(
        async () => {
          const headers: HeadersInit =
            range === undefined ? {} : { range: `bytes=${range.from}-${range.to ?? ""}` };
          const reply = await send(`/blobs/${digest}`, { headers }, signal);
          if (!isOk(reply)) throw failureOf(reply);
          if (range !== undefined && reply.status !== 206)
            throw new CnctRefusal("bad-range", `the gateway sent blob ${digest} whole`);
          return reply.bytes;
        },
        patience,
        signal,
      ),
  };
};

/** Codes of OpenSSL, as Node gives them; browsers tell nobody why. */
const untrusted: ReadonlySet<unknown> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
const isUntrusted = (error: unknown): boolean =>
  error instanceof Error && isObject(error.cause) && untrusted.has(error.cause["code"]);

interface Reply {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly retryAfterMs: Millis | undefined;
}

/** `Retry-After` in whole seconds, as gateways write it; a date is a proxy's, and not relied on. */
const retryAfterIn = (headers: Headers): Millis | undefined => {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
};

const isOk = ({ status }: Reply): boolean => status >= 200 && status < 300;

interface Problem {
  readonly code: string;
  readonly message: string;
}

/** Codes that say *not now*. */
const transientCodes: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "POSITION_NOT_REACHED",
  "unavailable",
  "draining",
]);

/** Codes that say *not so much at once*. */
const limitedCodes: ReadonlySet<string> = new Set(["RATE_LIMITED", "rate-limited"]);

const readData = <Data>(reply: Reply): Data => {
  const answer = parseJson(reply.bytes);
  if (!isObject(answer)) throw failureOf(reply);
  const { data, errors } = answer as { readonly data?: Data | null; readonly errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) {
    const { code, message } = graphqlProblem(errors[0]);
    // Nobody looked at the document: the code is one of HTTP, in capitals.
    const known = reply.status === 401 ? inLowerCase(code) : code;
    throw failureFrom({ code: known, message }, reply);
  }
  if (data === null || data === undefined) throw failureOf(reply);
  return data;
};

/** An entry of `errors` as what it means. */
export const graphqlProblem = (entry: unknown): Problem => {
  const { message, extensions } = (isObject(entry) ? entry : {}) as {
    readonly message?: unknown;
    readonly extensions?: unknown;
  };
  const code = isObject(extensions) ? extensions["code"] : undefined;
  return {
    code: typeof code === "string" ? code : "bad-request",
    message: typeof message === "string" ? message : "the gateway gives no reason",
  };
};

/** As what to throw: *not now* for codes and statuses that say so, else *no*. */
export const failureFrom = (
  { code, message }: Problem,
  { status, retryAfterMs }: Pick<Reply, "status" | "retryAfterMs"> = noReply,
): Error => {
  if (status === 429 || limitedCodes.has(code))
    return new CnctUnavailable("rate-limited", message, undefined, retryAfterMs);
  const isTransient = transientCodes.has(code) || [502, 503, 504].includes(status);
  return isTransient
    ? new CnctUnavailable("unavailable", message, undefined, retryAfterMs)
    : new CnctRefusal(code, message);
};
/** What came over WebSocket. */
const noReply = { status: 200, retryAfterMs: undefined } as const;

const failureOf = (reply: Reply): Error => {
  const body = parseJson(reply.bytes);
  const problem = isObject(body) && isObject(body["error"]) ? body["error"] : body;
  const { code, message } = (isObject(problem) ? problem : {}) as Partial<Problem>;
  return failureFrom(
    {
      code: typeof code === "string" ? code : `http-${reply.status}`,
      message: typeof message === "string" ? message : `the gateway answers ${reply.status}`,
    },
    reply,
  );
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // A proxy's page, or nothing: the status alone speaks.
  }
};
