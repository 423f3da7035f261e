import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type ManualClock, manualClock } from "../../testing/manual-clock.ts";
import { openRefusalLog, readRefusals, type SqliteRefusalLog } from "./sqlite.ts";

const noon = 1_700_000_000_000 - (1_700_000_000_000 % 60_000);
const all = { limit: 1_000 };

describe("the refusal log", () => {
  let directory: string;
  let path: string;
  let clock: ManualClock;
  let troubles: string[];
  let log: SqliteRefusalLog;
  const open = (rowsMax?: number) =>
    openRefusalLog({
      path,
      clock,
      onTrouble: (error) => troubles.push(String(error)),
      ...(rowsMax === undefined ? {} : { rowsMax }),
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-refusals-"));
    path = join(directory, "refusals.sqlite");
    clock = manualClock(noon);
    troubles = [];
    log = open();
  });
  afterEach(async () => {
    log.close();
    await rm(directory, { recursive: true, force: true });
    assert.deepEqual(troubles, []);
  });

  test("counts the same refusal of the same caller in one row a minute", () => {
    const refused = { code: "not-the-client", what: "cancelJob", id: "client:bob", at: noon };
    for (let times = 0; times < 5; times++) log.record({ ...refused, at: noon + times });
    log.record({ ...refused, id: "client:eve" });
    log.record({ ...refused, at: noon + 60_000 });
    log.flush();
    log.record({ ...refused, at: noon + 9 });
    log.flush();
    const counts = readRefusals(path, all)?.map(({ id, count, firstAt, lastAt }) => [
      id,
      count,
      firstAt - noon,
      lastAt - noon,
    ]);
    assert.deepEqual(counts, [
      ["client:bob", 1, 60_000, 60_000],
      ["client:bob", 6, 0, 9],
      ["client:eve", 1, 0, 0],
    ]);
  });

  test("counts callers who are not known together, and says so", () => {
    log.record({ code: "bad-json", what: "POST /graphql", at: noon });
    log.record({ code: "bad-json", what: "POST /graphql", at: noon });
    log.flush();
    assert.deepEqual(readRefusals(path, all), [
      {
        code: "bad-json",
        what: "POST /graphql",
        id: null,
        address: null,
        count: 2,
        firstAt: noon,
        lastAt: noon,
      },
    ]);
  });

  test("writes by itself within a quarter of a second", async () => {
    log.record({ code: "a", what: "b", at: noon });
    await clock.pass(250);
    assert.equal(readRefusals(path, all)?.length, 1);
    assert.equal(clock.pending(), 0);
  });

  test("finds by code and by time", () => {
    log.record({ code: "a", what: "w", at: noon });
    log.record({ code: "b", what: "w", at: noon + 1 });
    log.flush();
    const codes = (query: object) =>
      readRefusals(path, { ...all, ...query })?.map(({ code }) => code);
    assert.deepEqual(codes({}), ["b", "a"]);
    assert.deepEqual(codes({ since: noon + 1 }), ["b"]);
    assert.deepEqual(codes({ since: noon + 2 }), []);
    assert.deepEqual(codes({ code: "a" }), ["a"]);
    assert.deepEqual(codes({ code: "' OR 1 --" }), []);
    assert.deepEqual(codes({ limit: 1 }), ["b"]);
  });

  test("keeps the newest rows and drops the others", () => {
    log.close();
    log = open(10);
    for (let at = 0; at < 25; at++) log.record({ code: `code-${at}`, what: "w", at: noon + at });
    log.flush();
    const codes = readRefusals(path, all)?.map(({ code }) => code);
    assert.deepEqual(
      codes,
      Array.from({ length: 10 }, (_, at) => `code-${24 - at}`),
    );
  });

  test("of several processes is one", () => {
    const other = open();
    log.record({ code: "a", what: "w", at: noon });
    other.record({ code: "a", what: "w", at: noon });
    other.record({ code: "b", what: "w", at: noon });
    log.close();
    other.close();
    assert.deepEqual(
      readRefusals(path, all)
        ?.map(({ code, count }) => [code, count])
        .sort(),
      [
        ["a", 2],
        ["b", 1],
      ],
    );
  });

  test("holds what cannot be written now, and writes it later", async () => {
    const blocker = new DatabaseSync(path);
    blocker.exec("BEGIN IMMEDIATE");
    log.record({ code: "a", what: "w", at: noon });
    await clock.pass(250);
    assert.match(troubles.splice(0).join(), /locked/);
    blocker.exec("COMMIT");
    blocker.close();
    await clock.pass(1_000);
    assert.equal(readRefusals(path, all)?.length, 1);
  });

  test("holds no secret, and nothing that a terminal would obey", async () => {
    const seed = `SUA${"ABCDEFGHIJ234567".repeat(4)}`.slice(0, 58);
    const planted = [
      "cnct_sk_8zPz1h3V_secret-1234",
      "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjbmN0In0.c2lnbmF0dXJl",
      seed,
    ];
    for (const [at, secret] of planted.entries())
      log.record({ code: `c${at}`, what: `x ${secret} y`, id: secret, address: secret, at: noon });
    log.record({ code: "\u001b[2J", what: `a\nb\u202e${"x".repeat(10_000)}`, at: noon });
    log.flush();
    const rows = readRefusals(path, all) ?? [];
    assert.equal(rows.length, 4);
    assert.equal(rows.find(({ code }) => code === "c0")?.what, "x [secret] y");
    const odd = rows.find(({ code }) => code === "?[2J");
    assert.match(odd?.what ?? "", /^a\?b\?x+…$/);
    assert.equal(odd?.what.length, 200);
    log.close();
    const bytes = await readFile(path, "latin1");
    for (const secret of planted) assert.ok(!bytes.includes(secret), secret);
  });

  test("stays small when a flood comes from ever new callers", () => {
    for (let at = 0; at < 5_000; at++)
      log.record({ code: "flood", what: "w", address: `10.0.${at >> 8}.${at & 255}`, at: noon });
    log.flush();
    assert.equal(readRefusals(path, { limit: 100_000 })?.length, 5_000);
  });

  test("that is not there is not made by a reader, and another file is not read", async () => {
    assert.equal(readRefusals(join(directory, "none.sqlite"), all), undefined);
    const other = join(directory, "other.sqlite");
    await writeFile(other, "no database".repeat(500));
    assert.throws(() => readRefusals(other, all));
  });
});
