/** Modules that mean harm run in the pool's children, as on a worker. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execute, refusedAs } from "../../../testing/fixtures/execute.ts";
import { wasmModule } from "../../../testing/fixtures/wasm-module.ts";
import { openExecutorPool } from "../../children/pool.ts";
import { fenceUnderTest } from "../../children/testing/fence-under-test.ts";
import { childPeaks } from "../../children/testing/processes.ts";
import type { Executor } from "../../executor.ts";
import { openWasm } from "../wasm.ts";
import { type Hostile, harmlessModules, hostileModules } from "./testing/hostile.ts";

/**
 * For what only the limit ends; from the asking, so that it holds the start of a child too. Twice as
 * long each time that no child was ready before it.
 */
const limitMs = 400;
/** For what ends by itself: only so that the test ends in any case. */
const patienceMs = 20_000;
const graceMs = 250;
const mebibyte = 2 ** 20;
/** Beside the memory of a harmless module: reading and rewriting 2 MiB of code takes some 25 MiB, as the collector pleases. */
const memoryAboveMax = 48 * mebibyte;

const data = Uint8Array.from({ length: 1_000 }, (_, at) => at % 251);
const canMeasure: boolean = existsSync(`/proc/self/task/${process.pid}/children`);

/** Those whose code runs, or that are large; the rest is read and no more. */
const needsChild = ({ becomes, large = false }: Hostile): boolean =>
  large || becomes === "killed" || becomes[0] !== "bad-module";

/** The time to read a module, on a busy machine. */
const readMs = (bytes: number): number => graceMs + bytes / 2_000;

/** On a busy machine a child may take longer to start than a task may take: then nobody began it. */
class StillThere extends Error {}
const killedWithinMs = 5_000;
const triesMax = 4;

/**
 * One child at a time: who is there when a task is given computes it.
 *
 * @throws {StillThere} When they stay.
 */
const gone = async (pids: Iterable<number>): Promise<void> => {
  const there = new Set(pids);
  const until = performance.now() + killedWithinMs;
  while ([...childPeaks().keys()].some((pid) => there.has(pid))) {
    if (performance.now() > until) throw new StillThere("nobody was killed");
    await sleep(5);
  }
};

class Late extends Error {}

describe("hostile modules", {
  ...(canMeasure ? {} : { skip: "this system does not say what memory a child has" }),
}, () => {
  let pool: Executor;
  const troubles: string[] = [];
  /** The most that a child has had that computed a harmless module. */
  let usual = 0;
  let mostAbove = Number.NEGATIVE_INFINITY;

  before(async () => {
    const [opened] = await openExecutorPool({
      apps: ["wasm"],
      engine: "ort-node",
      fence: fenceUnderTest,
      children: 1,
      onTrouble: (what, error) => troubles.push(`${what}: ${(error as Error).message}`),
    });
    assert.ok(opened);
    pool = opened;
  });
  after(() => pool.close());

  /** Runs it, and waits until who ran it is gone. @returns The most memory that anyone had. */
  const watched = async (running: Promise<unknown>): Promise<number> => {
    const peaks = new Map<number, number>();
    const look = () => {
      for (const [pid, peak] of childPeaks()) peaks.set(pid, Math.max(peak, peaks.get(pid) ?? 0));
    };
    const timer = setInterval(look, 10);
    look(); // A task may end before the timer comes.
    await running.then(look, look);
    clearInterval(timer);
    await gone(peaks.keys());
    assert.ok(peaks.size > 0, "nobody was measured");
    return Math.max(...peaks.values());
  };
  /** So that time is taken from when a child can begin. */
  const ready = async () => {
    while (childPeaks().size === 0) await sleep(5);
  };

  for (const { name, module } of harmlessModules)
    test(`harmless: ${name}`, async () => {
      const running = execute(pool, { module: module(), data });
      usual = Math.max(usual, await watched(running));
      assert.deepEqual((await running).output, data);
    });

  for (const { name, module, becomes, params = {}, pages = 16 } of hostileModules.filter(
    needsChild,
  ))
    test(`${becomes === "killed" ? "killed" : becomes[0]}: ${name}`, async (context) => {
      const bytes = module();
      let ms = becomes === "killed" ? limitMs : patienceMs;
      const attempt = async () => {
        await ready();
        const limit = new AbortController();
        const started = performance.now();
        const timer = setTimeout(() => limit.abort(new Error("over the limit")), ms);
        const running = execute(pool, { module: bytes, data }, { params, signal: limit.signal });
        const measured = watched(running);
        if (becomes === "killed") await assert.rejects(running, /over the limit/);
        else await refusedAs(running, ...becomes);
        clearTimeout(timer);
        const peak = await measured;
        const tookMs = performance.now() - started;
        // A machine that does not run us for a while is late now and then; what is late always fails.
        if (tookMs >= ms + graceMs) throw new Late(`it took ${tookMs} ms`);
        return peak;
      };
      let tries = 1;
      const again = (error: unknown) => {
        const mayPass = error instanceof StillThere || error instanceof Late;
        if (!mayPass || ++tries > triesMax) throw error;
        if (error instanceof StillThere) ms *= 2;
        return attempt();
      };
      const peak = await attempt().catch(again).catch(again).catch(again);
      const above = peak - usual - pages * 65_536 - bytes.length;
      context.diagnostic(`${(above / mebibyte).toFixed(1)} MiB above the limit`);
      mostAbove = Math.max(mostAbove, above);
      assert.ok(above <= memoryAboveMax, `${above / mebibyte} MiB above its limit`);
    });

  test("leave this process, and what is computed after them, as they were", async (context) => {
    context.diagnostic(`at most ${(mostAbove / mebibyte).toFixed(1)} MiB above the limit`);
    assert.deepEqual(troubles, []);
    assert.ok(process.memoryUsage.rss() < 1_024 * mebibyte);
    const { output } = await execute(pool, { module: wasmModule(), data });
    assert.deepEqual(output, data);
    assert.ok(hostileModules.filter(needsChild).length >= 40);
  });

  test("leave nothing behind for the next task", async () => {
    // Would give 1 the second time if anything of the first were left.
    const counting = wasmModule({
      run: [0x41, 0, 0x41, 0, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0, 0x42, 4],
    });
    for (let round = 0; round < 3; round++) {
      const { output } = await execute(pool, { module: counting, data });
      assert.deepEqual(output, Uint8Array.of(1, 0, 0, 0));
    }
  });
});

describe("hostile modules that are only read", () => {
  const executor = openWasm();
  for (const { name, module, becomes, params = {} } of hostileModules)
    if (becomes !== "killed" && becomes[0] === "bad-module")
      test(`bad-module: ${name}`, async () => {
        const bytes = module();
        const read = async (): Promise<number> => {
          const started = performance.now();
          await refusedAs(execute(executor, { module: bytes, data }, { params }), ...becomes);
          return performance.now() - started;
        };
        let tookMs = await read();
        for (let tries = 1; tookMs >= readMs(bytes.length) && tries < triesMax; tries++)
          tookMs = await read();
        assert.ok(tookMs < readMs(bytes.length), `it took ${tookMs} ms`);
      });
});
