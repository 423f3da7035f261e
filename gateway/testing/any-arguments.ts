/** Arguments that a field of the schema takes, whatever they mean: for asking for every field there is. */
import {
  type GraphQLField,
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
} from "graphql";

const values: Readonly<Record<string, unknown>> = {
  AccountId: "client:ada",
  Bytes: 1,
  CnctId: `cnct:${"a".repeat(52)}`,
  Digest: "a".repeat(64),
  Hex: "aa",
  Instant: 1,
  Int: 1,
  Millis: 1,
  NodeId: "some-node",
  Position: "0",
  String: "some",
};

/** @throws {Error} For a scalar that nobody gave a value here. */
const anyOf = (type: GraphQLInputType): unknown => {
  if (isNonNullType(type)) return anyOf(type.ofType);
  if (isListType(type)) return [anyOf(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter(isRequiredInputField)
        .map((field) => [field.name, anyOf(field.type)]),
    );
  if (type.name.endsWith("Json") || type.name === "Json") return {};
  if (type.name in values) return values[type.name];
  throw new Error(`no value for the scalar ${type.name}`);
};

/** A mutation of this field alone, with its variables. */
export const anyMutation = (
  field: GraphQLField<unknown, unknown>,
): { readonly query: string; readonly variables: object } => {
  const wanted = field.args.filter(isRequiredArgument);
  const declared = wanted.map(({ name, type }) => `$${name}: ${String(type)}`).join(", ");
  const given = wanted.map(({ name }) => `${name}: $${name}`).join(", ");
  const brackets = (text: string): string => (text === "" ? "" : `(${text})`);
  const shown = "{ __typename ... on Refusal { code message } }";
  return {
    query: `mutation ${brackets(declared)} { ${field.name}${brackets(given)} ${shown} }`,
    variables: Object.fromEntries(wanted.map(({ name, type }) => [name, anyOf(type)])),
  };
};
