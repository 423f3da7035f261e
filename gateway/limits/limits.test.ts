import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, test } from "node:test";
import { buildSchema, getIntrospectionQuery } from "graphql";
import { limitDefaults } from "../context.ts";
import { askGraphql, newPerson, proofFor } from "../testing/identity-client.ts";
import { openTestNetwork, type TestNetwork } from "../testing/test-network.ts";
import { type AdmissionOptions, type Asked, openAdmission } from "./admission.ts";
import { askerAt, identitiesAtAddress, openRateLimits, type Rates, rateDefaults } from "./rates.ts";
import { recent } from "./recent.ts";

const schema = buildSchema(readFileSync(new URL("../schema.graphql", import.meta.url), "utf8"));
const local = askerAt("127.0.0.1");
const stranger = askerAt("192.0.2.7");
const sha256 = (text: string) => hash("sha256", text);

const opened: TestNetwork[] = [];
const open = async (options?: Parameters<typeof openTestNetwork>[0]) => {
  const network = await openTestNetwork(options);
  opened.push(network);
  return network;
};
afterEach(async () => {
  for (const network of opened.splice(0)) await network.close();
});

const admission = (options: Partial<AdmissionOptions> = {}) => {
  const { admit } = openAdmission({
    schema,
    limits: limitDefaults,
    rates: rateDefaults,
    introspection: false,
    operations: undefined,
    ...options,
  });
  return (asked: Partial<Asked>, asker = local) =>
    admit(
      {
        query: undefined,
        variables: undefined,
        operationName: undefined,
        extensions: undefined,
        bytes: 100,
        transport: "post",
        ...asked,
      },
      asker,
    );
};
const code = (expected: string) => (error: unknown) =>
  (error as { readonly code?: unknown }).code === expected;

describe("a query costs", () => {
  const admit = admission();
  /** The second time, when the text itself costs nothing any more. */
  const cost = (query: string, variables?: object) => {
    admit({ query, variables });
    return admit({ query, variables }).cost;
  };
  const jobs = (first: number) => `{ jobs(first: ${first}) { nodes { hash tasks { nodeId } } } }`;

  test("about a point for each object that it may answer", () => {
    assert.equal(cost("{ __typename }"), 1);
    assert.equal(cost("{ network { head version } }"), 1);
    assert.equal(cost(jobs(100)), 1 + 100 * (1 + 5));
    assert.equal(cost("{ jobs { nodes { hash } pageInfo { hasNextPage } } }"), 1 + 20 + 1);
    assert.equal(cost("{ jobs(first: 3) { edges { node { hash } } } }"), 1 + 3 * 2);
  });

  test("as much through a variable, a default or a fragment", () => {
    const byVariable = "query ($n: Int! = 7) { jobs(first: $n) { nodes { ...a } } }";
    const query = `${byVariable} fragment a on Job { hash tasks { nodeId } }`;
    assert.equal(cost(query, { n: 100 }), 601);
    assert.equal(cost(query), 1 + 7 * 6);
  });

  test("a point for each job that it submits", () => {
    const submit = "mutation ($s: [JobSpecJson!]!) { submitJobs(specs: $s) { __typename } }";
    assert.equal(cost(submit, { s: Array.from({ length: 500 }, () => ({})) }), 501);
  });

  test("much where it stays in the log for ever", () => {
    const register = `mutation ($record: InceptionRecordJson!, $signature: Hex!) {
      registerIdentity(record: $record, signature: $signature) { __typename } }`;
    // One address registers some 20 in ten seconds, not thousands.
    const perWindow = rateDefaults.anonymous.points / cost(register, { record: {} });
    assert.ok(perWindow >= 10 && perWindow <= 25, `${perWindow}`);
  });

  test("more when the text is new, and the text alone then", () => {
    const query = `{ network { head } } # ${"x".repeat(1_000)}`;
    assert.equal(admit({ query }).cost, 1 + 2);
    assert.equal(admit({ query }).cost, 1);
  });

  test("little enough for what our own tools ask", () => {
    const introspection = cost(getIntrospectionQuery());
    assert.ok(introspection <= limitDefaults.queryCost);
  });
});

