import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runStorm } from "./storm.ts";

test("nothing accepted is lost and nobody is paid twice, whatever is killed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-storm-"));
  const lines: string[] = [];
  const seed = 20_261_122;
  const storm = { directory, seed, killsOfEach: 5, calmMs: 1_000, workers: 4 };
  try {
    const report = await runStorm({ ...storm, say: (line) => lines.push(line) });
    const story = `${JSON.stringify(report, (_, v) => (typeof v === "bigint" ? `${v}` : v), 1)}\n${lines.join("\n")}`;
    assert.equal(report.kills, 16, story);
    // How many are accepted depends on the machine; that each coordinator took up work does not.
    assert.ok(report.accepted >= storm.killsOfEach, story);
    assert.deepEqual(report.invariants.violations, [], story);
    assert.equal(report.completed, report.accepted, story);
    assert.equal(report.invariants.jobs, report.accepted, story);
    assert.equal(report.invariants.awards, 2 * report.accepted, story);
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) console.error(lines.join("\n"));
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
