import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nativeSha256 } from "../cli/native-proofs.ts";
import { jobHash } from "../domain/job/hash.ts";
import { type Policy, policyDefaults } from "../domain/policy/policy.ts";
import { openTestNetwork, type TestNetwork } from "../gateway/testing/test-network.ts";
import { runFeed } from "../services/facts.ts";
import { createJobBook } from "../services/job-book.ts";
import { createNodeRecords } from "../services/node-records.ts";
import { runRewards } from "../services/rewards/run-rewards.ts";
import { wallClock } from "../streams/clock.ts";
import { type AnyEvent, decode } from "../streams/codec.ts";
import { jobStream, ledgerStream, nodeStream, policyStream } from "../streams/names.ts";
import { type CnctClient, CnctRefusal, connect, type JobRequest } from "./index.ts";

const policy: Policy = {
  ...policyDefaults,
  version: 2,
  verification: { ...policyDefaults.verification, arbiters: ["judge", "jury"] },
};
const executionClass = "plain@1/js/any/1t/none";
const registered = (owner: string, app = "echo"): AnyEvent => ({
  type: "NodeRegistered",
  nodeId: `node-${owner}`,
  owner,
  capabilities: {
    apps: [{ app, executionClass }],
    ...{ slots: 1, backlog: 1, cpus: 1, memoryMb: 1_000, platform: "linux-x64", version: "0.1.0" },
  },
  at: 1,
});

describe("a quote from a gateway", { timeout: 120_000 }, () => {
  let network: TestNetwork;
  let client: CnctClient;
  let closeServices: () => Promise<void>;
  const records = createNodeRecords();
  before(async () => {
    network = await openTestNetwork({ recordOf: records.of });
    const { store, ids, url } = network;
    client = connect({ gateway: url, client: "client:ada" });
    const book = createJobBook({ store, ids });
    const rewards = runRewards({
      ...{ store, ids, book, clock: wallClock, sha256: nativeSha256, grant: "100000000" },
      onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
    });
    const feed = runFeed({
      ...{ store, clock: wallClock, listeners: [records, book, rewards] },
      onTrouble: (error) => assert.fail(String(error)),
    });
    await feed.live;
    closeServices = async () => {
      await feed.close();
      await rewards.close();
    };
    await network.write(policyStream, { type: "PolicyAdopted", policy, at: 1 });
    for (const owner of ["ada", "bob", "judge", "jury"])
      await network.write(nodeStream(`node-${owner}`), registered(owner));
    const last = await network.write(nodeStream("node-eve"), registered("eve", "noop"));
    await network.projections.waitFor(BigInt(last), 10_000);
  });
  after(async () => {
    await client.close();
    await closeServices();
    await network.close();
  });

  const data = new TextEncoder().encode("quoted");
  const echo: JobRequest = { app: "echo", inputs: { data }, nonce: "quoted" };
  /** What the ledger set aside for a job. */
  const fundedFor = async (hash: string): Promise<string> => {
    for (;;) {
      for await (const recorded of network.store.readStream(ledgerStream, "start")) {
        const event = decode(recorded);
        if (event?.type === "JobFunded" && event.jobHash === hash) return event.amount;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  for (const wish of [{}, { quorum: 3 }, { assurance: "standard" }, { assurance: "high" }] as const)
    test(`of ${JSON.stringify(wish)} says the escrow that the ledger then takes`, async () => {
      const request = { ...echo, ...wish, price: 123n };
      const quote = await client.quote(request);
      const { hash } = await client.submit(request);
      assert.equal(quote.escrow, await fundedFor(hash));
      assert.ok(BigInt(quote.expected) <= BigInt(quote.escrow));
    });

  test("names nodes apart from arbiters, and the policy that it was made under", async () => {
    const quote = await client.quote({ ...echo, assurance: "standard" });
    assert.equal(quote.assurance, "STANDARD");
    assert.equal(quote.policyVersion, 2);
    assert.deepEqual([quote.eligible.nodes, quote.eligible.owners, quote.eligible.live], [2, 2, 0]);
    assert.deepEqual([quote.arbiters.nodes, quote.arbiters.owners], [2, 2]);
    assert.equal(quote.plan.threshold, 1 - policyDefaults.verification.standard.epsilon);
    assert.equal(quote.plan.auditShare, 1);
    assert.ok(quote.plan.text.length >= 5);
  });

  test("stores and submits nothing", async () => {
    const bytes = new TextEncoder().encode("never stored");
    const before = await network.store.head();
    await client.quote({ ...echo, inputs: { data: bytes } });
    assert.equal(await network.store.head(), before);
  });

  const refusals: readonly (readonly [string, JobRequest])[] = [
    ["assurance-without-nodes", { app: "collect", assurance: "standard" }],
    ["assurance-without-owners", { app: "noop", assurance: "high" }],
    ["price-below-floor", { ...echo, price: 9n }],
    ["comparator-misfit", { ...echo, comparator: { kind: "iou" } }],
    ["bad-assurance", { ...echo, assurance: "standard", quorum: 2 }],
  ];
  for (const [code, request] of refusals)
    test(`is refused with ${code}, as the job is, and no point moves`, async () => {
      const codeOf = (asked: Promise<unknown>) =>
        asked.then(
          () => "accepted",
          (error: unknown) => (error instanceof CnctRefusal ? error.code : error),
        );
      assert.equal(await codeOf(client.quote(request)), code);
      const before = await lastOf(ledgerStream);
      assert.equal(await codeOf(client.submit(request)), code);
      assert.equal(await lastOf(ledgerStream), before);
    });
  const lastOf = async (stream: string) => {
    const options = { direction: "backwards", maxCount: 1 } as const;
    for await (const { revision } of network.store.readStream(stream, "end", options))
      return revision;
    return undefined;
  };

  test("an assurance that is asked for by typed fields has the defaults of the SDK", async () => {
    const { digest, size } = await client.upload(data);
    const { data: answer } = await network.ask(
      `mutation ($inputs: [NamedBlobInput!]) { submitJob(input: { client: "client:ada", app: "echo",
        inputs: $inputs, nonce: "typed", assurance: HIGH }) { ... on SubmittedJob { hash } } }`,
      { inputs: [{ name: "data", digest, size }] },
    );
    const spec = await client.prepare({
      ...echo,
      nonce: "typed",
      assurance: "high",
      wallMs: 60_000,
    });
    assert.equal(answer.submitJob.hash, jobHash(spec));
  });

  test("what was submitted is the same job again, also when the floor has risen", async () => {
    const request = { ...echo, nonce: "before the floor rose" };
    const { hash } = await client.submit(request);
    const floorMicroPoints = { ...policy.pricing.floorMicroPoints, echo: 1_000 };
    const dear: Policy = { ...policy, version: 3, pricing: { floorMicroPoints } };
    await network.write(policyStream, { type: "PolicyAdopted", policy: dear, at: 2 });
    const tooCheap = client.submit({ ...request, nonce: "after it rose" });
    await assert.rejects(tooCheap, { code: "price-below-floor" });
    const again = await client.submit(request);
    assert.deepEqual([again.hash, again.created], [hash, false]);
    let events = 0;
    for await (const _ of network.store.readStream(jobStream(hash), "start")) events++;
    assert.equal(events, 1);
  });
});
