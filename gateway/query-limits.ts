/** How deep and how large a query may be, checked before it runs. */
import {
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";
import type { GraphqlErrorCode } from "./errors.ts";

interface Extent {
  readonly depth: number;
  readonly fields: number;
}
const none: Extent = { depth: 0, fields: 0 };

/** Introspection goes deeper than any query of ours needs to; tools ask it this way. */
const introspectionDepth = 20;

/**
 * A validation rule: counts the levels and the fields of each operation with its fragments written
 * out. Each fragment is counted once, so the check itself cannot be made slow.
 */
export const queryLimits =
  (limits: { readonly queryDepth: number; readonly queryFields: number }) =>
  (context: ValidationContext): ASTVisitor => {
    const known = new Map<string, Extent>();
    const underWay = new Set<string>();

    const ofFragment = (fragment: FragmentDefinitionNode): Extent => {
      const name = fragment.name.value;
      const before = known.get(name);
      if (before) return before;
      if (underWay.has(name)) return none; // A cycle; another rule refuses it.
      underWay.add(name);
      const extent = ofSelections(fragment.selectionSet);
      underWay.delete(name);
      known.set(name, extent);
      return extent;
    };

    const ofSelections = (set: SelectionSetNode | undefined): Extent => {
      if (!set) return none;
      let depth = 0;
      let fields = 0;
      for (const selection of set.selections) {
        let extent = none;
        if (selection.kind === "FragmentSpread") {
          const fragment = context.getFragment(selection.name.value);
          if (fragment) extent = ofFragment(fragment);
        } else {
          extent = ofSelections(selection.selectionSet);
          if (selection.kind === "Field") {
            const isIntrospection = selection.name.value.startsWith("__");
            const excused = isIntrospection && extent.depth <= introspectionDepth;
            extent = {
              depth: excused ? 1 : extent.depth + 1,
              fields: Math.min(extent.fields + 1, 1_000_000),
            };
          }
        }
        depth = Math.max(depth, extent.depth);
        fields = Math.min(fields + extent.fields, 1_000_000);
      }
      return { depth, fields };
    };

    const report = (code: GraphqlErrorCode, message: string): void =>
      context.reportError(new GraphQLError(message, { extensions: { code } }));

    return {
      OperationDefinition: (operation) => {
        const { depth, fields } = ofSelections(operation.selectionSet);
        if (depth > limits.queryDepth)
          report("QUERY_TOO_DEEP", `a query has at most ${limits.queryDepth} levels, not ${depth}`);
        if (fields > limits.queryFields)
          report(
            "QUERY_TOO_LARGE",
            `a query has at most ${limits.queryFields} fields, not ${fields}`,
          );
        return false;
      },
    };
  };
