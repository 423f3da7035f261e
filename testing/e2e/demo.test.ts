/** `cnct demo`: exits 0 with figures that add up, tells programs in one line, leaves nothing. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Environment, firstMatch, noneLeft, processesOf, runCnct, startCnct } from "./cnct.ts";

interface Figures {
  readonly charAccuracy: number;
  readonly events: number;
  readonly pointsAwarded: number;
  readonly p50Ms: number;
  readonly wallMs: number;
}

describe("the demo", { timeout: 170_000 }, () => {
  // A temporary directory of the test's own shows what the demo leaves there.
  let TMPDIR = "";
  beforeEach(async () => {
    TMPDIR = await mkdtemp(join(tmpdir(), "cnct-demo-test-"));
  });
  afterEach(async () => {
    const left = [await noneLeft(TMPDIR, [], 2_000), await readdir(TMPDIR)];
    await rm(TMPDIR, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(left, [[], []]);
  });

  const play = async (jobs: number, args: readonly string[], env: Environment = {}) => {
    const words = ["demo", "--json", "--jobs", String(jobs), ...args];
    const { exit, stdout, stderr } = await runCnct(words, { TMPDIR, ...env });
    assert.equal(exit, 0, stderr);
    const figures = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    const { charAccuracy, events, p50Ms, wallMs, pointsAwarded, ...exact }: Figures = figures;
    assert.deepEqual(exact, {
      jobs,
      completed: jobs,
      rejected: 0,
      ledgerBalanced: true,
      rebuildIdentical: true,
    });
    // Two results of 0.01 points for each page; on a slow machine a backup of the last ones besides.
    assert.ok(
      pointsAwarded > 0.02 * jobs - 1e-9 && pointsAwarded < 0.03 * jobs,
      `${pointsAwarded}`,
    );
    assert.ok(charAccuracy > 0.98 && charAccuracy <= 1, `accuracy ${charAccuracy}`);
    // Each page has at least a blob, a submission, two assignments, two results, two verdicts, an end.
    assert.ok(events >= jobs * 9, `${events} events`);
    assert.ok(p50Ms > 0 && wallMs > p50Ms && Number.isInteger(p50Ms));
  };

  test("reads pages, pays for them and proves it", () => play(6, []));

  test("does so with every role on EventStoreDB's wire", async () => {
    const data = await mkdtemp(join(tmpdir(), "cnct-demo-store-"));
    const store = startCnct(["store", "serve", "--port", "0", "--data", data], {});
    try {
      const url = await firstMatch(store, /esdb:\S+/);
      await play(2, ["--workers", "2"], { CNCT_EVENTSTORE_URL: url });
      store.child.kill("SIGTERM");
      assert.equal((await store.ended).exit, 0);
      // The history is in that store, and nowhere else.
      const { stdout } = await runCnct(["store", "export", "--data", data]);
      const types = stdout.split("\n").map((line) => (line ? JSON.parse(line).type : ""));
      assert.equal(types.filter((type) => type === "JobCompleted").length, 2);
    } finally {
      store.child.kill("SIGKILL");
      await store.ended;
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  test("leaves nothing when it is interrupted while it starts", async () => {
    const demo = startCnct(["demo", "--workers", "2"], { TMPDIR });
    await firstMatch(demo, /starting nats-server/);
    while (!processesOf(TMPDIR).some((line) => line.includes("--roles all"))) await sleep(20);
    demo.child.kill("SIGINT");
    const { exit, stderr } = await demo.ended;
    assert.equal(exit, 130);
    assert.match(stderr, /error: stopped \(interrupted\)\n$/);
  });
});
