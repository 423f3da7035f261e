/**
 * A run of the real dispatcher and the real rules of a job, without a network: nodes of several
 * owners answer late, wrongly or not at all, come and go. What is appended is heard some steps later,
 * as over a feed, so that decisions are made on what is a little old.
 */
import { hash } from "node:crypto";
import { drawSeed, seededRandom } from "../domain/chance.ts";
import type { Sha256 } from "../domain/hashing.ts";
import type { JobHash } from "../domain/ids.ts";
import type { TaskAssigned } from "../domain/job/events.ts";
import { job as decider, type Job, type JobCommand } from "../domain/job/job.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { Capabilities } from "../domain/node/node.ts";
import { createDispatcher } from "../services/dispatcher/dispatcher.ts";
import type { AnyEvent } from "../streams/codec.ts";
import type { RecordedEvent } from "../streams/event-store.ts";
import { jobStream, ledgerStream, nodeStream } from "../streams/names.ts";
import { noon } from "./given.ts";

export interface DispatchRun {
  readonly log: readonly RecordedEvent[];
  readonly assignments: number;
  readonly jobs: number;
}

export const sha256: Sha256 = (bytes) => hash("sha256", bytes);

const classes = ["plain@1/js/any/1t/none", "wasm@1/any/1t/none"];
const nodeCount = 30;
/** Facts are heard so many steps after they were appended. */
const lagMax = 3;
/** So few that nodes often have a free slot, and so many that they often have none. */
const jobsPerStep = 3;

