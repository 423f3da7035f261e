/** One client's ten thousand jobs beside another's one, with the real dispatcher, log and rules. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { Capabilities } from "../../domain/node/node.ts";
import { type AnyEvent, encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventIds } from "../../streams/event-ids.ts";
import { statementsOf, type TaskOrder } from "../../streams/task-queue.ts";
import { at, noon } from "../../testing/given.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { memoryDisk } from "../../testing/memory-disk.ts";
import { memoryQueue } from "../../testing/memory-queue.ts";
import { runFeed } from "../facts.ts";
import { createJobBook } from "../job-book.ts";
import { runDispatcher } from "./run-dispatcher.ts";

const nodes = 10;
const many = 10_000;
const taskMs = 200;
const executionClass = "plain@1/js/any/1t/none";
const capabilities = {
  apps: [{ app: "echo", executionClass }],
  slots: 1,
  backlog: 0,
} as unknown as Capabilities;
const spec = {
  app: "echo",
  params: {},
  inputs: {},
  comparator: { kind: "exact" },
  quorum: 1,
  replicasMax: 1,
  engine: "",
  wallMs: 60_000,
  priority: 3,
} as unknown as JobSpec;

test("ten thousand jobs of one client hold up another's single job by one turn", async () => {
  const clock = manualClock(noon);
  const files = memoryDisk(async () => undefined).mount();
  const lock = () => ({ release: () => undefined });
  const store = await openEmbeddedStore({ directory: "/events", files, lock, now: clock.now });
  const ids = eventIds("0123456789ab");
  const onTrouble = (what: string, error: unknown) => assert.fail(`${what}: ${error}`);
  const onBreak = (error: unknown) => onTrouble("the feed broke", error);
  const append = async (stream: string, event: AnyEvent) => {
    const { ok } = await store.append(stream, [encode(event, ids.next(), "service:test")], "any");
    assert.ok(ok);
  };
  const submit = async (jobHash: string, client: string) => {
    const wish = { ...spec, client };
    const deadlineAt = at(600);
    await append(`job-${jobHash}`, {
      type: "JobSubmitted",
      jobHash,
      spec: wish,
      deadlineAt,
      at: clock.now(),
    });
    const funding = { client, amount: "1", forgetAt: at(601) };
    await append("ledger", { type: "JobFunded", jobHash, ...funding, at: clock.now() });
  };

  const queue = memoryQueue({ clock, random: () => 0.5, latencyMs: 0 });
  const desk = queue.desk();
  const book = createJobBook({ store, ids });
  const dispatcher = runDispatcher({ book, desk, clock, random: () => 0.5, onTrouble });
  const assigned: string[] = [];
  const watch = {
    hear: ({ event }: { event: AnyEvent }) =>
      void (event.type === "TaskAssigned" && assigned.push(event.jobHash)),
    act: () => undefined,
  };
  const consumption = desk.consumeResults(async (nodeId, report) => {
    for (const { jobHash, replica, attempt } of statementsOf(report)) {
      const by = { actor: "service:validator", now: clock.now() } as const;
      const result = {
        executionClass,
        outputDigest: "d".repeat(64),
        outputSize: 1,
        elapsedMs: 200,
      };
      const task = { jobHash, replica, attempt, nodeId };
      const judgement = { comparator: "exact", groups: [[0]], reason: "" };
      const distances = { distanceInside: 0, distanceBetween: 0 };
      await book.handle(jobHash, [
        { type: "RecordResult", task, ...result, ...by },
        { type: "JudgeResults", ...judgement, ...distances, ...by },
      ]);
    }
  });
  for (let n = 0; n < nodes; n++) {
    const nodeId = `node-${n}`;
    const source = queue.source(nodeId);
    let held = 0;
    const compute = ({ jobHash, replica, attempt }: TaskOrder, ack: () => void) =>
      clock.after(taskMs, () => {
        const done = { outcome: "done", executionClass, outputDigest: "d".repeat(64) } as const;
        const size = { outputSize: 1, elapsedMs: taskMs };
        const key = { jobHash, replica, attempt };
        held--;
        void source.publishResults([{ ...key, ...done, ...size }], jobHash).then(ack);
      });
    source.consumeTasks(
      () => 1 - held,
      ({ tasks, ack }) => {
        held += tasks.length;
        for (const task of tasks) compute(task, ack);
      },
    );
    const beat = () => source.heartbeat({ instance: nodeId, held, draining: false });
    clock.every(1_000, beat);
    await append(`node-${nodeId}`, {
      type: "NodeRegistered",
      nodeId,
      owner: nodeId,
      capabilities,
      at: noon,
    });
  }
  for (let i = 0; i < many; i++) await submit(`${i}`.padStart(64, "a"), "client:many");
  const feed = runFeed({ store, clock, listeners: [book, watch, dispatcher], onTrouble: onBreak });
  const until = async (what: string, isSo: () => boolean) => {
    for (let i = 0; i < 2_000 && !isSo(); i++) {
      await clock.pass(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(isSo(), what);
  };

  await until("the nodes work", () => assigned.length > 5 * nodes);
  const single = "b".repeat(64);
  const before = assigned.length;
  const submittedAt = clock.now();
  await submit(single, "client:one");
  await until("the single job has its node", () => assigned.includes(single));
  const passedBy = assigned.indexOf(single) - before;
  assert.ok(passedBy <= 2, `${passedBy} jobs of the other client came first`);
  // Within the time in which nodes are done with what they have, though 1,000 turns were waiting.
  assert.ok(clock.now() - submittedAt <= 2 * taskMs, `${clock.now() - submittedAt} ms`);
  assert.ok(dispatcher.counts().waiting > many / 2);

  await consumption.stop();
  await feed.close();
  await dispatcher.close();
  await store.close();
});
