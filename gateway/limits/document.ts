/**
 * Reads the text of a query once and says whether it may run: parsed, measured, validated. Verdicts
 * are kept, so that a text that comes again costs a look-up.
 */
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  parse,
  Source,
  specifiedRules,
  TokenKind,
  validate,
} from "graphql";
import type { Limits } from "../context.ts";
import { GraphqlFault } from "../errors.ts";
import { type Cost, costOf, type Variables } from "./cost.ts";
import { recent } from "./recent.ts";
import { checkShape } from "./shape.ts";

export interface Operation {
  readonly type: "query" | "mutation" | "subscription";
  readonly asksForSchema: boolean;
  /** Points for reading the text: 0 if its verdict is known. */
  readonly newness: number;
  readonly cost: (variables: Variables) => Cost;
  /**
   * GraphQL's own validation, the dearest of all checks: to be done last.
   *
   * @throws {InvalidQuery} What it says.
   */
  readonly validate: () => void;
}

/** How many verdicts are kept: at most 16 MiB of texts, and as much again for what is made of them. */
const keptMax = 1_000;
/** Apart, so that bad texts do not push out good ones. */
const faultsMax = 200;
/** To read and compile a large new text takes some 10 ms, far more than to run it. */
const tokensPerPoint = 4;
/** One is enough to say no; a few help whoever writes a query. */
const errorsMax = 3;

export type Documents = (text: string, operationName: string | undefined) => Operation;

/**
 * @returns What a text is made of.
 * @throws {GraphqlFault | InvalidQuery} Why the text cannot run.
 */
export const openDocuments = (schema: GraphQLSchema, limits: Limits): Documents => {
  const good = recent<Good>(keptMax);
  const bad = recent<{ readonly error: unknown }>(faultsMax);
  /** What `check` returns or throws, remembered as thrown for this text. */
  const remembering = <Result>(text: string, check: () => Result): Result => {
    try {
      return check();
    } catch (error) {
      bad.set(text, { error });
      throw error;
    }
  };

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
    return remembering(text, () => {
      const { document, tokens } = parsed(text, limits);
      const { asksForSchema } = checkShape(document, limits);
      const newness = Math.ceil(tokens / tokensPerPoint);
      return { document, asksForSchema, newness, operations: new Map() };
    });
  };

  const operationOf = (text: string, read: Good, name: string | undefined): Operation => {
    const { document, asksForSchema, newness, operations } = read;
    const node = chosen(document, name);
    const costWith = (variables: Variables) =>
      costOf(schema, document, node, variables, limits.pageSize);
    const varies = (node.variableDefinitions?.length ?? 0) > 0;
    const always = varies ? undefined : costWith({});
    const operation: Operation = {
      type: node.operation,
      asksForSchema,
      newness,
      cost: (variables) => always ?? costWith(variables),
      validate: () => {
        if (good.get(text) === undefined)
          remembering(text, () => {
            const errors = validate(schema, document, specifiedRules, { maxErrors: errorsMax });
            if (errors.length > 0)
              throw new InvalidQuery("GRAPHQL_VALIDATION_FAILED", errors.slice(0, errorsMax));
            good.set(text, read);
          });
        operations.set(name, { ...operation, newness: 0 }); // At most as many as the text has.
      },
    };
    return operation;
  };

  return (text, name) => {
    const known = read(text);
    return known.operations.get(name) ?? operationOf(text, known, name);
  };
};

/** A text within its limits; kept once it is valid. */
interface Good {
  readonly document: DocumentNode;
  readonly asksForSchema: boolean;
  readonly newness: number;
  readonly operations: Map<string | undefined, Operation>;
}

/** What GraphQL itself says against a text. */
export class InvalidQuery extends Error {
  readonly code: "GRAPHQL_PARSE_FAILED" | "GRAPHQL_VALIDATION_FAILED";
  readonly errors: readonly GraphQLError[];
  constructor(code: InvalidQuery["code"], errors: readonly GraphQLError[]) {
    super(errors[0]?.message ?? "the query is not valid");
    this.name = "InvalidQuery";
    this.code = code;
    this.errors = errors;
  }
}

/** Token by token first: the parser goes into itself at each bracket, until it falls off the stack. */
const parsed = (
  text: string,
  { queryTokens, queryBrackets }: Limits,
): { readonly document: DocumentNode; readonly tokens: number } => {
  try {
    const lexer = new Lexer(new Source(text));
    let depth = 0;
    let tokens = 0;
    for (; lexer.advance().kind !== TokenKind.EOF; tokens++) {
      const { kind } = lexer.token;
      if (tokens >= queryTokens)
        throw new GraphqlFault(
          "QUERY_TOO_LONG",
          `a query has at most ${queryTokens} words and signs, and this one has more`,
        );
      if (opening.has(kind)) depth++;
      else if (closing.has(kind)) depth--;
      if (depth > queryBrackets)
        throw new GraphqlFault(
          "QUERY_TOO_DEEP",
          `brackets stand at most ${queryBrackets} deep in one another`,
        );
    }
    return { document: parse(text), tokens };
  } catch (error) {
    if (error instanceof GraphQLError) throw new InvalidQuery("GRAPHQL_PARSE_FAILED", [error]);
    throw error;
  }
};
const opening: ReadonlySet<string> = new Set([
  TokenKind.BRACE_L,
  TokenKind.BRACKET_L,
  TokenKind.PAREN_L,
]);
const closing: ReadonlySet<string> = new Set([
  TokenKind.BRACE_R,
  TokenKind.BRACKET_R,
  TokenKind.PAREN_R,
]);

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
