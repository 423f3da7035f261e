import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeProofs, nativeSha256 } from "../../cli/native-proofs.ts";
import { native } from "../../crypto/primitives-native.ts";
import { keyRules } from "../../crypto/signatures.ts";
import type { Explained } from "../../domain/dispatch/explain.ts";
import { type NodeEvent, testsOpenedBy } from "../../domain/node/node.ts";
import { probeTask } from "../../domain/probe/task.ts";
import { explainLog } from "../../services/dispatcher/explain-log.ts";
import { openComparer } from "../../services/validator/comparer.ts";
import { reviewVerdicts } from "../../services/validator/review/review.ts";
import { BlobError } from "../../streams/blob-store.ts";
import { wallClock } from "../../streams/clock.ts";
import { type AnyEvent, decode } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import type { TaskOrder } from "../../streams/task-queue.ts";
import { runModule } from "../../worker/executors/wasm/run-module.ts";
import { openWasm } from "../../worker/executors/wasm.ts";
import { openKnownAnswers } from "../../worker/known-answers.ts";
import { openProbedNetwork } from "./network.ts";

type Of<Type extends AnyEvent["type"]> = Extract<AnyEvent, { readonly type: Type }>;

const wait = async (what: string, isThere: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + 120_000;
  while (!(await isThere())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Computes, and says something else. */
const openLiar = () => {
  const honest = openWasm();
  return {
    ...honest,
    execute: async (...args: Parameters<typeof honest.execute>) => {
      const { output, mediaType } = await honest.execute(...args);
      return { output: Uint8Array.from(output, (byte) => byte ^ 1), mediaType };
    },
  };
};

/** What the message of a task has that does not hang on its content. */
const shapeOf = (order: TaskOrder): string =>
  Object.entries(order)
    .map(
      ([name, value]) => `${name}:${typeof value === "object" ? Object.keys(value) : typeof value}`,
    )
    .sort()
    .join(" ");

test("a new node is tested by tasks that look like any other: measured if it computes, convicted if it lies", async () => {
  const network = await openProbedNetwork();
  const { client, orders } = network;
  await network.addNode("node-right", openWasm());
  await network.addNode("node-wrong", openLiar());
  const node = (id: string) => client.node(id);
  await wait("a conviction", async () => (await node("node-wrong"))?.status === "EXPELLED");
  await wait("a measurement", async () => ((await node("node-right"))?.speeds.length ?? 0) > 0);
  const own = probeTask("ada".padEnd(32, "0"), "trivial");
  const input = (bytes: Uint8Array) => ({ bytes, mediaType: "application/octet-stream" });
  const { hash } = await client.submit({
    app: "wasm",
    inputs: { module: input(own.module), data: input(own.data) },
    quorum: 1,
  });
  await wait("an ordinary job", async () => (await client.job(hash))?.status === "COMPLETED");
  const right = await node("node-right");
  const recorded = await network.close();
  const events = recorded.flatMap((one) => decode(one) ?? []);
  const of = <Type extends AnyEvent["type"]>(type: Type) =>
    events.filter((event): event is Of<Type> => event.type === type);

  const [measured] = of("NodeMeasured");
  assert.ok(measured);
  assert.equal(measured.nodeId, "node-right");
  assert.ok(measured.mean > 0 && Number.isFinite(measured.mean));
  assert.ok(measured.benchmark.instructions > 100 * 1_000_000);
  const [speed] = right?.speeds ?? [];
  assert.equal(speed?.app, "wasm");
  assert.ok((speed?.samples ?? 0) >= 1);

  const convictions = of("NodeConvicted");
  assert.deepEqual(
    convictions.map(({ nodeId, reason }) => [nodeId, reason]),
    [["node-wrong", "known-answer-differs"]],
  );
  const [conviction] = convictions;
  assert.ok(conviction?.known);
  // Whoever has the log and the blobs computes it again.
  const { seed, size, outputDigest } = conviction.known;
  const task = probeTask(seed, size);
  const spec = of("JobSubmitted").find(({ jobHash }) => jobHash === conviction.jobHash)?.spec;
  assert.equal(spec?.inputs["module"]?.digest, nativeSha256(task.module));
  assert.equal(spec?.inputs["data"]?.digest, nativeSha256(task.data));
  const output = runModule({ ...task, args: new Uint8Array(0), memoryPages: 4_096 });
  assert.equal(outputDigest, nativeSha256(output));
  const said = of("ResultReceived").find(({ jobHash }) => jobHash === conviction.jobHash);
  assert.notEqual(said?.outputDigest, outputDigest);

  // So does the audit, which finds nothing; nor would it believe a seed that says something else.
  const review = async (log: readonly RecordedEvent[]) => {
    const comparer = openComparer({ clock: wallClock });
    const answers = openKnownAnswers();
    const get = () => Promise.reject(new BlobError("blob-unknown", "nobody was asked"));
    const { verify: _, ...proofs } = nativeProofs;
    const by = { ...proofs, keyRules: keyRules(native), blobs: { get }, comparer };
    const { faults } = await reviewVerdicts(log, { ...by, knownAnswer: answers.make });
    await Promise.all([comparer.close(), answers.close()]);
    return faults.map(({ code, detail }) => `${code}: ${detail}`);
  };
  assert.deepEqual(await review(recorded), []);
  const falsely = (known: object) =>
    recorded.map((one) => {
      const isIt = one.type === "NodeConvicted";
      const data = one.data as { known: object };
      return isIt ? { ...one, data: { ...data, known: { ...data.known, ...known } } } : one;
    });
  assert.deepEqual(await review(falsely({ seed: "00".repeat(16) })), [
    "conviction-unfounded: the job is not made from the seed",
  ]);
  assert.deepEqual(await review(falsely({ outputDigest: "00".repeat(32) })), [
    "conviction-unfounded: the right answer is another",
  ]);
  assert.deepEqual(await review(falsely({ outputDigest: said?.outputDigest })), [
    "conviction-unfounded: the node gave the right answer",
  ]);

  const paid = of("PointsAwarded").flatMap(({ awards }) => awards.map(({ nodeId }) => nodeId));
  assert.ok(!paid.includes("node-wrong"), "a lie was paid");
  assert.ok(paid.includes("node-right"));

  // Who got a test follows from what was recorded, as for any other task.
  const explained: Explained[] = [];
  const onExplained = (one: Explained) => explained.push(one);
  const log = async function* () {
    yield* recorded;
  };
  await explainLog(log, { sha256: nativeSha256, onExplained });
  assert.ok(explained.length >= orders.length);
  assert.deepEqual(new Set(explained.map(({ outcome }) => outcome)), new Set(["matches"]));
  const opened = new Set(events.flatMap((event) => testsOpenedBy(event as NodeEvent)));
  for (const { task, isTest = false } of explained)
    assert.equal(isTest, opened.has(task.jobHash), task.jobHash);
  assert.ok(!opened.has(hash) && opened.size >= 3);

  // Nothing in a task's message tells a test from an ordinary task.
  const tests = orders.filter(({ jobHash }) => jobHash !== hash);
  const ordinary = orders.find(({ jobHash }) => jobHash === hash);
  assert.ok(ordinary && tests.length >= 3);
  assert.deepEqual(new Set(tests.map(shapeOf)), new Set([shapeOf(ordinary)]));
  for (const test of tests) {
    assert.deepEqual(test.params, ordinary.params);
    assert.equal(test.wallMs, ordinary.wallMs);
    const sizes = (order: TaskOrder) => String(JSON.stringify(order).length);
    assert.ok(Math.abs(Number(sizes(test)) - Number(sizes(ordinary))) <= 8, sizes(test));
  }
  assert.deepEqual(
    network.log.filter((line) => !line.startsWith("dispatcher draws")),
    [],
  );
});
