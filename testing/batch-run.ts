/**
 * One batch on the real dispatcher, the real rules of a job and the real ledger of what is paid,
 * without a network: nodes answer when they are told to. Time is simulated, so that a batch of an
 * hour takes a moment.
 */
import { seededRandom } from "../domain/chance.ts";
import type { JobHash, NodeId } from "../domain/ids.ts";
import type { TaskAssigned, TaskStopped } from "../domain/job/events.ts";
import { job as decider, type Job, type JobCommand, needsJudgement } from "../domain/job/job.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { Capabilities } from "../domain/node/node.ts";
import { policyDefaults } from "../domain/policy/policy.ts";
import { createDispatcher } from "../services/dispatcher/dispatcher.ts";
import type { AnyEvent } from "../streams/codec.ts";
import type { RecordedEvent } from "../streams/event-store.ts";
import { jobStream, ledgerStream, nodeStream, policyStream } from "../streams/names.ts";
import { sha256 } from "./dispatch-run.ts";
import { noon } from "./given.ts";

export interface BatchRun {
  readonly log: readonly RecordedEvent[];
  /** From the submission to the end of the batch's last job, simulated ms. */
  readonly endedAfterMs: number;
  /** The same of the jobs that are not of the batch; 0 where there are none. */
  readonly lastOtherAfterMs: number;
  readonly backups: readonly TaskAssigned[];
  readonly stops: readonly TaskStopped[];
  /** What each job of the batch costs its client, micro-points. */
  readonly paid: ReadonlyMap<JobHash, bigint>;
}

export interface BatchPlan {
  /** Default 40. */
  readonly jobs?: number;
  /** Of one slot each. Default 8. */
  readonly nodes?: number;
  /** How long the node takes for its nth task, from 0, ms; Infinity: it never answers. */
  readonly tookMs: (task: TaskAssigned, n: number) => number;
  /** Default: as the policy has it. */
  readonly tailShare?: number;
  /** Whether the jobs are submitted together. Default true. */
  readonly isBatch?: boolean;
  /** Jobs of another client beside them, each by itself. Default 0. */
  readonly others?: number;
  readonly spec?: Partial<JobSpec>;
}

const stepMs = 100;
const stepsMax = 100_000;
const capabilities: Capabilities = {
  apps: [{ app: "echo", executionClass: "plain@1/js/any/1t/none" }],
  ...{ slots: 1, backlog: 0, cpus: 1, memoryMb: 512, platform: "linux-x64", version: "1" },
};
const blank: JobSpec = {
  ...{ version: 1, client: "client:ada", app: "echo", params: {}, inputs: {} },
  ...{ comparator: { kind: "exact" }, quorum: 1, replicasMax: 3, price: "1000", engine: "" },
  ...{ wallMs: 60_000, deadlineMs: 3_600_000, priority: 3, nonce: "" },
};