describe("callers from other machines", () => {
  test("do not get the schema, unless the operator says so", () => {
    const query = "{ __schema { types { name } } }";
    const hidden = 'query a { ...f } fragment f on Query { __type(name: "Job") { name } }';
    const admit = admission();
    admit({ query });
    for (const text of [query, hidden])
      assert.throws(() => admit({ query: text }, stranger), code("INTROSPECTION_OFF"));
    admission({ introspection: true })({ query }, stranger);
    admit({ query: "{ __typename }" }, stranger);
  });

  test("run the operator's documents and no others, whatever they call them", () => {
    const listed = "query Listed { network { head } }";
    const other = "{ network { head } }";
    const admit = admission({ operations: new Map([[sha256(listed), listed]]) });
    const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
    admit({ query: listed }, stranger);
    admit({ extensions: persisted(sha256(listed)) }, stranger);
    admit({ query: other }); // From this machine anything goes.
    const refused: readonly Partial<Asked>[] = [
      { query: other },
      { query: `${listed} ` },
      { query: `${listed}#` },
      { query: other, extensions: persisted(sha256(other)) },
      { extensions: persisted(sha256(other)) },
      { query: "", extensions: persisted(sha256(other)) },
      { query: other, operationName: "Listed" },
    ];
    for (const asked of refused)
      assert.throws(() => admit(asked, stranger), code("OPERATION_NOT_LISTED"));
    const swapped = { query: other, extensions: persisted(sha256(listed)) };
    assert.throws(() => admit(swapped, stranger), code("PERSISTED_QUERY_MISMATCH"));
  });
});

