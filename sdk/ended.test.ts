import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndedFeed } from "./ended.ts";
import type { EndedJob, EndedJobBatch } from "./schema.types.ts";

const hash = "ab".repeat(32);
const endAt = (position: string, outputDigest: string): EndedJob => {
  const output = { outputDigest, outputSize: 1, sealed: null };
  return { hash, status: "COMPLETED", reason: null, position, ...output };
};

test("a job that was opened again is waited for anew", { timeout: 30_000 }, async (t) => {
  const second = Promise.withResolvers<EndedJobBatch>();
  const feed = openEndedFeed({
    listen: async function* () {
      yield { position: "5", jobs: [endAt("5", "first")] };
      yield await second.promise;
    },
    position: async () => "0",
    look: async () => "open",
  });
  t.after(feed.close);
  assert.equal((await feed.await(hash, "0")).outputDigest, "first");
  assert.equal((await feed.await(hash, undefined, undefined, "4")).outputDigest, "first");
  const again = feed.await(hash, undefined, undefined, "7");
  second.resolve({ position: "9", jobs: [endAt("9", "second")] });
  assert.equal((await again).outputDigest, "second");
  assert.equal((await feed.await(hash, undefined)).outputDigest, "second");
});
