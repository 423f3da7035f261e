/** What the queries of the views cost: how SQLite goes about each, and that no page gets slower. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { createTables, openDatabase, presentVersions } from "./database.ts";
import { readViews } from "./read.ts";
import type { JobFilter, PageRequest } from "./views.ts";

let directory: string;
let database: DatabaseSync;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "cnct-plans-"));
  database = openDatabase(join(directory, "views.sqlite"));
  createTables(database, { versions: presentVersions, indexes: true });
});
after(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

/** These walk a table in the order of the answer and stop when the page is full; or add it all up. */
const scansThatMayBe = [
  /^SELECT \* FROM jobs NOT INDEXED (WHERE status = \? )?ORDER BY submitted DESC LIMIT \?$/,
  /^SELECT nodes\.\*, .* ORDER BY nodes\.registered DESC LIMIT \?$/,
  /^SELECT \* FROM blobs ORDER BY stored DESC LIMIT \?$/,
  /^SELECT ifnull\(sum\(high\)/,
];

const cursor = (list: string, key: string): string =>
  Buffer.from(`${list} ${key}`, "latin1").toString("base64url");

describe("the queries of the views", () => {
  test("search by an index, and sort nothing", () => {
    const asked = new Set<string>();
    const spy = {
      prepare: (sql: string) => {
        asked.add(sql.replaceAll(/\s+/g, " "));
        return database.prepare(sql);
      },
    };
    const views = readViews(spy as DatabaseSync, () => 1n);
    const bothWays = (list: string, read: (page: PageRequest) => unknown): void => {
      read({ first: 5 });
      read({ first: 5, after: cursor(list, "7") });
      read({ first: 5, after: cursor(list, "7"), oldestFirst: true });
    };
    const filters: readonly JobFilter[] = [
      {},
      { client: "client:ada" },
      { app: "ocr" },
      { status: "completed" },
      { status: "failed" },
      { client: "client:ada", status: "completed" },
      { client: "client:ada", status: "failed", app: "ocr" },
    ];
    for (const filter of filters) bothWays("jobs", (page) => views.jobs(filter, page));
    for (const filter of [{}, { app: "ocr", status: "active" }] as const)
      bothWays("nodes", (page) => views.nodes(filter, page));
    bothWays("entries", (page) => views.entries("client:ada", page));
    bothWays("blobs", (page) => views.blobs(page));
    for (const filter of [{}, { kind: "client" }] as const) {
      views.accounts(filter, { first: 5 });
      views.accounts(filter, { first: 5, after: cursor("accounts", "client:bob") });
    }
    const digest = "a".repeat(64);
    views.job(digest);
    views.blob(digest);
    views.node("node-1");
    views.track("node-1");
    bothWays("scoreChanges", (page) => views.scoreChanges("node-1", page));
    views.policy();
    views.account("client:ada");
    views.totals();
    views.serviceKey(digest);
    views.nodesOfRevoked(5);
    assert.ok(asked.size > 30, `${asked.size} queries were seen`);
    for (const sql of asked)
      for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()) {
        const isScan = String(detail).startsWith("SCAN");
        const mayBe = !isScan || scansThatMayBe.some((form) => form.test(sql));
        assert.ok(mayBe && !/TEMP B-TREE/.test(String(detail)), `${sql}\n${detail}`);
      }
  });

  test("give the last page of the accounts as fast as the first", () => {
    const count = 50_000;
    const insert = database.prepare("INSERT INTO accounts VALUES (?, 0, 0, 1, 1, NULL)");
    const nameOf = (n: number): string => `client:${String(n).padStart(6, "0")}`;
    database.exec("BEGIN");
    for (let n = 0; n < count; n++) insert.run(nameOf(n));
    database.exec("COMMIT");
    const views = readViews(database, () => 1n);
    /** The fastest of several tries: the others waited for something else. */
    const fastestMs = (beyond: number): number => {
      let fastest = Number.POSITIVE_INFINITY;
      for (let tried = 0; tried < 15; tried++) {
        const started = performance.now();
        const page = views.accounts(
          { kind: "client" },
          { first: 10, after: cursor("accounts", nameOf(beyond)) },
        );
        fastest = Math.min(fastest, performance.now() - started);
        assert.ok(page.ok);
        assert.deepEqual(page.edges.at(0)?.node.account, nameOf(beyond + 1));
      }
      return fastest;
    };
    const [first, last] = [fastestMs(0), fastestMs(count - 20)];
    assert.ok(last < first * 15, `the first page takes ${first} ms, the last ${last} ms`);
  });
});
