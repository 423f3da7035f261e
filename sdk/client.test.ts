import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { jobHash } from "../domain/job/hash.ts";
import { type CnctClient, CnctRefusal, CnctUnavailable, connect } from "./index.ts";
import { openFlakyProxy } from "./testing/flaky-proxy.ts";
import { startTestNetwork, type TestNetwork } from "./testing/network.ts";

const quick = { attempts: 40, firstMs: 5, longestMs: 50 };

describe("a client of the network", { timeout: 150_000 }, () => {
  let network: TestNetwork;
  let client: CnctClient;
  before(async () => {
    network = await startTestNetwork();
    client = connect({ gateway: network.gateway, client: "client:ada" });
  });
  after(async () => {
    await client.close();
    await network.close();
  });

  test("uploads, submits, waits and downloads what came out", async () => {
    const bytes = new Uint8Array(randomBytes(70_000));
    const { hash, created } = await client.submit({ app: "echo", inputs: { data: bytes } });
    assert.equal(created, true);
    const ended = await client.await(hash);
    assert.equal(ended.status, "COMPLETED");
    assert.deepEqual(await client.result(hash), bytes);
    const part = await client.download(ended.outputDigest ?? "", { range: { from: 10, to: 19 } });
    assert.deepEqual(part, bytes.subarray(10, 20));
  });

  test("computes the hash that the network computes", async () => {
    const spec = await client.prepare({ app: "noop", nonce: "hash" });
    assert.equal((await client.submit(spec)).hash, jobHash(spec));
  });

  test("sees what it wrote", async () => {
    const { hash } = await client.submit({ app: "noop", nonce: "read your writes" });
    assert.equal((await client.job(hash))?.hash, hash);
  });

  test("gets the empty output of an app that answers nothing", async () => {
    const { hash } = await client.submit({ app: "noop", nonce: "empty" });
    assert.deepEqual(await client.result(hash), new Uint8Array());
  });

  test("says no to a job with the code of the rule", async () => {
    const refusalOf = (job: Parameters<CnctClient["submit"]>[0]) =>
      client.submit(job).then(
        () => "accepted",
        (error: unknown) => (error instanceof CnctRefusal ? error.code : error),
      );
    assert.equal(await refusalOf({ app: "orc" }), "unknown-app");
    assert.equal(await refusalOf({ app: "echo" }), "missing-input");
    assert.equal(await refusalOf({ app: "noop", price: -1n }), "bad-price");
    assert.equal(await refusalOf({ app: "noop", params: { a: 1 } }), "unknown-param");
    const never = { digest: "ab".repeat(32), size: 3 };
    assert.equal(await refusalOf({ app: "echo", inputs: { data: never } }), "blob-unknown");
  });

  test("waits for a job that had ended before, and knows no job that nobody submitted", async () => {
    const { hash } = await client.submit({ app: "noop", nonce: "ended before" });
    await client.await(hash);
    const other = connect({ gateway: network.gateway });
    assert.equal((await other.await(hash)).status, "COMPLETED");
    await assert.rejects(other.await("00".repeat(32)), { code: "job-unknown" });
    await other.close();
  });

  test("stops waiting when told, and after the time allowed", async () => {
    const { hash } = await client.submit({ app: "noop", engine: "nobody-has-this" });
    await assert.rejects(client.await(hash, { timeoutMs: 100 }), { code: "timed-out" });
    await assert.rejects(client.await(hash, { signal: AbortSignal.abort(new Error("enough")) }), {
      message: "enough",
    });
    const waiting = client.await(hash);
    await client.cancel(hash);
    assert.equal((await waiting).status, "CANCELLED");
    await assert.rejects(client.result(hash), { code: "job-cancelled" });
    const done = await client.submit({ app: "noop", nonce: "too late to cancel" });
    await client.await(done.hash);
    await assert.rejects(client.cancel(done.hash), { code: "job-ended" });
  });

  test("submits a thousand jobs and hears of each end", async () => {
    const jobs = Array.from({ length: 1_000 }, (_, at) => ({ app: "noop", nonce: `many ${at}` }));
    const { hashes, created, refusals } = await client.submitMany(jobs);
    assert.equal(new Set(hashes).size, 1_000);
    assert.deepEqual({ created, refusals }, { created: 1_000, refusals: [] });
    const ended = await client.awaitMany(hashes.map((hash) => hash ?? ""));
    assert.deepEqual([...new Set(ended.map(({ status }) => status))], ["COMPLETED"]);
  });

  test("says which of many were refused, and why", async () => {
    const good = await client.prepare({ app: "noop", nonce: "good" });
    const bad = { ...good, inputs: { data: { digest: "cd".repeat(32), size: 1 } } };
    const { hashes, refusals } = await client.submitMany([good, bad, good]);
    assert.deepEqual(hashes, [jobHash(good), null, jobHash(good)]);
    assert.deepEqual(
      refusals.map(({ index, code }) => ({ index, code })),
      [{ index: 1, code: "unknown-input" }],
    );
  });

  test("makes one job although the answer to the submission was lost", async () => {
    const proxy = await openFlakyProxy(network.gateway);
    const flaky = connect({ gateway: proxy.url, client: "client:bob", retry: quick });
    try {
      await flaky.await((await flaky.submit({ app: "noop", nonce: "answered" })).hash);
      const before = (await flaky.network()).jobs;
      proxy.loseNextAnswer();
      const { hash, created } = await flaky.submit({ app: "noop", nonce: "lost answer" });
      assert.equal(proxy.lost(), 1);
      assert.equal(created, false, "the first try had made it");
      assert.equal((await flaky.await(hash)).status, "COMPLETED");
      const { open, completed } = (await flaky.network()).jobs;
      assert.equal(open + completed, before.open + before.completed + 1);
    } finally {
      await flaky.close();
      await proxy.close();
    }
  });

  test("hears each end exactly once although the connection drops again and again", async () => {
    const proxy = await openFlakyProxy(network.gateway);
    const flaky = connect({ gateway: proxy.url, client: "client:eve", retry: quick });
    try {
      const heard: string[] = [];
      const expected: string[] = Array.from({ length: 300 });
      const stop = new AbortController();
      const following = (async () => {
        const after = (await client.network()).head;
        for await (const { jobs } of flaky.ended({
          after,
          client: "client:eve",
          signal: stop.signal,
        })) {
          heard.push(...jobs.map(({ hash }) => hash));
          if (heard.length >= expected.length) stop.abort();
        }
      })();
      const eve = connect({ gateway: network.gateway, client: "client:eve" });
      let drops = 0;
      for (let round = 0; round < 30; round += 1) {
        const jobs = Array.from({ length: 10 }, (_, at) => ({
          app: "noop",
          nonce: `drop ${round} ${at}`,
        }));
        const { hashes } = await eve.submitMany(jobs);
        for (const [at, hash] of hashes.entries()) expected[round * 10 + at] = hash ?? "";
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
        if (proxy.cut() > 0) drops += 1;
      }
      await following;
      await eve.close();
      assert.ok(drops >= 20, `only ${drops} drops`);
      assert.deepEqual(heard.toSorted(), expected.toSorted());
    } finally {
      await flaky.close();
      await proxy.close();
    }
  });

  test("watches one job from its beginning to its end", async () => {
    const { hash } = await client.submit({ app: "noop", nonce: "watched" });
    const types: string[] = [];
    for await (const { events } of client.watch(hash))
      types.push(...events.map(({ type }) => type));
    assert.equal(types[0], "JobSubmitted");
    assert.equal(types.at(-1), "JobCompleted");
    assert.equal(types.filter((type) => type === "ResultAccepted").length, 2);
  });

  test("reads nodes, accounts, statements and the catalogue", async () => {
    const { nodes } = await client.nodes({ filter: { app: "noop" } });
    assert.deepEqual(nodes.map(({ id }) => id).toSorted(), ["node-ada", "node-bob", "node-eve"]);
    const account = await client.account("client:ada");
    assert.ok(BigInt(account?.balance ?? 0) > 0n);
    const entries = await client.entries("client:ada", { first: 5 });
    assert.equal(entries?.nodes.length, 5);
    assert.equal((await client.network()).points.sum, "0");
    assert.ok((await client.apps()).some(({ name }) => name === "ocr"));
    assert.equal(await client.app("orc"), null);
    assert.equal(await client.account("client:nobody"), null);
  });
});

