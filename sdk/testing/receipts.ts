/** Jobs whose results are signed, by the real rules and real keys, as the log would have them. */
import { native } from "../../crypto/primitives-native.ts";
import { openResultTag } from "../../crypto/result-tag.ts";
import { appDigest } from "../../domain/catalogue.ts";
import { portableSha256 } from "../../domain/hashing.ts";
import type { Digest, NodeId } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { jobHash as hashOf } from "../../domain/job/hash.ts";
import { type Job, type JobCommand, job } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { bundleOf, bundleText, receiptsOf } from "../../domain/receipts/bundle.ts";
import { commitOf } from "../../domain/receipts/commit.ts";
import type { ResultStatement } from "../../domain/receipts/statement.ts";
import { storedReceipt } from "../../domain/receipts/stored-receipt.ts";
import { runtimeOf } from "../../domain/verification/runtime.ts";
import { newIdentity, type OwnIdentity } from "../identity/own-identity.ts";
import type { LoggedEvent, ReceiptsFile } from "../receipts/file.ts";

export const output = new TextEncoder().encode("the answer is 42");
const executionClass = "plain@1/js/any/1t/none";
const noon = Date.UTC(2030, 4, 1, 12);
const actor = "service:test";

export const specOf = (change: Partial<JobSpec> = {}): JobSpec => ({
  version: 1,
  client: "client:ada",
  app: "echo",
  params: {},
  inputs: {},
  comparator: { kind: "exact" },
  quorum: 2,
  replicasMax: 4,
  price: "100",
  engine: "",
  wallMs: 60_000,
  deadlineMs: 3_600_000,
  priority: 3,
  nonce: "",
  ...change,
});

export interface World {
  readonly log: LoggedEvent[];
  readonly put: (data: { readonly type: string }) => void;
}

/** One log with positions for all. */
export const openWorld = (): World => {
  const log: LoggedEvent[] = [];
  const put = (data: { readonly type: string }) =>
    void log.push({ position: String(log.length), type: data.type, data });
  return { log, put };
};

export const registered = ({ id, record, registration }: OwnIdentity) =>
  ({ type: "IdentityRegistered", id, record, signature: registration, at: noon }) as const;

export interface SignedJob {
  readonly owners: readonly OwnIdentity[];
  readonly file: () => ReceiptsFile;
}

/** Steps into which a test can put its own. */
export interface Steps {
  readonly beforeAssigned?: (world: World, owners: readonly OwnIdentity[]) => void;
  readonly beforeAnswered?: (world: World, owners: readonly OwnIdentity[]) => void;
}

/** Two nodes of two identities compute a job and agree. */
export const signedJob = (spec: JobSpec, steps: Steps = {}): SignedJob => {
  const world = openWorld();
  const jobHash = hashOf(spec);
  const owners = [0, 1].map(() => newIdentity({ roles: ["worker"] }, native));
  for (const owner of owners) world.put(registered(owner));
  let state: Job = job.initial;
  const say = (command: JobCommand): void => {
    const decision = job.decide(command, state);
    if (!decision.ok) throw new Error(decision.reason);
    for (const event of decision.events) {
      state = job.evolve(state, event);
      world.put(event);
    }
  };
  const by = { actor, now: noon };
  say({ type: "SubmitJob", jobHash, spec, ...by });
  steps.beforeAssigned?.(world, owners);
  const reason = { policy: 1, seed: 1, candidates: 2, score: 1 };
  const nodes: readonly NodeId[] = ["ada-node", "bob-node"];
  const wanted = spec.assurance ? { wanted: 2 } : {};
  const assignments = nodes.map((nodeId, replica) => {
    return { replica, nodeId, executionClass, reason, ...wanted };
  });
  say({ type: "AssignTasks", assignments, leaseMs: 60_000, fundedAt: 0, ...by });

  const outputDigest: Digest = portableSha256(output);
  const resultTag = openResultTag(native, { jobHash, outputDigest });
  const answers = owners.map((owner, replica) => {
    const task = { jobHash, replica, attempt: 1 };
    const nodeId = nodes[replica] ?? "";
    const salt = `${replica}5`.repeat(32);
    const statement: ResultStatement = {
      version: 1,
      ...task,
      nodeId,
      worker: owner.id,
      resultTag,
      ...(spec.commit ? { salt } : {}),
      output: { digest: outputDigest, size: output.length },
      appDigest: appDigest("echo"),
      executionClass,
      usage: { wallMs: 12 },
      startedAt: noon,
    };
    // Beside another statement, so that there is a path.
    const other = { ...statement, jobHash: "0".repeat(64) };
    const statements = [other, statement];
    const bundle = bundleOf({ worker: owner.id, rootKey: owner.rootKey, statements });
    const signature = owner.sign(bundleText(bundle));
    const receipt = receiptsOf({ version: 1, bundle, signature, statements })[1];
    if (!receipt) throw new Error("no receipt");
    const commit = commitOf({ ...task, worker: owner.id, resultTag, salt });
    const stored = storedReceipt({ ...receipt, statement });
    return { task: { ...task, nodeId }, commit, salt, receipt: stored };
  });
  if (spec.commit)
    for (const { task, commit } of answers) say({ type: "RecordCommit", task, commit, ...by });
  steps.beforeAnswered?.(world, owners);
  for (const { task, salt, receipt } of answers)
    say({
      type: "RecordResult",
      task,
      ...{ executionClass, outputDigest, outputSize: output.length, elapsedMs: 12, resultTag },
      ...(spec.commit ? { salt } : {}),
      receipt,
      ...by,
    });
  if (spec.assurance) say({ type: "DrawAudits", ...noAudits(spec.app, nodes), ...by });
  const distances = { distanceInside: 0, distanceBetween: 0 };
  const judgement = { comparator: "exact", groups: [[0, 1]], ...distances, reason: "same-bytes" };
  const terms = { policy: 1, adversaryShare: 0.35, epsilon: 0.01, arbitersToConvict: 2 };
  const survived = nodes.map((_, replica) => ({ replica, survived: 30 }));
  const assurance = { ...terms, survived, convicted: [] };
  say({ type: "JudgeResults", ...judgement, ...(spec.assurance ? { assurance } : {}), ...by });

  return {
    owners,
    file: () => {
      const ofJob = ({ data }: LoggedEvent) => (data as JobEvent).jobHash === jobHash;
      const ofId = (id: string) =>
        world.log.filter(({ data }) => (data as { id?: string }).id === id);
      const identities = Object.fromEntries(owners.map(({ id }) => [id, ofId(id)]));
      const events = world.log.filter(ofJob);
      return structuredClone({ version: 1, jobHash, spec, events, identities });
    },
  };
};

/** A lottery in which nobody had to fear anything. */
const noAudits = (app: string, nodes: readonly NodeId[]) => {
  const draws = nodes.map((nodeId, replica) => {
    const whose = { replica, attempt: 1, nodeId, runtime: runtimeOf(app, executionClass) };
    return { ...whose, survived: 30, atRisk: "0", share: 0, audited: false };
  });
  return { beacon: "be".repeat(32), from: 0, to: 1, policy: 1, draws };
};
