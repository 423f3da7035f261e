/**
 * The real validator on a real log with a queue in memory, for jobs with an assurance: who assigns is
 * made simple, nodes answer as the test says, and the validator can be killed at any event.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeProofs, nativeSha256 } from "../../../cli/native-proofs.ts";
import type { JobHash, NodeId } from "../../../domain/ids.ts";
import type { JobEvent } from "../../../domain/job/events.ts";
import { jobHash as hashOf } from "../../../domain/job/hash.ts";
import { job as decider, type JobCommand, vacancies } from "../../../domain/job/job.ts";
import { type JobSpec, specDefaults } from "../../../domain/job/spec.ts";
import { type Policy, policyDefaults } from "../../../domain/policy/policy.ts";
import { commitOf } from "../../../domain/receipts/commit.ts";
import type { BlobSource } from "../../../streams/blob-store.ts";
import { wallClock } from "../../../streams/clock.ts";
import { type AnyEvent, decode, encode } from "../../../streams/codec.ts";
import { openEmbeddedStore } from "../../../streams/embedded/store.ts";
import { eventIds } from "../../../streams/event-ids.ts";
import type { RecordedEvent } from "../../../streams/event-store.ts";
import { handleCommand } from "../../../streams/handle-command.ts";
import { jobStream, nodeStream, policyStream } from "../../../streams/names.ts";
import type { TaskSource } from "../../../streams/task-queue.ts";
import { memoryQueue } from "../../../testing/memory-queue.ts";
import { type Fact, type Feed, runFeed } from "../../facts.ts";
import { createJobBook } from "../../job-book.ts";
import { createPolicyBook } from "../../policy.ts";
import { createSigningKeys } from "../../signing-keys.ts";
import { type RunningValidator, runValidator } from "../run-validator.ts";

export const executionClass = "plain@1/js/any/1t/none";
export const digestOf = (answer: string): string => nativeSha256(answer);

export interface AssuredCourt {
  /** A new job; its tasks go to these nodes, in their order, as far as it wants them. */
  job(nodes: readonly NodeId[], change?: Partial<JobSpec>): Promise<JobHash>;
  write(stream: string, event: AnyEvent): Promise<bigint>;
  /** Resolves when the log has that many events of a type, all jobs together. */
  until(type: AnyEvent["type"], count?: number): Promise<readonly AnyEvent[]>;
  log(): Promise<readonly RecordedEvent[]>;
  close(): Promise<void>;
}

