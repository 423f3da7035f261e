/**
 * Notes each no that is the caller's fault in the refusal log: refusals of mutations, errors of
 * GraphQL requests, answers of HTTP routes. Names of ours only: nothing that a caller sent is noted.
 */
import type { FastifyRequest } from "fastify";
import type { Caller } from "./access/caller.ts";
import type { Context, Gateway } from "./context.ts";
import { type GraphqlErrorCode, graphqlErrors } from "./errors.ts";
import type { Sent } from "./http-answers.ts";
import { resolvers } from "./resolvers/all.ts";

/** An IPv4 address that arrived on an IPv6 socket is still the same caller. */
export const addressOf = (ip: string): string => ip.replace(/^::ffff:(?=\d+\.)/, "");

type Asked = Pick<Context, "gateway" | "address"> & Partial<Pick<Context, "caller">>;

const note = ({ gateway, address, caller }: Asked, code: string, what: string): void => {
  const { refusals, clock } = gateway;
  const id = caller?.kind === "identity" ? { id: caller.id } : {};
  refusals.record({ code, what, ...id, address, at: clock.now() });
};

/** Of faults that are the gateway's own, or nobody's, there is nothing to note. */
const nobodysFault: ReadonlySet<string> = new Set<GraphqlErrorCode>([
  "POSITION_NOT_REACHED",
  "UNAVAILABLE",
  "INTERNAL",
]);

/** An answer to an HTTP request that was an error. */
export const noteRequest = (
  gateway: Gateway,
  request: FastifyRequest,
  { code, status }: Sent,
  caller?: Caller,
): void => {
  if (status < 400 || status >= 500) return;
  const { url = "an unknown path" } = request.routeOptions;
  const asked = { gateway, address: addressOf(request.ip), ...(caller ? { caller } : {}) };
  note(asked, code, `${request.method} ${url}`);
};

/** A socket that was closed for what it showed of itself. */
export const noteHello = (gateway: Gateway, address: string, code: string): void =>
  note({ gateway, address }, code, "connection_init");

/** A message over WebSocket that was not let through. */
export const noteSocket = (
  gateway: Gateway,
  request: FastifyRequest,
  code: string,
  caller: Caller,
): void => note({ gateway, address: addressOf(request.ip), caller }, code, "WebSocket /graphql");

/** Errors that stand beside the data of a GraphQL answer. */
export const noteErrors = (
  context: Context,
  errors: readonly { readonly extensions?: unknown; readonly path?: unknown }[],
): void => {
  for (const { extensions, path } of errors) {
    const { code } = extensions as { readonly code?: unknown };
    if (typeof code !== "string" || !Object.hasOwn(graphqlErrors, code)) continue;
    if (nobodysFault.has(code)) continue;
    note(context, code, fieldIn(path));
  }
};

/** The root field where the error lies; an alias is the caller's own word, so it is not named. */
const fieldIn = (path: unknown): string => {
  const [first] = Array.isArray(path) ? (path as readonly unknown[]) : [];
  return typeof first === "string" && rootFields.has(first) ? first : "POST /graphql";
};

const rootFields: ReadonlySet<string> = new Set(
  [resolvers.Query, resolvers.Mutation, resolvers.Subscription].flatMap((type) =>
    Object.keys(type ?? {}),
  ),
);

type Mutate = (parent: unknown, args: unknown, context: Context, info: unknown) => unknown;

/** The same resolvers, with mutations that note what they refuse. */
export const notingRefusals = (all: typeof resolvers): typeof resolvers => {
  const mutations = Object.entries(all.Mutation ?? {}).map(([name, resolve]) => {
    const mutate: Mutate = async (parent, args, context, info) => {
      const answer = await (resolve as Mutate)(parent, args, context, info);
      for (const code of refusedIn(answer)) note(context, code, name);
      return answer;
    };
    return [name, mutate] as const;
  });
  return { ...all, Mutation: Object.fromEntries(mutations) as unknown as typeof all.Mutation };
};

/** The codes of a refusal, or of those within an answer to many things at once. */
const refusedIn = (answer: unknown): readonly string[] => {
  const { __typename, code, refusals } = (answer ?? {}) as {
    readonly __typename?: unknown;
    readonly code?: unknown;
    readonly refusals?: unknown;
  };
  if (__typename === "Refusal") return [String(code)];
  if (!Array.isArray(refusals)) return [];
  return refusals.map((one: { readonly code?: unknown }) => String(one.code));
};
