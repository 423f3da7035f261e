import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { jobHash } from "../domain/job/hash.ts";
import { specDefaults } from "../domain/job/spec.ts";
import { type EventStore, EventStoreError } from "../streams/event-store.ts";
import { jobStream } from "../streams/names.ts";
import { noopSpec, openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

let network: TestNetwork;
before(async () => {
  network = await openTestNetwork();
});
after(() => network.close());

const submitJob = async (input: object) =>
  (
    await network.ask(
      `mutation ($input: SubmitJobInput!) { submitJob(input: $input) {
        __typename
        ... on SubmittedJob { hash created position }
        ... on Refusal { code message }
      } }`,
      { input },
    )
  ).data.submitJob;
const submitJobs = async (specs: readonly unknown[], hashes?: readonly string[], batch?: object) =>
  (
    await network.ask(
      `mutation ($specs: [JobSpecJson!]!, $hashes: [Digest!], $batch: BatchInput) {
      submitJobs(specs: $specs, hashes: $hashes, batch: $batch) {
        __typename
        ... on SubmittedJobs { hashes created position refusals { index code message } }
        ... on Refusal { code message }
      } }`,
      { specs, hashes, batch },
    )
  ).data.submitJobs;
const cancelJob = async (input: object) =>
  (
    await network.ask(
      `mutation ($input: CancelJobInput!) { cancelJob(input: $input) {
        __typename ... on CancelledJob { hash position } ... on Refusal { code message }
      } }`,
      { input },
    )
  ).data.cancelJob;
const noop = { client: "client:ada", app: "noop" };

describe("submitJob", () => {
  test("answers with the hash that the client computes, and the position of the event", async () => {
    const spec = noopSpec("one");
    const answer = await submitJob({ ...noop, nonce: "one", hash: jobHash(spec) });
    assert.equal(answer.hash, jobHash(spec));
    assert.equal(answer.created, true);
    const events = [];
    for await (const event of network.store.readStream(jobStream(answer.hash), "start"))
      events.push(event);
    assert.equal(events.length, 1);
    assert.equal(events[0]!.position.toString(), answer.position);
    assert.deepEqual((events[0]!.data as { spec: object }).spec, spec);
  });

  test("takes what is left out from the defaults and the app", async () => {
    const { hash } = await submitJob({ ...noop, nonce: "defaults" });
    const { client, app } = noop;
    const rest = { client, app, comparator: { kind: "exact" }, price: "100", replicasMax: 4 };
    assert.equal(hash, jobHash({ ...specDefaults, ...rest, nonce: "defaults" } as never));
  });

  test("takes every field, and only the bounds of a comparator that were given", async () => {
    const comparator = { kind: "tolerance", atol: 0.001 } as const;
    const blob = await network.blobs.put(Buffer.from("m"), "application/onnx");
    const changes = {
      app: "onnx",
      comparator,
      quorum: 3,
      replicasMax: 5,
      price: "7000",
      engine: "ort-web",
      wallMs: 1_000,
      deadlineMs: 2_592_000_000,
      priority: 5,
    };
    const inputs = { model: { digest: blob.digest, size: blob.size } };
    const spec = noopSpec("all", { ...changes, inputs });
    const input = { ...changes, client: "client:ada", nonce: "all" };
    const named = [{ name: "model", digest: blob.digest, size: blob.size }];
    const answer = await submitJob({ ...input, inputs: named, params: {}, hash: jobHash(spec) });
    assert.equal(answer.__typename, "SubmittedJob", answer.message);
  });

  test("makes one job of 200 identical submissions at the same time", async () => {
    const input = { ...noop, nonce: "identical" };
    const answers = await Promise.all(Array.from({ length: 200 }, () => submitJob(input)));
    assert.equal(answers.filter(({ created }) => created).length, 1);
    assert.equal(new Set(answers.map(({ hash }) => hash)).size, 1);
    assert.equal(new Set(answers.map(({ position }) => position)).size, 1);
    const again = await submitJob(input);
    assert.equal(again.created, false);
  });

  const digest = hash("sha256", "nowhere");
  const refusals: readonly (readonly [string, object, RegExp])[] = [
    ["unknown-app", { ...noop, app: "orc" }, /did you mean "ocr"/],
    ["unknown-app", { ...noop, app: "nothing-like-it" }, /there are onnx, ocr/],
    ["unknown-param", { ...noop, params: { speed: 9 } }, /no parameter "speed"/],
    ["bad-params", { ...noop, params: [1] }, /JSON object/],
    ["params-too-large", { ...noop, params: { a: "x".repeat(17_000) } }, /16384/],
    ["missing-input", { ...noop, app: "ocr" }, /needs an input "image"/],
    [
      "unknown-input",
      {
        ...noop,
        app: "echo",
        inputs: [
          { name: "data", digest, size: 1 },
          { name: "x", digest, size: 1 },
        ],
      },
      /reads no input "x"/,
    ],
    [
      "bad-inputs",
      {
        ...noop,
        app: "echo",
        inputs: [
          { name: "data", digest, size: 1 },
          { name: "data", digest, size: 2 },
        ],
      },
      /one name/,
    ],
    [
      "blob-unknown",
      { ...noop, app: "echo", inputs: [{ name: "data", digest, size: 1 }] },
      /upload it first/,
    ],
    [
      "bad-comparator",
      { ...noop, comparator: { kind: "tolerance", atol: 2 } },
      /accepts-everything/,
    ],
    ["bad-quorum", { ...noop, quorum: 6 }, /1 to 5/],
    ["bad-price", { ...noop, price: "9000000000000" }, /price/],
    ["bad-engine", { ...noop, engine: "Ä" }, /engine/],
    ["bad-limits", { ...noop, wallMs: 1 }, /wallMs/],
    ["bad-priority", { ...noop, priority: 0 }, /priority/],
    ["bad-nonce", { ...noop, nonce: "x".repeat(65) }, /nonce/],
    ["bad-client", { ...noop, client: "node:n1" }, /client/],
    ["hash-mismatch", { ...noop, hash: digest }, /has the hash/],
  ];
  for (const [code, input, message] of refusals)
    test(`refuses with ${code}: ${message.source}`, async () => {
      const answer = await submitJob(input);
      assert.equal(answer.__typename, "Refusal");
      assert.equal(answer.code, code);
      assert.match(answer.message, message);
    });

  test("refuses an input whose size is not the one that is stored", async () => {
    const { digest } = await network.blobs.put(Buffer.from("four"), "text/plain");
    const inputs = [{ name: "data", digest, size: 5 }];
    const answer = await submitJob({ ...noop, app: "echo", inputs });
    assert.equal(answer.code, "blob-size-differs");
    const right = await submitJob({ ...noop, app: "echo", inputs: [{ ...inputs[0], size: 4 }] });
    assert.equal(right.created, true);
  });

  test("refuses a negative price before it is a spec", async () => {
    const answer = await network.ask(
      `mutation { submitJob(input: { client: "client:ada", app: "noop", price: "-1" }) { __typename } }`,
    );
    assert.equal(answer.errors?.[0]?.extensions.code, "GRAPHQL_VALIDATION_FAILED");
    assert.match(answer.errors[0].message, /micro-points/);
  });
});

describe("submitJobs", () => {
  test("takes each spec by itself, in order", async () => {
    const specs = [noopSpec("b0"), { ...noopSpec("b1"), price: "-1" }, noopSpec("b2"), 7];
    const answer = await submitJobs(specs);
    assert.deepEqual(answer.hashes, [jobHash(noopSpec("b0")), null, jobHash(noopSpec("b2")), null]);
    assert.equal(answer.created, 2);
    assert.deepEqual(
      answer.refusals.map(({ index, code }: { index: number; code: string }) => [index, code]),
      [
        [1, "bad-price"],
        [3, "spec-not-an-object"],
      ],
    );
    const again = await submitJobs(specs);
    assert.equal(again.created, 0);
    assert.equal(again.position, answer.position);
  });

  test("makes one job of two equal specs in a batch", async () => {
    const answer = await submitJobs([noopSpec("twin"), noopSpec("twin")]);
    assert.equal(answer.created, 1);
    assert.equal(answer.hashes[0], answer.hashes[1]);
  });

  test("writes down of what batch the jobs are, its own if they say none", async () => {
    const batchOf = async (hash: string, p: string) => {
      const { data } = await network.ask(
        "query ($hash: Digest!, $p: Position) { job(hash: $hash, atLeast: $p) { history { type data } } }",
        { hash, p },
      );
      return data.job.history[0].data.batch;
    };
    const batch = { id: "pages-1", size: 40 };
    const told = await submitJobs([noopSpec("w0")], undefined, batch);
    assert.deepEqual(await batchOf(told.hashes[0], told.position), batch);
    const untold = await submitJobs([noopSpec("w1"), noopSpec("w2")]);
    const [first, second] = await Promise.all(
      untold.hashes.map((hash: string) => batchOf(hash, untold.position)),
    );
    assert.equal(first.size, 2);
    assert.deepEqual(first, second);
    const alone = await submitJobs([noopSpec("w3")]);
    assert.equal(await batchOf(alone.hashes[0], alone.position), undefined);
    for (const wrong of [
      { id: "a b", size: 40 },
      { id: "", size: 40 },
      { id: "pages-1", size: 1 },
    ]) {
      const answer = await submitJobs([noopSpec("w4"), noopSpec("w5")], undefined, wrong);
      assert.equal(answer.code, "bad-batch");
    }
  });

  test("takes 500 at once, and not one more", async () => {
    const specs = Array.from({ length: 501 }, (_, i) => noopSpec(`many-${i}`));
    assert.equal((await submitJobs(specs)).code, "too-many-jobs");
    const answer = await submitJobs(specs.slice(1));
    assert.equal(answer.created, 500);
    const { data } = await network.ask(
      `query ($p: Position) { network(atLeast: $p) { position head } }`,
      { p: answer.position },
    );
    assert.equal(data.network.position, answer.position);
  });

  test("refuses no specs, and hashes that do not go with the specs", async () => {
    assert.equal((await submitJobs([])).code, "no-jobs");
    const spec = noopSpec("hashed");
    assert.equal((await submitJobs([spec], [])).code, "hashes-differ-in-number");
    const wrong = await submitJobs([spec], [hash("sha256", "other")]);
    assert.equal(wrong.refusals[0].code, "hash-mismatch");
    assert.equal((await submitJobs([spec], [jobHash(spec)])).created, 1);
  });

  test("refuses a blob that is not stored, for that job alone", async () => {
    const size = 3;
    const { digest } = await network.blobs.put(Buffer.from("abc"), "text/plain");
    const echo = (which: string) =>
      noopSpec(which, { app: "echo", inputs: { data: { digest: which, size } } });
    const answer = await submitJobs([echo(digest), echo(hash("sha256", "gone"))]);
    assert.equal(answer.created, 1);
    assert.deepEqual(
      answer.refusals.map(({ code }: { code: string }) => code),
      ["blob-unknown"],
    );
  });
});

describe("cancelJob", () => {
  test("cancels a job once, and says so again", async () => {
    const { hash } = await submitJob({ ...noop, nonce: "cancel" });
    const input = { hash, client: "client:ada" };
    const first = await cancelJob(input);
    assert.equal(first.__typename, "CancelledJob");
    assert.deepEqual(await cancelJob(input), first);
  });

  test("refuses who is not the client, what nobody submitted, and what has ended", async () => {
    const { hash: mine } = await submitJob({ ...noop, nonce: "not yours" });
    assert.equal((await cancelJob({ hash: mine, client: "client:bob" })).code, "not-the-client");
    const nobody = { hash: hash("sha256", "x"), client: "client:ada" };
    assert.equal((await cancelJob(nobody)).code, "job-unknown");
    const failed = { type: "JobFailed", jobHash: mine, reason: "no-quorum", at: 1 } as const;
    await network.write(jobStream(mine), failed);
    assert.equal((await cancelJob({ hash: mine, client: "client:ada" })).code, "job-ended");
  });
});

test("drainNode and resumeNode tell a node, which says so", async () => {
  const register = { type: "NodeRegistered", nodeId: "node-9", owner: "ada", at: 1 } as const;
  const apps = [{ app: "noop", executionClass: "plain/linux-x64" }];
  const size = { slots: 2, backlog: 10, cpus: 4, memoryMb: 8_000 };
  const capabilities = { apps, ...size, platform: "linux-x64", version: "0.1.0" };
  await network.write("node-node-9", { ...register, capabilities });
  const say = async (what: string) => {
    const answer =
      "{ __typename ... on DrainedNode { drainFrom position } ... on Refusal { code } }";
    return (await network.ask(`mutation { told: ${what} ${answer} }`)).data.told;
  };
  const drainFrom = async (atLeast: string) => {
    const query =
      'query ($atLeast: Position) { node(id: "node-9", atLeast: $atLeast) { drainFrom } }';
    return (await network.ask(query, { atLeast })).data.node.drainFrom;
  };
  const at = Date.now() + 3_600_000;
  const drained = await say(`drainNode(id: "node-9", at: ${at})`);
  assert.equal(drained.drainFrom, at);
  assert.equal(await drainFrom(drained.position), at);
  const isLive = async (atLeast: string) => {
    network.live.set("node-9", { held: 0, lastSeen: Date.now(), hasLeft: true });
    const query = 'query ($atLeast: Position) { node(id: "node-9", atLeast: $atLeast) { live } }';
    return (await network.ask(query, { atLeast })).data.node.live;
  };
  assert.equal(await isLive(drained.position), false, "it takes none by its own will: it leaves");
  const { position } = await say('drainNode(id: "node-9")');
  assert.equal(await isLive(position), true, "its owner wants it to take none: it stays");
  const resumed = await say('resumeNode(id: "node-9")');
  assert.equal(await drainFrom(resumed.position), null);
  assert.equal((await say('drainNode(id: "node-8")')).code, "node-unknown");
});

describe("registerNode", () => {
  const capabilities = {
    apps: [{ app: "noop", executionClass: "plain/linux-x64" }],
    slots: 2,
    backlog: 10,
    cpus: 4,
    memoryMb: 8_000,
    platform: "linux-x64",
    version: "0.1.0",
  };
  const registerNode = async (input: object) =>
    (
      await network.ask(
        `mutation ($input: RegisterNodeInput!) { registerNode(input: $input) {
          __typename
          ... on RegisteredNode { id position natsUrl tasksStream consumer taskSubject
            resultsStream resultSubject heartbeatSubject }
          ... on Refusal { code message }
        } }`,
        { input },
      )
    ).data.registerNode;

  test("answers what the worker needs, and says the same again", async () => {
    const input = { id: "node-1", owner: "ada", capabilities };
    const answer = await registerNode(input);
    const { position, ...rest } = answer;
    assert.match(position, /^\d+$/);
    assert.deepEqual(rest, {
      __typename: "RegisteredNode",
      id: "node-1",
      natsUrl: "nats://127.0.0.1:4222",
      tasksStream: "TASKS",
      consumer: "node-1",
      taskSubject: "cnct.task.node-1",
      resultsStream: "RESULTS",
      resultSubject: "cnct.result.node-1",
      heartbeatSubject: "cnct.hb.node-1",
    });
    assert.deepEqual(await registerNode(input), answer);
    const more = await registerNode({ ...input, capabilities: { ...capabilities, slots: 3 } });
    assert.ok(BigInt(more.position) > BigInt(position));
  });

  test("refuses another owner, no owner, and what cannot be believed", async () => {
    await registerNode({ id: "node-2", owner: "ada", capabilities });
    const codeOf = async (input: object): Promise<string> => (await registerNode(input)).code;
    const id = "node-2";
    assert.equal(await codeOf({ id, owner: "bob", capabilities }), "node-owned-by-another");
    assert.equal(await codeOf({ id, owner: "", capabilities }), "bad-owner");
    const none = { ...capabilities, slots: 0 };
    assert.equal(await codeOf({ id, owner: "ada", capabilities: none }), "bad-capabilities");
  });
});

test("a store that fails is an error with a code, not a refusal, and the next request works", async () => {
  let broken = false;
  const aroundStore = (store: EventStore): EventStore => ({
    ...store,
    append: (...args) =>
      broken
        ? Promise.reject(new EventStoreError("unavailable", "planted"))
        : store.append(...args),
  });
  const failing = await openTestNetwork({ aroundStore });
  try {
    const query = `mutation { submitJob(input: { client: "client:ada", app: "noop" }) { ... on SubmittedJob { created } } }`;
    broken = true;
    for (let i = 0; i < 4; i++) {
      const { errors } = await failing.ask(query);
      assert.equal(errors?.[0]?.extensions.code, "UNAVAILABLE");
    }
    broken = false;
    assert.equal((await failing.ask(query)).data.submitJob.created, true);
  } finally {
    await failing.close();
  }
});
