import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seededRandom } from "../../domain/chance.ts";
import { statementsOf } from "../../streams/task-queue.ts";
import { type ManualClock, manualClock } from "../manual-clock.ts";
import { noFaults, type QueueFaults } from "../memory-broker.ts";
import { type MemoryQueue, memoryQueue } from "../memory-queue.ts";
import { digest, order, type QueueUnderTest, taskQueueContract } from "./task-queue.ts";

const inMemory = async (): Promise<QueueUnderTest> => {
  const clock = manualClock();
  let malformed = 0;
  let queue: MemoryQueue | undefined;
  const opened = (ackWaitMs = 30_000, maxDeliver = 5): MemoryQueue => {
    queue ??= memoryQueue({
      clock,
      random: seededRandom(1),
      latencyMs: 0, // The contract waits for answers without moving the clock.
      ackWaitMs,
      maxDeliver,
      onMalformed: () => void malformed++,
    });
    return queue;
  };
  return {
    desk: async ({ ackWaitMs, maxDeliver }) => opened(ackWaitMs, maxDeliver).desk(),
    source: async (nodeId) => opened().source(nodeId),
    crash: async (desk) => opened().crash(desk),
    publishRaw: async (subject, bytes) => opened().publishRaw(subject, bytes),
    malformed: () => malformed,
    pass: (ms) => clock.pass(ms),
    close: async () => {},
  };
};

taskQueueContract("memory", inMemory, { killable: false, concurrency: 1 });

const rough: QueueFaults = {
  drop: 0.1,
  delay: 0.2,
  delayMaxMs: 3_000,
  duplicate: 0.1,
  reorder: 0.2,
  wipe: 0,
};

/** Sends 60 bundles through, publishing again what was not acknowledged, and notes all that happens. */
const journey = async (seed: number, faults: QueueFaults) => {
  const clock: ManualClock = manualClock();
  const queue = memoryQueue({ clock, random: seededRandom(seed), faults, ackWaitMs: 1_000 });
  const desk = queue.desk();
  const source = queue.source("ada");
  const trace: string[] = [];
  const note = (what: string): void => void trace.push(`${clock.now()} ${what}`);
  const insist = async (say: () => Promise<void>): Promise<void> => {
    for (;;)
      try {
        await say();
        return;
      } catch {
        note("again");
      }
  };
  const results: string[] = [];
  desk.onExhausted((_, tasks) => note(`exhausted ${tasks[0]?.jobHash}`));
  desk.consumeResults(async (_, bundle) => {
    for (const { jobHash } of statementsOf(bundle)) results.push(jobHash);
    note(`result ${statementsOf(bundle)[0]?.jobHash}`);
  });
  source.consumeTasks(
    () => 10,
    ({ tasks, delivered, ack }) => {
      note(`task ${tasks[0]?.jobHash} ${delivered}`);
      const failed = { outcome: "failed", code: "x", message: "", retryable: true } as const;
      const statements = tasks.map((task) => ({
        jobHash: task.jobHash,
        replica: task.replica,
        attempt: task.attempt,
        ...failed,
      }));
      void insist(() => source.publishResults(statements, `r-${tasks[0]?.jobHash}`)).then(ack);
    },
  );
  const names = Array.from({ length: 60 }, (_, i) => `${i}`);
  const sent = names.map((name) => insist(() => desk.publishTasks("ada", [order(name)], name)));
  for (let i = 0; i < 600; i++) await clock.pass(100);
  await Promise.all(sent);
  return { trace, results, counts: queue.faultCounts(), left: await desk.waiting(), names };
};

describe("the queue in memory", () => {
  test("loses nothing that is insisted on, whatever its faults", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { results, counts, names } = await journey(seed, rough);
      assert.deepEqual(new Set(results), new Set(names.map(digest)));
      for (const fault of ["drop", "delay", "duplicate", "reorder"] as const)
        assert.ok(counts[fault] > 0, `${fault} never happened with seed ${seed}`);
    }
  });

  test("does the same again from the same seed, and something else from another", async () => {
    const [once, twice, other] = [
      await journey(7, rough),
      await journey(7, rough),
      await journey(8, rough),
    ];
    assert.deepEqual(twice.trace, once.trace);
    assert.notDeepEqual(other.trace, once.trace);
  });

  test("shows its faults: without them each bundle comes once and in order", async () => {
    const { results, counts, names } = await journey(1, noFaults);
    assert.deepEqual(results, names.map(digest));
    assert.deepEqual(counts, { drop: 0, delay: 0, duplicate: 0, reorder: 0, wipe: 0 });
  });

  test("forgets everything when it is wiped", async () => {
    const { results, counts, left } = await journey(3, { ...noFaults, wipe: 0.1 });
    assert.ok(
      counts.wipe > 0 && results.length < 60,
      `${counts.wipe} wipes, ${results.length} results`,
    );
    assert.equal(left.size, 0);
  });
});
