/** The tidy rules about who imports whom. */
import { drivers, type FolderRule, folderRules, neverReach } from "./folders.ts";
import { folderOf, isCode, isTest, onLine, type Rule, within } from "./rule.ts";
import type { SourceFile } from "./source.ts";

const mayImport = (folder: string, { may }: FolderRule, path: string): boolean => {
  if (may === "everything" || folderOf(path) === folder) return true;
  return may.some((allowed) => {
    if (allowed.endsWith("/*"))
      return path.startsWith(allowed.slice(0, -1)) && path.split("/").length === 2;
    return allowed.endsWith("/") ? path.startsWith(allowed) : path === allowed;
  });
};

/** The program never leans on what is there for its tests. */
const canUseTests = (folder: string): boolean => folderRules[folder]?.may === "everything";

export const folders: Rule = {
  name: "a folder imports only what the table allows",
  check: (project) =>
    project
      .filter((file) => isCode(file) && !isTest(file.path))
      .flatMap((file) => {
        const folder = folderOf(file.path);
        if (!file.path.includes("/")) return [];
        const rule = folderRules[folder];
        if (rule === undefined)
          return [{ path: file.path, line: 1, says: `${folder}/ is not in the table of folders` }];
        return file.imports.flatMap(({ specifier, path }) => {
          const refuse = () => [onLine(file, specifier, `${folder}/ may not import ${specifier}`)];
          if (path !== undefined && isTest(path)) return canUseTests(folder) ? [] : refuse();
          if (path !== undefined) return mayImport(folder, rule, path) ? [] : refuse();
          if (specifier.startsWith("node:"))
            return rule.node?.includes(specifier) === false ? refuse() : [];
          return rule.packages?.some((name) => within(specifier, name)) === false ? refuse() : [];
        });
      }),
  planted: [
    { "domain/a.ts": 'import { b } from "../streams/b.ts";' },
    { "domain/a.ts": 'import { readFileSync } from "node:fs";' },
    { "domain/a.ts": 'import fastify from "fastify";' },
    { "domain/a.ts": 'export * from "../crypto/b.ts";' },
    { "services/a.ts": 'const b = await import("../gateway/b.ts");' },
    { "services/a.ts": 'import { b } from "../streams/nats/b.ts";' },
    { "projections/a.ts": 'import { b } from "../streams/nats/b.ts";' },
    { "sdk/a.ts": 'import { b } from "node:crypto";' },
    { "sdk/a.ts": 'const b = import.meta.resolve("../worker/b.ts");' },
    { "worker/a.ts": 'import type { B } from "../projections/b.ts";' },
    { "streams/a.ts": 'import { b } from "./testing/b.ts";', "streams/testing/b.ts": "" },
    { "unheard/a.ts": "export const a = 1;" },
  ],
  fine: [
    {
      "domain/a.ts":
        'import { sha256 } from "@noble/hashes/sha2.js"; import { b } from "./b/c.ts";',
      "domain/a.test.ts":
        'import { given } from "../testing/given.ts"; import { test } from "node:test";',
      "services/a/b.ts":
        'import { c } from "../../streams/event-store.ts"; // from "../gateway/x.ts"',
      "gateway/a.ts": 'const text = `import { b } from "../worker/b.ts"`;',
      "cli/a.ts": 'import { b } from "../gateway/b.ts"; import { c } from "../worker/c.ts";',
    },
  ],
};

export const reach: Rule = {
  name: "what must be apart is apart, through other modules too",
  check: (project) => {
    const byPath = new Map(project.map((file) => [file.path, file]));
    return neverReach.flatMap(({ from, to, why }) =>
      project
        .filter(({ path }) => from.some((folder) => path.startsWith(folder)) && !isTest(path))
        .flatMap((file) => {
          const trail = trailTo(byPath, file, to);
          return trail === undefined
            ? []
            : [{ path: file.path, line: 1, says: `${why}: ${trail.join(" -> ")}` }];
        }),
    );
  },
  planted: [
    { "gateway/a.ts": 'import { b } from "../worker/b.ts";', "worker/b.ts": "" },
    { "worker/a.ts": 'import { b } from "../gateway/b.ts";', "gateway/b.ts": "" },
    { "services/a.ts": 'import { open } from "../crypto/open.ts";', "crypto/open.ts": "" },
    {
      "gateway/a.ts": 'import { all } from "../crypto/all.ts";',
      "crypto/all.ts": 'export { open } from "./open-sealed.ts";',
      "crypto/open-sealed.ts": "",
    },
  ],
  fine: [
    {
      "gateway/a.ts": 'import { verify } from "../crypto/verify.ts";',
      "crypto/verify.ts": "",
      "crypto/open.ts": "",
    },
  ],
};

/** The shortest chain of imports from a file to one that matches, by path. */
const trailTo = (
  byPath: ReadonlyMap<string, SourceFile>,
  start: SourceFile,
  to: RegExp,
): readonly string[] | undefined => {
  const seen = new Set([start.path]);
  const waiting: (readonly string[])[] = [[start.path]];
  for (let trail = waiting.shift(); trail !== undefined; trail = waiting.shift())
    for (const { path } of byPath.get(trail.at(-1) ?? "")?.imports ?? []) {
      if (path === undefined || seen.has(path)) continue;
      if (to.test(path)) return [...trail, path];
      seen.add(path);
      waiting.push([...trail, path]);
    }
  return undefined;
};

export const driversAtHome: Rule = {
  name: "each driver is imported in its own folder only",
  check: (project) =>
    project
      .filter(({ path }) => !isTest(path) && !/^(cli|bench|examples)\//.test(path))
      .flatMap((file) =>
        file.imports.flatMap(({ specifier }) =>
          drivers
            .filter(
              (driver) => within(specifier, driver.package) && !file.path.startsWith(driver.home),
            )
            .map(({ home }) => onLine(file, specifier, `${specifier} belongs into ${home}`)),
        ),
      ),
  planted: [
    { "services/a.ts": 'import { EventStoreDBClient } from "@eventstore/db-client";' },
    { "streams/nats/a.ts": 'import { EventStoreDBClient } from "@eventstore/db-client";' },
    { "worker/a.ts": 'const { connect } = await import("@nats-io/transport-node");' },
  ],
  fine: [{ "streams/nats/a.ts": 'import { connect } from "@nats-io/transport-node";' }],
};
