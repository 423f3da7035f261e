/** Sealed tasks at the worker: what it opens, what it hands out, and whom it blames. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { hexOf, utf8 } from "../crypto/bytes.ts";
import { outputKey } from "../crypto/derive-key.ts";
import { openBody } from "../crypto/open.ts";
import { native } from "../crypto/primitives-native.ts";
import { resultTag } from "../crypto/result-tag.ts";
import { newContentKey, sealBody } from "../crypto/seal.ts";
import { newEncryptionPair } from "../crypto/signatures.ts";
import { createWrapper } from "../crypto/wrapper.ts";
import { encryptionKeyId } from "../domain/identity/keys.ts";
import type { Digest } from "../domain/ids.ts";
import { jobHash as hashOf } from "../domain/job/hash.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { Wrap } from "../domain/job/wraps.ts";
import { wallClock } from "../streams/clock.ts";
import type { TaskOrder } from "../streams/task-queue.ts";
import type { Executor } from "./executor.ts";
import { runTask } from "./run-task.ts";
import { openSeals, plaintextFits } from "./sealed.ts";

const sha256 = (bytes: Uint8Array | string): Digest =>
  createHash("sha256").update(bytes).digest("hex");
const executionClass = "plain@1/js/any/1t/none";
const [own, other] = [newEncryptionPair(native), newEncryptionPair(native)];
const keysOf =
  ({ publicKey, secret }: typeof own) =>
  (keyId: Digest) =>
    keyId === encryptionKeyId(publicKey) ? secret : undefined;
const tools = { primitives: native, sha256 };
const plaintext = utf8("a secret of Ada's");

/** A sealed job as a client makes it, and the order of its first task. */
const sealedJob = (change: { readonly body?: (body: Uint8Array) => Uint8Array } = {}) => {
  const contentKey = newContentKey(native);
  const body = (change.body ?? ((same) => same))(sealBody(native, { contentKey, plaintext }));
  const digest = hexOf(native.sha256(body));
  const spec: JobSpec = {
    version: 1,
    client: "client:ada",
    app: "echo",
    params: {},
    inputs: { data: { digest, size: body.length } },
    comparator: { kind: "exact" },
    quorum: 2,
    replicasMax: 4,
    price: "100",
    engine: "",
    wallMs: 5_000,
    deadlineMs: 3_600_000,
    priority: 3,
    nonce: "",
    sealed: true,
  };
  const jobHash = hashOf(spec);
  const recipients = [own.publicKey, other.publicKey];
  const wrapped = createWrapper(native).wrap({ contentKey, jobHash, recipients });
  assert.ok(wrapped.ok);
  const [wrap, others] = wrapped.wraps.recipients as [Wrap, Wrap];
  const { app, params, inputs, wallMs, ...rest } = spec;
  const order: TaskOrder = {
    ...{ jobHash, replica: 1, attempt: 2, app, params, inputs, wallMs, executionClass },
    expiresAt: Number.MAX_SAFE_INTEGER,
    sealed: { spec: rest, wrap },
  };
  const changed = (sealed: Partial<NonNullable<TaskOrder["sealed"]>>): TaskOrder => ({
    ...order,
    sealed: { spec: rest, wrap, ...sealed },
  });
  return { contentKey, body, order, others, rest, wrap, changed };
};

const run = async (
  order: TaskOrder,
  {
    body,
    keys,
    execute,
  }: {
    readonly body: Uint8Array;
    /** None for a node without keys; its own if left out. */
    readonly keys?: ReturnType<typeof keysOf> | "none";
    readonly execute?: Executor["execute"];
  },
) => {
  const seen: Uint8Array[] = [];
  const put: Uint8Array[] = [];
  const executor: Executor = {
    apps: ["echo"],
    executionClass,
    execute:
      execute ??
      (async ({ inputs: { data = new Uint8Array() } }) => {
        seen.push(data);
        return { output: data, mediaType: "text/plain" };
      }),
    close: async () => undefined,
  };
  const blobs = {
    get: async () => body,
    put: async (bytes: Uint8Array) => {
      put.push(bytes);
      return { digest: sha256(bytes), size: bytes.length };
    },
  };
  const given =
    keys === "none" ? {} : { seals: openSeals({ secretOf: keys ?? keysOf(own), ...tools }) };
  const statement = await runTask(order, {
    executors: [executor],
    blobs,
    clock: wallClock,
    ...given,
  });
  return { statement, seen, put };
};

