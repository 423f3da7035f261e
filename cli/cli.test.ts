import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isNodeId } from "../domain/ids.ts";
import { CnctRefusal, CnctUnavailable } from "../sdk/index.ts";
import { openEmbeddedStore } from "../streams/embedded/store.ts";
import { EventStoreError } from "../streams/event-store.ts";
import { startNatsServer } from "../streams/nats/server.ts";
import { exitCodes, exitMeanings } from "./exit-codes.ts";
import { explain, jobFailure, unknownApp } from "./failures.ts";
import { microPointsIn } from "./job-request.ts";
import { shortHash, table } from "./output.ts";
import { nodeName, variables, webOrigin } from "./settings.ts";
import { exportedLine, importLines } from "./store-file.ts";

describe("a failure", () => {
  const codeAndExit = (error: unknown) => {
    const { code, exit } = explain(error);
    return [code, exit];
  };

  test("has the code and the exit of what was thrown below", async () => {
    const system = (code: string) => Object.assign(new Error(`${code}: x, open 'y'`), { code });
    const cases: readonly (readonly [unknown, string, number])[] = [
      [new CnctUnavailable("unreachable", "gone"), "unreachable", exitCodes.unreachable],
      [new CnctUnavailable("timed-out", "late"), "timed-out", exitCodes.timedOut],
      [new CnctRefusal("bad-price", "no"), "bad-price", exitCodes.badInput],
      [new CnctRefusal("job-unknown", "no"), "job-unknown", exitCodes.unknown],
      [new CnctRefusal("disk-full", "no room"), "disk-full", exitCodes.machine],
      [new EventStoreError("locked", "in use"), "data-locked", exitCodes.machine],
      [new EventStoreError("newer-version", "9"), "data-of-newer-version", exitCodes.machine],
      [system("ENOSPC"), "disk-full", exitCodes.machine],
      [system("EADDRINUSE"), "port-in-use", exitCodes.machine],
      [system("ENOENT"), "no-such-file", exitCodes.badInput],
      [new TypeError("x is not a function"), "internal", exitCodes.bug],
    ];
    for (const [error, code, exit] of cases) assert.deepEqual(codeAndExit(error), [code, exit]);
    const nowhere = join(tmpdir(), "nowhere", "nats-server");
    const missing = startNatsServer({ directory: tmpdir(), binary: nowhere });
    const failure = await missing.then(
      () => undefined,
      (error: unknown) => explain(error),
    );
    assert.deepEqual([failure?.code, failure?.exit], ["no-nats-server", exitCodes.machine]);
  });

  test("of a job says why in words, also for a reason that is new", () => {
    const job = { hash: "ab".repeat(32), status: "FAILED" };
    assert.match(jobFailure({ ...job, reason: "bad-image" }).message, /PNG, JPEG or WebP/);
    assert.match(jobFailure({ ...job, reason: "new-reason" }).message, /new-reason/);
    assert.equal(jobFailure({ ...job, status: "CANCELLED", reason: null }).code, "job-cancelled");
  });

  test("about an app names the nearest one, and none where none is near", () => {
    assert.match(unknownApp("fcaes").message, /did you mean faces\?/);
    assert.doesNotMatch(unknownApp("translate").message, /did you mean/);
  });
});

test("the manual has the exit codes that the program has", async () => {
  const manual = await readFile(join(import.meta.dirname, "..", "docs", "cli.md"), "utf8");
  for (const [code, meaning] of Object.entries(exitMeanings))
    assert.ok(manual.includes(`| ${code} | ${meaning} |`), `${code} ${meaning}`);
});

