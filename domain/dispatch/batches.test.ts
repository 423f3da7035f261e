/** When a batch is near its end, and which of its tasks hang. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { at, noon } from "../../testing/given.ts";
import type { JobEvent } from "../job/events.ts";
import type { JobSpec } from "../job/spec.ts";
import { createBatches } from "./batches.ts";

const hashOf = (n: number): string => n.toString(16).padStart(64, "0");
const submitted = (n: number, size: number, { id = "b", client = "client:ada" } = {}): JobEvent => {
  const spec = { client, app: "ocr" } as JobSpec;
  const batch = { id, size };
  return { type: "JobSubmitted", jobHash: hashOf(n), spec, deadlineAt: at(60), batch, at: noon };
};
const answered = (n: number, turnaroundMs: number, app = "ocr"): JobEvent => {
  const task = { jobHash: hashOf(n), replica: 0, attempt: 1, nodeId: "bob" };
  const output = { outputDigest: "ca".repeat(32), outputSize: 3, elapsedMs: 40 };
  const result = { executionClass: "c", ...output, app, turnaroundMs };
  return { type: "ResultReceived", ...task, ...result, at: noon };
};
const failed = (n: number): JobEvent => {
  return { type: "JobFailed", jobHash: hashOf(n), reason: "no-quorum", at: noon };
};
const after = (events: readonly JobEvent[]) => {
  const batches = createBatches();
  for (const event of events) batches.hear(event);
  return batches;
};
const range = (count: number) => Array.from({ length: count }, (_, n) => n);
/** Of `size` jobs all but the last `open` have ended. */
const nearEnd = (size: number, open: number, took: (n: number) => number = () => 1_000) => [
  ...range(size).map((n) => submitted(n, size)),
  ...range(size - open).flatMap((n) => [answered(n, took(n)), failed(n)]),
];

describe("the tail of a batch", () => {
  test("begins when as few jobs are open as the share says, and at least with the last", () => {
    assert.equal(after(nearEnd(40, 3)).tailOf(hashOf(39), 0.05), undefined);
    const tail = after(nearEnd(40, 2)).tailOf(hashOf(39), 0.05);
    assert.equal(tail?.open, 2);
    assert.equal(tail?.size, 40);
    assert.deepEqual([...(tail?.jobHashes ?? [])], [hashOf(38), hashOf(39)]);
    assert.equal(after(nearEnd(5, 1)).tailOf(hashOf(4), 0.05)?.open, 1);
    assert.equal([...after(nearEnd(40, 2)).tails(0.05)].length, 1);
  });

  test("is nothing where the share is 0, the job has ended, or it is of no batch", () => {
    const batches = after(nearEnd(40, 1));
    assert.equal(batches.tailOf(hashOf(39), 0), undefined);
    assert.equal(batches.tailOf(hashOf(0), 0.05), undefined);
    assert.equal(batches.tailOf(hashOf(99), 0.05), undefined);
    assert.deepEqual([...batches.tails(0)], []);
  });

  test("is not its beginning: while jobs are still to come few are open as well", () => {
    const batches = after([submitted(0, 40), submitted(1, 40), answered(0, 10), failed(0)]);
    assert.equal(batches.tailOf(hashOf(1), 0.05), undefined);
  });

  test("comes also when some of its jobs were never accepted", () => {
    const events = nearEnd(40, 2).filter(
      (event) => event.type !== "JobSubmitted" || Number.parseInt(event.jobHash, 16) >= 8,
    );
    assert.equal(after(events).tailOf(hashOf(39), 0.05)?.open, 2);
  });

  test("is each client's own, whatever he calls his batch", () => {
    const mine = nearEnd(40, 1);
    const others = range(40).map((n) => submitted(100 + n, 40, { client: "client:eve" }));
    assert.equal(after([...mine, ...others]).tailOf(hashOf(39), 0.05)?.size, 40);
  });

  test("is found in many batches, those that are done with being forgotten", () => {
    const batches = createBatches();
    for (const n of range(5_000)) {
      batches.hear(submitted(n, 2, { id: `b${n}` }));
      batches.hear(failed(n));
    }
    // Of a batch of two the second may still come: it is known, or forgotten with the oldest.
    batches.hear(submitted(9_000, 2, { id: "b4999" }));
    assert.equal(batches.tailOf(hashOf(9_000), 0.05)?.open, 1);
    batches.hear(submitted(9_001, 2, { id: "b0" }));
    assert.equal(batches.tailOf(hashOf(9_001), 0.05), undefined);
    assert.equal([...batches.tails(0.05)].length, 1);
  });
});

describe("a task hangs", () => {
  const hangsAfterMs = (took: (n: number) => number, app = "ocr") =>
    after(nearEnd(40, 1, took))
      .tailOf(hashOf(39), 0.05)
      ?.hangsAfterMs(app);

  test("when it has run for the mean and three deviations of the batch's own tasks", () => {
    // 1,000 and 5,000 in turn: of 39 answers 20 and 19.
    const mean = (20 * 1_000 + 19 * 5_000) / 39;
    const deviation = Math.sqrt((20 * 19) / 39 ** 2) * 4_000;
    assert.equal(
      hangsAfterMs((n) => (n % 2 === 0 ? 1_000 : 5_000)),
      Math.ceil(mean + 3 * deviation),
    );
  });

  test("and not before one and a half times the mean, nor before a second", () => {
    assert.equal(
      hangsAfterMs(() => 4_000),
      6_000,
    );
    assert.equal(
      hangsAfterMs(() => 10),
      1_000,
    );
  });

  test("never where fewer than three of its app are answered", () => {
    assert.equal(
      hangsAfterMs(() => 1_000, "faces"),
      undefined,
    );
    const few = after(nearEnd(3, 1)).tailOf(hashOf(2), 0.5);
    assert.equal(few?.open, 1);
    assert.equal(few?.hangsAfterMs("ocr"), undefined);
  });
});
