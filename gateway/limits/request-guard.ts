/** The limits of requests over HTTP, as hooks of the routes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphqlFault, HttpFault } from "../errors.ts";
import type { Admission, Asked } from "./admission.ts";
import { type Asker, askerAt, type RateLimits, type RateName } from "./rates.ts";
import { bodySizeOf } from "./read-body.ts";

export type AskerOf = (request: FastifyRequest) => Asker;

/** What refusing a query costs its caller, who may be asking until something gives. */
const refusedPoints = 10;

/** What answering costs on routes that nobody else counts: all numbers of the gateway, a look at the log. */
const routePoints: Readonly<Record<string, number>> = { "/metrics": 100, "/readyz": 5 };
/** Asked by who watches over the gateway, and next to nothing. */
const free: ReadonlySet<string> = new Set(["/livez"]);
/** Of a failure: a client is told of the nonce once a minute, and each time a signature was verified. */
const nonceShare = 0.1;

/** Turns away what no route of `/graphql` reads, and callers whose budget is spent, before any body. */
export const guardRequests = (app: FastifyInstance, rates: RateLimits): void => {
  app.addHook("onRequest", async (request, reply) => {
    const { headers, method } = request;
    const asker = askerAt(request.ip);
    const check = async (rate: RateName): Promise<void> => {
      if (await rates.isSpent(rate, asker)) await spend(rates, rate, asker, 1, reply);
    };
    // Who brings a proof is counted by it, once that was looked at, which is dear.
    if (headers.authorization !== undefined || headers["dpop"] !== undefined)
      await check("failures");
    if (isBlob(request)) return;
    if (!isGraphql(request)) {
      const path = request.url.replace(/[?#].*$/s, "");
      if (!free.has(path)) await spend(rates, "points", asker, routePoints[path] ?? 1, reply);
      return;
    }
    if (headers.upgrade !== undefined) return;
    if (headers.authorization === undefined) await check("points");
    if (method !== "POST") return;
    const type = headers["content-type"] ?? "";
    if (!/^application\/json\s*(?:;|$)/i.test(type))
      throw new HttpFault("unsupported-media-type", "/graphql reads application/json");
    const coding = headers["content-encoding"];
    if (coding !== undefined && coding !== "identity")
      throw new HttpFault("unsupported-media-type", "/graphql reads no compressed bodies");
  });
};

/**
 * Counts an answer that was an error against its caller. Who tries many proofs or keys is not looked
 * at for a while; a refused request costs more than a small good one.
 */
export const countRefused = (
  rates: RateLimits,
  request: FastifyRequest,
  { code, status }: { readonly code: string; readonly status: number },
  asker: Asker,
): void => {
  if (status === 429 || status >= 500) return;
  const share = code === "use-dpop-nonce" ? nonceShare : 1;
  // In memory: there is nothing to wait for.
  if (status === 401) void rates.spend("failures", askerAt(request.ip), share);
  else if (isGraphql(request)) void rates.spend("points", asker, status < 400 ? 1 : refusedPoints);
};

/** They count by themselves. */
const isBlob = ({ url }: FastifyRequest): boolean => /^\/blobs(?:$|[/?])/.test(url);
const isGraphql = ({ url }: FastifyRequest): boolean => /^\/graphql(?:$|[/?])/.test(url);

/** @throws {HttpFault} `rate-limited`, with the headers that say until when. */
export const spend = async (
  rates: RateLimits,
  rate: RateName,
  asker: Asker,
  amount: number,
  reply: FastifyReply,
): Promise<void> => {
  const { ok, headers } = await rates.spend(rate, asker, amount);
  reply.headers(headers);
  if (ok) return;
  throw new HttpFault(
    "rate-limited",
    `too much at once from here: ask again in ${headers["retry-after"]} s`,
  );
};

/**
 * The last hook before a query runs: it is admitted, paid for, and left in the request as the text
 * that is to run.
 *
 * @throws {GraphqlFault | HttpFault | InvalidQuery} Why it may not run.
 */
export const admitRequest =
  ({ admit, rates }: Admission, askerOf: AskerOf) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (request.headers.upgrade !== undefined) return; // Each message is looked at by itself.
    const asker = askerOf(request);
    const holder = (request.method === "GET" ? request.query : request.body) as
      | Record<string, unknown>
      | null
      | undefined;
    const admitted = admit(askedIn(request, holder), asker);
    await spend(rates, "points", asker, admitted.cost, reply);
    if (!holder) return;
    const { text, operationName } = admitted;
    // Compiled queries are kept by their text alone, and a text may hold several operations: each
    // gets a text of its own.
    holder["query"] = operationName === undefined ? text : `${text}\n#${operationName}`;
    delete holder["extensions"];
  };

const askedIn = (
  request: FastifyRequest,
  holder: Readonly<Record<string, unknown>> | null | undefined,
): Asked => {
  if (Array.isArray(holder))
    throw new GraphqlFault("BATCH_NOT_ALLOWED", "one request, one query: send them one by one");
  const { query, variables, operationName, extensions } = holder ?? {};
  if (request.method === "GET")
    return {
      ...{ query, operationName, transport: "get" },
      variables: jsonIn("variables", variables),
      extensions: jsonIn("extensions", extensions),
      bytes: request.url.length,
    };
  return {
    ...{ query, variables, operationName, extensions, transport: "post" },
    bytes: bodySizeOf(request),
  };
};

const jsonIn = (name: string, text: unknown): unknown => {
  if (text === undefined || text === "") return undefined;
  try {
    return JSON.parse(String(text)) as unknown;
  } catch {
    throw new GraphqlFault("BAD_USER_INPUT", `${name} is not JSON`);
  }
};
