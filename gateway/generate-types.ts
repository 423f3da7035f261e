/**
 * Writes the TypeScript types that follow from `schema.graphql`: what goes over the wire, for the SDK
 * and for the gateway, and for the gateway also the shape of its resolvers. Run it after each change
 * of the schema: `npm run generate`. A test checks that the files are fresh.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import {
  buildSchema,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isUnionType,
} from "graphql";

/** What stands for each scalar on the wire. */
const scalars: Readonly<Record<string, string>> = {
  ID: "string",
  String: "string",
  Int: "number",
  Float: "number",
  Boolean: "boolean",
  Digest: "string",
  NodeId: "string",
  AccountId: "string",
  Position: "string",
  MicroPoints: "string",
  Instant: "number",
  Millis: "number",
  Bytes: "number",
  Json: "unknown",
  JobSpecJson: "Readonly<Record<string, unknown>>",
  WrapsJson: "unknown",
  CnctId: "string",
  Hex: "string",
  InceptionRecordJson: "Readonly<Record<string, unknown>>",
  IdentityStatementJson: "Readonly<Record<string, unknown>>",
};
/** What a resolver may answer where it differs: the scalar itself turns it into text. */
const resolved: Readonly<Record<string, string>> = {
  Position: "string | bigint",
  MicroPoints: "string | bigint",
  JobSpecJson: "object",
};

const header = `/** Generated from gateway/schema.graphql by gateway/generate-types.ts: do not edit. */`;

/** The wire types: what an answer holds and what inputs look like. */
export const wireTypes = (schema: GraphQLSchema): string =>
  [header, ...ownTypes(schema).map(declaration)].join("\n\n");

/** The wire types, and what the resolvers of each type must be. */
export const resolverTypes = (schema: GraphQLSchema): string => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const objects = ownTypes(schema).filter(isObjectType);
  const plain = objects.filter((type) => !roots.includes(type));
  const fields = objects.map((type) => {
    const isSubscription = type === schema.getSubscriptionType();
    const members = Object.values(type.getFields()).map((field) =>
      resolver(field, type, { isRoot: roots.includes(type), isSubscription }),
    );
    return `export interface ${type.name}Fields<S extends Sources, C> {\n${members.join("\n")}\n}`;
  });
  return [
    wireTypes(schema),
    ...fields,
    `/** What each type is resolved from. */
export interface Sources {\n${plain.map(({ name }) => `readonly ${name}: object;`).join("\n")}\n}`,
    `/** Types that are resolved from their own wire form. */
export interface WireSources {\n${plain.map(({ name }) => `readonly ${name}: ${name};`).join("\n")}\n}`,
    `interface AllFields<S extends Sources, C> {\n${plain
      .map(({ name }) => `readonly ${name}: ${name}Fields<S, C>;`)
      .join("\n")}\n}`,
    prelude,
  ].join("\n\n");
};

const prelude = `
export type Field<Source, Args, Result, C> = (
  source: Source,
  args: Args,
  context: C,
) => Result | Promise<Result>;
export interface Listening<Args, Result, C> {
  readonly subscribe: (source: object, args: Args, context: C) => AsyncIterator<Result>;
}
export type NoArgs = Readonly<Record<string, never>>;

type ResultOf<F> = F extends (...args: never[]) => infer R ? Exclude<R, Promise<unknown>> : never;
/** Fields that the source does not have in the form that the field answers. */
type Missing<Source, Fields> = {
  [K in keyof Fields]: K extends keyof Source
    ? Source[K] extends ResultOf<Fields[K]>
      ? never
      : K
    : K;
}[keyof Fields];
type Complete<S extends Sources, C> = {
  [T in keyof Sources]: [Missing<S[T], AllFields<S, C>[T]>] extends [never] ? T : never;
}[keyof Sources];

/** Every resolver that the sources make necessary, and no field that the schema does not have. */
export type Resolvers<S extends Sources, C> = {
  readonly Query: QueryFields<S, C>;
  readonly Mutation: MutationFields<S, C>;
  readonly Subscription: SubscriptionFields<S, C>;
} & {
  readonly [T in Exclude<keyof Sources, Complete<S, C>>]: Pick<
    AllFields<S, C>[T],
    Missing<S[T], AllFields<S, C>[T]>
  > &
    Partial<AllFields<S, C>[T]>;
};
`;

const ownTypes = (schema: GraphQLSchema): readonly GraphQLNamedType[] =>
  Object.values(schema.getTypeMap()).filter(
    (type) => !type.name.startsWith("__") && !isScalarType(type),
  );

