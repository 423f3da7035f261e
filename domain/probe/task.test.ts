import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runModule } from "../../worker/executors/wasm/run-module.ts";
import { portableSha256 } from "../hashing.ts";
import { memoryPagesMax } from "../wasm/limits.ts";
import { prepareModule } from "../wasm/rewrite.ts";
import { isProbeSeed, probeTask } from "./task.ts";

const seeds = fc.stringMatching(/^[0-9a-f]{32}$/);
const run = (seed: string) => {
  const { module, data } = probeTask(seed, "trivial");
  return runModule({ module, data, args: new Uint8Array(0), memoryPages: memoryPagesMax });
};

describe("a known-answer task", () => {
  test("is a module that every worker takes, and computes to the same bytes again", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        assert.ok(isProbeSeed(seed));
        const output = run(seed);
        assert.ok(output.length >= 32 && output.length <= 2_048);
        assert.deepEqual(run(seed), output);
        assert.ok(output.some((byte) => byte !== output[0]));
      }),
      { numRuns: 30 },
    );
  });

  test("has bytes, sizes and an answer of its own for each seed", () => {
    const made = Array.from({ length: 40 }, (_, i) => {
      const seed = i.toString(16).padStart(32, "0");
      return { ...probeTask(seed, "trivial"), output: run(seed) };
    });
    for (const part of ["module", "data", "output"] as const)
      assert.equal(new Set(made.map((one) => portableSha256(one[part]))).size, made.length);
    assert.ok(new Set(made.map(({ data }) => data.length)).size > 30);
  });

  test("hangs on every byte of its input", () => {
    const { module, data } = probeTask("5a".repeat(16), "trivial");
    const args = new Uint8Array(0);
    const answer = (input: Uint8Array) =>
      portableSha256(runModule({ module, data: input, args, memoryPages: memoryPagesMax }));
    const changed = [0, 9, data.length - 1].map((at) =>
      data.map((byte, place) => (place === at ? byte ^ 1 : byte)),
    );
    assert.equal(new Set([data, ...changed].map(answer)).size, 4);
  });

  test("has modules of one size class, whether it is trivial or a benchmark", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const sizes = (["trivial", "benchmark"] as const).map((size) => {
          const { module } = probeTask(seed, size);
          prepareModule(module, { memoryPages: memoryPagesMax });
          return module.length;
        });
        const [trivial = 0, benchmark = 0] = sizes;
        assert.ok(Math.abs(trivial - benchmark) <= 16, `${trivial} and ${benchmark}`);
      }),
      { numRuns: 30 },
    );
  });

  test("says how much there is to compute", () => {
    const { instructions } = probeTask("77".repeat(16), "trivial");
    assert.ok(instructions > 1_000_000 && instructions < 1_500_000);
    assert.ok(probeTask("77".repeat(16), "benchmark").instructions > 300 * instructions);
  });
});
