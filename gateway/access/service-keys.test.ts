/** Service keys at a real gateway, and what the end of an identity does to them and to its nodes. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { wallClock } from "../../streams/clock.ts";
import { openGateway } from "../gateway.ts";
import {
  askAs,
  askGraphql,
  authorized,
  issuance,
  keyRevocation,
  login,
  newPerson,
  nodeRegistration,
  type Person,
  register,
  revoke,
  rolling,
  submission,
} from "../testing/identity-client.ts";
import { openTestNetwork, type TestNetwork } from "../testing/test-network.ts";

let network: TestNetwork;
let keyDirectory: string;
const ada = newPerson();
const managing = ["jobs:submit", "keys:manage"];
let token: string;
before(async () => {
  keyDirectory = await mkdtemp(join(tmpdir(), "cnct-keys-"));
  network = await openTestNetwork({ access: "identities", keyDirectory });
  await register(network.url, ada);
  token = await login(network.url, ada, managing);
});
after(async () => {
  await network.close();
  await rm(keyDirectory, { recursive: true, force: true });
});

const inAnHour = () => Date.now() + 3_600_000;
const issue = async (person = ada, by = token, scopes = ["jobs:submit"]) => {
  const variables = { scopes, expiresAt: inAnHour(), label: "nightly build" };
  return (await askAs(network.url, person, by, issuance, variables)).body.data.issueServiceKey;
};
const submitBy = (secret: string, client = ada.account, url = network.url) =>
  askGraphql(
    url,
    { query: submission, variables: { client, nonce: String(Math.random()) } },
    { authorization: `Bearer ${secret}` },
  );
const codeOf = async (secret: string, url = network.url): Promise<string> => {
  const { body } = await submitBy(secret, ada.account, url);
  return body.code ?? body.data.submitJob.code ?? body.data.submitJob.__typename;
};
/** Of the same network. */
const anotherGateway = () =>
  openGateway({
    ...network,
    clock: wallClock,
    version: "0",
    host: "127.0.0.1",
    port: 0,
    natsUrl: "",
    place: "gateway-2",
    access: "identities",
    keyDirectory,
    live: () => network.live,
  });
const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  const limit = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < limit, "it does not come true");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe("a service key", () => {
  test("acts for its owner alone, without a proof", async () => {
    const { secret } = await issue();
    assert.equal(await codeOf(secret), "SubmittedJob");
    const other = await submitBy(secret, "client:bob");
    assert.equal(other.body.data.submitJob.code, "not-your-account");
    const beyond = await askGraphql(
      network.url,
      { query: nodeRegistration, variables: { id: "some-node" } },
      { authorization: `Bearer ${secret}` },
    );
    assert.equal(beyond.body.data.registerNode.code, "scope-missing");
  });

  test("is in no event, no list and no file; its hash is", async () => {
    const { secret, keyId } = await issue();
    const list = "{ serviceKeys { keyId label scopes expiresAt lastUsedAt revokedAt } }";
    const listed = async () =>
      (await askAs(network.url, ada, token, list)).body.data.serviceKeys.find(
        (key: { keyId: string }) => key.keyId === keyId,
      );
    assert.equal((await listed()).lastUsedAt, null);
    await codeOf(secret);
    const key = await listed();
    assert.equal(key.label, "nightly build");
    assert.ok(Math.abs(Date.now() - key.lastUsedAt) < 60_000);
    const anonymous = await network.ask(list);
    assert.deepEqual(anonymous.data.serviceKeys, []);
    for await (const { data } of network.store.readAll("start"))
      assert.ok(!JSON.stringify(data).includes(secret));
    assert.ok(!network.logged.join().includes(secret));
  });

  test("is rolled: both secrets are good for the grace, and then the new one", async () => {
    const { secret, keyId } = await issue();
    const roll = async (graceMs: number) =>
      (await askAs(network.url, ada, token, rolling, { keyId, graceMs })).body.data.rollServiceKey;
    const { secret: second } = await roll(60_000);
    assert.equal(await codeOf(secret), "SubmittedJob");
    assert.equal(await codeOf(second), "SubmittedJob");
    const { secret: third } = await roll(0);
    assert.equal(await codeOf(second), "service-key-expired");
    assert.equal(await codeOf(third), "SubmittedJob");
  });

  test("is revoked at once, on other gateways too", async () => {
    const other = await anotherGateway();
    const { secret, keyId, position } = await issue();
    await network.projections.waitFor(BigInt(position), 10_000);
    assert.equal(await codeOf(secret, other.url), "SubmittedJob");
    await askAs(network.url, ada, token, keyRevocation, { keyId });
    assert.equal(await codeOf(secret), "service-key-revoked");
    await until(async () => (await codeOf(secret, other.url)) === "service-key-revoked");
    await other.close();
  });

  test("is managed by whoever logged in, not by another key", async () => {
    const { secret } = await issue();
    const variables = { scopes: ["jobs:submit"], expiresAt: inAnHour(), label: "more" };
    const { body } = await askGraphql(
      network.url,
      { query: issuance, variables },
      { authorization: `Bearer ${secret}` },
    );
    assert.equal(body.data.issueServiceKey.code, "scope-missing");
    const without = await login(network.url, ada, ["jobs:submit"]);
    assert.equal((await issue(ada, without)).code, "scope-missing");
    assert.equal((await issue(ada, token, ["jobs:cancel"])).code, "scopes-beyond-login");
  });

  test("its last use outlives the gateway", async () => {
    const brief = await mkdtemp(join(tmpdir(), "cnct-uses-"));
    const first = await openTestNetwork({ access: "identities", keyDirectory: brief });
    const bob = newPerson();
    await register(first.url, bob);
    const by = await login(first.url, bob, managing);
    const variables = { scopes: ["jobs:submit"], expiresAt: inAnHour(), label: "x" };
    const made = await askAs(first.url, bob, by, issuance, variables);
    const { secret, keyId } = made.body.data.issueServiceKey;
    await submitBy(secret, bob.account, first.url);
    await first.close();
    const uses = JSON.parse(await readFile(join(brief, "service-key-uses.json"), "utf8"));
    assert.ok(uses[keyId] > Date.now() - 60_000);
    assert.doesNotMatch(JSON.stringify(uses), /cnct_sk/);
    await rm(brief, { recursive: true });
  });
});

