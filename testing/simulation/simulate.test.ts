/**
 * The whole network from seeds, in this process. `npm run simulate` runs more of them. The seeds here
 * are always the same, so that what fails here fails for everybody.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { mishaps } from "./faults.ts";
import type { Summary } from "./summary.ts";

const program = join(import.meta.dirname, "simulate.ts");
const seeds = 60;

const simulate = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, ...args],
    { encoding: "utf8", maxBuffer: 64 << 20 },
  );
  assert.equal(stderr, "");
  return { status, stdout };
};

describe("a simulated network", () => {
  let summary: Summary | undefined;
  const of = (): Summary => {
    assert.ok(summary, "the seeds did not run");
    return summary;
  };

  before(() => {
    const { stdout } = simulate("--seeds", String(seeds), "--jobs", "2", "--json");
    summary = JSON.parse(stdout) as Summary;
  });

  test(`keeps every promise in ${seeds} storms, and comes to rest after each`, () => {
    assert.equal(of().seeds, seeds);
    assert.deepEqual(of().failed, [], "repeat one: npm run simulate -- --seed N --trace");
  });

  test("does the same to the last event when a seed is run again, and else from another", () => {
    assert.equal(of().repeated, seeds / 10);
    assert.equal(of().distinctTraces, seeds);
  });

  test("meets every mishap and every fault many times", () => {
    const { faults } = of();
    for (const mishap of mishaps)
      assert.ok((faults[mishap] ?? 0) >= 5, `${mishap}: ${faults[mishap]}`);
    const small = ["drop", "delay", "duplicate", "reorder", "wipe", "requestsLost", "answersLost"];
    for (const fault of [...small, "delays", "breaks", "conflicts", "blobFailures"])
      assert.ok((faults[fault] ?? 0) >= 10, `${fault}: ${faults[fault]}`);
    assert.ok((faults["torn"] ?? 0) > 0, "no write was torn by a crash");
  });

  test("ends jobs in every way in which a job can end", () => {
    const { ends, jobs } = of();
    for (const end of [
      "JobCompleted",
      "JobCancelled",
      "JobRejected insufficient-funds",
      "JobFailed deadline-passed",
      "JobFailed attempts-exhausted",
      "JobFailed no-quorum",
      "JobFailed missing-input",
    ])
      assert.ok((ends[end] ?? 0) >= 5, `${end}: ${ends[end]}`);
    assert.ok((ends["JobCompleted"] ?? 0) > jobs / 3, "most jobs of a network are completed");
  });

  test("tells all that happened when one seed is asked for", () => {
    const { status, stdout } = simulate("--seed", "7", "--trace");
    assert.equal(status, 0);
    assert.match(stdout, /job-[0-9a-f]{8}@0 JobSubmitted/);
    assert.match(stdout, /\n1 seeds, 0 failed/);
  });
});
