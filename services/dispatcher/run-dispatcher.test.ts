import assert from "node:assert/strict";
import { test } from "node:test";
import { job as decider } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { Capabilities } from "../../domain/node/node.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { at, noon } from "../../testing/given.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { memoryQueue } from "../../testing/memory-queue.ts";
import { createJobBook } from "../job-book.ts";
import { runDispatcher } from "./run-dispatcher.ts";

const executionClass = "plain@1/js/any/1t/none";
const capabilities = { apps: [{ app: "echo", executionClass }], slots: 4, backlog: 4 };
const spec = {
  client: "client:ada",
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

const registered: AnyEvent = {
  type: "NodeRegistered",
  nodeId: "bob",
  owner: "bob",
  capabilities: capabilities as unknown as Capabilities,
  at: noon,
};
const [first, second] = ["a".repeat(64), "b".repeat(64)];

const historyOf = (jobHash: string): readonly AnyEvent[] => {
  const task = { jobHash, replica: 0, attempt: 1, nodeId: "bob", executionClass };
  const reason = { policy: 1, seed: 1, candidates: 1, score: 1 };
  const funding = { client: "client:ada", amount: "1", forgetAt: at(120) };
  return [
    { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon },
    { type: "JobFunded", jobHash, ...funding, at: noon },
    { type: "TaskAssigned", ...task, expiresAt: at(1), fundedAt: 0, reason, at: noon },
  ];
};

test("after a restart an order arrives that was assigned and never sent, beside one that was", async () => {
  const clock = manualClock(noon);
  const queue = memoryQueue({ clock, random: () => 0.5 });
  const arrived = new Set<string>();
  queue.source("bob").consumeTasks(
    () => 8,
    ({ tasks }) => {
      for (const { jobHash } of tasks) arrived.add(jobHash);
    },
  );

  const store = {} as EventStore; // Nothing is left to be assigned.
  const start = (history: readonly AnyEvent[]) => {
    const book = createJobBook({ store, ids: eventIds("0123456789ab"), decider });
    const onTrouble = (what: string, error: unknown) => assert.fail(`${what}: ${error}`);
    const running = { book, desk: queue.desk(), clock, random: () => 0.5, onTrouble };
    const dispatcher = runDispatcher(running);
    const revisions = new Map<string, bigint>();
    for (const [i, event] of history.entries()) {
      const ofJob = "jobHash" in event ? `job-${event.jobHash}` : "node-bob";
      const stream = event.type === "JobFunded" ? "ledger" : ofJob;
      const revision = revisions.get(stream) ?? 0n;
      revisions.set(stream, revision + 1n);
      const fact = { event, id: `event-${i}`, stream, revision, position: BigInt(i) };
      book.hear(fact);
      dispatcher.hear(fact);
    }
    dispatcher.act();
    return dispatcher;
  };

  const before = start([registered, ...historyOf(first)]);
  await clock.pass(100);
  assert.deepEqual([...arrived], [first]);
  await before.close(); // Killed when the second task was assigned and not yet sent.
  const after = start([registered, ...historyOf(first), ...historyOf(second)]);
  await clock.pass(100);
  assert.deepEqual([...arrived].sort(), [first, second]);
  await after.close();
});