export const openAssuredCourt = async ({
  nodes,
  arbiters,
  answer,
  killAt = [],
  verification = {},
}: {
  readonly nodes: readonly NodeId[];
  readonly arbiters: readonly NodeId[];
  readonly answer: (nodeId: NodeId, jobHash: JobHash) => string;
  /** The validator dies when the log has the first event of such a type, and another one starts. */
  readonly killAt?: readonly AnyEvent["type"][];
  readonly verification?: Partial<Policy["verification"]>;
}): Promise<AssuredCourt> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-assured-"));
  const store = await openEmbeddedStore({ directory });
  const ids = eventIds("0123456789ab");
  const queue = memoryQueue({ clock: wallClock, random: () => 0.5, ackWaitMs: 500 });
  const wishes = new Map<JobHash, readonly NodeId[]>();
  const sources = new Map<NodeId, TaskSource>();
  const deaths = new Set(killAt);
  let running: { readonly feed: Feed; readonly validator: RunningValidator } | undefined;
  let closed = false;

  const start = () => {
    const book = createJobBook({ store, ids: eventIds(prefix()) });
    const [keys, policy] = [createSigningKeys(), createPolicyBook()];
    const validator = runValidator({
      ...{ book, store, ids: eventIds(prefix()), policy: policy.current, keys },
      ...{ proofs: nativeProofs, desk: queue.desk(), clock: wallClock },
      blobs: {} as BlobSource,
      onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
    });
    const feed = runFeed({
      ...{ store, clock: wallClock, listeners: [policy, book, keys, validator] },
      onTrouble: (error) => assert.fail(String(error)),
    });
    running = { feed, validator };
    return feed.live;
  };
  let started = 0;
  const prefix = () => (started++).toString(16).padStart(12, "a");

  const restart = async () => {
    const dead = running;
    running = undefined;
    await dead?.feed.close();
    await dead?.validator.close();
    if (!closed) await start();
  };

  const by = () => ({ actor: "service:test", now: Date.now() }) as const;
  const say = async (jobHash: JobHash, command: JobCommand) => {
    const stream = jobStream(jobHash);
    const answer = await handleCommand({ store, ids }, decider, { stream }, command);
    assert.ok(answer.ok, answer.ok ? "" : answer.reason);
  };

  /** Gives what is vacant to the next that is meant for it. */
  const assign = async (jobHash: JobHash) => {
    const state = await stateOf(jobHash);
    if (state.status !== "open") return;
    const assignments = vacancies(state).flatMap(({ replica, by }) => {
      const from = by ? arbiters : (wishes.get(jobHash) ?? []);
      const nodeId = from.find((one) => !state.nodes.includes(one));
      if (nodeId === undefined) return [];
      const reason = { policy: 1, seed: 1, candidates: 1, score: 1 };
      return [{ replica, nodeId, executionClass, reason, ...(by ? { role: by } : {}) }];
    });
    const first = assignments[0];
    if (!first) return;
    const wanted = state.tasks.length === 0 ? Math.min(2, wishes.get(jobHash)?.length ?? 0) : 0;
    const assignment = { ...first, ...(wanted > 1 ? { wanted } : {}) };
    const one = { assignments: [assignment], leaseMs: 60_000, fundedAt: 0 };
    await say(jobHash, { type: "AssignTasks", ...one, ...by() });
  };

  const stateOf = async (jobHash: JobHash) => {
    let state = decider.initial;
    for await (const recorded of store.readStream(jobStream(jobHash), "start"))
      state = decider.evolve(state, decode(recorded) as JobEvent);
    return state;
  };

  const hear = async ({ event }: Fact) => {
    if (event.type === "TaskAssigned") {
      const { jobHash, replica, attempt, nodeId } = event;
      const commit = commitOf({ ...event, worker: nodeId, ...revealOf(nodeId, jobHash) });
      const statement = { jobHash, replica, attempt, outcome: "committed", commit } as const;
      await sources.get(nodeId)?.publishResults([statement], `${jobHash}/${replica}/${attempt} c`);
    }
    if (
      event.type === "ReplicaWanted" ||
      event.type === "AuditDrawn" ||
      event.type === "JobReopened"
    )
      await assign(event.jobHash);
    if (event.type === "TaskAssigned") await assign(event.jobHash);
  };
  const revealOf = (nodeId: NodeId, jobHash: JobHash) => {
    const outputDigest = digestOf(answer(nodeId, jobHash));
    const salt = nativeSha256(`${nodeId} ${jobHash}`);
    return { outputDigest, salt, resultTag: nativeProofs.openResultTag({ jobHash, outputDigest }) };
  };

  for (const nodeId of [...nodes, ...arbiters]) {
    const source = queue.source(nodeId);
    let revealed = 0;
    source.onReveal((tasks) => {
      const statements = tasks.map(({ jobHash, replica, attempt }) => {
        const result = {
          executionClass,
          outputSize: 1,
          elapsedMs: 1,
          ...revealOf(nodeId, jobHash),
        };
        return { jobHash, replica, attempt, outcome: "done", ...result } as const;
      });
      void source.publishResults(statements, `${nodeId} r${revealed++}`);
    });
    sources.set(nodeId, source);
  }

  const machine = { slots: 1, backlog: 1, cpus: 1, memoryMb: 1, platform: "any", version: "1" };
  for (const nodeId of [...nodes, ...arbiters]) {
    const capabilities = { apps: [{ app: "echo", executionClass }], ...machine };
    const event = { type: "NodeRegistered", nodeId, owner: nodeId, capabilities, at: 0 } as const;
    await store.append(nodeStream(nodeId), [encode(event, ids.next(), "service:test")], "any");
  }
  const policy: Policy = {
    ...policyDefaults,
    version: 2,
    verification: { ...policyDefaults.verification, arbiterCheckShare: 0, ...verification },
  };
  const adopted = { type: "PolicyAdopted", policy, at: 0 } as const;
  await store.append(policyStream, [encode(adopted, ids.next(), "operator")], "any");
  await start();
  const around = runFeed({
    ...{ store, clock: wallClock },
    listeners: [
      {
        hear: (fact) => {
          void hear(fact);
          if (deaths.delete(fact.event.type)) void restart();
        },
        act: () => undefined,
      },
    ],
    onTrouble: (error) => assert.fail(String(error)),
  });
  await around.live;
  let nonce = 0;

  const log = async () => {
    const recorded: RecordedEvent[] = [];
    for await (const one of store.readAll("start")) recorded.push(one);
    return recorded;
  };
  return {
    log,
    job: async (wished, change = {}) => {
      const spec: JobSpec = {
        ...specDefaults,
        client: "client:ada",
        app: "echo",
        comparator: { kind: "exact" },
        quorum: 1,
        replicasMax: 5,
        price: "100",
        commit: true,
        assurance: "standard",
        nonce: `${nonce++}`,
        ...change,
      };
      const jobHash = hashOf(spec);
      wishes.set(jobHash, wished);
      await say(jobHash, { type: "SubmitJob", jobHash, spec, ...by() });
      await assign(jobHash);
      return jobHash;
    },
    write: async (stream, event) => {
      const result = await store.append(stream, [encode(event, ids.next(), "service:test")], "any");
      assert.ok(result.ok);
      return result.revision;
    },
    until: async (type, count = 1) => {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const found = (await log()).filter((one) => one.type === type);
        if (found.length >= count) return found.map(({ data }) => data as AnyEvent);
        if (Date.now() > deadline)
          assert.fail(`${type} never came: ${(await log()).map((one) => one.type).join(" ")}`);
        await sleep(5);
      }
    },
    close: async () => {
      closed = true;
      await around.close();
      await running?.feed.close();
      await running?.validator.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
};
