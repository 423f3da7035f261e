/** How errors leave the gateway: `{code, message}` over HTTP, `errors` with codes in GraphQL. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError } from "graphql";
import { BlobError } from "../streams/blob-store.ts";
import { EventStoreError } from "../streams/event-store.ts";
import {
  type GraphqlErrorCode,
  GraphqlFault,
  graphqlErrors,
  type HttpErrorCode,
  HttpFault,
  httpErrors,
} from "./errors.ts";
import { InvalidQuery } from "./limits/document.ts";
import type { Logger } from "./logger.ts";

interface Answer {
  readonly code: HttpErrorCode;
  readonly message: string;
}

const fastifyCodes: Readonly<Record<string, HttpErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body-too-large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported-media-type",
  FST_ERR_CTP_INVALID_JSON_BODY: "bad-json",
  FST_ERR_CTP_EMPTY_JSON_BODY: "bad-json",
  FST_ERR_NOT_FOUND: "not-found",
  MER_ERR_METHOD_NOT_ALLOWED: "method-not-allowed",
};

/** What to answer to an error of an HTTP route. What is our own bug is logged and not told. */
export const httpAnswer = (error: unknown, logger: Logger): Answer => {
  if (error instanceof HttpFault || error instanceof BlobError) return error;
  if (error instanceof GraphqlFault) return { code: "bad-request", message: error.message };
  if (error instanceof EventStoreError) {
    logger.error({ error: String(error), code: error.code }, "the event store did not do it");
    const code = error.code === "disk-full" ? "disk-full" : "unavailable";
    return { code, message: `the event store did not do it (${error.code}); say it again` };
  }
  const { code = "", statusCode = 500, message } = error as Partial<FastifyError>;
  const known = fastifyCodes[code];
  if (known) return { code: known, message: message ?? known };
  if (error instanceof SyntaxError && statusCode === 400)
    return { code: "bad-json", message: error.message };
  if (statusCode >= 400 && statusCode < 500)
    return { code: "bad-request", message: message ?? "the request could not be read" };
  logger.error({ error: error instanceof Error ? error.stack : String(error) }, "a bug");
  return { code: "internal", message: "the gateway has a bug; its log says more" };
};

const unread: ReadonlySet<HttpErrorCode> = new Set(["body-too-large", "body-too-slow"]);

/** What was answered to an error. */
export interface Sent {
  readonly code: string;
  readonly status: number;
  readonly reply: FastifyReply;
}

export const sendError = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): Sent => {
  const { code, message } = httpAnswer(error, logger);
  const inGraphql = request.url.startsWith("/graphql") ? requestErrors(error, code) : undefined;
  const status = inGraphql?.status ?? httpErrors[code];
  const sent = inGraphql?.code ?? code;
  reply.code(status).type("application/json; charset=utf-8");
  // What is left of the body is not waited for.
  if (unread.has(code)) reply.header("connection", "close");
  return {
    code: sent,
    status,
    reply: reply.send({
      code: sent,
      message: inGraphql?.message ?? message,
      ...inGraphql?.body,
    }),
  };
};

/** The same for a GraphQL client, which looks for `errors`. */
const requestErrors = (
  error: unknown,
  code: HttpErrorCode,
):
  | {
      readonly status: number | undefined;
      readonly code: string;
      readonly message: string;
      readonly body: object;
    }
  | undefined => {
  const found =
    error instanceof GraphqlFault ? [error] : (error as { readonly errors?: unknown }).errors;
  if (!Array.isArray(found)) {
    const message = error instanceof Error && code !== "internal" ? error.message : code;
    const body = { errors: [{ message, extensions: { code: upper(code) } }] };
    return { status: undefined, code, message, body };
  }
  const told = error instanceof InvalidQuery ? error.code : undefined;
  const errors = found.map((one: unknown) => requestError(one, told));
  const [first] = errors;
  const firstCode = first?.extensions.code ?? "GRAPHQL_VALIDATION_FAILED";
  const status = code === "method-not-allowed" ? 405 : graphqlErrors[firstCode];
  return { status, code: firstCode, message: first?.message ?? code, body: { errors } };
};

const upper = (code: string): string => code.toUpperCase().replaceAll("-", "_");

const requestError = (error: unknown, told: GraphqlErrorCode | undefined) => {
  const message = error instanceof Error ? error.message : String(error);
  const { locations } = error as Partial<GraphQLError>;
  return {
    message,
    ...(locations ? { locations } : {}),
    extensions: { code: told ?? requestCode(error, message) },
  };
};
const requestCode = (error: unknown, message: string): GraphqlErrorCode => {
  if (error instanceof GraphqlFault) return error.code;
  const given = error instanceof GraphQLError ? error.extensions["code"] : undefined;
  if (typeof given === "string" && given in graphqlErrors) return given as GraphqlErrorCode;
  if (message.startsWith("Syntax Error")) return "GRAPHQL_PARSE_FAILED";
  if (message.startsWith("Variable ")) return "BAD_USER_INPUT";
  return "GRAPHQL_VALIDATION_FAILED";
};

/** An error of a resolver as the client sees it. */
export const executionError = (error: GraphQLError, logger: Logger): object => {
  const { message, locations, path, originalError } = error;
  const rest = { ...(locations ? { locations } : {}), ...(path ? { path } : {}) };
  const said = (code: GraphqlErrorCode, text: string) => ({
    message: text,
    ...rest,
    extensions: { code },
  });
  // Compiled queries hand out the resolver's own error, with places added.
  const cause: unknown = originalError ?? error;
  const fault = error as unknown as Partial<GraphqlFault>;
  if (cause instanceof GraphqlFault) return said(cause.code, message);
  if (typeof fault.code === "string" && fault.code in graphqlErrors)
    return said(fault.code as GraphqlErrorCode, message);
  if (cause instanceof EventStoreError) {
    logger.error({ error: String(cause), code: cause.code }, "the event store did not do it");
    return said("UNAVAILABLE", `the event store did not do it (${cause.code}); say it again`);
  }
  // What has no path went wrong before any resolver ran: a variable that cannot be what it is.
  if (cause instanceof GraphQLError && path === undefined) return said("BAD_USER_INPUT", message);
  logger.error({ error: cause instanceof Error ? cause.stack : String(cause) }, "a bug");
  return said("INTERNAL", "the gateway has a bug; its log says more");
};