describe("a client without a gateway", () => {
  test("asks as often as it may, with growing pauses, and then says so", async () => {
    const pauses: number[] = [];
    const client = connect({
      gateway: "http://127.0.0.1:1",
      retry: { attempts: 5, firstMs: 100, longestMs: 500 },
      random: () => 1,
      sleep: async (ms) => void pauses.push(ms),
    });
    await assert.rejects(client.network(), (error: unknown) => {
      assert.ok(error instanceof CnctUnavailable);
      assert.equal(error.code, "unreachable");
      return true;
    });
    assert.deepEqual(pauses, [100, 200, 400, 500]);
    await client.close();
  });

  test("refuses bytes that are not what the digest says", async () => {
    const client = connect({
      gateway: "http://gateway.test",
      fetch: async () => new Response("other bytes"),
    });
    await assert.rejects(client.download("ab".repeat(32)), { code: "digest-mismatch" });
    await client.close();
  });

  test("asks again while the gateway is not ready, never after a no", async () => {
    const answers = [
      new Response('{"code":"draining","message":"soon"}', { status: 503 }),
      new Response('{"errors":[{"message":"later","extensions":{"code":"UNAVAILABLE"}}]}'),
      new Response('{"errors":[{"message":"no","extensions":{"code":"BAD_USER_INPUT"}}]}'),
      new Response('{"data":{"apps":[]}}'),
    ];
    let sent = 0;
    const client = connect({
      gateway: "http://gateway.test",
      fetch: async () => answers[sent++] ?? new Response(),
      sleep: async () => undefined,
    });
    await assert.rejects(client.apps(), { code: "BAD_USER_INPUT" });
    assert.equal(sent, 3);
    await client.close();
  });
});
