/**
 * Reads the text of a query once and says whether it may run: parsed, measured, validated. Verdicts
 * are kept, so that a text that comes again costs a look-up.
 */
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import type { Limits } from "../context.ts";
import { GraphqlFault } from "../errors.ts";
import { costOf, type Variables } from "./cost.ts";
import { recent } from "./recent.ts";
import { checkShape } from "./shape.ts";

export interface Operation {
  readonly type: "query" | "mutation" | "subscription";
  readonly asksForSchema: boolean;
  /** @throws {GraphqlFault} `BAD_USER_INPUT` for a `first` that no connection takes. */
  readonly cost: (variables: Variables) => number;
}

/** How many verdicts are kept: at most 16 MiB of texts, and as much again for what is made of them. */
const keptMax = 1_000;
/** Apart, so that bad texts do not push out good ones. */
const faultsMax = 200;
/** One is enough to say no; a few help whoever writes a query. */
const errorsMax = 3;

export type Documents = (text: string, operationName: string | undefined) => Operation;

/**
 * @returns What a text is made of.
 * @throws {GraphqlFault | GraphQLError} Why the text cannot run.
 */
export const openDocuments = (schema: GraphQLSchema, limits: Limits): Documents => {
  const good = recent<Good>(keptMax);
  const bad = recent<{ readonly error: unknown }>(faultsMax);

  const read = (text: string): Good => {
    if (text.length > limits.queryCharacters)
      throw new GraphqlFault(
        "QUERY_TOO_LONG",
        `a query has at most ${limits.queryCharacters} characters, not ${text.length}`,
      );
    const known = good.get(text);
    if (known) return known;
    const before = bad.get(text);
    if (before) throw before.error;
    try {
      const document = parsed(text, limits.queryTokens);
      const { asksForSchema } = checkShape(document, limits);
      const errors = validate(schema, document, specifiedRules, { maxErrors: errorsMax });
      if (errors.length > 0) throw new InvalidQuery(errors.slice(0, errorsMax));
      const read = { document, asksForSchema, operations: new Map() };
      good.set(text, read);
      return read;
    } catch (error) {
      bad.set(text, { error });
      throw error;
    }
  };

  const operationOf = ({ document, asksForSchema }: Good, name: string | undefined): Operation => {
    const node = chosen(document, name);
    const cost = (variables: Variables) =>
      costOf(schema, document, node, variables, limits.pageSize);
    const varies = (node.variableDefinitions?.length ?? 0) > 0;
    const always = varies ? undefined : cost({});
    return { type: node.operation, asksForSchema, cost: (given) => always ?? cost(given) };
  };

  return (text, name) => {
    const known = read(text);
    const before = known.operations.get(name);
    if (before) return before;
    const operation = operationOf(known, name);
    known.operations.set(name, operation); // At most as many as it has operations.
    return operation;
  };
};

interface Good {
  readonly document: DocumentNode;
  readonly asksForSchema: boolean;
  readonly operations: Map<string | undefined, Operation>;
}

/** What GraphQL's own validation says. */
export class InvalidQuery extends Error {
  readonly errors: readonly GraphQLError[];
  constructor(errors: readonly GraphQLError[]) {
    super(errors[0]?.message ?? "the query is not valid");
    this.name = "InvalidQuery";
    this.errors = errors;
  }
}

const parsed = (text: string, maxTokens: number): DocumentNode => {
  try {
    return parse(text, { maxTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes(`more that ${maxTokens} tokens`))
      throw new GraphqlFault(
        "QUERY_TOO_LONG",
        `a query has at most ${maxTokens} words and signs, and this one has more`,
      );
    throw new InvalidQuery([error]);
  }
};

const chosen = (document: DocumentNode, name: string | undefined): OperationDefinitionNode => {
  const operations = document.definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const [only] = operations;
  const found =
    name === undefined
      ? operations.length === 1
        ? only
        : undefined
      : operations.find((operation) => operation.name?.value === name);
  if (found) return found;
  const wanted = name === undefined ? "operationName must say which" : "there is none of that name";
  throw new GraphqlFault(
    "OPERATION_UNKNOWN",
    `the query has ${operations.length} operations: ${wanted}`,
  );
};
