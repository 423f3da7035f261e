import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndedFeed } from "./ended.ts";
import type { EndedJob, EndedJobBatch } from "./schema.types.ts";

const hash = "ab".repeat(32);
const nothing = { reopened: [], settled: [] };
const endAt = (position: string, outputDigest: string): EndedJob => {
  const output = { outputDigest, outputSize: 1, sealed: null, final: false };
  return { hash, status: "COMPLETED", reason: null, position, ...output };
};

test("a job that was opened again is waited for anew", { timeout: 30_000 }, async (t) => {
  const second = Promise.withResolvers<EndedJobBatch>();
  const feed = openEndedFeed({
    listen: async function* () {
      yield { position: "5", jobs: [endAt("5", "first")], ...nothing };
      yield await second.promise;
    },
    position: async () => "0",
    look: async () => ({ end: "open", reopenedAt: null }),
  });
  t.after(feed.close);
  assert.equal((await feed.await(hash, "0")).outputDigest, "first");
  assert.equal((await feed.await(hash, undefined, undefined, "4")).outputDigest, "first");
  const again = feed.await(hash, undefined, undefined, "7");
  second.resolve({ position: "9", jobs: [endAt("9", "second")], ...nothing });
  assert.equal((await again).outputDigest, "second");
  assert.equal((await feed.await(hash, undefined)).outputDigest, "second");
});

test("whoever took a result hears that it was taken back, and that its second end stands", {
  timeout: 30_000,
}, async (t) => {
  const later = Promise.withResolvers<EndedJobBatch>();
  const feed = openEndedFeed({
    listen: async function* () {
      yield { position: "5", jobs: [endAt("5", "first")], ...nothing };
      yield await later.promise;
    },
    position: async () => "0",
    look: async () => ({ end: "open", reopenedAt: null }),
  });
  t.after(feed.close);
  const first = await feed.await(hash, "0");
  const turn = feed.turn(first);
  const reopened = [{ hash, convicts: ["eve"], deadlineAt: 9, position: "7" }];
  later.resolve({ position: "9", jobs: [endAt("8", "second")], reopened, settled: [hash] });
  assert.deepEqual(await turn, { kind: "reopened", position: "7" });
  const second = await feed.await(hash, undefined, undefined, "7");
  assert.equal(second.outputDigest, "second");
  assert.deepEqual(await feed.turn(second), { kind: "final", position: "9" });
});

test("what became of an end before anybody listened is looked up", {
  timeout: 30_000,
}, async (t) => {
  const stands = { ...endAt("5", "first"), final: true };
  const answers = [
    { end: "open", reopenedAt: "7" },
    { end: stands, reopenedAt: null },
  ] as const;
  let asked = 0;
  const feed = openEndedFeed({
    listen: async function* (_, signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    position: async () => "20",
    look: async (of) => (of === hash ? (answers[asked++] ?? null) : null),
  });
  t.after(feed.close);
  await assert.rejects(feed.await("cd".repeat(32), undefined), /nobody submitted/); // From 20 on.
  assert.deepEqual(await feed.turn(endAt("5", "first")), { kind: "reopened", position: "7" });
  assert.equal((await feed.turn(endAt("5", "first"))).kind, "final");
});
