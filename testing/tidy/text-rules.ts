/** The tidy rules about what a file says. */
import { irregularParticiples } from "./folders.ts";
import { isCode, isTest, matches, onLine, type Rule } from "./rule.ts";
import { lineOf } from "./source.ts";

const clocks =
  /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bMath\s*\.\s*random\b|\bperformance\s*\.\s*now\b|\bset(?:Timeout|Interval|Immediate)\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b|\bprocess\s*\.\s*hrtime\b/g;

export const noClock: Rule = {
  name: "rules, services and views read no clock and roll no die",
  check: (project) =>
    project
      .filter(({ path }) => /^(domain|services|projections)\//.test(path) && !isTest(path))
      .filter(({ path }) => path.startsWith("domain/") || !/\/(run-[^/]+|runner)\.ts$/.test(path))
      .flatMap((file) =>
        matches(
          file,
          "code",
          clocks,
          (found) => `${found}: take it from outside, or move it into a runner (run-*.ts)`,
        ),
      ),
  planted: [
    { "domain/a.ts": "const now = Date.now();" },
    { "domain/run-a.ts": "const die = Math.random();" },
    { "services/a/b.ts": "setTimeout(() => {}, 1);" },
    { "projections/a.ts": "const at = new Date();" },
    { "services/a.ts": 'import { randomUUID } from "node:crypto";' },
  ],
  fine: [
    {
      "services/a/run-a.ts": "setTimeout(() => {}, 1);",
      "domain/a.ts": "// Date.now() is not for us.\nconst text = 'Date.now()';",
      "projections/b.ts": "const text = new Date(row.at).toISOString();",
    },
  ],
};

export const pastTense: Rule = {
  name: "events are named in the past tense",
  check: (project) =>
    project
      .filter(({ path }) => path.startsWith("domain/") && !isTest(path))
      .flatMap((file) =>
        [...file.text.matchAll(/\bDomainEvent<\s*"(\w+)"/g)]
          .filter(([, name = ""]) => !isPast(name))
          .map((match) => ({
            path: file.path,
            line: lineOf(file.text, match.index),
            says: `${match[1]} is not in the past tense`,
          })),
      ),
  planted: [
    { "domain/a.ts": 'type A = DomainEvent<"SubmitJob", {}>;' },
    { "domain/a.ts": 'type A = DomainEvent<\n  "JobSubmission",\n  {}\n>;' },
    { "domain/a.ts": 'type A = DomainEvent<"JobSubmittedNow", {}>;' },
  ],
  fine: [
    {
      "domain/a.ts":
        'type A = DomainEvent<"JobSubmitted", {}>; type B = DomainEvent<"BillPaid", {}>;',
    },
  ],
};

const isPast = (name: string): boolean => {
  const last = /[A-Z][a-z]*$/.exec(name)?.[0] ?? "";
  return last.endsWith("ed") || irregularParticiples.has(last);
};

export const language: Rule = {
  name: "no default export, no enum, no any",
  check: (project) =>
    project
      .filter((file) => isCode(file) && !/\.config\.m?ts$/.test(file.path))
      .flatMap((file) => [
        ...matches(
          file,
          "code",
          /\bexport\s+default\b|\bas\s+default\b(?=\s*[,}])/g,
          () => "name what is exported",
        ),
        ...matches(
          file,
          "code",
          /^\s*(?:export\s+|declare\s+|const\s+)*enum\s+\w/gm,
          () => "use a union of strings",
        ),
        ...matches(
          file,
          "code",
          /(?:[:<,|&(=]|\bas|\bextends)\s*any\b(?!\s*[.(:=])/g,
          () => "use unknown, or say what it is",
        ),
      ]),
  planted: [
    { "sdk/a.ts": "export default 1;" },
    { "sdk/a.ts": "const a = 1;\nexport { a as default };" },
    { "sdk/a.ts": "export const enum A { B }" },
    { "sdk/a.ts": "const a = (b: any) => b;" },
    { "sdk/a.ts": "const a = b as any;" },
    { "testing/a.ts": "const a: Record<string, any> = {};" },
  ],
  fine: [
    {
      "sdk/a.ts":
        "// any enum\nconst says = 'export default'; const many: string[] = []; AbortSignal.any([]);",
    },
  ],
};

const linesMax = 400;
export const longFiles: Rule = {
  name: `a file of more than ${linesMax} lines explains itself in its first comment`,
  check: (project) =>
    project
      .filter((file) => isCode(file) && file.text.trimEnd().split("\n").length > linesMax)
      .filter(
        ({ text }) =>
          (/^(?:#!.*\n)?\s*\/\*\*?([\s\S]*?)\*\//.exec(text)?.[1] ?? "").trim().length < 80,
      )
      .map(({ path, text }) => ({
        path,
        line: 1,
        says: `${text.split("\n").length} lines and no word why`,
      })),
  planted: [
    { "sdk/a.ts": "const a = 1;\n".repeat(linesMax + 1) },
    { "sdk/a.ts": `/** Long. */\n${"a();\n".repeat(linesMax)}` },
  ],
  fine: [
    { "sdk/a.ts": "const a = 1;\n".repeat(linesMax) },
    {
      "sdk/a.ts": `/**\n * ${"One state machine, which is easier to follow in one place. ".repeat(2)}\n */\n${"a();\n".repeat(linesMax)}`,
    },
  ],
};

/** Spelled in pieces, so that this file does not find itself. */
const machine = new RegExp(
  String.raw`(?<![\w./}-])/(?:${["home", "work", "root", "Users"].join("|")})/[\w.-]+`,
  "g",
);
const promises = new RegExp(
  String.raw`\b(?:${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\b`,
  "g",
);

export const leftovers: Rule = {
  name: "no path of one machine, no note to do something later, no registry in the lock",
  check: (project) =>
    project.flatMap((file) => [
      ...matches(file, "text", machine, (found) => `${found} exists on one machine only`),
      ...matches(file, "text", promises, (found) => `${found}: do it, or open an issue`),
      ...(file.path.endsWith("package-lock.json")
        ? matches(file, "text", /"resolved":\s*"https?:[^"]*"/g, () => "the lock names a registry")
        : []),
    ]),
  planted: [
    { "docs/a.md": `See ${["", "home", "ada", "x"].join("/")}.` },
    { "sdk/a.ts": `const at = "${["", "work", "main"].join("/")}";` },
    { "sdk/a.ts": `// ${"TO" + "DO"}: later` },
    { "package-lock.json": '{ "resolved": "https://registry.example/a.tgz" }' },
  ],
  fine: [
    {
      "docs/a.md": "See https://example.org/home/ada and docs/work/flow.md.",
      "package-lock.json": '{ "resolved": "bootstrap/a" }',
    },
  ],
};

export const links: Rule = {
  name: "links in docs point to files that exist",
  check: (project) => {
    const known = new Set(
      project.flatMap(({ path }) =>
        path.split("/").map((_, depth, parts) => parts.slice(0, depth + 1).join("/")),
      ),
    );
    return project
      .filter(({ path }) => path.endsWith(".md"))
      .flatMap((file) =>
        [...file.text.matchAll(/\[[^\]]*\]\(([^)\s]+)[^)]*\)/g)].flatMap((match) => {
          const target = decodeURI(match[1] ?? "").replace(/#.*$/, "");
          if (target === "" || /^[a-z]+:/.test(target)) return [];
          const base = target.startsWith("/") ? [] : file.path.split("/").slice(0, -1);
          const path = resolved([...base, ...target.split("/")]);
          return known.has(path) || path === ""
            ? []
            : [
                {
                  path: file.path,
                  line: lineOf(file.text, match.index),
                  says: `there is no ${path}`,
                },
              ];
        }),
      );
  },
  planted: [{ "docs/a.md": "[gone](b.md)" }, { "docs/decisions/a.md": "[up](../gone/b.md#part)" }],
  fine: [
    {
      "docs/a.md": "[b](b.md#part) [web](https://example.org) [folder](../sdk/)",
      "docs/b.md": "",
      "sdk/a.ts": "",
    },
  ],
};

const resolved = (parts: readonly string[]): string => {
  const path: string[] = [];
  for (const part of parts)
    if (part === "..") path.pop();
    else if (part !== "." && part !== "") path.push(part);
  return path.join("/");
};

export const decided: Rule = {
  name: "every dependency has a line in a decision record",
  check: (project) => {
    const records = project
      .filter(({ path }) => /^docs\/decisions\/.*\.md$/.test(path))
      .map(({ text }) => text)
      .join("\n");
    return project
      .filter(({ path }) => path === "package.json")
      .flatMap((file) => {
        const { dependencies = {}, devDependencies = {} } = JSON.parse(file.text) as Readonly<
          Record<string, Readonly<Record<string, string>>>
        >;
        return Object.keys({ ...dependencies, ...devDependencies })
          .filter((name) => !named(records, name))
          .map((name) => onLine(file, `"${name}"`, `${name} is in no decision record`));
      });
  },
  planted: [
    {
      "package.json": '{ "dependencies": { "left": "1.0.0" } }',
      "docs/decisions/0001-a.md": "lefty",
    },
    { "package.json": '{ "devDependencies": { "left": "1.0.0" } }' },
  ],
  fine: [
    {
      "package.json": '{ "dependencies": { "@a/left": "1.0.0" } }',
      "docs/decisions/0001-a.md": "`@a/left` pads.",
    },
  ],
};

const named = (text: string, name: string): boolean =>
  new RegExp(`(?<![\\w@/.-])${name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}(?![\\w/-])`).test(text);

export const noOnly: Rule = {
  name: "no test keeps the others from running",
  check: (project) =>
    project
      .filter(({ path }) => path.endsWith(".test.ts"))
      .flatMap((file) =>
        matches(
          file,
          "code",
          /\b(?:test|it|describe|suite)\s*\.\s*only\b|\bonly\s*:\s*true\b/g,
          (found) => `${found} is for your own machine`,
        ),
      ),
  planted: [
    { "sdk/a.test.ts": 'test.only("x", () => {});' },
    { "sdk/a.test.ts": 'test("x", { only: true }, () => {});' },
  ],
  fine: [{ "sdk/a.test.ts": '// test.only is for debugging\ntest("only: true", () => {});' }],
};
