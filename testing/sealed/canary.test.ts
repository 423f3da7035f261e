/**
 * Sealed jobs on a whole network of strangers, three replicas each: they are computed, opened by their
 * client alone, and leave no trace of their content in files, logs or on the wires. That the scan would
 * find one is shown by a job that is submitted open.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { native } from "../../crypto/primitives-native.ts";
import { CnctRefusal, newIdentity } from "../../sdk/index.ts";
import { openSealedNetwork, type SealedNetwork } from "./network.ts";
import { scanBytes, scanFiles } from "./scan.ts";

const limit = { timeoutMs: 60_000 };
const newCanary = () => `canary-${randomBytes(12).toString("hex")}`;
/** Long enough for several chunks, with the canary at the beginning, across a chunk's end, and last. */
const payloadWith = (canary: string): Uint8Array => {
  const bytes = Buffer.alloc(150_000, "the quick brown fox ");
  for (const at of [0, 65_536 - 10, bytes.length - canary.length]) bytes.write(canary, at);
  return new Uint8Array(bytes);
};

describe("sealed jobs of three replicas", () => {
  let network: SealedNetwork;
  const ada = newIdentity({}, native);
  const [secret, known] = [newCanary(), newCanary()];
  let hash: string;

  before(async () => {
    network = await openSealedNetwork();
    for (const name of ["node-bob", "node-cyd"]) await network.addNode(name);
  });
  after(() => network.close());

  test("wait for a node that can read them, and are wrapped for it when it comes", async () => {
    const client = network.connectAs(ada);
    const submitted = await client.submit({
      app: "echo",
      inputs: { data: payloadWith(secret) },
      quorum: 3,
    });
    hash = submitted.hash;
    const result = client.result(hash, limit);
    const deadline = Date.now() + limit.timeoutMs;
    for (;;) {
      const history = (await client.history(hash)) ?? [];
      if (history.some(({ type }) => type === "KeysAwaited")) break;
      assert.ok(Date.now() < deadline, "nobody was asked for keys");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await network.addNode("node-dan");
    assert.deepEqual(Buffer.from(await result), Buffer.from(payloadWith(secret)));
    const history = (await client.history(hash)) ?? [];
    const types = history.map(({ type }) => type);
    assert.equal(types.filter((type) => type === "ResultAccepted").length, 3, `${types}`);
    assert.ok(types.filter((type) => type === "KeysWrapped").length >= 2, `${types}`);
  });

  test("are judged by tags alone, and no two replicas store the same bytes", async () => {
    const { job } = await network.connectAs(undefined).ask<{
      job: {
        tasks: { comparator: string; resultTag: string; output: { digest: string } }[];
      };
    }>(
      `query ($hash: Digest!) { job(hash: $hash) {
        tasks { comparator resultTag output { digest } } } }`,
      { hash },
    );
    const distinct = (pick: (task: (typeof job.tasks)[number]) => string) =>
      new Set(job.tasks.map(pick)).size;
    assert.deepEqual([distinct((task) => task.comparator), job.tasks[0]?.comparator], [1, "tag"]);
    assert.equal(
      distinct((task) => task.resultTag),
      1,
    );
    assert.equal(
      distinct((task) => task.output.digest),
      3,
    );
  });

  test("are opened later with the key file alone, and by nobody else", async () => {
    const again = network.connectAs(ada);
    assert.deepEqual(
      Buffer.from(await again.result(hash, limit)),
      Buffer.from(payloadWith(secret)),
    );
    const code = (wanted: string) => (error: unknown) =>
      error instanceof CnctRefusal && error.code === wanted;
    const eve = network.connectAs(newIdentity({}, native));
    await assert.rejects(eve.result(hash, limit), code("content-key-unknown"));
    const nobody = network.connectAs(undefined);
    await assert.rejects(nobody.result(hash, limit), code("sealed-output"));
  });

  test("leave no trace of their content; an open job does", async (t) => {
    const client = network.connectAs(ada);
    const open = await client.submit({
      app: "echo",
      inputs: { data: payloadWith(known) },
      quorum: 3,
      open: true,
    });
    assert.deepEqual(
      Buffer.from(await client.result(open.hash, limit)),
      Buffer.from(payloadWith(known)),
    );
    const { gateway, nats } = network.recorded();
    await network.stop();

    const files = await scanFiles(network.directory, [secret]);
    const traffic = (canary: string) => [
      ...gateway.flatMap((bytes, i) => scanBytes(`gateway connection ${i}`, bytes, canary)),
      ...nats.flatMap((bytes, i) => scanBytes(`nats connection ${i}`, bytes, canary)),
    ];
    const logs = Buffer.from(network.log.join("\n"));
    const finds = [...files.finds, ...traffic(secret), ...scanBytes("logs", logs, secret)];
    assert.deepEqual(finds, []);

    // What was looked at was there to be looked at.
    for (const part of [/^events\//, /^blobs\//, /^views\/.*sqlite/, /^nats\/.*\.blk$/, /refusals/])
      assert.ok(
        files.files.some((file) => part.test(file)),
        `${part}: ${files.files.join(" ")}`,
      );
    const seen = Buffer.concat([...gateway, ...nats]).toString("latin1");
    assert.ok(seen.includes(hash) && seen.includes("PUT /blobs/") && seen.includes("cnct.task."));
    assert.ok(network.log.some((line) => line.includes("task-ended")));
    const there = await scanFiles(network.directory, [known]);
    assert.ok(there.finds.some(({ where }) => where.startsWith("blobs/")));
    assert.ok(traffic(known).some(({ where }) => where.startsWith("gateway")));
    t.diagnostic(
      `${files.files.length} files, ${files.bytes} bytes, and ${seen.length} of traffic`,
    );
  });
});

test("the scan knows a canary in other spellings", () => {
  const canary = newCanary();
  const spellings: readonly (readonly [string, Buffer])[] = [
    ["plain", Buffer.from(`before ${canary} after`)],
    ["UTF-16", Buffer.from(`x${canary}`, "utf16le")],
    ["hex", Buffer.from(Buffer.from(`ab${canary}`).toString("hex"))],
    ...["", "a", "ab"].map(
      (before) => ["base64", Buffer.from(Buffer.from(before + canary).toString("base64"))] as const,
    ),
  ];
  for (const [form, bytes] of spellings)
    assert.ok(
      scanBytes("here", bytes, canary).some((find) => find.form === form),
      form,
    );
  assert.deepEqual(scanBytes("here", Buffer.from(newCanary()), canary), []);
});