describe("a sealed task", () => {
  test("is computed in plaintext, and its output is sealed under a key of its own", async () => {
    const { order, body, contentKey } = sealedJob();
    const { statement, seen, put } = await run(order, { body });
    assert.deepEqual(seen, [plaintext]);
    assert.ok(statement.outcome === "done");
    const [stored] = put as [Uint8Array];
    assert.equal(Buffer.from(stored).includes(Buffer.from(plaintext)), false);
    const { outputDigest, outputSize } = statement;
    assert.deepEqual([outputDigest, outputSize], [sha256(stored), stored.length]);
    const opened = openBody(native, {
      contentKey: outputKey(native, { contentKey, task: order }),
      body: stored,
      digest: outputDigest,
    });
    assert.deepEqual(opened, { ok: true, plaintext });
    const { jobHash } = order;
    const tag = resultTag(native, { contentKey, jobHash, output: plaintext });
    assert.equal(statement.resultTag, tag);
  });

  test("states the same tag for an empty output, which is sealed as well", async () => {
    const { order, body } = sealedJob();
    const execute = async () => ({ output: new Uint8Array(), mediaType: "text/plain" });
    const [a, b] = [await run(order, { body, execute }), await run(order, { body, execute })];
    assert.ok(a.statement.outcome === "done" && b.statement.outcome === "done");
    assert.equal(a.statement.resultTag, b.statement.resultTag);
    assert.notEqual(a.statement.outputDigest, b.statement.outputDigest);
    assert.ok(a.statement.outputSize > 0);
  });

  const refusals: Readonly<
    Record<string, (job: ReturnType<typeof sealedJob>) => readonly [TaskOrder, Uint8Array?]>
  > = {
    "spec-of-another-job": ({ changed, rest }) => [changed({ spec: { ...rest, price: "999" } })],
    "wrap-forged": ({ changed, wrap, others }) => [
      changed({ wrap: { ...others, keyId: wrap.keyId } }),
    ],
    "wraps-malformed": ({ changed, wrap }) => [changed({ wrap: { ...wrap, seq: -1 } })],
    "not-a-sealed-body": () => {
      const job = sealedJob({
        body: () => utf8("open all the time, and long enough for a body".repeat(3)),
      });
      return [job.order, job.body];
    },
    "wrong-content-key": () => {
      const contentKey = newContentKey(native);
      const job = sealedJob({ body: () => sealBody(native, { contentKey, plaintext }) });
      return [job.order, job.body];
    },
    "body-damaged": () => {
      const job = sealedJob({ body: (body) => body.subarray(0, -1) });
      return [job.order, job.body];
    },
  };
  for (const [code, make] of Object.entries(refusals))
    test(`is refused with ${code}, for which the node is not to blame`, async () => {
      const job = sealedJob();
      const [order, body = job.body] = make(job);
      const { statement, seen } = await run(order, { body });
      assert.ok(statement.outcome === "failed");
      assert.deepEqual([statement.code, statement.retryable], [code, false]);
      assert.deepEqual(seen, [], "nothing was computed");
    });

  test("whose order names other parameters is that of another job", async () => {
    const { order, body } = sealedJob();
    const { statement } = await run({ ...order, params: { more: 1 } }, { body });
    assert.ok(statement.outcome === "failed");
    assert.equal(statement.code, "spec-of-another-job");
  });

  test("is the node's own fault if it lacks the key, or other bytes came", async () => {
    const { order, body } = sealedJob();
    const codes: unknown[] = [];
    for (const given of [
      { body, keys: keysOf(other) },
      { body, keys: "none" as const },
      { body: utf8("other bytes") },
    ]) {
      const { statement } = await run(order, given);
      assert.ok(statement.outcome === "failed" && statement.retryable);
      codes.push(statement.code);
    }
    assert.deepEqual(codes, ["key-missing", "key-missing", "blob-corrupt"]);
  });

  test("says nothing of its input when it fails", async () => {
    const { order, body } = sealedJob();
    const execute = async ({ inputs: { data } }: Parameters<Executor["execute"]>[0]) =>
      JSON.parse(new TextDecoder().decode(data)) as never;
    const { statement } = await run(order, { body, execute });
    assert.ok(statement.outcome === "failed");
    assert.deepEqual(statement.message, "a sealed task failed: worker-fault");
  });

  test("has an output that leaves room for what sealing adds", () => {
    assert.equal(plaintextFits(0, 92), true);
    assert.equal(plaintextFits(1, 92), false);
  });
});
