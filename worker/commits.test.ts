import assert from "node:assert/strict";
import { test } from "node:test";
import { createCommits } from "./commits.ts";

const digest = "ab".repeat(32);
const taskOf = (n: number) => ({
  ...{ jobHash: String(n).padStart(64, "0"), replica: 0, attempt: 1 },
});

test("a result that waits for an audit is not lost because many others are bound and shown", () => {
  const commits = createCommits({ worker: "bob", newSalt: () => digest });
  const bind = (n: number) => {
    const output = { executionClass: "echo@1", outputDigest: digest, outputSize: 1, elapsedMs: 1 };
    const done = { ...taskOf(n), ...output, outcome: "done" } as const;
    return commits.bind(done, { resultTag: digest } as Parameters<typeof commits.bind>[1]);
  };
  bind(0);
  for (let n = 1; n <= 3_000; n++) {
    bind(n);
    assert.notEqual(commits.show(taskOf(n), n), "lost");
  }
  assert.deepEqual(commits.unshown(), [taskOf(0)]);
  assert.equal(typeof commits.show(taskOf(0), 4_000), "object");
  assert.deepEqual(commits.unshown(), []);
  assert.equal(commits.show(taskOf(0), 4_001), undefined, "it is on its way");
  assert.equal(typeof commits.show(taskOf(0), 9_000), "object", "said again when asked again");
  assert.equal(commits.show(taskOf(1), 9_000), "lost", "what was shown long ago is not kept");
  assert.equal(commits.show(taskOf(1), 9_001), undefined, "and that is said once in a while");
});
