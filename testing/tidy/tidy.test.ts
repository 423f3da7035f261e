import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import { describe, test } from "node:test";
import { findFiles } from "../runner/find-files.ts";
import type { Finding, Project } from "./rule.ts";
import { rules } from "./rules.ts";
import { sourceFile } from "./source.ts";

const root = dirname(dirname(import.meta.dirname));
const textual =
  /\.(ts|mts|tsx|mjs|md|json|ya?ml|conf|graphql|html|css|svg)$|^(Dockerfile|LICENSE|run)$/;

const project: Project = findFiles(root, (name) => textual.test(name)).map((file) =>
  sourceFile(relative(root, file).split(sep).join("/"), readFileSync(file, "utf8")),
);
const planted = (files: Readonly<Record<string, string>>): Project =>
  Object.entries(files).map(([path, text]) => sourceFile(path, text));
const shown = (findings: readonly Finding[]): string =>
  findings.map(({ path, line, says }) => `${path}:${line}: ${says}`).join("\n");

describe("the project is tidy:", () => {
  test("files of every part were read", () => {
    for (const folder of ["domain/", "streams/", "worker/", "gateway/", "services/", "testing/"])
      assert.ok(
        project.some(({ path, imports }) => path.startsWith(folder) && imports.length > 0),
        `no file with an import was read in ${folder}`,
      );
    for (const path of ["package.json", "package-lock.json", "bootstrap/run.mjs"])
      assert.ok(
        project.some((file) => file.path === path),
        `${path} was not read`,
      );
  });

  for (const { name, check } of rules)
    test(name, () => {
      const findings = check(project);
      assert.equal(findings.length, 0, `\n${shown(findings)}`);
    });
});

describe("the tidy rules find what is planted:", () => {
  for (const rule of rules)
    test(rule.name, () => {
      assert.ok(rule.planted.length > 0 && rule.fine.length > 0);
      for (const files of rule.planted)
        assert.notEqual(
          rule.check(planted(files)).length,
          0,
          `not found: ${JSON.stringify(files).slice(0, 300)}`,
        );
      for (const files of rule.fine) assert.equal(shown(rule.check(planted(files))), "");
    });
});

describe("the scanner", () => {
  const importsOf = (text: string): readonly string[] =>
    sourceFile("a/b.ts", text).imports.map(({ specifier }) => specifier);

  test("finds every form of import, over several lines too", () => {
    const text = `import a from "1"; import type { b } from '2'; import "3"; export * from "4";
      export { c } from "5"; const d = await import("6"); import.meta.resolve("7");
      import {
        e,
      } from "8"; createRequire(import.meta.url).resolve("x"); require("9"); await import(\`10\`);`;
    assert.deepEqual([...importsOf(text)].sort(), [
      "1",
      "10",
      "2",
      "3",
      "4",
      "5",
      "6",
      "7",
      "8",
      "9",
    ]);
  });

  test("is not fooled by comments, strings, templates or regular expressions", () => {
    const text = [
      '// import a from "1";',
      '/* import a from "2"; */',
      "const s = 'import a from \"3\"';",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: It is the template of the scanned text.
      'const t = `import a from "4" ${`nested ${1} import "5"`} from "6"`;',
      'const r = /["\'/]/.test(s) ? 1 : 2; const half = 4 / 2; const u = /"/g;',
      "const v = s.length / 2; if (/`/.test(s)) return /'/;",
      'import real from "real";',
    ].join("\n");
    assert.deepEqual(importsOf(text), ["real"]);
  });

  test("reads an import inside a template's expression", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: It is the template of the scanned text.
    assert.deepEqual(importsOf('const a = `${await import("in")} from "out"`;'), ["in"]);
  });

  test("keeps the length and the lines of the text", () => {
    for (const { text, code } of project.filter((file) => file.code !== "")) {
      assert.equal(code.length, text.length);
      assert.equal(code.split("\n").length, text.split("\n").length);
    }
  });
});
