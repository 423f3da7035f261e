import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { exitCodes } from "../exit-codes.ts";

const main = new URL("../main.ts", import.meta.url).pathname;
const simulate = (...args: readonly string[]) =>
  new Promise<{ readonly code: unknown; readonly out: string; readonly err: string }>((resolve) => {
    execFile(process.execPath, [main, "simulate", "verification", ...args], (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    );
  });
const small = ["--workers", "20", "--jobs", "500"];

describe("cnct simulate verification", () => {
  test("gives programs every figure, of each run and of all", async () => {
    const { code, out } = await simulate(...small, "--seed", "7", "--seeds", "2", "--json");
    assert.equal(code, 0);
    const { settings, seeds, mean, greatest, runs } = JSON.parse(out);
    assert.deepEqual([settings.scheme, settings.jobs, seeds], ["ours-standard", 500, 2]);
    assert.deepEqual(
      runs.map(({ seed }: { seed: number }) => seed),
      [7, 8],
    );
    assert.equal(mean.redundancy, (runs[0].redundancy + runs[1].redundancy) / 2);
    assert.equal(greatest.redundancy, Math.max(runs[0].redundancy, runs[1].redundancy));
    for (const figure of [
      "wrongAccepted",
      "wrongSettled",
      "wrongLeft",
      "honestSlashed",
      "jobsToDetection",
      "netGain",
    ])
      assert.ok(figure in mean, figure);
  });

  test("gives people a table that says what each figure is", async () => {
    const { code, out } = await simulate(...small, "--policy", "boinc", "--kind", "sleeping");
    assert.equal(code, 0);
    assert.match(out, /^redundancy +[\d.]+ +[\d.]+ {2}executions of all kinds for each job$/m);
  });

  test("refuses values that make no sense, with one sentence and a code", async () => {
    const refused = [
      ["--policy", "theirs", "bad-policy"],
      ["--saboteurs", "95%", "bad-saboteurs"],
    ] as const;
    const answers = await Promise.all(
      refused.map(([flag, value]) => simulate(...small, flag, value)),
    );
    for (const [index, { code, out, err }] of answers.entries()) {
      assert.deepEqual([code, out], [exitCodes.usage, ""]);
      assert.match(err, new RegExp(`^error: .+ \\(${refused[index]?.[2]}\\)\n$`));
    }
  });
});
