import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parentGone, stopLimitMs } from "./child.ts";

test("stopping takes as long as what is under way, and never for ever", () => {
  const limits = [0, 60_000, 3_600_000].map((leftMs) => stopLimitMs("SIGTERM", leftMs));
  assert.deepEqual(limits, [8_000, 68_000, 70_000]);
  assert.equal(stopLimitMs(parentGone, 60_000), 8_000, "nobody is left to hear a result");
});

/** A process that stops well after so long. */
const startStopping = async (closeMs: number) => {
  const file = join(import.meta.dirname, "child.ts");
  const program = `import { runUntilStopped } from ${JSON.stringify(file)};
    import { setTimeout as sleep } from "node:timers/promises";
    setInterval(() => {}, 1e6);
    setTimeout(() => console.log("runs"), 1);
    await runUntilStopped(() => sleep(${closeMs}), () => 30_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  return child;
};

test("the first signal lets it finish, two copies of it too", async () => {
  const child = await startStopping(900);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  await sleep(20);
  child.kill("SIGINT");
  assert.deepEqual(await ended, [0, null]);
});

test("the second signal ends it at once", async () => {
  const child = await startStopping(60_000);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  await sleep(500);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [143, null]);
});
