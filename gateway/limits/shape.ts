/**
 * How large and how deep a document may be, looked at before anything else is done with it: in one
 * walk over what was written, with each fragment counted once, so that the check itself cannot be
 * made slow. What comes behind, GraphQL's own validation, is quadratic in places and relies on it.
 */
import type {
  ASTNode,
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  SelectionSetNode,
} from "graphql";
import type { Limits } from "../context.ts";
import { GraphqlFault } from "../errors.ts";

export type ShapeLimits = Pick<
  Limits,
  | "queryDepth"
  | "queryFields"
  | "queryAliases"
  | "queryDirectives"
  | "queryFragments"
  | "queryOperations"
  | "queryRepeats"
>;

interface Extent {
  readonly depth: number;
  readonly fields: number;
}
const none: Extent = { depth: 0, fields: 0 };
/** Beyond any limit, and far from where numbers lose their last digit. */
const countless = 1_000_000;

/** Introspection goes deeper than any query of ours needs to; tools ask it this way. */
const introspectionDepth = 20;

/** Root fields that ask for the schema, in one operation: tools ask once, or once for each of a few. */
const introspectionsMax = 3;

export interface Shape {
  /** Whether `__schema` or `__type` stands anywhere in it. */
  readonly asksForSchema: boolean;
}

/** @throws {GraphqlFault} With the code of the first limit that the document breaks. */
export const checkShape = (document: DocumentNode, limits: ShapeLimits): Shape => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition") fragments.set(definition.name.value, definition);
    else if (definition.kind === "OperationDefinition") operations.push(definition);
    else
      throw new GraphqlFault(
        "GRAPHQL_VALIDATION_FAILED",
        "a request holds operations and fragments",
      );
  }
  demand("QUERY_TOO_LARGE", "operations", operations.length, limits.queryOperations);
  demand("QUERY_TOO_LARGE", "fragments", fragments.size, limits.queryFragments);
  const asksForSchema = checkWritten(document, limits);

  const known = new Map<string, Extent>();
  const underWay = new Set<string>();
  const ofFragment = (name: string): Extent => {
    const before = known.get(name);
    if (before) return before;
    const fragment = fragments.get(name);
    if (!fragment) return none; // Validation refuses it.
    if (underWay.has(name))
      throw new GraphqlFault("FRAGMENT_CYCLE", "a fragment spreads itself, or one that spreads it");
    underWay.add(name);
    const extent = ofSelections(fragment.selectionSet);
    underWay.delete(name);
    known.set(name, extent);
    return extent;
  };
  const ofSelections = (set: SelectionSetNode | undefined): Extent => {
    let depth = 0;
    let fields = 0;
    for (const selection of set?.selections ?? []) {
      let extent: Extent;
      if (selection.kind === "FragmentSpread") extent = ofFragment(selection.name.value);
      else {
        extent = ofSelections(selection.selectionSet);
        if (selection.kind === "Field") {
          const isIntrospection = selection.name.value.startsWith("__");
          const excused = isIntrospection && extent.depth <= introspectionDepth;
          extent = { depth: excused ? 1 : extent.depth + 1, fields: extent.fields + 1 };
        }
      }
      depth = Math.max(depth, extent.depth);
      fields = Math.min(fields + extent.fields, countless);
    }
    return { depth, fields };
  };
  // Those that nobody spreads are walked by validation all the same.
  for (const name of fragments.keys()) ofFragment(name);
  for (const { selectionSet } of operations) {
    const { depth, fields } = ofSelections(selectionSet);
    demand("QUERY_TOO_DEEP", "levels", depth, limits.queryDepth);
    demand("QUERY_TOO_LARGE", "fields (its fragments written out)", fields, limits.queryFields);
  }
  return { asksForSchema };
};

/** What is counted as it is written, fragments once; answers whether it asks for the schema. */
const checkWritten = (document: DocumentNode, limits: ShapeLimits): boolean => {
  let aliases = 0;
  let directives = 0;
  let introspections = 0;
  const names = new Map<string, number>();
  const walk = (set: SelectionSetNode | undefined): void => {
    for (const selection of set?.selections ?? []) {
      directives += selection.directives?.length ?? 0;
      if (selection.kind === "InlineFragment") walk(selection.selectionSet);
      else {
        const isField = selection.kind === "Field";
        const name = isField
          ? (selection.alias ?? selection.name).value
          : `...${selection.name.value}`;
        names.set(name, (names.get(name) ?? 0) + 1);
        if (!isField) continue;
        if (selection.alias) aliases += 1;
        if (/^__(schema|type)$/.test(selection.name.value)) introspections += 1;
        walk(selection.selectionSet);
      }
    }
  };
  for (const definition of document.definitions as readonly (ASTNode & {
    readonly selectionSet?: SelectionSetNode;
    readonly directives?: readonly unknown[];
    readonly variableDefinitions?: readonly { readonly directives?: readonly unknown[] }[];
  })[]) {
    directives += definition.directives?.length ?? 0;
    for (const variable of definition.variableDefinitions ?? [])
      directives += variable.directives?.length ?? 0;
    walk(definition.selectionSet);
  }
  demand("TOO_MANY_ALIASES", "aliases", aliases, limits.queryAliases);
  demand("TOO_MANY_DIRECTIVES", "directives", directives, limits.queryDirectives);
  demand("QUERY_TOO_LARGE", "questions for the schema", introspections, introspectionsMax);
  let most = 0;
  for (const times of names.values()) most = Math.max(most, times);
  demand("QUERY_TOO_LARGE", "repeats of one field or fragment", most, limits.queryRepeats);
  return introspections > 0;
};

const demand = (
  code: "QUERY_TOO_LARGE" | "QUERY_TOO_DEEP" | "TOO_MANY_ALIASES" | "TOO_MANY_DIRECTIVES",
  what: string,
  count: number,
  most: number,
): void => {
  if (count > most)
    throw new GraphqlFault(code, `a query has at most ${most} ${what}, not ${count}`);
};
