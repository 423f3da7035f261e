/** The real validator on a real log, with two nodes whose owners sign, and jobs to try it on. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nativeProofs, nativeSha256 } from "../../../cli/native-proofs.ts";
import { native } from "../../../crypto/primitives-native.ts";
import { appDigest } from "../../../domain/catalogue.ts";
import type { Digest, JobHash, NodeId } from "../../../domain/ids.ts";
import type { JobEvent } from "../../../domain/job/events.ts";
import { jobHash as hashOf } from "../../../domain/job/hash.ts";
import { job as decider, type JobCommand } from "../../../domain/job/job.ts";
import type { JobSpec } from "../../../domain/job/spec.ts";
import { bundleOf, bundleText, type SignedBundle } from "../../../domain/receipts/bundle.ts";
import { commitOf } from "../../../domain/receipts/commit.ts";
import type {
  CommitStatement,
  ResultStatement,
  Statement,
} from "../../../domain/receipts/statement.ts";
import { newIdentity, type OwnIdentity } from "../../../sdk/identity/own-identity.ts";
import { BlobError, type BlobSource } from "../../../streams/blob-store.ts";
import { wallClock } from "../../../streams/clock.ts";
import { type AnyEvent, encode } from "../../../streams/codec.ts";
import { openEmbeddedStore } from "../../../streams/embedded/store.ts";
import { eventIds } from "../../../streams/event-ids.ts";
import { handleCommand } from "../../../streams/handle-command.ts";
import { identityStream, jobStream, nodeStream } from "../../../streams/names.ts";
import type { Refused } from "../../../streams/refusal-log.ts";
import { type MemoryQueue, memoryQueue } from "../../../testing/memory-queue.ts";
import { runFeed } from "../../facts.ts";
import { createJobBook } from "../../job-book.ts";
import { createSigningKeys } from "../../signing-keys.ts";
import { runValidator } from "../run-validator.ts";

export const executionClass = "plain@1/js/any/1t/none";
export const outputDigest: Digest = nativeSha256("the answer");
export const nodes = ["ada-node", "bob-node"] as const;

export interface Court {
  readonly queue: MemoryQueue;
  readonly refused: Refused[];
  /** Owners of the nodes, in their order. */
  readonly owners: readonly [OwnIdentity, OwnIdentity];
  /** A job of its own, with its tasks given to both nodes. */
  job(change?: Partial<JobSpec>): Promise<JobHash>;
  say(jobHash: JobHash, command: Wish): Promise<void>;
  write(stream: string, event: AnyEvent): Promise<void>;
  types(jobHash: JobHash): Promise<readonly string[]>;
  /** A refusal of this code after `from` records; fails if it does not come. */
  refusal(code: string, from: number): Promise<void>;
  until(jobHash: JobHash, type: JobEvent["type"], count?: number): Promise<void>;
  close(): Promise<void>;
}

type Wish = JobCommand extends infer Each
  ? Each extends JobCommand
    ? Omit<Each, "actor" | "now">
    : never
  : never;

export const identityRegistered = ({ id, record, registration }: OwnIdentity) =>
  ({ type: "IdentityRegistered", id, record, signature: registration, at: 0 }) as const;

