/**
 * A batch on the real dispatcher and the real rules of a job, step by step with a clock of the test's:
 * one task hangs, and whether the batch ends with the others or not hangs on its backup.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TaskAssigned } from "../../domain/job/events.ts";
import { runBatch } from "../../testing/batch-run.ts";

const usual = () => 1_000;
/** Whoever gets the sixth job first never answers. */
const oneHangs = ({ jobHash, replica, attempt }: TaskAssigned) =>
  Number.parseInt(jobHash, 16) === 5 && replica === 0 && attempt === 1 ? Infinity : 1_000;

describe("a batch of 40 jobs on 8 nodes", () => {
  test("of which one task hangs ends about when the others do, and is paid within its budget", () => {
    const { endedAfterMs, backups, stops, paid } = runBatch({ tookMs: oneHangs });
    assert.ok(endedAfterMs < 12_000, `${endedAfterMs} ms`);
    assert.equal(backups.length, 1);
    const [backup] = backups;
    assert.equal(backup?.reason.backup?.[3], 40);
    assert.equal(stops.length, 1);
    assert.equal(stops[0]?.jobHash, backup?.jobHash);
    assert.notEqual(stops[0]?.nodeId, backup?.nodeId);
    for (const [jobHash, amount] of paid)
      if (jobHash === backup?.jobHash) assert.ok(amount > 1_000n && amount < 1_500n, `${amount}`);
      else assert.equal(amount, 1_000n);
  });

  test("waits for the lease of the task that hangs where the policy gives no backups", () => {
    const { endedAfterMs, backups } = runBatch({ tookMs: oneHangs, tailShare: 0 });
    assert.ok(endedAfterMs > 60_000, `${endedAfterMs} ms`);
    assert.equal(backups.length, 0);
  });

  test("needs none where nothing hangs, and can have none where no replica is spare", () => {
    assert.equal(runBatch({ tookMs: usual }).backups.length, 0);
    assert.equal(runBatch({ tookMs: oneHangs, spec: { replicasMax: 1 } }).backups.length, 0);
  });

  test("gets none for jobs that were not submitted together", () =>
    assert.equal(runBatch({ tookMs: oneHangs, isBatch: false }).backups.length, 0));

  test("gets none while others wait for the node that would be taken", () => {
    const { backups, endedAfterMs, lastOtherAfterMs } = runBatch({ tookMs: oneHangs, others: 400 });
    assert.equal(backups.length, 1);
    assert.ok(lastOtherAfterMs > 30_000);
    assert.ok(endedAfterMs > lastOtherAfterMs - 4_000, `${endedAfterMs} of ${lastOtherAfterMs} ms`);
  });

  test("gets any two of three answers that agree, where two are wanted", () => {
    const { endedAfterMs, backups } = runBatch({ tookMs: oneHangs, spec: { quorum: 2 } });
    assert.equal(backups.length, 1);
    assert.ok(endedAfterMs < 20_000, `${endedAfterMs} ms`);
  });
});