describe("the environment", () => {
  const root = join(import.meta.dirname, "..");
  const sources = async (): Promise<readonly string[]> => {
    const program = /^(bootstrap|cli|gateway|projections|sdk|services|streams|worker)\//;
    const names = (await readdir(root, { recursive: true })).filter(
      (name) =>
        program.test(name) && /\.(ts|mjs)$/.test(name) && !/\.test\.ts$|\/testing\//.test(name),
    );
    assert.ok(names.length > 100, `only ${names.length} files`);
    return Promise.all(names.map((name) => readFile(join(root, name), "utf8")));
  };
  const readIn = (text: string): readonly string[] =>
    [...text.matchAll(/(?:process\.env\[|fromEnvironment\(|process\.env\.)"?(CNCT_\w+)/g)].map(
      ([, name = ""]) => name,
    );

  test("that the program reads is the one that it lists, and the manual has it", async () => {
    const found = new Set((await sources()).flatMap(readIn));
    assert.deepEqual([...found].sort(), Object.keys(variables).sort());
    const manual = await readFile(join(root, "docs", "operating.md"), "utf8");
    for (const name of found) assert.ok(manual.includes(`\`${name}\``), name);
  });

  test("would be found to hold a variable that nobody listed", () => {
    assert.deepEqual(readIn('const host = process.env["CNCT_HOST"];'), ["CNCT_HOST"]);
  });
});

test("a worker is named after its machine, in the form of a node's name", () => {
  const cases = {
    "3fa2c1d09b7e": "3fa2c1d09b7e",
    "Ada's PC.local": "ada-s-pc-local",
    "-x-": "node-x",
    "": "node",
    [`${"a".repeat(80)}.example`]: "a".repeat(64),
  };
  for (const [machine, name] of Object.entries(cases)) {
    assert.equal(nodeName({ machine }), name);
    assert.ok(isNodeId(name));
    const owned = nodeName({ machine, id: `cnct:3k7qmzxa${"a".repeat(44)}` });
    assert.ok(isNodeId(owned) && owned.endsWith("3k7qmzxa"), owned);
  }
  const [ada, bob] = ["a", "b"].map((letter) =>
    nodeName({ machine: "laptop", id: `cnct:${letter.repeat(52)}` }),
  );
  assert.deepEqual([ada, bob], ["laptop-aaaaaaaa", "laptop-bbbbbbbb"]);
});

test("an origin is read as browsers say it, and nothing else", () => {
  assert.equal(webOrigin("http://localhost:5173"), "http://localhost:5173");
  for (const text of ["localhost:5173", "http://a/", "http://a/b", "*", "file:///x", "HTTP://A"])
    assert.throws(() => webOrigin(text), { code: "bad-option" });
});

test("a price is read to the micro-point, and never below zero", () => {
  assert.equal(microPointsIn("0.01"), 10_000n);
  assert.equal(microPointsIn("3"), 3_000_000n);
  assert.equal(microPointsIn("0.000001"), 1n);
  for (const text of ["-1", "0.0000001", "1e3", "", "NaN", ".5", "12345678"])
    assert.throws(() => microPointsIn(text), { code: "bad-price" });
});

test("a table is aligned", () => {
  const rows = [
    { name: "ada", count: 5 },
    { name: "grace", count: 12 },
  ];
  const text = table<(typeof rows)[number]>(
    [
      { title: "N", text: ({ count }) => String(count), right: true },
      { title: "NAME", text: ({ name }) => name },
    ],
    rows,
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: The head is dim on a terminal.
  assert.equal(text.replace(/\u001b\[\d+m/g, ""), " N  NAME\n 5  ada\n12  grace");
  assert.equal(shortHash("0123456789abcdef"), "0123456789ab");
});

test("an export that is imported, also twice, gives the same log; into another log it is refused", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-export-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const lines = async (from: Awaited<ReturnType<typeof openEmbeddedStore>>) => {
    const all: string[] = [];
    for await (const event of from.readAll("start")) {
      const { recordedAt: _, ...line } = JSON.parse(exportedLine(event) ?? "{}");
      all.push(JSON.stringify(line));
    }
    return all;
  };
  const fill = async (name: string, streams: readonly string[]) => {
    const store = await openEmbeddedStore({ directory: join(directory, name) });
    const next = new Map<string, bigint>();
    for (const [at, stream] of streams.entries()) {
      const expected = next.get(stream) ?? "no-stream";
      const id = `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`;
      const answer = await store.append(stream, [{ id, type: "Said", data: { at } }], expected);
      assert.equal(answer.ok, true);
      next.set(stream, expected === "no-stream" ? 0n : expected + 1n);
    }
    return store;
  };
  async function* each(texts: readonly string[]) {
    yield* texts;
  }
  const from = await fill("from", ["a", "b", "b", "a", "a", "c"]);
  const to = await fill("to", []);
  const other = await fill("other", ["c"]);
  const exported = await lines(from);
  const partly = await importLines(to, each(exported.slice(0, 2)));
  assert.deepEqual(partly, { added: 2, alreadyThere: 0 });
  assert.deepEqual(await importLines(to, each(exported)), { added: 4, alreadyThere: 2 });
  assert.deepEqual(await lines(to), exported);
  assert.deepEqual(await importLines(to, each(exported)), { added: 0, alreadyThere: 6 });
  assert.deepEqual(await lines(to), exported);
  await assert.rejects(importLines(other, each(exported)), { code: "store-differs" });
  await assert.rejects(importLines(to, each(["{}"])), { code: "bad-export" });
  for (const store of [from, to, other]) await store.close();
});
