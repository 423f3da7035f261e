/** `cnct demo`: exits 0 with figures that add up, tells programs in one line, leaves nothing. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { noneLeft, runCnct } from "./cnct.ts";

test("the demo reads pages, pays for them and proves it", { timeout: 120_000 }, async (t) => {
  // A temporary directory of the test's own shows what the demo leaves there.
  const TMPDIR = await mkdtemp(join(tmpdir(), "cnct-demo-test-"));
  t.after(() => rm(TMPDIR, { recursive: true, force: true, maxRetries: 5 }));
  const jobs = 8;
  const { exit, stdout, stderr } = await runCnct(["demo", "--json", "--jobs", String(jobs)], {
    TMPDIR,
  });
  assert.equal(exit, 0, stderr);
  const figures = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
  const { charAccuracy, events, p50Ms, wallMs, ...exact } = figures;
  assert.deepEqual(exact, {
    jobs,
    completed: jobs,
    rejected: 0,
    // Two results of 0.01 points for each page.
    pointsAwarded: 0.16,
    ledgerBalanced: true,
    rebuildIdentical: true,
  });
  assert.ok(charAccuracy > 0.98 && charAccuracy <= 1, `accuracy ${charAccuracy}`);
  // Each page has at least a blob, a submission, two assignments, two results, two verdicts, an end.
  assert.ok(events >= jobs * 9, `${events} events`);
  assert.ok(p50Ms > 0 && wallMs > p50Ms);
  assert.deepEqual(await noneLeft(TMPDIR, [], 2_000), []);
  assert.deepEqual(await readdir(TMPDIR), []);
});
