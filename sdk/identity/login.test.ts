/** Acting as an identity at a real gateway: one login for all, renewed in time, and never for another. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { native } from "../../crypto/primitives-native.ts";
import { newSecret } from "../../gateway/access/secrets.ts";
import { openTestNetwork, type TestNetwork } from "../../gateway/testing/test-network.ts";
import {
  type CnctClient,
  changed,
  connect,
  newIdentity,
  type OwnIdentity,
  openRegistry,
  prepareRevocation,
  prepareRotation,
} from "../index.ts";
import { loginAuthority } from "./login.ts";
import { inMemory } from "./proof-key.ts";

let network: TestNetwork;
let keyDirectory: string;
before(async () => {
  keyDirectory = await mkdtemp(join(tmpdir(), "cnct-login-"));
  network = await openTestNetwork({ access: "identities", keyDirectory });
});
after(async () => {
  await network.close();
  await rm(keyDirectory, { recursive: true, force: true });
});

const newAda = () => newIdentity({ roles: ["client"] }, native);
const clients: CnctClient[] = [];
after(() => Promise.all(clients.map((client) => client.close())));

/** Counts what is asked, and lets a test put something else in an answer's place. */
const counting = (
  change: (text: string) => string = (text) => text,
  changeHeaders: (headers: Headers) => void = () => undefined,
) => {
  const counts = { logins: 0, requests: 0, authorized: 0 };
  const counted: typeof fetch = async (input, init) => {
    counts.requests++;
    if (new Headers(init?.headers).has("authorization")) counts.authorized++;
    if (String(init?.body).includes("mutation Login")) counts.logins++;
    const response = await fetch(input, init);
    const text = await response.text();
    const { status } = response;
    const headers = new Headers(response.headers);
    changeHeaders(headers);
    return new Response(change(text), { status, headers });
  };
  return { counts, fetch: counted };
};
const as = (identity: OwnIdentity | (() => Promise<OwnIdentity>), own = counting()) => {
  const client = connect({ gateway: network.url, identity, fetch: own.fetch });
  clients.push(client);
  return { client, counts: own.counts };
};
const knownAs = (client: CnctClient) => openRegistry(client.ask);

describe("a client with an identity", () => {
  test("registers and logs in by itself, and acts for its own account", async () => {
    const ada = newAda();
    const { client } = as(ada);
    const bytes = new TextEncoder().encode("for the ones who log in");
    const { digest } = await client.upload(bytes);
    assert.deepEqual(await client.download(digest), bytes);
    const { hash } = await client.submit({ app: "noop", nonce: "as ada" });
    assert.equal((await client.job(hash))?.client, ada.account);
    await client.cancel(hash);
    assert.equal((await knownAs(client).find(ada.id))?.status, "ACTIVE");
    const theirs = client.submit({ app: "noop", client: "client:bob" });
    await assert.rejects(theirs, { code: "not-your-account" });
  });

  test("logs in once for however many ask at once", async () => {
    const { client, counts } = as(newAda());
    const many = Array.from({ length: 150 }, (_, at) => at);
    await Promise.all([
      ...many.map((at) => client.upload(new TextEncoder().encode(`storm ${at}`))),
      ...many.map((at) => client.submit({ app: "noop", nonce: `storm ${at}` })),
      client.network(),
    ]);
    assert.equal(counts.logins, 1);
  });

  test("listens with its login", async () => {
    const { client } = as(newAda());
    const { hash } = await client.submit({ app: "noop", nonce: "heard" });
    for await (const batch of client.watch(hash)) {
      assert.equal(batch.events[0]?.type, "JobSubmitted");
      break;
    }
  });

  test("goes on when its keys were rotated, with the keys that it is given then", async () => {
    let ada = newAda();
    const { client, counts } = as(async () => ada);
    await client.submit({ app: "noop", nonce: "before" });
    const rotation = prepareRotation(ada, native);
    await knownAs(client).state(rotation);
    ada = changed(ada, rotation, native);
    const before = counts.logins;
    await client.submit({ app: "noop", nonce: "after" });
    assert.ok(counts.logins > before);
  });

  test("tells a gateway all that it said elsewhere", async () => {
    let ada = newAda();
    for (let round = 0; round < 3; round++)
      ada = changed(ada, prepareRotation(ada, native), native);
    const { client } = as(ada);
    await client.submit({ app: "noop", nonce: "well travelled" });
    assert.equal((await knownAs(client).find(ada.id))?.sequence, 3);
  });

  test("is told that its copy is out of date, or its identity at an end", async () => {
    const old = newAda();
    const rotation = prepareRotation(old, native);
    const ada = changed(old, rotation, native);
    const { client } = as(ada);
    await client.submit({ app: "noop", nonce: "newest" });
    const outdated = as(old).client.submit({ app: "noop" });
    await assert.rejects(outdated, { name: "CnctRefusal", code: "identity-outdated" });
    await knownAs(client).state(prepareRevocation(ada, "retired"));
    const over = client.submit({ app: "noop", nonce: "too late" });
    await assert.rejects(over, { name: "CnctRefusal", code: "identity-revoked" });
    await assert.rejects(as(ada).client.upload(new Uint8Array(1)), { code: "identity-revoked" });
  });

  test("hears on a socket why it was not let in", async () => {
    const ada = newAda();
    const { client } = as(ada);
    await client.submit({ app: "noop", nonce: "let in" });
    await knownAs(client).state(prepareRevocation(ada, "retired"));
    const listening = as(ada).client.events({ after: "-1" })[Symbol.asyncIterator]();
    await assert.rejects(listening.next(), { name: "CnctRefusal", code: "identity-revoked" });
  });

  test("signs no challenge that is for another gateway, or for somebody else", async () => {
    const other = newAda().id;
    const ada = newAda();
    for (const change of [
      (text: string) => text.replaceAll(/"domain":"[^"]*"/g, '"domain":"gateway.example"'),
      (text: string) => (text.includes('"domain"') ? text.replaceAll(ada.id, other) : text),
      (text: string) => text.replaceAll(/"domain":"[^"]*"/g, '"domain":7'),
    ]) {
      const relayed = counting(change);
      const { client, counts } = as(ada, relayed);
      await assert.rejects(client.submit({ app: "noop" }), {
        code: "challenge-of-another-gateway",
      });
      assert.equal(counts.logins, 0);
    }
  });

  test("whose gateway is open sends nothing that proves who asks", async () => {
    const open = await openTestNetwork();
    try {
      const own = counting();
      const ada = newAda();
      const client = connect({ gateway: open.url, identity: ada, fetch: own.fetch });
      const { hash } = await client.submit({ app: "noop", nonce: "open" });
      assert.equal((await client.job(hash))?.client, ada.account);
      await client.close();
      assert.deepEqual([own.counts.logins, own.counts.authorized], [0, 0]);
    } finally {
      await open.close();
    }
  });
});

