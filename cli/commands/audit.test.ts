import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openAssuredCourt } from "../../services/validator/testing/assured.ts";
import { wallClock } from "../../streams/clock.ts";
import { encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { nodeStream } from "../../streams/names.ts";
import { openRefusalLog } from "../../streams/refusals/sqlite.ts";
import { exitCodes } from "../exit-codes.ts";
import { instantIn } from "../instant.ts";
import { refusalsFile } from "../settings.ts";

const main = new URL("../main.ts", import.meta.url).pathname;
const run = (...args: readonly string[]) =>
  new Promise<{ readonly code: unknown; readonly out: string; readonly err: string }>((resolve) => {
    execFile(process.execPath, [main, "audit", ...args], (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    );
  });
const audit = (...args: readonly string[]) => run("refusals", ...args);

describe("cnct audit refusals", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-audit-"));
    const path = refusalsFile(directory);
    const onTrouble = (error: unknown) => assert.fail(String(error));
    const log = openRefusalLog({ path, clock: wallClock, onTrouble });
    const now = Date.now();
    const asked = { what: "cancelJob", id: "client:bob", address: "192.0.2.7" };
    log.record({ code: "not-the-client", ...asked, at: now });
    log.record({ code: "not-the-client", ...asked, at: now });
    log.record({ code: "bad-json", what: "POST /graphql", at: now - 3 * 3_600_000 });
    log.close();
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test("shows people what was refused to whom", async () => {
    const { code, out } = await audit("--data", directory);
    assert.equal(code, 0);
    const [head, first, second] = out.split("\n").map((line) => line.replace(/ +/g, " "));
    assert.equal(head, "LAST TIMES CODE WHO FROM WHAT");
    assert.match(first ?? "", /^\d+ s ago 2 not-the-client client:bob 192.0.2.7 cancelJob$/);
    assert.equal(second, "3 h ago 1 bad-json - - POST /graphql");
  });

  test("gives programs JSON, of a code or since a time", async () => {
    const rows = async (...args: readonly string[]) => {
      const { out } = await audit("--data", directory, "--json", ...args);
      return (JSON.parse(out) as { refusals: { code: string; count: number }[] }).refusals.map(
        ({ code, count }) => [code, count],
      );
    };
    assert.deepEqual(await rows("--since", "1h"), [["not-the-client", 2]]);
    assert.deepEqual(await rows("--code", "bad-json"), [["bad-json", 1]]);
  });

  test("says so where no coordinator ran, and what a time looks like", async () => {
    const [nowhere, badTime] = await Promise.all([
      audit("--data", join(directory, "none")),
      audit("--data", directory, "--since", "yesterday"),
    ]);
    assert.deepEqual([nowhere.code, badTime.code], [exitCodes.badInput, exitCodes.usage]);
    assert.match(nowhere.err, /\(no-refusal-log\)/);
    assert.match(badTime.err, /15m.*"yesterday" \(bad-option\)/);
  });
});

describe("cnct audit verdicts", () => {
  let directory: string;
  let jobHash = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-audit-"));
    const arbiters = ["abe", "bea", "cal"];
    const always = { standard: { epsilon: 0.01, auditFactor: 1_000, auditFloor: 1 } };
    const court = await openAssuredCourt({
      ...{ nodes: ["eve"], arbiters, verification: { ...always, arbiters } },
      answer: (nodeId) => (nodeId === "eve" ? "a lie" : "the truth"),
    });
    jobHash = await court.job(["eve"]);
    await court.until("JobCompleted");
    await court.until("NodeConvicted");
    const store = await openEmbeddedStore({ directory: join(directory, "events") });
    for (const { stream, id, type, data, metadata } of await court.log())
      assert.ok((await store.append(stream, [{ id, type, data, metadata }], "any")).ok);
    await Promise.all([store.close(), court.close()]);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test("gives the verdicts of a data directory again, and says that they match", async () => {
    const { code, out, err } = await run("verdicts", "--data", directory);
    assert.equal(code, 0, err);
    assert.match(out, /^2 verdicts, 2 match\n3 results, .*; 1 convictions; 0 faults\n$/);
  });

  test("names a forged conviction: job, position and what differs", async () => {
    const store = await openEmbeddedStore({ directory: join(directory, "events") });
    const why = { jobHash, replica: 1, reason: "forged", at: Date.now() };
    const forged = { type: "NodeConvicted", nodeId: "abe", ...why } as const;
    const head = await store.head();
    await store.append(nodeStream("abe"), [encode(forged, randomUUID(), "operator")], "any");
    const position = String(await store.head());
    await store.close();
    // One after the other: a log is open once.
    const found = await run("verdicts", "--data", directory, "--json");
    const earlier = await run("verdicts", "--data", directory, "--at", String(head));
    const beyond = await run("verdicts", "--data", directory, "--at", String(head + 1_000_000n));
    assert.deepEqual(
      [found.code, earlier.code, beyond.code],
      [exitCodes.refused, 0, exitCodes.usage],
    );
    assert.match(found.out, /"code": "verdict-differs"/);
    const { faults } = JSON.parse(`${found.out.split("\n}\n")[0]}}`) as {
      faults: readonly object[];
    };
    assert.deepEqual(faults.length, 1);
    const message = "no verdict proves a result of the node wrong";
    const expected = { code: "conviction-unfounded", position, jobHash, nodeId: "abe", replica: 1 };
    assert.deepEqual(faults[0], { ...expected, message });
  });
});

test("a time ago is counted from now, and a date is itself", () => {
  assert.equal(instantIn("--since", "90s", 100_000), 10_000);
  assert.equal(instantIn("--since", "2d", 172_800_001), 1);
  assert.equal(instantIn("--since", "2026-01-31T12:00Z"), Date.UTC(2026, 0, 31, 12));
  for (const text of ["", "1w", "-1h", "2026-13-01", "now"])
    assert.throws(() => instantIn("--since", text), /takes 30s/);
});