const declaration = (type: GraphQLNamedType): string => {
  const doc = comment(type.description);
  if (isEnumType(type))
    return `${doc}export type ${type.name} = ${type
      .getValues()
      .map(({ name }) => `"${name}"`)
      .join(" | ")};`;
  if (isUnionType(type))
    return `${doc}export type ${type.name} = ${type
      .getTypes()
      .map(({ name }) => `({ readonly __typename: "${name}" } & ${name})`)
      .join(" | ")};`;
  if (isObjectType(type)) {
    const fields = Object.values(type.getFields());
    const members = fields.map((field) => member(field, wire(field.type, scalars)));
    return [
      `${doc}export interface ${type.name} {\n${members.join("\n")}\n}`,
      ...fields.filter(({ args }) => args.length > 0).map((field) => argsOf(type, field)),
    ].join("\n\n");
  }
  if (isInputObjectType(type))
    return `${doc}export interface ${type.name} {\n${Object.values(type.getFields())
      .map(inputMember)
      .join("\n")}\n}`;
  throw new Error(`no rule for ${type.name}`);
};

const argsName = (type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): string =>
  `${type.name}${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}Args`;

const argsOf = (type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): string =>
  `export interface ${argsName(type, field)} {\n${field.args.map(inputMember).join("\n")}\n}`;

const member = (
  {
    name,
    description,
  }: { readonly name: string; readonly description?: string | null | undefined },
  type: string,
): string => `${comment(description)}readonly ${name}: ${type};`;

const inputMember = (
  field: Pick<GraphQLInputField, "name" | "description" | "type" | "defaultValue">,
): string => {
  const optional = !isNonNullType(field.type) || field.defaultValue !== undefined;
  const type = wire(field.type, scalars);
  return `${comment(field.description)}readonly ${field.name}${optional ? "?" : ""}: ${type}${
    optional ? " | undefined" : ""
  };`;
};

const resolver = (
  field: GraphQLField<unknown, unknown>,
  type: GraphQLObjectType,
  { isRoot, isSubscription }: { readonly isRoot: boolean; readonly isSubscription: boolean },
): string => {
  const args = field.args.length > 0 ? argsName(type, field) : "NoArgs";
  const result = source(field.type);
  if (isSubscription)
    return `readonly ${field.name}: Listening<${args}, { readonly ${field.name}: ${result} }, C>;`;
  const parent = isRoot ? "unknown" : `S["${type.name}"]`;
  return `readonly ${field.name}: Field<${parent}, ${args}, ${result}, C>;`;
};

/** The type of a value on the wire; nullable unless the schema says otherwise. */
const wire = (type: GraphQLType, scalarTypes: Readonly<Record<string, string>>): string => {
  if (isNonNullType(type)) return bare(type.ofType, scalarTypes);
  return `${bare(type, scalarTypes)} | null`;
};
const bare = (type: GraphQLType, scalarTypes: Readonly<Record<string, string>>): string => {
  if (isListType(type)) return `readonly (${wire(type.ofType, scalarTypes)})[]`;
  if (isScalarType(type)) {
    const known = scalarTypes[type.name];
    if (known === undefined) throw new Error(`no TypeScript type for the scalar ${type.name}`);
    return known;
  }
  return (type as GraphQLNamedType).name;
};

/** What a resolver answers for a value of this type. */
const source = (type: GraphQLType): string => {
  if (!isNonNullType(type)) return `${bareSource(type)} | null | undefined`;
  return bareSource(type.ofType);
};
const bareSource = (type: GraphQLType): string => {
  if (isListType(type)) return `readonly (${source(type.ofType)})[]`;
  if (isObjectType(type)) return `S["${type.name}"]`;
  if (isUnionType(type))
    return type
      .getTypes()
      .map(({ name }) => `({ readonly __typename: "${name}" } & S["${name}"])`)
      .join(" | ");
  return bare(type, { ...scalars, ...resolved });
};

const comment = (text: string | null | undefined): string =>
  text ? `/** ${text.replace(/\*\//g, "* /").split("\n").join("\n * ")} */\n` : "";

/** As Biome lays it out, so that the files pass the same checks as those that people write. */
export const formatted = (source: string): string => {
  const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
  const run = spawnSync(process.execPath, [biome, "format", "--stdin-file-path=schema.types.ts"], {
    input: source,
    encoding: "utf8",
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  if (run.status !== 0) throw new Error(`Biome could not format the types: ${run.stderr}`);
  return run.stdout;
};

/** The files and what they must hold. */
export const generatedFiles = (): readonly { readonly url: URL; readonly content: string }[] => {
  const schema = buildSchema(readFileSync(new URL("schema.graphql", import.meta.url), "utf8"));
  return [
    {
      url: new URL("schema.types.ts", import.meta.url),
      content: formatted(resolverTypes(schema)),
    },
    {
      url: new URL("../sdk/schema.types.ts", import.meta.url),
      content: formatted(wireTypes(schema)),
    },
  ];
};

if (import.meta.main)
  for (const { url, content } of generatedFiles()) {
    writeFileSync(url, content);
    console.log(`wrote ${fileURLToPath(url)}`);
  }
