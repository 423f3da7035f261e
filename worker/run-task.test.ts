import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { emptyDigest } from "../domain/hashing.ts";
import { BlobError, type BlobSink, type BlobSource } from "../streams/blob-store.ts";
import { wallClock } from "../streams/clock.ts";
import type { TaskOrder } from "../streams/task-queue.ts";
import { AppError, type Executor } from "./executor.ts";
import { runTask } from "./run-task.ts";

const executionClass = "plain@1/js/any/1t/none";
const order: TaskOrder = {
  jobHash: "a".repeat(64),
  replica: 0,
  attempt: 1,
  app: "echo",
  params: {},
  inputs: { data: { digest: "d".repeat(64), size: 4 } },
  executionClass,
  wallMs: 200,
  expiresAt: Number.MAX_SAFE_INTEGER,
};
const never = new Promise<never>(() => undefined);
const bytes = new TextEncoder().encode("data");
const stored: BlobSource & BlobSink = {
  get: async () => bytes,
  put: async (output) => ({ digest: "e".repeat(64), size: output.byteLength }),
};
const echo = (execute?: Executor["execute"]): Executor => ({
  apps: ["echo"],
  executionClass,
  execute:
    execute ??
    (async ({ inputs }) => ({
      output: inputs["data"] ?? new Uint8Array(),
      mediaType: "text/plain",
    })),
  close: async () => undefined,
});
const run = (executor: Executor, blobs: Partial<BlobSource & BlobSink> = {}) =>
  runTask(order, { executors: [executor], blobs: { ...stored, ...blobs }, clock: wallClock });
const failed = async (result: ReturnType<typeof run>) => {
  const statement = await result;
  assert.equal(statement.outcome, "failed");
  return statement.outcome === "failed" ? [statement.code, statement.retryable] : [];
};

describe("a task", () => {
  test("states the digest of what was stored", async () => {
    const statement = await run(echo());
    assert.equal(statement.outcome, "done");
    if (statement.outcome === "done")
      assert.deepEqual([statement.outputDigest, statement.outputSize], ["e".repeat(64), 4]);
  });

  test("stores nothing when the output is empty", async () => {
    const empty = echo(async () => ({ output: new Uint8Array(), mediaType: "text/plain" }));
    const statement = await run(empty, { put: () => never });
    assert.ok(statement.outcome === "done" && statement.outputDigest === emptyDigest);
  });

  test("blames the input for an app's error, and itself for any other", async () => {
    const bad = echo(async () => {
      throw new AppError("bad-image", "no image");
    });
    assert.deepEqual(await failed(run(bad)), ["bad-image", false]);
    const broken = echo(async () => {
      throw new Error("out of memory");
    });
    assert.deepEqual(await failed(run(broken)), ["worker-fault", true]);
    const gone = { get: async () => Promise.reject(new BlobError("blob-unknown", "not there")) };
    assert.deepEqual(await failed(run(echo(), gone)), ["blob-unknown", true]);
  });

  test("is over at its limit, whether the app hangs or the blob store does", async () => {
    assert.deepEqual(await failed(run(echo(() => never))), ["timed-out", true]);
    assert.deepEqual(await failed(run(echo(), { get: () => never })), ["timed-out", true]);
    assert.deepEqual(await failed(run(echo(), { put: () => never })), ["timed-out", true]);
  });

  test("is not for a node that lacks the app in that class", async () =>
    assert.deepEqual(await failed(run({ ...echo(), executionClass: "other@1" })), [
      "worker-fault",
      true,
    ]));
});
