/**
 * What an operation costs, from its text and its variables alone: about one point for each object
 * that is resolved at most. A connection counts `first` times what is asked of each row, a list
 * without pages its usual length.
 */
import {
  type ArgumentNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from "graphql";

/** What a field costs beyond the object that it answers: a read of the log, a search, an append. */
const weights: Readonly<Record<string, number>> = {
  "Job.history": 10,
  "Job.verification": 10,
  "Query.apps": 5,
  "Query.app": 5,
  "Query.nodes": 5,
  "Query.requester": 50,
  "Reputation.history": 5,
  "Query.candidates": 20,
  "Job.recipients": 5,
  "Job.wrap": 5,
  "Query.__schema": 1_000,
  "Query.__type": 100,
  "Identity.history": 20,
  // What these write stays in the log, and in the memory of the services, for ever, and whoever has
  // many identities has many budgets.
  "Mutation.registerIdentity": 500,
  "Mutation.stateIdentity": 100,
  "Mutation.registerNode": 100,
  "Mutation.drainNode": 100,
  "Mutation.resumeNode": 100,
  "Mutation.issueServiceKey": 50,
  "Mutation.rollServiceKey": 50,
  "Mutation.revokeServiceKey": 50,
  // Signatures to verify and to make.
  "Mutation.login": 10,
  "Mutation.mintNatsCredentials": 10,
  "Subscription.jobEvents": 20,
  "Subscription.events": 50,
  "Subscription.jobEnded": 20,
  "Subscription.keysAwaited": 20,
};

/** How long lists without pages usually are; others count as 5. */
const lengths: Readonly<Record<string, number>> = {
  "Job.history": 20,
  "Query.apps": 10,
  "SubmittedJobs.refusals": 1,
  "Reputation.warnings": 1,
};
const usualLength = 5;

export type Variables = Readonly<Record<string, unknown>>;

export interface Cost {
  /** At least 1. */
  readonly points: number;
  /** Whether some `first` is one that no connection takes; it is counted as the largest page. */
  readonly hasBadPage: boolean;
}

/** The cost of one operation, also where the schema does not allow it: what it has not costs nothing. */
export const costOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  pageSize: number,
): Cost => {
  let hasBadPage = false;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === "FragmentDefinition") fragments.set(definition.name.value, definition);

  const given = (argument: ArgumentNode | undefined, definition?: GraphQLArgument): unknown => {
    const value = argument?.value;
    if (!value) return definition?.defaultValue;
    if (value.kind === "IntValue") return Number(value.value);
    if (value.kind === "ListValue") return value.values;
    if (value.kind !== "Variable") return value;
    const name = value.name.value;
    if (Object.hasOwn(variables, name)) return variables[name];
    const declared = operation.variableDefinitions?.find(
      ({ variable }) => variable.name.value === name,
    );
    const standard = declared?.defaultValue;
    return standard?.kind === "IntValue" ? Number(standard.value) : definition?.defaultValue;
  };

  const pageOf = (first: unknown): number => {
    if (typeof first === "number" && Number.isInteger(first) && first >= 1 && first <= pageSize)
      return first;
    hasBadPage = true;
    return pageSize;
  };

  /** @param rows - How many rows a page of this connection has; undefined in any other type. */
  const ofSelections = (
    set: SelectionSetNode,
    type: GraphQLNamedType | undefined,
    rows: number | undefined,
  ): number => {
    let cost = 0;
    for (const selection of set.selections) {
      if (selection.kind === "Field") {
        const field = fieldOf(schema, type, selection.name.value);
        if (!type || !field) continue;
        const name = `${type.name}.${selection.name.value}`;
        const asked = selection.arguments?.find((argument) => argument.name.value === "first");
        const first = field.args.find((argument) => argument.name === "first");
        const page = first ? pageOf(given(asked, first)) : undefined;
        cost += weights[name] ?? 0;
        // Each of many things that one mutation takes.
        if (type === schema.getMutationType())
          for (const argument of selection.arguments ?? []) {
            const value = given(argument);
            if (Array.isArray(value)) cost = Math.max(cost, value.length);
          }
        const inner = getNamedType(field.type);
        if (!isCompositeType(inner) || !selection.selectionSet) continue;
        if (inner.name.startsWith("__")) continue; // Its weight stands for all of it.
        const times = isList(field.type) ? (rows ?? lengths[name] ?? usualLength) : 1;
        cost += times * (1 + ofSelections(selection.selectionSet, inner, page));
      } else if (selection.kind === "InlineFragment") {
        const condition = selection.typeCondition?.name.value;
        const inner = condition === undefined ? type : schema.getType(condition);
        cost += ofSelections(selection.selectionSet, inner, rows);
      } else {
        const fragment = fragments.get(selection.name.value);
        if (!fragment) continue;
        const inner = schema.getType(fragment.typeCondition.name.value);
        cost += ofSelections(fragment.selectionSet, inner, rows);
      }
    }
    return cost;
  };
  const root = schema.getRootType(operation.operation) ?? undefined;
  const points = Math.max(1, ofSelections(operation.selectionSet, root, undefined));
  return { points, hasBadPage };
};

const fieldOf = (
  schema: GraphQLSchema,
  type: GraphQLNamedType | undefined,
  name: string,
): GraphQLField<unknown, unknown> | undefined => {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  if (type === schema.getQueryType()) {
    if (name === "__schema") return SchemaMetaFieldDef;
    if (name === "__type") return TypeMetaFieldDef;
  }
  const fields = type.getFields();
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
};

const isList = (type: GraphQLOutputType): boolean =>
  isListType(isNonNullType(type) ? type.ofType : type);