export const openCourt = async (): Promise<Court> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-court-"));
  const store = await openEmbeddedStore({ directory });
  const ids = eventIds("0123456789ab");
  const book = createJobBook({ store, ids });
  const keys = createSigningKeys();
  const refused: Refused[] = [];
  const record = (one: Refused) => void refused.push(one);
  const queue = memoryQueue({
    clock: wallClock,
    random: () => 0.5,
    onMalformed: (what) => record({ code: "malformed-message", what, at: 0 }),
  });
  const blobs: BlobSource = {
    get: async () => {
      throw new BlobError("blob-unknown", "nobody needs outputs here");
    },
  } as unknown as BlobSource;
  const validator = runValidator({
    ...{
      book,
      store,
      ids,
      keys,
      proofs: nativeProofs,
      desk: queue.desk(),
      blobs,
      clock: wallClock,
    },
    onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
    refusalLog: { record },
  });
  const feed = runFeed({
    store,
    clock: wallClock,
    listeners: [book, keys, validator],
    onTrouble: (error) => assert.fail(String(error)),
  });
  await feed.live;
  const owners = [0, 1].map(() => newIdentity({ roles: ["worker"] }, native)) as unknown as [
    OwnIdentity,
    OwnIdentity,
  ];
  const write = async (stream: string, event: AnyEvent) => {
    const result = await store.append(stream, [encode(event, ids.next(), "service:test")], "any");
    assert.ok(result.ok);
    while (feed.position() < result.position) await sleep(1);
  };
  const capabilities = { apps: [], slots: 1, backlog: 1, cpus: 1, memoryMb: 1 };
  const machine = { ...capabilities, platform: "linux-x64", version: "1" };
  for (const [i, nodeId] of nodes.entries()) {
    const owner = owners[i] as OwnIdentity;
    await write(identityStream(owner.id), identityRegistered(owner));
    const node = { nodeId, owner: owner.id as string, capabilities: machine };
    await write(nodeStream(nodeId), { type: "NodeRegistered", ...node, at: 0 });
  }
  const types = async (jobHash: JobHash) => {
    const found: string[] = [];
    for await (const { type } of store.readStream(jobStream(jobHash), "start")) found.push(type);
    return found;
  };
  const until = async (isSo: () => boolean | Promise<boolean>, what: () => string) => {
    const deadline = Date.now() + 10_000;
    while (!(await isSo())) {
      assert.ok(Date.now() < deadline, what());
      await sleep(2);
    }
  };
  let nonce = 0;

  const court: Court = {
    queue,
    refused,
    owners,
    write,
    types,
    say: async (jobHash, wish) => {
      const command = { ...wish, actor: "service:test", now: Date.now() } as JobCommand;
      const stream = jobStream(jobHash);
      const answer = await handleCommand({ store, ids }, decider, { stream }, command);
      assert.ok(answer.ok, answer.ok ? "" : answer.reason);
      const position = answer.position ?? -1n;
      while (feed.position() < position) await sleep(1);
    },
    job: async (change = {}) => {
      const spec: JobSpec = {
        version: 1,
        client: "client:ada",
        app: "echo",
        params: {},
        inputs: {},
        comparator: { kind: "exact" },
        quorum: 2,
        replicasMax: 3,
        price: "100",
        engine: "",
        wallMs: 60_000,
        deadlineMs: 3_600_000,
        priority: 3,
        nonce: `${nonce++}`,
        ...change,
      };
      const jobHash = hashOf(spec);
      await court.say(jobHash, { type: "SubmitJob", jobHash, spec });
      const reason = { policy: 1, seed: 1, candidates: 2, score: 1 };
      const assignments = nodes.map((nodeId, replica) => ({
        ...{ replica, nodeId, executionClass, reason },
      }));
      await court.say(jobHash, { type: "AssignTasks", assignments, leaseMs: 60_000, fundedAt: 0 });
      return jobHash;
    },
    refusal: (code, from) =>
      until(
        () => refused.slice(from).some((one) => one.code === code),
        () => `not refused with ${code}, but: ${refused.slice(from).map((one) => one.code)}`,
      ),
    until: (jobHash, type, count = 1) =>
      until(
        async () => (await types(jobHash)).filter((one) => one === type).length >= count,
        () => `${type} never came; refused: ${refused.at(-1)?.code}`,
      ),
    close: async () => {
      await feed.close();
      await validator.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
  return court;
};

/** What the owner of a node truly states. */
export const resultOf = (
  { id }: Pick<OwnIdentity, "id">,
  task: { readonly jobHash: JobHash; readonly replica: number; readonly nodeId: NodeId },
  change: Partial<ResultStatement> = {},
): ResultStatement => {
  const digest = change.output?.digest ?? outputDigest;
  const resultTag = nativeProofs.openResultTag({ jobHash: task.jobHash, outputDigest: digest });
  return {
    version: 1,
    ...task,
    attempt: 1,
    worker: id,
    resultTag,
    output: { digest, size: 10 },
    appDigest: appDigest("echo"),
    executionClass,
    usage: { wallMs: 12 },
    startedAt: 0,
    ...change,
  };
};

export const saltOf = (replica: number): string => `${replica}a`.repeat(32);

/** What binds a node to such a result. */
export const commitStatement = (
  { version, jobHash, replica, attempt, nodeId, worker, resultTag }: ResultStatement,
  salt: string = saltOf(replica),
): CommitStatement => {
  const commit = commitOf({ jobHash, replica, attempt, worker, resultTag, salt });
  return { version, jobHash, replica, attempt, nodeId, worker, commit };
};

export const signedBy = (
  own: Pick<OwnIdentity, "id" | "rootKey" | "sign">,
  ...statements: readonly Statement[]
): SignedBundle => {
  const bundle = bundleOf({ worker: own.id, rootKey: own.rootKey, statements });
  return { version: 1, bundle, signature: own.sign(bundleText(bundle)), statements };
};
