/** Every query once against a real network, by noun; long because each noun has many fields. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { AssignmentReason } from "../domain/dispatch/reason.ts";
import type { AnyEvent } from "../streams/codec.ts";
import { jobStream, ledgerStream, nodeStream } from "../streams/names.ts";
import {
  type GraphqlAnswer,
  noopSpec,
  openTestNetwork,
  type TestNetwork,
} from "./testing/test-network.ts";

let network: TestNetwork;
const noon = 1_800_000_000_000;
const jobHash = hash("sha256", "the job");
const output = hash("sha256", "the output");
const executionClass = "plain/linux-x64";
let position: string;

const capabilities = (slots: number, apps = ["noop"]) => ({
  apps: apps.map((app) => ({ app, executionClass })),
  slots,
  backlog: 10,
  cpus: 4,
  memoryMb: 1_000 * slots,
  platform: "linux-x64",
  version: "0.1.0",
});
const registered = (nodeId: string, slots: number, apps?: string[]): AnyEvent => {
  const owner = nodeId === "node-bob" ? "bob" : "ada";
  return {
    type: "NodeRegistered",
    nodeId,
    owner,
    capabilities: capabilities(slots, apps),
    at: noon,
  };
};

before(async () => {
  network = await openTestNetwork();
  const { write } = network;
  await write(nodeStream("node-ada"), registered("node-ada", 2));
  await write(nodeStream("node-bob"), registered("node-bob", 8, ["noop", "echo"]));
  const suspended = {
    type: "NodeSuspended",
    nodeId: "node-eve",
    reason: "lied",
    at: noon,
  } as const;
  await write(nodeStream("node-eve"), registered("node-eve", 1), suspended);
  network.live.set("node-ada", { held: 3, lastSeen: Date.now() });
  network.live.set("node-bob", { held: 0, lastSeen: Date.now() - 60_000 });

  const client = "client:ada";
  const issued = { transferId: "t1", account: client, amount: "1000", reason: "welcome" };
  await write(ledgerStream, { type: "PointsIssued", ...issued, at: noon });
  const deadlineAt = noon + 1;
  const spec = noopSpec("the job", { quorum: 2, replicasMax: 4 });
  await write(jobStream(jobHash), { type: "JobSubmitted", jobHash, spec, deadlineAt, at: noon });
  const funded = { jobHash, client, amount: "400", forgetAt: noon + 2 };
  await write(ledgerStream, { type: "JobFunded", ...funded, at: noon });
  const refs = [
    { jobHash, replica: 0, attempt: 1, nodeId: "node-ada" },
    { jobHash, replica: 1, attempt: 1, nodeId: "node-bob" },
  ];
  const reason = { policy: 1, seed: 1, candidates: 2, score: 0.5 };
  const weighed: AssignmentReason = {
    ...reason,
    policy: 2,
    parameters: 1,
    asOf: "7",
    explores: true,
    looked: [
      ["node-bob", 6_250, 1, 0, 4, 12],
      ["node-ada", 6_000, 2, 1, 4, 0, "other@1"],
    ],
    digest: "d".repeat(32),
  };
  const lease = { executionClass, expiresAt: noon + 9, fundedAt: 1, reason };
  const outputs = { outputDigest: output, outputSize: 12 };
  const accepted = refs.map(({ replica, nodeId }) => ({ replica, nodeId }));
  await write(
    jobStream(jobHash),
    ...refs.map(
      (ref): AnyEvent => ({
        type: "TaskAssigned",
        ...ref,
        ...lease,
        ...(ref.replica === 1 ? { reason: weighed } : {}),
        at: noon + 1,
      }),
    ),
    ...refs.map(
      (ref, i): AnyEvent => ({
        type: "ResultReceived",
        ...ref,
        executionClass,
        ...outputs,
        elapsedMs: 10 + i,
        app: "echo",
        turnaroundMs: 20 + i,
        at: noon + 2,
      }),
    ),
    ...refs.map(
      (ref): AnyEvent => ({
        type: "ResultAccepted",
        ...ref,
        comparator: "exact",
        distance: 0,
        at: noon + 3,
      }),
    ),
    { type: "JobCompleted", jobHash, ...outputs, accepted, at: noon + 3 },
  );
  const awards = refs.map(({ replica, nodeId }) => ({
    awardId: hash("sha256", `award ${replica}`),
    replica,
    nodeId,
    amount: "100",
  }));
  const paid = { jobHash, client, awards, refund: "200" };
  position = await write(ledgerStream, { type: "PointsAwarded", ...paid, at: noon + 4 });
});
after(() => network.close());

const ask = async (query: string, variables: object = {}) => {
  const { data, errors } = await network.ask(query, { ...variables, at: position });
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
};

describe("a job", () => {
  test("is shown with what each choice of a node was made from", async () => {
    const { job } = await ask(
      `query ($hash: Digest!, $at: Position) { job(hash: $hash, atLeast: $at) { tasks {
        assignment { position asOf rules policy seed candidates explores score digest
          ranked { nodeId executionClass standing held reserved slots turnaroundMs } } } } }`,
      { hash: jobHash },
    );
    const [first, second] = job.tasks.map(({ assignment }: { assignment: object }) => assignment);
    const shared = { seed: 1, candidates: 2, score: 0.5 };
    const untold = { asOf: null, policy: null, explores: false, digest: null, ranked: [] };
    assert.deepEqual(first, { ...shared, ...untold, rules: 1, position: first.position });
    assert.ok(BigInt(second.position) > BigInt(first.position));
    const load = { slots: 4, executionClass };
    assert.deepEqual(second, {
      ...shared,
      position: second.position,
      asOf: "7",
      rules: 2,
      policy: 1,
      explores: true,
      digest: "d".repeat(32),
      ranked: [
        { ...load, nodeId: "node-bob", standing: 0.625, held: 1, reserved: 0, turnaroundMs: 12 },
        {
          ...load,
          nodeId: "node-ada",
          executionClass: "other@1",
          standing: 0.6,
          held: 2,
          reserved: 1,
          turnaroundMs: null,
        },
      ],
    });
  });

  test("is shown with its tasks, its output, its money and its history", async () => {
    const { job } = await ask(
      `query ($hash: Digest!, $at: Position) { job(hash: $hash, atLeast: $at) {
        hash status reason client app params inputs { name } comparator quorum replicasMax price budget
        engine wallMs deadlineMs priority nonce submittedAt deadlineAt endedAt
        output { digest size path }
        tasks { replica attempt nodeId status executionClass assignedAt expiresAt endedAt elapsedMs
          output { digest } code comparator distance reason }
        disagreement { reason } escrow { funded refunded } awards { id replica nodeId amount }
        history { type revision at data } position
      } }`,
      { hash: jobHash },
    );
    const { tasks, history, awards, ...rest } = job;
    assert.deepEqual(rest, {
      hash: jobHash,
      status: "COMPLETED",
      reason: null,
      client: "client:ada",
      app: "noop",
      params: {},
      inputs: [],
      comparator: { kind: "exact" },
      quorum: 2,
      replicasMax: 4,
      price: "100",
      budget: "400",
      engine: "",
      wallMs: 60_000,
      deadlineMs: 3_600_000,
      priority: 3,
      nonce: "the job",
      submittedAt: noon,
      deadlineAt: noon + 1,
      endedAt: noon + 3,
      output: { digest: output, size: 12, path: `/blobs/${output}` },
      disagreement: null,
      escrow: { funded: "400", refunded: "200" },
      position,
    });
    assert.deepEqual(tasks[1], {
      replica: 1,
      attempt: 1,
      nodeId: "node-bob",
      status: "ACCEPTED",
      executionClass,
      assignedAt: noon + 1,
      expiresAt: noon + 9,
      endedAt: noon + 2,
      elapsedMs: 11,
      output: { digest: output },
      code: null,
      comparator: "exact",
      distance: 0,
      reason: null,
    });
    assert.deepEqual(
      awards.map(({ nodeId }: { nodeId: string }) => nodeId),
      ["node-ada", "node-bob"],
    );
    assert.equal(history.length, 8);
    assert.deepEqual([history[0].type, history[7].type], ["JobSubmitted", "JobCompleted"]);
    assert.equal(history[7].at, noon + 3);
    assert.equal(history[7].revision, "7");
  });

  test("that nobody submitted is null", async () => {
    const hashes = { hash: hash("sha256", "nobody's") };
    assert.deepEqual(await ask("query ($hash: Digest!) { job(hash: $hash) { hash } }", hashes), {
      job: null,
    });
  });
});

describe("lists", () => {
  test("of jobs go on where the last page ended, newest first, and filter", async () => {
    const own = await openTestNetwork();
    const specs = Array.from({ length: 25 }, (_, i) =>
      noopSpec(`n${i}`, { client: i % 5 === 0 ? "client:bob" : "client:ada" }),
    );
    const submit = `mutation ($specs: [JobSpecJson!]!) { submitJobs(specs: $specs) { ... on SubmittedJobs { position } } }`;
    const { data } = await own.ask(submit, { specs });
    const list = `query ($filter: JobFilter, $after: String, $at: Position) {
      jobs(filter: $filter, first: 7, after: $after, atLeast: $at) {
        nodes { nonce } edges { cursor node { nonce } } pageInfo { hasNextPage endCursor }
      } }`;
    const all = async (filter: object): Promise<readonly string[]> => {
      const got: string[] = [];
      let after: string | null = null;
      for (let page = 0; page < 10; page++) {
        const variables: object = { filter, after, at: data.submitJobs.position };
        const { jobs }: GraphqlAnswer["data"] = (await own.ask(list, variables)).data;
        got.push(...jobs.nodes.map(({ nonce }: { nonce: string }) => nonce));
        assert.equal(jobs.edges.at(-1)?.cursor ?? null, jobs.pageInfo.endCursor);
        if (!jobs.pageInfo.hasNextPage) return got;
        after = jobs.pageInfo.endCursor;
      }
      throw new Error("too many pages");
    };
    assert.deepEqual(await all({}), specs.map(({ nonce }) => nonce).reverse());
    assert.deepEqual(await all({ client: "client:bob" }), ["n20", "n15", "n10", "n5", "n0"]);
    assert.deepEqual((await all({ status: "OPEN", app: "noop" })).length, 25);
    assert.deepEqual(await all({ status: "FAILED" }), []);
    for (const args of ["first: 0", "first: 101", 'first: 1, after: "nonsense"']) {
      const { errors } = await own.ask(`{ jobs(${args}) { nodes { nonce } } }`);
      assert.equal(errors?.[0]?.extensions.code, "BAD_USER_INPUT", args);
    }
    await own.close();
  });

  test("of nodes find who can do what", async () => {
    const names = async (filter: string): Promise<readonly string[]> => {
      const { nodes } = await ask(
        `query ($at: Position) { nodes(filter: ${filter}, atLeast: $at) { nodes { id } } }`,
      );
      return nodes.nodes.map(({ id }: { id: string }) => id);
    };
    assert.deepEqual(await names("{}"), ["node-eve", "node-bob", "node-ada"]);
    assert.deepEqual(await names("{ live: true }"), ["node-ada"]);
    assert.deepEqual(await names("{ live: false, status: ACTIVE }"), ["node-bob"]);
    assert.deepEqual(await names('{ app: "echo" }'), ["node-bob"]);
    assert.deepEqual(await names('{ executionClass: "plain/" }'), [
      "node-eve",
      "node-bob",
      "node-ada",
    ]);
    assert.deepEqual(await names('{ executionClass: "ort" }'), []);
    assert.deepEqual(await names("{ status: SUSPENDED }"), ["node-eve"]);
    assert.deepEqual(await names('{ owner: "bob" }'), ["node-bob"]);
    assert.deepEqual(await names("{ slotsMin: 3 }"), ["node-bob"]);
    assert.deepEqual(await names("{ memoryMbMin: 2000 }"), ["node-bob", "node-ada"]);
    assert.deepEqual(await names("{ correctnessMin: 0.1 }"), ["node-bob", "node-ada"]);
    assert.deepEqual(await names("{ reliabilityMin: 0.9 }"), []);
  });

  test("of nodes give each match once, page by page, however few match", async () => {
    const got: string[] = [];
    let after: string | null = null;
    for (let page = 0; page < 9; page++) {
      const { nodes } = await ask(
        `query ($after: String) { nodes(filter: { slotsMin: 2 }, first: 1, after: $after) {
          nodes { id } pageInfo { hasNextPage endCursor } } }`,
        { after },
      );
      got.push(...nodes.nodes.map(({ id }: { id: string }) => id));
      if (!nodes.pageInfo.hasNextPage) break;
      after = nodes.pageInfo.endCursor;
    }
    assert.deepEqual(got, ["node-bob", "node-ada"]);
  });
});

test("a node is live while it was heard lately: longer ago without tasks, and not once it has left", async () => {
  const isLive = async (held: number, agoMs: number, hasLeft = false) => {
    network.live.set("node-bob", { held, lastSeen: Date.now() - agoMs, hasLeft });
    const { node } = await ask('{ node(id: "node-bob") { live lastSeen } }');
    assert.ok(node.lastSeen > 0);
    return node.live;
  };
  assert.equal(await isLive(1, 20_000), false);
  assert.equal(await isLive(0, 20_000), true);
  assert.equal(await isLive(0, 0, true), false);
  assert.equal(await isLive(0, 60_000), false);
});

test("a node is shown with its life, its reputation and its earnings", async () => {
  const { node } = await ask(
    `query ($at: Position) { node(id: "node-ada", atLeast: $at) {
      id owner status reason live lastSeen held registeredAt changedAt
      capabilities { apps { app executionClass } slots backlog cpus memoryMb platform version }
      reputation { reliability { mean lower weight } correctness { mean weight } standing turnaroundMs
        assigned answered broken accepted rejected }
      account { id balance entryCount entries { nodes { type amount counterparties jobHash at } } }
    } }`,
  );
  assert.equal(node.live, true);
  assert.equal(node.held, 3);
  assert.equal(node.capabilities.slots, 2);
  assert.equal(node.reputation.reliability.weight, 1);
  assert.equal(node.reputation.reliability.mean, 2 / 3);
  assert.equal(node.reputation.standing, 0.0625 * 1);
  assert.equal(node.reputation.turnaroundMs, 20);
  assert.equal(node.account.balance, "100");
  assert.equal(node.account.entries.nodes[0].type, "PointsAwarded");
  assert.deepEqual(node.account.entries.nodes[0].counterparties, [`escrow:${jobHash}`]);
  const { eve, nobody } = await ask(
    `{ eve: node(id: "node-eve") { status reason live held account { id } } nobody: node(id: "node-x") { id } }`,
  );
  assert.deepEqual(eve, {
    status: "SUSPENDED",
    reason: "lied",
    live: false,
    held: null,
    account: null,
  });
  assert.equal(nobody, null);
});

test("a reputation is shown with its progress, its turnaround and the events behind it", async () => {
  const { node } = await ask(
    `{ node(id: "node-ada") { reputation { position silent drained
      vetting { endedAt accepted acceptedWanted days daysWanted }
      warnings { code } turnarounds { app weight meanMs deviationMs }
      history(first: 1) { nodes { at position score old new reason event { type jobHash replica } }
        pageInfo { hasNextPage endCursor } } } } }`,
  );
  const { position, vetting, warnings, turnarounds, history } = node.reputation;
  const progress = { accepted: 1, acceptedWanted: 20, days: 1, daysWanted: 2 };
  assert.deepEqual(vetting, { endedAt: null, ...progress });
  assert.deepEqual(warnings, []);
  assert.deepEqual(turnarounds, [{ app: "echo", weight: 1, meanMs: 20, deviationMs: 0 }]);
  const [line] = history.nodes;
  assert.deepEqual(line, {
    at: noon + 3,
    position,
    score: "CORRECTNESS",
    old: 0,
    new: 1 / (1 + 1.959964 ** 2),
    reason: "1 result accepted since the line before",
    event: { type: "ResultAccepted", jobHash, replica: 0 },
  });
  assert.equal(history.pageInfo.hasNextPage, true);
  const { node: next } = await ask(
    `query ($after: String!) { node(id: "node-ada") { reputation {
      history(first: 5, after: $after) { nodes { score } pageInfo { hasNextPage } } } } }`,
    { after: history.pageInfo.endCursor },
  );
  assert.deepEqual(next.reputation.history, {
    nodes: [{ score: "RELIABILITY" }],
    pageInfo: { hasNextPage: false },
  });
});

test("a client is shown as those see it who work for it", async () => {
  const { ada, nobody } = await ask(
    `{ ada: requester(account: "client:ada") { id jobs completed tasksInVain fairness { weight } }
       nobody: requester(account: "client:nobody") { id } }`,
  );
  assert.equal(ada.id, "client:ada");
  assert.ok(ada.jobs >= 1 && ada.completed >= 1);
  assert.equal(ada.fairness.weight, ada.completed);
  assert.equal(nobody, null);
});

test("an account is shown with what moved, newest first, and accounts by kind", async () => {
  const { account, accounts, none } = await ask(
    `query ($at: Position) {
      account(id: "client:ada", atLeast: $at) { id balance entryCount
        entries(first: 2) { nodes { amount type } pageInfo { hasNextPage } } }
      accounts(filter: { kind: NODE }) { nodes { id balance } }
      none: account(id: "client:nobody") { id }
    }`,
  );
  assert.equal(account.balance, "800");
  assert.equal(account.entryCount, 3);
  assert.deepEqual(account.entries.nodes, [
    { amount: "200", type: "PointsAwarded" },
    { amount: "-400", type: "JobFunded" },
  ]);
  assert.equal(account.entries.pageInfo.hasNextPage, true);
  assert.deepEqual(accounts.nodes, [
    { id: "node:node-ada", balance: "100" },
    { id: "node:node-bob", balance: "100" },
  ]);
  assert.equal(none, null);
});

test("apps say what they cost and who offers them", async () => {
  const { apps, app, none } = await ask(
    `query ($at: Position) {
      apps(atLeast: $at) { name price quote(quorum: 3, replicasMax: 5) { expected escrow } models { licence }
        inputs { name many mediaTypes } offers { executionClass nodes live slots } }
      app(name: "echo") { name offers { nodes live slots } quote(price: "7") { expected escrow } }
      none: app(name: "nothing") { name }
    }`,
  );
  const noop = apps.find(({ name }: { name: string }) => name === "noop");
  assert.deepEqual(noop.offers, [{ executionClass, nodes: 2, live: 1, slots: 2 }]);
  assert.deepEqual(noop.quote, { expected: "300", escrow: "500" });
  assert.deepEqual(app.offers, [{ nodes: 1, live: 0, slots: 0 }]);
  assert.deepEqual(app.quote, { expected: "14", escrow: "28" });
  assert.equal(none, null);
  const { errors } = await network.ask('{ app(name: "echo") { quote(quorum: 6) { escrow } } }');
  assert.equal(errors?.[0]?.extensions.code, "BAD_USER_INPUT");
});

test("the network is shown as a whole", async () => {
  const { network: shown } = await ask(
    `query ($at: Position) { network(atLeast: $at) { version natsUrl head position events
      jobs { open completed } nodes { registered suspended live }
      points { issued funded awarded refunded sum } blobs { count bytes }
      limits { blobBytes bodyBytes jobsPerSubmit queryDepth pageSize waitMs } } }`,
  );
  assert.deepEqual(shown, {
    version: "0.0.0-test",
    natsUrl: "nats://127.0.0.1:4222",
    head: position,
    position,
    events: 15,
    jobs: { open: 0, completed: 1 },
    nodes: { registered: 3, suspended: 1, live: 1 },
    points: { issued: "1000", funded: "400", awarded: "200", refunded: "200", sum: "0" },
    blobs: { count: 0, bytes: 0 },
    limits: {
      blobBytes: 67_108_864,
      bodyBytes: 2_097_152,
      jobsPerSubmit: 500,
      queryDepth: 10,
      pageSize: 100,
      waitMs: 5_000,
    },
  });
});

describe("atLeast", () => {
  test("shows every write to who asks for it, 1,000 times", async () => {
    const own = await openTestNetwork({ viewsDelayMs: 20 });
    const submit = `mutation ($nonce: String!) {
      submitJob(input: { client: "client:ada", app: "noop", nonce: $nonce }) {
        ... on SubmittedJob { hash position } } }`;
    const look = `query ($hash: Digest!, $at: Position) { job(hash: $hash, atLeast: $at) { hash } }`;
    let behind = 0;
    const one = async (i: number): Promise<void> => {
      const { hash, position } = (await own.ask(submit, { nonce: String(i) })).data.submitJob;
      if (own.projections.position() < BigInt(position)) behind++;
      const { data, errors } = await own.ask(look, { hash, at: position });
      assert.equal(data?.job?.hash, hash, JSON.stringify(errors));
    };
    try {
      for (let i = 0; i < 1_000; i += 40)
        await Promise.all(Array.from({ length: 40 }, (_, k) => one(i + k)));
      assert.ok(behind > 500, `the views were behind ${behind} times only`);
    } finally {
      await own.close();
    }
  });

  test("says so when the position cannot be seen in time", async () => {
    const impatient = await openTestNetwork({ limits: { waitMs: 30 } });
    for (const field of [
      "network(atLeast: $at) { head }",
      'job(hash: "0000000000000000000000000000000000000000000000000000000000000000", atLeast: $at) { hash }',
      "jobs(atLeast: $at) { nodes { hash } }",
      'node(id: "node-1", atLeast: $at) { id }',
      "nodes(atLeast: $at) { nodes { id } }",
      'account(id: "client:ada", atLeast: $at) { id }',
      "accounts(atLeast: $at) { nodes { id } }",
      'blob(digest: "0000000000000000000000000000000000000000000000000000000000000000", atLeast: $at) { size }',
      "blobs(atLeast: $at) { nodes { size } }",
      "apps(atLeast: $at) { name }",
      'app(name: "noop", atLeast: $at) { name }',
    ]) {
      const { errors } = await impatient.ask(`query ($at: Position) { ${field} }`, {
        at: "999999",
      });
      assert.equal(errors?.[0]?.extensions.code, "POSITION_NOT_REACHED", field);
    }
    await impatient.close();
  });

  test("refuses what is no position", async () => {
    for (const at of ["", "1.5", "-2", "x", true]) {
      const { errors } = await network.ask(
        "query ($at: Position) { network(atLeast: $at) { head } }",
        { at },
      );
      assert.equal(errors?.[0]?.extensions.code, "BAD_USER_INPUT", String(at));
    }
  });
});

test("a node's account is shown with what is pending, by when it settles, and its bond", async (t) => {
  const own = await openTestNetwork();
  t.after(() => own.close());
  const by = { jobHash, client: "client:ada", at: noon };
  const award = (replica: number, nodeId: string) => ({
    ...{ awardId: hash("sha256", `held ${replica}`), replica, nodeId, amount: "40" },
    held: true as const,
  });
  await own.write(
    ledgerStream,
    {
      ...{ type: "PointsIssued", transferId: "t", account: by.client, amount: "100" },
      ...{ reason: "gift", at: noon },
    },
    { type: "JobFunded", ...by, amount: "100", forgetAt: noon + 2 },
    {
      ...{ type: "PointsAwarded", ...by, refund: "20" },
      awards: [award(0, "node-ada"), award(1, "node-bob")],
      hold: { jobs: 5_000, until: noon + 9 },
    },
  );
  const { awardId, amount } = award(1, "node-bob");
  const settled = [{ awardId, nodeId: "node-bob", amount, bond: "30" }];
  const at = await own.write(ledgerStream, { type: "AwardsSettled", settled, at: noon + 9 });
  const { data, errors } = await own.ask(
    `query ($at: Position) {
      ada: account(id: "node:node-ada", atLeast: $at) { balance pending settlesBy bond entryCount }
      bob: account(id: "node:node-bob") { balance pending settlesBy bond }
      pending: account(id: "pending:node-ada") { balance pending settlesBy bond
        entries { nodes { type amount counterparties } } }
      bonds: accounts(filter: { kind: BOND }) { nodes { id balance } }
      network { points { awarded voided slashed sum } }
    }`,
    { at },
  );
  assert.deepEqual(errors, undefined);
  assert.deepEqual(data, {
    ada: { balance: "0", pending: "40", settlesBy: noon + 9, bond: "0", entryCount: 0 },
    bob: { balance: "10", pending: "0", settlesBy: null, bond: "30" },
    pending: {
      ...{ balance: "40", pending: null, settlesBy: noon + 9, bond: null },
      entries: {
        nodes: [{ type: "PointsAwarded", amount: "40", counterparties: [`escrow:${jobHash}`] }],
      },
    },
    bonds: { nodes: [{ id: "bond:node-bob", balance: "30" }] },
    network: { points: { awarded: "80", voided: "0", slashed: "0", sum: "0" } },
  });
});