test("without an identity nothing is proved, and reading works as ever", async () => {
  const own = counting();
  const client = connect({ gateway: network.url, client: "client:ada", fetch: own.fetch });
  clients.push(client);
  assert.equal((await client.jobs()).nodes.length >= 0, true);
  await assert.rejects(client.submit({ app: "noop" }), { code: "login-needed" });
  assert.equal(own.counts.authorized, 0);
});

describe("a login", () => {
  const post = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"query":"{ __typename }"}',
  };
  const authority = (own = counting()) => {
    let at = 0;
    const ada = newAda();
    const { fetch, counts } = own;
    const opened = loginAuthority({
      gateway: network.url,
      identity: async () => ada,
      fetch,
      timeoutMs: 30_000,
      now: () => at,
    });
    const ask = async () => (await opened.fetch(`${network.url}/graphql`, post)).status;
    return { ask, opened, counts, pass: (ms: number) => (at += ms) };
  };

  test("is renewed before its token ends, while the old one still serves", async () => {
    const { ask, counts, pass } = authority();
    assert.equal(await ask(), 200);
    const first = counts.logins;
    pass(400_000);
    assert.equal(await ask(), 200);
    assert.equal(counts.logins, first);
    pass(30_000);
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [200, 200, 200]);
    for (let waited = 0; counts.logins === first && waited < 400; waited++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(counts.logins, first + 1);
    await ask();
    assert.equal(counts.logins, first + 1);
    pass(600_000);
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [200, 200, 200]);
    assert.equal(counts.logins, first + 2);
  });

  test("that a gateway does not know any more is made again, and the request sent again", async () => {
    let stale = true;
    const forgetful = counting((text) => {
      if (!stale || !text.includes('"token"')) return text;
      stale = false;
      return text.replace(/"token":"[^"]*"/, '"token":"of.another.gateway"');
    });
    const { ask, counts } = authority(forgetful);
    assert.equal(await ask(), 200);
    assert.equal(stale, false);
    assert.equal(counts.logins, 2);
  });

  test("whose nonce has grown old sends its request again with a new one", async () => {
    let spoilt = 0;
    const lagging = counting(undefined, (headers) => {
      if (spoilt > 0) headers.set("dpop-nonce", `old ${spoilt--}`);
    });
    const { ask, counts } = authority(lagging);
    assert.equal(await ask(), 200);
    spoilt = 2;
    assert.equal(await ask(), 200);
    const before = counts.requests;
    assert.equal(await ask(), 200);
    assert.deepEqual([counts.requests - before, counts.logins], [3, 1]);
  });

  test("asks for a new nonce before it opens a socket with an old one", async () => {
    const { opened, counts, pass } = authority();
    const url = network.url.replace("http", "ws");
    const hello = async () => {
      const before = counts.requests;
      const params = await opened.socketParams(`${url}/graphql`);
      const socket = new WebSocket(`${url}/graphql`, "graphql-transport-ws");
      const heard = await new Promise<string>((resolve) => {
        socket.onopen = () =>
          socket.send(JSON.stringify({ type: "connection_init", payload: params }));
        socket.onmessage = ({ data }) => resolve(JSON.parse(data).type);
        socket.onclose = ({ reason }) => resolve(reason);
      });
      socket.close();
      return [heard, counts.requests - before];
    };
    await hello();
    assert.deepEqual(await hello(), ["connection_ack", 0]);
    pass(50_000);
    assert.deepEqual(await hello(), ["connection_ack", 1]);
    assert.deepEqual(
      ["use-dpop-nonce", "token-expired", "identity-revoked"].map(opened.renewAfter),
      [true, true, false],
    );
  });

  test("that is waited for in vain can be given up", async () => {
    const never: typeof fetch = () => new Promise(() => undefined);
    const ada = newAda();
    const { fetch } = loginAuthority({
      gateway: network.url,
      identity: async () => ada,
      fetch: never,
      timeoutMs: 60_000,
    });
    const signal = AbortSignal.timeout(20);
    await assert.rejects(fetch(`${network.url}/graphql`, { ...post, signal }), {
      name: "TimeoutError",
    });
  });

  test("can be bound to a key in memory, where there is no WebCrypto", async () => {
    const key = inMemory();
    const url = `${network.url}/graphql`;
    const first = await fetch(url, {
      ...post,
      headers: {
        ...post.headers,
        dpop: await key.prove({ method: "POST", url, nonce: undefined }),
      },
    });
    assert.equal(first.status, 401);
    const nonce = first.headers.get("dpop-nonce") ?? "";
    const dpop = await key.prove({ method: "POST", url: `${url}?a=b`, nonce });
    const second = await fetch(url, { ...post, headers: { ...post.headers, dpop } });
    assert.equal(second.status, 200);
  });
});