/** Opens a socket that says hello; resolves with why it was closed once it was. */
const listen = async (person: Person, by: string) => {
  const headers = await authorized(network.url, person, by, { method: "GET", path: "/graphql" });
  const socket = new WebSocket(
    `${network.url.replace("http", "ws")}/graphql`,
    "graphql-transport-ws",
  );
  const closed = new Promise<string>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve(`${code} ${reason}`);
  });
  await new Promise<void>((resolve) => {
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: "connection_init", payload: headers }));
    socket.onmessage = () => resolve();
  });
  return { closed, close: () => socket.close() };
};

test("an identity that is revoked at one gateway is nobody at the others", async () => {
  const other = await anotherGateway();
  try {
    const bob = newPerson();
    await register(network.url, bob);
    const elsewhere = await login(other.url, bob, ["jobs:submit"]);
    const variables = { client: bob.account, nonce: "there" };
    const submitThere = async () =>
      (await askAs(other.url, bob, elsewhere, submission, variables)).body;
    assert.equal((await submitThere()).data.submitJob.__typename, "SubmittedJob");
    const here = await login(network.url, bob, ["jobs:submit"]);
    const socket = await listen(bob, here);
    const bystander = await listen(ada, token);
    await revoke(network.url, bob);
    assert.equal(await socket.closed, "4401 identity-revoked");
    await until(async () => (await submitThere()).code === "identity-revoked");
    const isOpen = Symbol("open");
    assert.equal(await Promise.race([bystander.closed, Promise.resolve(isOpen)]), isOpen);
    bystander.close();
  } finally {
    await other.close();
  }
});

describe("when an identity is revoked", () => {
  const natsKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
  const worker: Person = newPerson({ roles: ["client", "worker"], natsKey });
  let secret: string;
  before(async () => {
    await register(network.url, worker);
    const by = await login(network.url, worker, [...managing, "nodes:register"]);
    for (const id of ["worker-1", "worker-2"])
      await askAs(network.url, worker, by, nodeRegistration, { id });
    ({ secret } = await issue(worker, by));
    await revoke(network.url, worker);
  });

  test("its service keys are worth nothing", async () =>
    assert.equal((await submitBy(secret, worker.account)).body.code, "identity-revoked"));

  test("its nodes are suspended", async () => {
    const status = async (id: string) =>
      (await network.ask("query ($id: NodeId!) { node(id: $id) { status reason } }", { id })).data
        .node;
    for (const id of ["worker-1", "worker-2"])
      await until(async () => (await status(id)).status === "SUSPENDED");
    assert.equal((await status("worker-1")).reason, "identity-revoked");
  });

  test("a node that was registered meanwhile is suspended too", async () => {
    const capabilities = {
      apps: [{ app: "noop", executionClass: "js" }],
      slots: 1,
      backlog: 1,
      cpus: 1,
      memoryMb: 1,
      platform: "",
      version: "",
    };
    const late = { nodeId: "worker-3", owner: worker.id, capabilities, at: Date.now() };
    await network.write("node-worker-3", { type: "NodeRegistered", ...late });
    await until(() => network.projections.views.node("worker-3")?.status === "suspended");
  });
});
