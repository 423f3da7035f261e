import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { wallClock } from "../streams/clock.ts";
import { openEmbeddedStore } from "../streams/embedded/store.ts";
import { openProjections } from "./open.ts";
import { proveProjections } from "./rebuild.ts";

const rounds = 6;

/** Runs the load program until it was told of some flushes, and kills it a moment later. */
const runAndKill = async (directory: string, round: number): Promise<void> => {
  const program = join(import.meta.dirname, "testing", "load.ts");
  const child = spawn(process.execPath, [program, directory, `${round * 100_000}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let flushes = 0;
  const flushed = new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (lines: Buffer) => {
      flushes += lines.toString().split("\n").length - 1;
      if (flushes > round + 2) resolve();
    });
    child.once("exit", () => reject(new Error("the load program ended by itself")));
  });
  await flushed;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 120));
  const exit = once(child, "exit");
  assert.equal(child.kill("SIGKILL"), true);
  const [, signal] = await exit;
  assert.equal(signal, "SIGKILL");
};

test("views that were killed while they were written are whole, and go on to what the log says", async () => {
  const directory = mkdtempSync(join(tmpdir(), "cnct-views-"));
  try {
    let before = 0;
    for (let round = 0; round < rounds; round++) {
      await runAndKill(directory, round);
      const store = await openEmbeddedStore({ directory: join(directory, "log") });
      try {
        // First as the kill left them, then after they have caught up.
        const left = await proveProjections({ store, directory: join(directory, "views") });
        assert.equal(left.identical, true, inspect(left));
        assert.ok(left.events > before, "each round adds events to the views");
        before = left.events;
        if (round < rounds - 1) continue;
        const projections = await openProjections({
          store,
          directory: join(directory, "views"),
          clock: wallClock,
          onError: (error) => assert.fail(String(error)),
        });
        assert.equal(await projections.waitFor(await store.head(), 10_000), true);
        assert.equal(projections.views.totals().ledgerSum, 0n);
        await projections.close();
        const whole = await proveProjections({ store, directory: join(directory, "views") });
        assert.equal(whole.identical, true, inspect(whole));
        assert.equal(whole.position, await store.head());
      } finally {
        await store.close();
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