describe("a service key", () => {
  test("lets a program act as far as it goes, until it is revoked", async () => {
    const ada = newAda();
    const owner = connect({
      gateway: network.url,
      identity: ada,
      scopes: ["blobs:write", "jobs:submit", "keys:manage"],
    });
    clients.push(owner);
    const expiresAt = Date.now() + 60_000;
    const { issueServiceKey: issued } = await owner.ask<{
      issueServiceKey: { secret: string; keyId: string };
    }>(
      `mutation ($expiresAt: Instant!) {
        issueServiceKey(scopes: ["blobs:write", "jobs:submit"], expiresAt: $expiresAt, label: "t") {
          ... on ServiceKeySecret { keyId secret } } }`,
      { expiresAt },
    );
    const program = connect({
      gateway: network.url,
      serviceKey: issued.secret,
      client: ada.account,
    });
    clients.push(program);
    const data = new TextEncoder().encode("by a program");
    const { hash } = await program.submit({ app: "echo", inputs: { data } });
    for await (const batch of program.watch(hash)) {
      assert.equal(batch.events[0]?.type, "JobSubmitted");
      break;
    }
    await assert.rejects(program.cancel(hash), { code: "scope-missing" });
    await owner.ask(`mutation ($id: String!) { revokeServiceKey(keyId: $id) { __typename } }`, {
      id: issued.keyId,
    });
    await assert.rejects(program.submit({ app: "noop" }), { code: "service-key-revoked" });
  });

  test("is sent over TLS or to this machine only, and no sentence holds it", () => {
    const serviceKey = newSecret();
    for (const [gateway, key, code] of [
      ["http://gateway.example", serviceKey, "insecure-gateway"],
      ["http://127.0.0.1.example:4000", serviceKey, "insecure-gateway"],
      ["https://gateway.example", "cnct_sk_", "bad-service-key"],
      ["https://gateway.example", "hunter2", "bad-service-key"],
      ["https://gateway.example", serviceKey.slice(0, -1), "bad-service-key"],
      ["https://gateway.example", serviceKey.replace(/.(?=_.{8}$)/, "!"), "bad-service-key"],
    ] as const)
      assert.throws(
        () => connect({ gateway, serviceKey: key }),
        (error: Error & { code?: string }) =>
          error.code === code && !error.message.includes(serviceKey.slice(8, 40)),
      );
    for (const gateway of ["https://gateway.example", "http://localhost:4000", "http://[::1]:4000"])
      clients.push(connect({ gateway, serviceKey }));
  });
});
