import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { buildSchema, isEnumType, isInputObjectType, isObjectType, validateSchema } from "graphql";
import { specDefaults } from "../domain/job/spec.ts";
import { graphqlErrors, httpErrors, refusalCodes } from "./errors.ts";
import { generatedFiles, resolverTypes } from "./generate-types.ts";

const text = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");
const schema = buildSchema(text);

describe("the schema", () => {
  test("is valid", () => assert.deepEqual(validateSchema(schema), []));

  test("says of every type and field what it is", () => {
    let seen = 0;
    for (const type of Object.values(schema.getTypeMap())) {
      if (!type.astNode) continue;
      assert.ok(type.description, `${type.name} has no description`);
      const members = isEnumType(type)
        ? type.getValues()
        : isObjectType(type) || isInputObjectType(type)
          ? Object.values(type.getFields())
          : [];
      for (const { name, description } of members) {
        seen++;
        assert.ok(description, `${type.name}.${name} has no description`);
      }
    }
    assert.ok(seen > 200);
  });

  test("has the defaults of the domain", () => {
    const input = schema.getType("SubmitJobInput");
    assert.ok(isInputObjectType(input));
    for (const [name, { defaultValue }] of Object.entries(input.getFields()))
      if (defaultValue !== undefined)
        assert.deepEqual(defaultValue, specDefaults[name as keyof typeof specDefaults], name);
  });

  test("has fresh types: run `npm run generate` after a change", () => {
    for (const { url, content } of generatedFiles())
      assert.equal(readFileSync(url, "utf8"), content, `${url.pathname} is stale`);
    const changed = buildSchema(text.replace("type Network {", "type Network { planted: Int "));
    assert.notEqual(resolverTypes(changed), resolverTypes(schema));
  });
});

describe("docs/errors.md", () => {
  const page = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8");
  const codesUnder = (heading: string): string[] => {
    const section = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
    return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code]) => code!).sort();
  };
  for (const [heading, registry] of [
    ["Refusals", refusalCodes],
    ["GraphQL errors", graphqlErrors],
    ["HTTP errors", httpErrors],
  ] as const)
    test(`lists the codes under "${heading}", all and no others`, () =>
      assert.deepEqual(codesUnder(heading), Object.keys(registry).sort()));

  test("gives the status of each HTTP error", () => {
    for (const [code, status] of Object.entries(httpErrors))
      assert.ok(page.includes(`| \`${code}\` | ${status} |`), code);
  });
});