export const runDispatch = ({
  jobs,
  seed,
}: {
  readonly jobs: number;
  readonly seed: number;
}): DispatchRun => {
  const random = seededRandom(seed);
  const drawn = (below: number) => Math.floor(random() * below);
  const log: RecordedEvent[] = [];
  const states = new Map<JobHash, Job>();
  const revisions = new Map<string, bigint>();
  const dispatcher = createDispatcher((jobHash) => states.get(jobHash) ?? decider.initial, sha256);
  let heard = 0;
  let now = noon;
  let assignments = 0;
  let ended = 0;
  const due: { readonly at: number; readonly task: TaskAssigned }[] = [];

  const append = (stream: string, event: AnyEvent) => {
    const revision = (revisions.get(stream) ?? -1n) + 1n;
    revisions.set(stream, revision);
    const position = BigInt(log.length) * 10n; // With gaps, as a store may have.
    const id = `event-${log.length}`;
    log.push({ id, stream, revision, position, type: event.type, data: event, recordedAt: now });
  };
  const decide = (jobHash: JobHash, command: JobCommand): boolean => {
    let job = states.get(jobHash) ?? decider.initial;
    const decision = decider.decide(command, job);
    if (!decision.ok) return false;
    for (const event of decision.events) {
      append(jobStream(jobHash), event);
      job = decider.evolve(job, event);
      if (event.type === "TaskAssigned") {
        assignments++;
        due.push({ at: now + 50 + drawn(4_000), task: event });
      }
    }
    states.set(jobHash, job);
    if (job.status !== "open" && decision.events.length > 0) ended++;
    return true;
  };
  const by = () => ({ actor: "service:test", now });

  const capabilities = (n: number): Capabilities => ({
    apps: [
      { app: "echo", executionClass: classes[n % 2] ?? "" },
      ...(n % 3 === 0 ? [{ app: "noop", executionClass: classes[0] ?? "" }] : []),
    ],
    slots: 1 + (n % 4),
    backlog: 2,
    cpus: 1,
    memoryMb: 512,
    platform: "linux-x64",
    version: "1",
  });
  const nodeIds = Array.from({ length: nodeCount }, (_, n) => `node-${n}`);
  const register = (n: number) => {
    const owner = n % 5 === 0 ? "local" : `cnct:${"abcdefg"[n % 7]?.repeat(51)}a`;
    const registered = { nodeId: `node-${n}`, owner, capabilities: capabilities(n) };
    append(nodeStream(`node-${n}`), { type: "NodeRegistered", ...registered, at: now });
  };

  /** Every sixth node, at the app `noop`. */
  const measure = (n: number) => {
    const executionClass = classes[0] ?? "";
    const probe = { jobHash: "0".repeat(64), seed: "0".repeat(32), millis: 1 };
    const both = { trivial: probe, benchmark: { ...probe, instructions: 1 } };
    const speed = { samples: 3, mean: 1_000 + 10 * n, variance: 0 };
    const measured = { nodeId: `node-${n}`, app: "noop", executionClass, ...both, ...speed };
    append(nodeStream(`node-${n}`), { type: "NodeMeasured", ...measured, at: now });
  };

  const submit = (n: number) => {
    const jobHash = n.toString(16).padStart(64, "0");
    const app = n % 4 === 0 ? "noop" : "echo";
    const fast = n % 20 === 0 ? { minSpeed: 1_100 } : {};
    const spec = { ...blank, app, quorum: 1 + (n % 2), nonce: `${n}`, ...fast } as JobSpec;
    decide(jobHash, { type: "SubmitJob", jobHash, spec, ...by() });
    const entry = { jobHash, client: spec.client, amount: "4", forgetAt: now + 9e9, at: now };
    append(ledgerStream, { type: "JobFunded", ...entry });
  };

  const answer = ({ jobHash, replica, attempt, nodeId, executionClass }: TaskAssigned) => {
    const task = { jobHash, replica, attempt, nodeId };
    if (random() < 0.06)
      return decide(jobHash, {
        type: "RecordFailure",
        task,
        code: "worker-fault",
        retryable: true,
        ...by(),
      });
    const outputDigest = (random() < 0.03 ? "b" : "a").repeat(64);
    const result = { task, executionClass, outputDigest, outputSize: 1, elapsedMs: 5 };
    return decide(jobHash, { type: "RecordResult", ...result, ...by() });
  };

  const judge = (jobHash: JobHash) => {
    const job = states.get(jobHash);
    if (job?.status !== "open") return;
    const results = job.tasks.filter((task) => task.status === "received");
    if (results.length < job.spec.quorum) return;
    const groups = new Map<string, number[]>();
    for (const { replica, outputDigest } of results)
      groups.set(outputDigest, [...(groups.get(outputDigest) ?? []), replica]);
    const sorted = [...groups.values()].sort((a, b) => b.length - a.length);
    const found = { comparator: "exact", distanceInside: 0, distanceBetween: 1, reason: "" };
    decide(jobHash, { type: "JudgeResults", groups: sorted, ...found, ...by() });
  };

  for (let n = 0; n < nodeCount; n++) register(n);
  for (let n = 0; n < nodeCount; n += 6) measure(n);
  let submitted = 0;
  const stepsMax = 40 * (jobs + 100);
  for (let step = 0; ended < jobs; step++) {
    if (step > stepsMax) throw new Error(`${jobs - ended} of ${jobs} jobs did not end`);
    now += 100;
    for (let i = 0; i < jobsPerStep && submitted < jobs; i++) submit(submitted++);
    if (step % 50 === 49) {
      const nodeId = `node-${drawn(nodeCount)}`;
      append(nodeStream(nodeId), { type: "NodeSuspended", nodeId, reason: "test", at: now });
      const changed = { ...capabilities(drawn(nodeCount)), slots: 1 + drawn(6) };
      append(nodeStream(nodeId), {
        type: "NodeCapabilitiesChanged",
        nodeId,
        capabilities: changed,
        at: now,
      });
      append(nodeStream(nodeId), { type: "NodeResumed", nodeId, at: now });
    }
    const until = Math.max(heard, log.length - drawn(lagMax) * 20);
    for (; heard < until; heard++) {
      const { id, stream, revision, position, data } = log[heard] as RecordedEvent;
      const event = data as AnyEvent;
      const { jobHash = "" } = event as { readonly jobHash?: string };
      dispatcher.hear(
        { event, id, stream, revision, position },
        states.get(jobHash) ?? decider.initial,
      );
    }
    for (const [n, nodeId] of nodeIds.entries())
      if ((step + n) % 40 > 3)
        dispatcher.heartbeat(nodeId, { instance: "one", held: 0, draining: false }, now);
    dispatcher.takeOrders();
    for (const plan of dispatcher.plan(seededRandom(drawSeed(random)))) {
      const { jobHash, assignments: wanted, leaseMs, fundedAt } = plan;
      const done = decide(jobHash, {
        type: "AssignTasks",
        assignments: wanted,
        leaseMs,
        fundedAt,
        ...by(),
      });
      if (!done) dispatcher.undo(plan);
    }
    const late = due.filter(({ at }) => at <= now);
    for (const { task } of late) {
      due.splice(
        due.findIndex((one) => one.task === task),
        1,
      );
      answer(task);
      judge(task.jobHash);
    }
  }
  return { log, assignments, jobs };
};

const blank = {
  version: 1,
  client: "client:ada",
  params: {},
  inputs: {},
  comparator: { kind: "exact" },
  replicasMax: 9,
  price: "1",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000_000,
  priority: 3,
} as const;