describe("a query by its hash", () => {
  const persistedQuery = (query: string) => ({ version: 1, sha256Hash: sha256(query) });

  test("is known once it was sent with its text, as Apollo's clients do it", async () => {
    const network = await open();
    const ask = async (body: object) => {
      const response = await fetch(`${network.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return { status: response.status, ...((await response.json()) as { errors?: unknown[] }) };
    };
    const query = "query A { network { version } } query B { network { natsUrl } }";
    const extensions = { persistedQuery: persistedQuery(query) };
    const missed = await ask({ operationName: "A", extensions });
    assert.equal(missed.status, 200);
    assert.deepEqual(missed.errors, [
      {
        message: "PersistedQueryNotFound",
        extensions: { code: "PERSISTED_QUERY_NOT_FOUND" },
      },
    ]);
    const version = { data: { network: { version: "0.0.0-test" } }, status: 200 };
    assert.deepEqual(await ask({ query, operationName: "A", extensions }), version);
    assert.deepEqual(await ask({ operationName: "A", extensions }), version);
    const byGet = new URLSearchParams({
      operationName: "A",
      extensions: JSON.stringify(extensions),
    });
    const got = await fetch(`${network.url}/graphql?${byGet}`);
    assert.deepEqual(await got.json(), { data: version.data });
    assert.deepEqual(network.refused, []);
  });

  test("is forgotten when others were used since, and never learned when it is bad", () => {
    const admit = admission();
    const known = "{ network { head } }";
    const byHash = { extensions: { persistedQuery: persistedQuery(known) } };
    admit({ query: known, ...byHash });
    admit(byHash);
    const bad = "{ nothing }";
    const badHash = { extensions: { persistedQuery: persistedQuery(bad) } };
    assert.throws(() => admit({ query: bad, ...badHash }), code("GRAPHQL_VALIDATION_FAILED"));
    assert.throws(() => admit(badHash), code("PERSISTED_QUERY_NOT_FOUND"));
    for (let i = 0; i < 1_000; i++) {
      const query = `{ __typename }#${i}`;
      admit({ query, extensions: { persistedQuery: persistedQuery(query) } });
    }
    assert.throws(() => admit(byHash), code("PERSISTED_QUERY_NOT_FOUND"));
  });

  test("of a thousand is the one that was used longest ago", () => {
    const kept = recent<number>(2);
    kept.set("a", 1);
    kept.set("b", 2);
    kept.get("a");
    kept.set("c", 3);
    assert.deepEqual([kept.get("a"), kept.get("b"), kept.get("c")], [1, undefined, 3]);
  });
});

describe("a budget", () => {
  const rate = { points: 100, bytes: 1_000, messages: 3, failures: 2 };
  const rates: Rates = { local: rate, identity: rate, anonymous: rate };
  const openNetwork = () => open({ rates });

  test("is told with every answer, and 429 says when it is whole again", async () => {
    const network = await openNetwork();
    const ask = () =>
      fetch(`${network.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"query":"{ jobs(first: 40) { nodes { hash } } }"}',
      });
    const first = await ask();
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("ratelimit-policy"), '"points";q=100;w=10');
    assert.match(first.headers.get("ratelimit") ?? "", /^"points";r=5\d;t=10$/);
    await ask();
    const third = await ask();
    assert.equal(third.status, 429);
    assert.match(third.headers.get("ratelimit") ?? "", /^"points";r=0;t=\d+$/);
    assert.match(third.headers.get("retry-after") ?? "", /^([1-9]|10)$/);
    const body = (await third.json()) as { code: string; errors: { extensions: object }[] };
    assert.equal(body.code, "rate-limited");
    assert.deepEqual(body.errors[0]?.extensions, { code: "RATE_LIMITED" });
    // Then not even bodies are read, of queries and blobs alike.
    const late = await fetch(`${network.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    });
    assert.equal(late.status, 429);
    assert.equal((await fetch(`${network.url}/blobs/${"0".repeat(64)}`)).status, 429);
    assert.equal((await fetch(`${network.url}/livez`)).status, 200);
    const codes = network.refused.map((refused) => refused.code);
    assert.deepEqual(new Set(codes), new Set(["rate-limited"]));
  });

  test("of bytes counts both ways", async () => {
    const network = await openNetwork();
    const put = () => fetch(`${network.url}/blobs`, { method: "POST", body: "x".repeat(400) });
    const { digest } = (await (await put()).json()) as { digest: string };
    assert.equal((await fetch(`${network.url}/blobs/${digest}`)).status, 200);
    const over = await put();
    assert.equal(over.status, 429);
    assert.match(over.headers.get("ratelimit-policy") ?? "", /"bytes";q=1000;w=10/);
  });

  test("is an identity's own, and else that of an address; of IPv6 a whole /64", () => {
    const keys = (...addresses: readonly string[]) => addresses.map((ip) => askerAt(ip).key);
    assert.deepEqual(keys("::ffff:192.0.2.7", "2001:db8::1", "2001:db8:0:0:ffff::2", "::1"), [
      "address:192.0.2.7",
      "address:2001:db8:0:0::/64",
      "address:2001:db8:0:0::/64",
      "address:::1",
    ]);
    assert.deepEqual(
      ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "fe80::1"].map((ip) => askerAt(ip).kind),
      ["local", "local", "local", "anonymous", "anonymous"],
    );
  });

  test("cannot be had anew by ever new addresses, and costs no memory without end", async () => {
    const limits = openRateLimits({ ...rates, anonymous: { ...rate, points: 10 } });
    const spend = (n: number) =>
      limits.spend("points", { key: `address:${n}`, kind: "anonymous" }, 10);
    for (let n = 0; n < 20_000; n++) assert.ok((await spend(n)).ok);
    assert.ok((await spend(20_000)).ok); // The first of those who share.
    assert.ok(!(await spend(20_001)).ok);
    assert.ok(!(await spend(0)).ok);
  });
});