export const runBatch = ({
  jobs = 40,
  nodes = 8,
  tookMs,
  tailShare = policyDefaults.dispatch.tailShare,
  isBatch = true,
  others = 0,
  spec: change = {},
}: BatchPlan): BatchRun => {
  const log: RecordedEvent[] = [];
  const states = new Map<JobHash, Job>();
  const revisions = new Map<string, bigint>();
  const given = new Map<NodeId, number>();
  let due: { readonly at: number; readonly task: TaskAssigned }[] = [];
  let now = noon;
  let endedAfterMs = 0;
  let lastOtherAfterMs = 0;
  const dispatcher = createDispatcher((jobHash) => states.get(jobHash) ?? decider.initial, sha256);

  const append = (stream: string, event: AnyEvent) => {
    const revision = (revisions.get(stream) ?? -1n) + 1n;
    revisions.set(stream, revision);
    const position = BigInt(log.length);
    const id = `event-${position}`;
    log.push({ id, stream, revision, position, type: event.type, data: event, recordedAt: now });
    const { jobHash = "" } = event as { readonly jobHash?: string };
    const state = states.get(jobHash) ?? decider.initial;
    dispatcher.hear({ event, id, stream, revision, position }, state);
  };
  const decide = (jobHash: JobHash, command: JobCommand): boolean => {
    const decision = decider.decide(command, states.get(jobHash) ?? decider.initial);
    if (!decision.ok) return false;
    for (const event of decision.events) {
      states.set(jobHash, decider.evolve(states.get(jobHash) ?? decider.initial, event));
      append(jobStream(jobHash), event);
      if (event.type !== "TaskAssigned") continue;
      const n = given.get(event.nodeId) ?? 0;
      given.set(event.nodeId, n + 1);
      due.push({ at: now + tookMs(event, n), task: event });
    }
    return true;
  };
  const by = () => ({ actor: "service:test", now });
  const isOpen = (jobHash: JobHash) => states.get(jobHash)?.status === "open";

  const answer = ({ jobHash, replica, attempt, nodeId, executionClass }: TaskAssigned) => {
    const task = { jobHash, replica, attempt, nodeId };
    const output = { outputDigest: "a".repeat(64), outputSize: 1, elapsedMs: 5 };
    decide(jobHash, { type: "RecordResult", task, executionClass, ...output, ...by() });
    const job = states.get(jobHash);
    if (job?.status !== "open" || !needsJudgement(job)) return;
    const received = job.tasks.filter(({ status }) => status === "received");
    const groups = [received.map((one) => one.replica)];
    const found = { comparator: "exact", distanceInside: 0, distanceBetween: 0, reason: "" };
    decide(jobHash, { type: "JudgeResults", groups, ...found, ...by() });
  };

  const policy = { ...policyDefaults, version: 2 };
  const dispatch = { ...policy.dispatch, tailShare };
  append(policyStream, { type: "PolicyAdopted", policy: { ...policy, dispatch }, at: now });
  const nodeIds = Array.from({ length: nodes }, (_, n) => `node-${n}`);
  for (const nodeId of nodeIds)
    append(nodeStream(nodeId), {
      ...{ type: "NodeRegistered", nodeId, owner: "local", capabilities, at: now },
    });
  const hashes = Array.from({ length: jobs + others }, (_, n) => n.toString(16).padStart(64, "0"));
  for (const [n, jobHash] of hashes.entries()) {
    const isOther = n >= jobs;
    const client = isOther ? "client:eve" : blank.client;
    const spec = { ...blank, ...(isOther ? {} : change), client, nonce: `${n}` };
    const batch = isBatch && !isOther ? { batch: { id: "b", size: jobs } } : {};
    decide(jobHash, { type: "SubmitJob", jobHash, spec, ...batch, ...by() });
    const entry = { jobHash, client, amount: "3000", forgetAt: now + 9e9, at: now };
    append(ledgerStream, { type: "JobFunded", ...entry });
  }

  for (let step = 0; hashes.some(isOpen); step++) {
    if (step > stepsMax) throw new Error("the jobs do not end");
    now += stepMs;
    const late = due.filter(({ at }) => at <= now);
    due = due.filter(({ at }) => at > now);
    for (const { task } of late) answer(task);
    for (const nodeId of nodeIds)
      dispatcher.heartbeat(nodeId, { instance: "one", held: 0, draining: false }, now);
    if (step % 10 === 9)
      for (const jobHash of dispatcher.tick(now).jobs)
        decide(jobHash, { type: "ExpireTasks", ...by() });
    dispatcher.takeOrders();
    for (const plan of dispatcher.plan(seededRandom(step))) {
      const { jobHash, assignments, leaseMs, fundedAt } = plan;
      const wish = { type: "AssignTasks", assignments, leaseMs, fundedAt } as const;
      if (!decide(jobHash, { ...wish, ...by() })) dispatcher.undo(plan);
    }
    if (hashes.slice(0, jobs).some(isOpen)) endedAfterMs = now + stepMs - noon;
    if (hashes.slice(jobs).some(isOpen)) lastOtherAfterMs = now + stepMs - noon;
  }

  const events = log.map(({ data }) => data as AnyEvent);
  const stops = events.filter((event) => event.type === "TaskStopped");
  const paid = new Map<JobHash, bigint>();
  for (const event of events) {
    if (event.type !== "ResultAccepted" && event.type !== "TaskStopped") continue;
    const amount = event.type === "TaskStopped" ? event.amount : blank.price;
    paid.set(event.jobHash, (paid.get(event.jobHash) ?? 0n) + BigInt(amount));
  }
  const backups = events.filter(
    (event): event is TaskAssigned => event.type === "TaskAssigned" && event.backs !== undefined,
  );
  return { log, endedAfterMs, lastOtherAfterMs, backups, stops, paid };
};
