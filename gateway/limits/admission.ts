/**
 * Whether a request may run at all, decided before anything runs: which query it is, whether that is
 * within the limits, and whether its caller has enough points left.
 */
import type { GraphQLSchema } from "graphql";
import type { Limits } from "../context.ts";
import { GraphqlFault, HttpFault } from "../errors.ts";
import { openDocuments } from "./document.ts";
import { openPersistedQueries } from "./persisted.ts";
import { type Asker, openRateLimits, type RateLimits, type Rates } from "./rates.ts";

export interface Asked {
  readonly query: unknown;
  readonly variables: unknown;
  readonly operationName: unknown;
  readonly extensions: unknown;
  /** Of the whole request as it came. */
  readonly bytes: number;
  readonly transport: "post" | "get" | "socket";
}

export interface Admitted {
  readonly text: string;
  readonly operationName: string | undefined;
  readonly cost: number;
}

export interface Admission {
  /**
   * Everything about the request itself; touches no budget.
   *
   * @throws {GraphqlFault | InvalidQuery} Why it may not run.
   */
  admit(asked: Asked, asker: Asker): Admitted;
  readonly rates: RateLimits;
}

export interface AdmissionOptions {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  readonly rates: Rates;
  /** Whether callers from elsewhere may ask for the schema. */
  readonly introspection: boolean;
  /** If given, callers from elsewhere run these documents and no others; by SHA-256. */
  readonly operations: ReadonlyMap<string, string> | undefined;
}

export const openAdmission = ({
  schema,
  limits,
  rates,
  introspection,
  operations,
}: AdmissionOptions): Admission => {
  const documents = openDocuments(schema, limits);
  const persisted = openPersistedQueries(operations ?? new Map());

  return {
    rates: openRateLimits(rates),
    admit: ({ query, variables, operationName, extensions, bytes, transport }, asker) => {
      const isLocal = asker.kind === "local";
      const listedOnly = operations !== undefined && !isLocal;
      const text = persisted.textOf({ query, extensions, listedOnly });
      if (text === undefined) throw new HttpFault("bad-request", "the request has no query");
      const name = nameIn(operationName);
      const operation = documents(text, name);
      if (operation.asksForSchema && !introspection && !isLocal)
        throw new GraphqlFault("INTROSPECTION_OFF", "this gateway does not tell its schema");
      checkTransport(operation.type, transport);
      if (operation.type !== "mutation" && bytes > limits.readBytes)
        throw new GraphqlFault(
          "REQUEST_TOO_LARGE",
          `a request that only reads has at most ${limits.readBytes} bytes`,
        );
      const { points, hasBadPage } = operation.cost(variablesIn(variables));
      if (points > limits.queryCost && operation.type !== "mutation")
        throw new GraphqlFault(
          "QUERY_TOO_COSTLY",
          `a query costs at most ${limits.queryCost} points, not ${points}: ask for fewer rows, or for less of each`,
        );
      operation.validate();
      if (hasBadPage)
        throw new GraphqlFault("BAD_USER_INPUT", `first must be 1 to ${limits.pageSize}`);
      if (extensions !== undefined && !listedOnly) persisted.learn(text);
      return { text, operationName: name, cost: points + operation.newness };
    },
  };
};

const nameIn = (operationName: unknown): string | undefined => {
  if (operationName === undefined || operationName === null || operationName === "")
    return undefined;
  if (typeof operationName === "string" && /^[_A-Za-z]\w{0,199}$/.test(operationName))
    return operationName;
  throw new GraphqlFault("OPERATION_UNKNOWN", "operationName cannot be the name of an operation");
};

const variablesIn = (variables: unknown): Readonly<Record<string, unknown>> => {
  if (variables === undefined || variables === null) return {};
  if (typeof variables === "object" && !Array.isArray(variables))
    return variables as Readonly<Record<string, unknown>>;
  throw new GraphqlFault("BAD_USER_INPUT", "variables must be a JSON object");
};

const checkTransport = (
  type: "query" | "mutation" | "subscription",
  transport: Asked["transport"],
): void => {
  if (transport === "socket" ? type === "subscription" : type !== "subscription") {
    if (transport !== "get" || type === "query") return;
    throw new HttpFault("method-not-allowed", "a mutation comes by POST, never by GET");
  }
  throw new GraphqlFault(
    "WRONG_TRANSPORT",
    type === "subscription"
      ? "a subscription comes over WebSocket (graphql-transport-ws)"
      : `a ${type} comes by POST, not over WebSocket`,
  );
};
