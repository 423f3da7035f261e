import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeProofs } from "../../cli/native-proofs.ts";
import { job as decider, type JobCommand } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { BlobError, type BlobSource } from "../../streams/blob-store.ts";
import { wallClock } from "../../streams/clock.ts";
import { encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { handleCommand } from "../../streams/handle-command.ts";
import { jobStream, nodeStream } from "../../streams/names.ts";
import type { Refused } from "../../streams/refusal-log.ts";
import { memoryQueue } from "../../testing/memory-queue.ts";
import { type Feed, runFeed } from "../facts.ts";
import { createJobBook } from "../job-book.ts";
import { createSigningKeys } from "../signing-keys.ts";
import { type RunningValidator, runValidator } from "./run-validator.ts";

const jobHash = "a".repeat(64);
const executionClass = "plain@1/js/any/1t/none";
const spec: JobSpec = {
  version: 1,
  client: "client:ada",
  app: "echo",
  params: {},
  inputs: {},
  comparator: { kind: "text" },
  quorum: 2,
  replicasMax: 2,
  price: "100",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
};
const outputs = new Map([
  ["b".repeat(64), "hello world"],
  ["c".repeat(64), "hello  world"],
]);

describe("the validator", () => {
  let directory: string;
  let store: EventStore;
  let feed: Feed;
  let validator: RunningValidator;
  let blobsAway: boolean;
  let storeAway: boolean;
  let troubles: string[];
  let noted: Refused[];
  const ids = eventIds("0123456789ab");
  let queue: ReturnType<typeof memoryQueue>;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-validator-"));
    store = await openEmbeddedStore({ directory });
    [blobsAway, storeAway, troubles] = [false, false, []];
    const flaky: EventStore = Object.assign(Object.create(store) as EventStore, {
      append: (...args: Parameters<EventStore["append"]>) =>
        storeAway ? Promise.reject(new Error("the store is away")) : store.append(...args),
    });
    const book = createJobBook({ store: flaky, ids });
    const blobs = {
      get: async (digest: string) => {
        if (blobsAway) throw new BlobError("unavailable", "the blob store is away");
        return new TextEncoder().encode(outputs.get(digest));
      },
    } as BlobSource;
    queue = memoryQueue({ clock: wallClock, random: () => 0.5 });
    const desk = queue.desk();
    const onTrouble = (what: string) => troubles.push(what);
    const keys = createSigningKeys();
    const parts = { book, store, ids, keys, proofs: nativeProofs, desk, blobs, clock: wallClock };
    noted = [];
    const refusalLog = { record: (one: Refused) => void noted.push(one) };
    validator = runValidator({ ...parts, onTrouble, refusalLog });
    feed = runFeed({
      store,
      clock: wallClock,
      listeners: [book, keys, validator],
      onTrouble: (error) => assert.fail(String(error)),
    });
    await feed.live;
    const machine = { slots: 1, backlog: 1, cpus: 1, memoryMb: 1, platform: "any", version: "1" };
    for (const nodeId of ["bob", "cyd"]) {
      const capabilities = { apps: [], ...machine };
      const event = { type: "NodeRegistered", nodeId, owner: "ada", capabilities, at: 0 } as const;
      await store.append(nodeStream(nodeId), [encode(event, ids.next(), "service:test")], "any");
    }
    const by = { actor: "service:test", now: Date.now() };
    await say({ type: "SubmitJob", jobHash, spec, ...by });
    const reason = { policy: 1, seed: 1, candidates: 2, score: 1 };
    const assignments = ["bob", "cyd"].map((nodeId, replica) => ({
      replica,
      nodeId,
      executionClass,
      reason,
    }));
    await say({ type: "AssignTasks", assignments, leaseMs: 60_000, fundedAt: 0, ...by });
  });

  afterEach(async () => {
    await feed.close();
    await validator.close();
    await store.close();
    await rm(directory, { recursive: true });
  });

  const say = async (command: JobCommand) => {
    const stream = jobStream(jobHash);
    const answer = await handleCommand({ store, ids }, decider, { stream }, command);
    assert.ok(answer.ok, answer.ok ? "" : answer.reason);
  };
  const state = async (nodeId: string, replica: number, outputDigest: string) => {
    const task = { jobHash, replica, attempt: 1 };
    const result = { executionClass, outputDigest, outputSize: 11, elapsedMs: 1 };
    const statement = { ...task, outcome: "done", ...result } as const;
    await queue.source(nodeId).publishResults([statement], `${nodeId}-1`);
  };
  const typesIn = async () => {
    const types: string[] = [];
    for await (const { type } of store.readStream(jobStream(jobHash), "start")) types.push(type);
    return types;
  };
  const until = async (type: string, count = 1) => {
    const deadline = Date.now() + 10_000;
    while ((await typesIn()).filter((one) => one === type).length < count) {
      assert.ok(Date.now() < deadline, `${type} never came: ${await typesIn()}`);
      await sleep(10);
    }
  };
  const bothStated = async () => {
    const [first = "", second = ""] = outputs.keys();
    await state("bob", 0, first);
    await state("cyd", 1, second);
  };

  test("believes no node of which the log has not told whose it is", async () => {
    const nodeId = "eve";
    const reason = { policy: 1, seed: 1, candidates: 2, score: 1 };
    const by = { actor: "service:test", now: Date.now() };
    const stream = jobStream("9".repeat(64));
    const other = { ...spec, quorum: 1, replicasMax: 1 };
    const commands: readonly JobCommand[] = [
      { type: "SubmitJob", jobHash: "9".repeat(64), spec: other, ...by },
      {
        type: "AssignTasks",
        assignments: [{ replica: 0, nodeId, executionClass, reason }],
        ...{ leaseMs: 60_000, fundedAt: 0, ...by },
      },
    ];
    for (const command of commands)
      assert.ok((await handleCommand({ store, ids }, decider, { stream }, command)).ok);
    const task = { jobHash: "9".repeat(64), replica: 0, attempt: 1 };
    const output = { outputDigest: "b".repeat(64), outputSize: 11, elapsedMs: 1 };
    const statement = { ...task, outcome: "done", executionClass, ...output } as const;
    await queue.source(nodeId).publishResults([statement], `${nodeId}-1`);
    const deadline = Date.now() + 10_000;
    while (noted.length === 0 && Date.now() < deadline) await sleep(10);
    assert.deepEqual(
      noted.map(({ code, id }) => [code, id]),
      [["node-unknown", nodeId]],
    );
  });

  test("records results while outputs cannot be had, and judges them when they can", async () => {
    blobsAway = true;
    await bothStated();
    await until("ResultReceived", 2);
    assert.ok(!(await typesIn()).includes("JobCompleted"));
    assert.ok(troubles.length > 0);
    blobsAway = false;
    await until("JobCompleted");
  });

  test("says why results are not taken up, and takes them up when they come again", async () => {
    storeAway = true;
    await bothStated();
    for (let i = 0; i < 500 && troubles.length < 2; i++) await sleep(10);
    assert.match(troubles.join(), /results of node bob.*results of node cyd/);
    assert.equal((await typesIn()).includes("ResultReceived"), false);
    storeAway = false;
    await until("JobCompleted");
  });

  test("blames no node for a forged envelope, and notes whose job it is", async () => {
    for (const [replica, nodeId] of ["bob", "cyd"].entries()) {
      const task = { jobHash, replica, attempt: 1 };
      const failure = { outcome: "failed", code: "wrap-forged", message: "", retryable: false };
      const statement = { ...task, ...failure } as const;
      await queue.source(nodeId).publishResults([statement as never], `${nodeId}-1`);
    }
    await until("JobFailed");
    const failed: unknown[] = [];
    for await (const { type, data } of store.readStream(jobStream(jobHash), "start"))
      if (type === "TaskFailed") failed.push((data as { retryable: boolean }).retryable);
    assert.deepEqual(failed, [false, false]);
    const [first] = noted;
    assert.deepEqual(
      [first?.code, first?.what, first?.id],
      ["wrap-forged", `envelope of job ${jobHash}`, "client:ada"],
    );
  });
});
