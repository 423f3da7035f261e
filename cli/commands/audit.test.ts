import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { wallClock } from "../../streams/clock.ts";
import { openRefusalLog } from "../../streams/refusals/sqlite.ts";
import { exitCodes } from "../exit-codes.ts";
import { instantIn } from "../instant.ts";
import { refusalsFile } from "../settings.ts";

const main = new URL("../main.ts", import.meta.url).pathname;
const audit = (...args: readonly string[]) =>
  new Promise<{ readonly code: unknown; readonly out: string; readonly err: string }>((resolve) => {
    execFile(process.execPath, [main, "audit", "refusals", ...args], (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    );
  });

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

test("a time ago is counted from now, and a date is itself", () => {
  assert.equal(instantIn("--since", "90s", 100_000), 10_000);
  assert.equal(instantIn("--since", "2d", 172_800_001), 1);
  assert.equal(instantIn("--since", "2026-01-31T12:00Z"), Date.UTC(2026, 0, 31, 12));
  for (const text of ["", "1w", "-1h", "2026-13-01", "now"])
    assert.throws(() => instantIn("--since", text), /takes 30s/);
});