describe("who makes many identities", () => {
  test("has the budget of a few of them at one address", async () => {
    const limits = openRateLimits(rateDefaults);
    const { points } = rateDefaults.identity;
    const spendAll = async (n: number, from: string) => {
      const asker = { key: `identity:${n}`, from, kind: "identity" } as const;
      return (await limits.spend("points", asker, points)).ok;
    };
    const answers = [];
    for (let n = 0; n < 20; n++) answers.push(await spendAll(n, "address:192.0.2.7"));
    assert.equal(answers.filter(Boolean).length, identitiesAtAddress);
    assert.ok(await spendAll(21, "address:192.0.2.8"));
  });
});

describe("routes beside the queries", () => {
  const rate = { points: 150, bytes: 1_000, messages: 3, failures: 2 };
  const rates: Rates = { local: rate, identity: rate, anonymous: rate };

  test("are counted as well, but for the one that says that the gateway lives", async () => {
    const { url } = await open({ rates });
    const statuses = async (path: string) => [
      (await fetch(url + path)).status,
      (await fetch(url + path)).status,
    ];
    assert.deepEqual(await statuses("/metrics"), [200, 429]);
    assert.deepEqual(await statuses("/nothing-here"), [429, 429]);
    assert.deepEqual(await statuses("/livez"), [200, 200]);
  });

  test("look at no more proofs of somebody who tries many", async () => {
    const keyDirectory = await mkdtemp(join(tmpdir(), "cnct-keys-"));
    const { url } = await open({ rates, access: "identities", keyDirectory });
    const put = async () => {
      const headers = { authorization: "Bearer cnct_sk_no" };
      return (await fetch(`${url}/blobs`, { method: "POST", body: "x", headers })).status;
    };
    const all = [];
    for (let n = 0; n < 5; n++) all.push(await put());
    assert.deepEqual(all, [401, 401, 401, 429, 429]);
    await rm(keyDirectory, { recursive: true, force: true });
  });

  test("nor of somebody who never heeds the nonce", async () => {
    const keyDirectory = await mkdtemp(join(tmpdir(), "cnct-keys-"));
    const { url } = await open({
      rates: { ...rates, local: { ...rate, points: 10_000 } },
      access: "identities",
      keyDirectory,
    });
    const person = newPerson();
    const codes = new Set<string>();
    for (let n = 0; n < 25; n++) {
      const proof = { method: "POST", url: `${url}/graphql`, nonce: "of-another-day" };
      const dpop = await proofFor(person, proof);
      const reply = await askGraphql(url, { query: "{ __typename }" }, { dpop });
      codes.add(String(reply.body.code));
    }
    assert.deepEqual([...codes], ["use-dpop-nonce", "rate-limited"]);
    await rm(keyDirectory, { recursive: true, force: true });
  });
});

describe("a body", () => {
  test("that never comes to its end is not waited for", async () => {
    const network = await open({ limits: { bodyMs: 200 } });
    const { port, host } = new URL(network.url);
    const socket = connectSocket(Number(port), "127.0.0.1");
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query":`,
    );
    let answer = "";
    for await (const piece of socket) answer += String(piece);
    assert.match(answer, /^HTTP\/1.1 408 /);
    assert.match(answer, /"code":"body-too-slow"/);
  });

  test("of somebody who has shown nothing is small where writing needs an identity", async () => {
    const keyDirectory = await mkdtemp(join(tmpdir(), "cnct-keys-"));
    const limits = { readBytes: 1_000 };
    const statusIn = async (options: Parameters<typeof openTestNetwork>[0]) => {
      const network = await open({ limits, ...options });
      const response = await fetch(`${network.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: "{ __typename }", operationName: "x".repeat(2_000) }),
      });
      return response.status;
    };
    assert.equal(await statusIn({ access: "identities", keyDirectory }), 413);
    assert.equal(await statusIn({}), 400); // Read, and refused for what it says.
    await rm(keyDirectory, { recursive: true, force: true });
  });
});
