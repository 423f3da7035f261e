/** Models and pictures that mean harm run in the pool's children, as on a worker. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { execute, refusedAs, tensorInput } from "../../testing/fixtures/execute.ts";
import { linearModel } from "../../testing/fixtures/onnx-model.ts";
import { openExecutorPool } from "../children/pool.ts";
import { fenceUnderTest } from "../children/testing/fence-under-test.ts";
import { childPeaks } from "../children/testing/processes.ts";
import { AppError, OutOfMemory } from "../executor.ts";
import type { EngineName } from "./inference.ts";
import { hostileModels } from "./testing/hostile-models.ts";
import { type Canary, hostilePictures } from "./testing/hostile-pictures.ts";

const mebibyte = 2 ** 20;
/** Small, so that the test need not fill a gibibyte to see that the limit holds. */
const memoryBytes = 384 * mebibyte;
const memoryAboveMax = 32 * mebibyte;
/** For what only the limit ends. */
const limitMs = 300;
const graceMs = 250;
const triesMax = 4;
/** For what ends by itself: only so that the test ends in any case. */
const patienceMs = 20_000;
const canMeasure: boolean = existsSync(`/proc/self/task/${process.pid}/children`);

const x = tensorInput("float32", [4], [1, 2, 3, 4]);
const harmless = { model: linearModel({ a: 2, b: 1 }), x };

const until = async (isSo: () => boolean): Promise<number> => {
  const started = performance.now();
  while (!isSo()) await sleep(2);
  return performance.now() - started;
};

/** The most memory that any child has while this runs. */
const watched = async <T>(running: Promise<T>): Promise<number> => {
  let most = 0;
  const look = () => {
    for (const peak of childPeaks().values()) most = Math.max(most, peak);
  };
  const timer = setInterval(look, 5);
  await running.then(look, look);
  clearInterval(timer);
  return most;
};

const codeOf = (error: unknown): string => {
  assert.ok(error instanceof AppError || error instanceof OutOfMemory, String(error));
  assert.doesNotMatch(error.message, /\n|onnxruntime|ERROR_CODE|\.cc|^\s*at /m, "a native message");
  return error.code;
};

const openPool = async (context: TestContext, engine: EngineName, app: string) => {
  const troubles: string[] = [];
  const [pool] = await openExecutorPool({
    ...{ apps: [app], engine, children: 1, fence: fenceUnderTest, memoryBytes },
    onTrouble: (what, error) => troubles.push(`${what}: ${(error as Error).message}`),
  });
  assert.ok(pool);
  context.after(() => pool.close());
  return { pool, troubles };
};

/** Runs it to its limit, and waits until the child is gone. @returns How late that was, ms. */
const killedAtLimit = async (running: (signal: AbortSignal) => Promise<unknown>) => {
  const pids = [...childPeaks().keys()];
  const limit = new AbortController();
  const started = performance.now();
  setTimeout(() => limit.abort(new Error("over the limit")), limitMs);
  await assert.rejects(running(limit.signal), /over the limit/);
  await until(() => ![...childPeaks().keys()].some((pid) => pids.includes(pid)));
  return performance.now() - started - limitMs;
};

const skip = canMeasure ? {} : { skip: "this system does not say what memory a child has" };

for (const engine of ["ort-node", "ort-web"] as const)
  test(`hostile models on ${engine}`, skip, async (context) => {
    const { pool, troubles } = await openPool(context, engine, "onnx");
    const client = "client:mallory";
    const run = (model: Uint8Array, signal = AbortSignal.timeout(patienceMs)) =>
      execute(pool, { model, x }, { client, signal });
    let mostAbove = Number.NEGATIVE_INFINITY;
    const models = hostileModels.filter(({ both }) => both === true || engine === "ort-node");
    for (const { name, model, becomes } of models)
      await context.test(name, async (one) => {
        const bytes = model();
        await run(harmless.model); // A child is there, so that time is taken from when it can begin.
        let lateMs = 0;
        const killed = async (): Promise<void> => {
          // Again where the machine did not run us for a while: what is late always fails.
          for (let tries = 0; tries === 0 || (lateMs >= graceMs && tries < triesMax); tries++)
            lateMs = await killedAtLimit((signal) => run(bytes, signal));
        };
        const running = becomes.includes("timed-out")
          ? killed()
          : run(bytes).then(
              () => assert.fail("it gave an output"),
              (error: unknown) =>
                assert.ok(
                  becomes.some((code) => code === codeOf(error)),
                  String(error),
                ),
            );
        const peak = await watched(running);
        await running;
        assert.ok(lateMs < graceMs, `it was gone ${lateMs} ms after its limit`);
        one.diagnostic(`${Math.round(peak / mebibyte)} MiB at most`);
        mostAbove = Math.max(mostAbove, peak - memoryBytes);
        assert.ok(peak < memoryBytes + memoryAboveMax, `${peak / mebibyte} MiB`);
      });
    await context.test("leave the next one's task as it was", async () => {
      context.diagnostic(`at most ${Math.round(mostAbove / mebibyte)} MiB above the limit`);
      assert.deepEqual(troubles, [], "no task was more than a failed task");
      const { output } = await execute(pool, harmless, { client: "client:ada" });
      assert.match(String(Buffer.from(output)), /"data":\[3,5,7,9\]/);
      assert.ok(engine === "ort-web" || models.length >= 60);
    });
  });

describe("hostile pictures", skip, () => {
  let directory: string;
  let listener: Server;
  let canary: Canary;
  let visits = 0;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-canary-"));
    await writeFile(join(directory, "secret.txt"), "canary in a file");
    listener = createServer((socket) => {
      visits++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { readonly port: number };
    canary = { file: join(directory, "secret.txt"), url: `http://127.0.0.1:${port}/` };
  });
  after(async () => {
    listener.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("end with a code, reach no file and no listener, and take no more than they may", async (context) => {
    const { pool, troubles } = await openPool(context, "ort-node", "faces");
    for (const { name, picture, becomes } of hostilePictures) {
      const bytes = await picture(canary);
      const started = performance.now();
      const signal = AbortSignal.timeout(patienceMs);
      const running = execute(pool, { image: bytes }, { signal }).then(
        () => "an output",
        (error: unknown) => codeOf(error),
      );
      const peak = await watched(running);
      const became = await running;
      assert.ok(
        becomes.some((code) => code === became),
        `${name}: ${became}`,
      );
      assert.ok(peak < memoryBytes + memoryAboveMax, `${name}: ${peak / mebibyte} MiB`);
      context.diagnostic(`${name}: ${became} in ${Math.round(performance.now() - started)} ms`);
    }
    assert.equal(visits, 0, "somebody called");
    assert.deepEqual(troubles, []);
    await refusedAs(execute(pool, { image: Uint8Array.of(1) }), "bad-image", /neither/);
  });
});
