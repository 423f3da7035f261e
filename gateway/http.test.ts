import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { getIntrospectionQuery } from "graphql";
import { createClient } from "graphql-ws";
import type { EventStore } from "../streams/event-store.ts";
import { OpenError } from "./errors.ts";
import { openGateway } from "./gateway.ts";
import { nearest } from "./nearest.ts";
import { noopSpec, openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

let network: TestNetwork;
before(async () => {
  network = await openTestNetwork({ origins: ["http://console.example"] });
});
after(() => network.close());

const graphql = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${network.url}/graphql`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
const bodyOf = async (response: Response) =>
  (await response.json()) as {
    readonly code: string;
    readonly message: string;
    readonly errors: readonly { readonly extensions: { readonly code: string } }[];
  };

describe("every error", () => {
  const cases: readonly (readonly [string, () => Promise<Response>, number, string])[] = [
    ["an unknown path", () => fetch(`${network.url}/nothing`), 404, "not-found"],
    ["bad JSON", () => graphql("{"), 400, "bad-json"],
    [
      "a body over the limit",
      () => graphql(JSON.stringify({ query: "x".repeat(2_200_000) })),
      413,
      "body-too-large",
    ],
    [
      "a body that is not JSON",
      () => graphql("<a/>", { "content-type": "text/xml" }),
      415,
      "unsupported-media-type",
    ],
    ["an unknown blob", () => fetch(`${network.url}/blobs/${"0".repeat(64)}`), 404, "blob-unknown"],
    ["no query", () => graphql("{}"), 400, "bad-request"],
    [
      "a mutation by GET",
      () =>
        fetch(
          `${network.url}/graphql?query=${encodeURIComponent('mutation { cancelJob(input: { hash: "", client: "" }) { __typename } }')}`,
        ),
      405,
      "method-not-allowed",
    ],
  ];
  for (const [what, ask, status, code] of cases)
    test(`says code and message: ${what}`, async () => {
      const response = await ask();
      const body = await bodyOf(response);
      assert.equal(response.status, status, JSON.stringify(body));
      assert.equal(body.code, code);
      assert.ok(body.message.length > 0);
      assert.match(response.headers.get("content-type") ?? "", /application\/json/);
    });

  test("of a request to /graphql is there for GraphQL clients too", async () => {
    assert.equal((await bodyOf(await graphql("{"))).errors[0]?.extensions.code, "BAD_JSON");
  });

  test("of our own making is told to the log and not to the client", async () => {
    const aroundStore = (store: EventStore): EventStore => ({
      ...store,
      head: () => Promise.reject(new Error("secret of the machine")),
    });
    const broken = await openTestNetwork({ aroundStore });
    const { errors } = await broken.ask("{ network { head } }");
    assert.equal(errors?.[0]?.extensions.code, "INTERNAL");
    assert.doesNotMatch(JSON.stringify(errors), /secret/);
    assert.match(broken.logged.join(), /secret of the machine/);
    const ready = await fetch(`${broken.url}/readyz?verbose`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /"name":"store","ok":false/);
    await broken.close();
  });
});

describe("a query", () => {
  const codeOf = async (query: string): Promise<string | undefined> =>
    (await network.ask(query)).errors?.[0]?.extensions.code;
  const nested = (levels: number): string => {
    let inner = "id";
    for (let i = 0; i < levels - 4; i += 3) inner = `account { entries { nodes { at } } } `;
    return inner;
  };

  test("is refused when it is too deep, also through fragments", async () => {
    const shallow = await openTestNetwork({ limits: { queryDepth: 3 } });
    const ask = async (query: string) => (await shallow.ask(query)).errors?.[0]?.extensions.code;
    assert.equal(await ask("{ jobs { nodes { hash } } }"), undefined);
    assert.equal(await ask("{ jobs { nodes { tasks { code } } } }"), "QUERY_TOO_DEEP");
    const hidden = `{ jobs { ...a } } fragment a on JobConnection { nodes { ...b } } fragment b on Job { tasks { code } }`;
    assert.equal(await ask(hidden), "QUERY_TOO_DEEP");
    assert.equal(await ask(hidden), "QUERY_TOO_DEEP");
    await shallow.close();
    assert.equal(await codeOf(`{ nodes { nodes { ${nested(6)} } } }`), undefined);
  });

  test("is refused when it is too large, however it is written", async () => {
    const aliases = (count: number) =>
      `{ ${Array.from({ length: count }, (_, i) => `a${i}: network { version }`).join(" ")} }`;
    assert.equal(await codeOf(aliases(30)), undefined);
    assert.equal(await codeOf(aliases(31)), "TOO_MANY_ALIASES");
    assert.equal(await codeOf(aliases(501)), "QUERY_TOO_LONG");
    let bomb = "query { ...f0 } ";
    for (let i = 0; i < 15; i++)
      bomb += `fragment f${i} on Query { a${i}: network { version } ...f${i + 1} x${i}: __typename ...f${i + 1} } `;
    bomb += "fragment f15 on Query { __typename }";
    const start = performance.now();
    assert.equal(await codeOf(bomb), "QUERY_TOO_LARGE");
    assert.ok(performance.now() - start < 2_000);
  });

  test("may ask for the schema, as tools do", async () => {
    const { data } = await network.ask(getIntrospectionQuery());
    assert.ok(data.__schema.types.length > 50);
  });

  test("runs the operation that it names, however often the text was run with another", async () => {
    const query = "query A { network { version } } query B { network { natsUrl } }";
    for (let i = 0; i < 10; i++) {
      const name = i % 2 === 0 ? "A" : "B";
      const { data } = await network.ask(query, {}, name);
      assert.deepEqual(Object.keys(data.network), [name === "A" ? "version" : "natsUrl"]);
    }
  });
});

describe("health", () => {
  test("says that it is alive and ready, and what it looked at", async () => {
    assert.equal((await fetch(`${network.url}/livez`)).status, 200);
    const response = await fetch(`${network.url}/readyz?verbose`);
    assert.equal(response.status, 200);
    const { checks } = (await response.json()) as { checks: { name: string; ok: boolean }[] };
    assert.deepEqual(
      checks.map(({ name, ok }) => [name, ok]),
      [
        ["serving", true],
        ["store", true],
        ["projections", true],
        ["nats", true],
      ],
    );
    assert.deepEqual(await (await fetch(`${network.url}/readyz`)).json(), { ready: true });
  });

  test("is not ready without an address of NATS", async () => {
    const without = await openTestNetwork({ natsUrl: "" });
    assert.equal((await fetch(`${without.url}/readyz`)).status, 503);
    await without.close();
  });

  test("drains: finishes what is under way, ends sockets with 1001, and takes nothing more", async () => {
    const appending = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const aroundStore = (store: EventStore): EventStore => ({
      ...store,
      append: async (...args) => {
        appending.resolve();
        await release.promise;
        return store.append(...args);
      },
    });
    const draining = await openTestNetwork({ aroundStore });
    const listening = Promise.withResolvers<void>();
    const closed = new Promise<number>((resolve) => {
      const client = createClient({
        url: `${draining.url.replace("http", "ws")}/graphql`,
        retryAttempts: 0,
        lazy: false,
        onNonLazyError: () => undefined,
        on: { closed: (event) => resolve((event as CloseEvent).code) },
      });
      client.subscribe(
        { query: "subscription { events { position } }" },
        {
          next: () => listening.resolve(), // Says where the end of the log is.
          error: () => undefined,
          complete: () => undefined,
        },
      );
    });
    await listening.promise;
    const underWay = draining.ask(
      `mutation { submitJob(input: { client: "client:ada", app: "noop" }) { ... on SubmittedJob { created } } }`,
    );
    await appending.promise;
    const done = draining.closeGateway();
    assert.equal(await closed, 1001);
    const takesMore = (): Promise<boolean> =>
      fetch(`${draining.url}/livez`, { headers: { connection: "close" } }).then(
        () => true,
        () => false,
      );
    const limit = performance.now() + 10_000;
    while (await takesMore()) assert.ok(performance.now() < limit, "it still takes requests");
    release.resolve();
    assert.equal((await underWay).data.submitJob.created, true);
    await done;
    await draining.close();
  });
});

describe("where the gateway listens", () => {
  const openOn = (host: string) =>
    openGateway({
      version: "0.0.0-test",
      ...network,
      clock: {
        now: Date.now,
        after: () => ({ cancel: () => undefined }),
        every: () => ({ cancel: () => undefined }),
      },
      host,
      port: 0,
      natsUrl: "nats://127.0.0.1:4222",
      place: "gateway-2",
      live: () => network.live,
      logger: {
        info: () => undefined,
        warn: (_, message) => network.logged.push(message),
        error: () => undefined,
      },
    });

  test("is loopback only", async () => {
    for (const host of ["0.0.0.0", "::", "192.168.1.1", "example.org", "127.0.0.1.example.org", ""])
      await assert.rejects(
        openOn(host),
        (error) => error instanceof OpenError && error.code === "not-public",
        host,
      );
    for (const host of ["127.0.0.1", "localhost"]) await (await openOn(host)).close();
  });

  test("may be wider when the operator says so, with a loud warning", async () => {
    process.env["CNCT_ALLOW_PUBLIC"] = "1";
    try {
      await (await openOn("0.0.0.0")).close();
    } finally {
      delete process.env["CNCT_ALLOW_PUBLIC"];
    }
    assert.match(network.logged.join("\n"), /OPEN TO THE NETWORK/);
  });
});

describe("web pages", () => {
  const from = (origin: string) => graphql('{"query":"{ network { version } }"}', { origin });

  test("of the gateway itself and of named origins may ask, others not", async () => {
    assert.equal((await from(network.url)).status, 200);
    const named = await from("http://console.example");
    assert.equal(named.status, 200);
    assert.equal(named.headers.get("access-control-allow-origin"), "http://console.example");
    const foreign = await from("http://evil.example");
    assert.equal(foreign.status, 403);
    assert.equal((await bodyOf(foreign)).code, "foreign-origin");
    const preflight = await fetch(`${network.url}/graphql`, {
      method: "OPTIONS",
      headers: { origin: "http://console.example", "access-control-request-method": "POST" },
    });
    assert.equal(preflight.status, 204);
  });

  test("of other origins may not listen either", async () => {
    const upgrade = async (origin: string): Promise<string> => {
      const { port, host } = new URL(network.url);
      const socket = connect(Number(port), "127.0.0.1");
      socket.write(
        `GET /graphql HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n",
      );
      const head = String(await new Promise((resolve) => socket.once("data", resolve)));
      socket.destroy();
      return head.slice(9, 12);
    };
    assert.equal(await upgrade("http://evil.example"), "403");
    assert.equal(await upgrade(network.url), "101");
  });

  test("of a name that leads here but is not ours may not ask either", async () => {
    const { port } = new URL(network.url);
    const statusFor = (host: string, origin?: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { host, ...(origin === undefined ? {} : { origin }) };
        const asked = request({ host: "127.0.0.1", port, path: "/livez", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.on("error", reject);
        asked.end();
      });
    const rebound = `evil.example:${port}`;
    assert.equal(await statusFor(rebound, `http://${rebound}`), 403);
    assert.equal(await statusFor(rebound), 403);
    for (const own of ["localhost", "127.0.0.1", "[::1]"])
      assert.equal(await statusFor(`${own}:${port}`, `http://${own}:${port}`), 200, own);
    assert.equal(await statusFor("console.example", "http://console.example"), 200);
  });

  test("GraphiQL comes with everything that it needs, and may load nothing else", async () => {
    const page = await fetch(`${network.url}/graphiql`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'self'/);
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
    assert.equal(links.length, 7);
    for (const link of links) {
      assert.ok(link.startsWith("/graphiql/"), link);
      const response = await fetch(network.url + link);
      assert.equal(response.status, 200, link);
      assert.ok((await response.text()).length > 20, link);
    }
  });
});

test("metrics count jobs, requests and events under their names", async () => {
  await network.ask("mutation ($s: [JobSpecJson!]!) { submitJobs(specs: $s) { __typename } }", {
    s: [noopSpec("counted")],
  });
  await network.projections.waitFor(await network.store.head(), 5_000);
  const text = await (await fetch(`${network.url}/metrics`)).text();
  assert.match(text, /^cnct_jobs\{status="open"\} 1$/m);
  assert.match(text, /^cnct_events_total 1$/m);
  assert.match(text, /^cnct_projection_lag_seconds 0$/m);
  assert.match(
    text,
    /^cnct_http_requests_total\{method="POST",route="\/graphql",status="200"\} \d+$/m,
  );
  for (const [, name] of text.matchAll(/^(cnct_\w+)/gm))
    assert.doesNotMatch(name!, /_ms|_kb|milliseconds/);
});

test("a misspelt name is guessed within two edits", () => {
  const names = ["onnx", "ocr", "faces", "noop"] as const;
  assert.equal(nearest("orc", names), "ocr");
  assert.equal(nearest("face", names), "faces");
  assert.equal(nearest("ocr", names), "ocr");
  assert.equal(nearest("embedding", names), undefined);
});
