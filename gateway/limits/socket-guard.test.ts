import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { openTestNetwork, type TestNetwork } from "../testing/test-network.ts";

let network: TestNetwork;
before(async () => {
  network = await openTestNetwork({
    limits: { subscriptionsPerConnection: 3, subscriptionsPerCaller: 5, connectionsPerCaller: 10 },
  });
});
after(() => network.close());

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: readonly { readonly extensions: { readonly code: string } }[];
}

/** A bare WebSocket that speaks what it is told to. */
const openSocket = async () => {
  const url = `${network.url.replace("http", "ws")}/graphql`;
  const socket = new WebSocket(url, "graphql-transport-ws");
  const heard: Message[] = [];
  const waiting = new Set<() => void>();
  socket.addEventListener("message", ({ data }) => {
    heard.push(JSON.parse(String(data)) as Message);
    for (const wake of waiting) wake();
    waiting.clear();
  });
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", ({ code }) => resolve(code));
  });
  await once(socket, "open");
  const hear = async (isIt: (message: Message) => boolean): Promise<Message> => {
    for (;;) {
      const found = heard.find(isIt);
      if (found) return found;
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
      });
    }
  };
  const say = (message: object) => socket.send(JSON.stringify(message));
  const greet = async () => {
    say({ type: "connection_init" });
    await hear(({ type }) => type === "connection_ack");
  };
  const subscribe = (id: string, query: unknown = "subscription { events { position } }") =>
    say({ type: "subscribe", id, payload: { query } });
  const codeOf = async (id: string) =>
    (await hear((message) => message.id === id && message.type === "error")).payload?.[0]
      ?.extensions.code;
  /** The first batch says from where it listens. */
  const begun = (id: string) => hear((message) => message.id === id && message.type === "next");
  return { socket, say, greet, subscribe, codeOf, begun, closed };
};

describe("over WebSocket", () => {
  const ast = { kind: "Document", definitions: [] };
  const refusals: readonly (readonly [string, unknown, string])[] = [
    ["a query", "{ network { head } }", "WRONG_TRANSPORT"],
    [
      "a mutation",
      'mutation { cancelJob(input: { hash: "", client: "" }) { __typename } }',
      "WRONG_TRANSPORT",
    ],
    ["no query", null, "bad-request"],
    ["a document that is parsed already", ast, "bad-request"],
    ["10^4 tokens", `subscription { ${"a ".repeat(10_000)} }`, "QUERY_TOO_LONG"],
    ["what is no GraphQL", "subscription {", "GRAPHQL_PARSE_FAILED"],
    ["an unknown field", "subscription { events { nothing } }", "GRAPHQL_VALIDATION_FAILED"],
    [
      "two operations",
      "subscription a { events { position } } query b { __typename }",
      "OPERATION_UNKNOWN",
    ],
    [
      "a ring of fragments",
      "subscription { ...a } fragment a on Subscription { ...a }",
      "FRAGMENT_CYCLE",
    ],
    [
      "31 aliases",
      `subscription { events { ${Array.from({ length: 31 }, (_, i) => `a${i}: position`).join(" ")} } }`,
      "TOO_MANY_ALIASES",
    ],
  ];
  test("what may not run is answered with its code, and the connection stands", async () => {
    const { greet, subscribe, codeOf, begun, socket } = await openSocket();
    await greet();
    network.refused.splice(0);
    for (const [what, query, code] of refusals) {
      subscribe(what, query);
      assert.equal(await codeOf(what), code, what);
    }
    assert.deepEqual(
      network.refused.map(({ code, what }) => [code, what]),
      refusals.map(([, , code]) => [code, "WebSocket /graphql"]),
    );
    subscribe("good");
    await begun("good");
    socket.close();
  });

  test("nothing is parsed in the same breath as the hello either", async () => {
    const { say, subscribe, codeOf, socket } = await openSocket();
    say({ type: "connection_init" });
    subscribe("early", `subscription { ${"a ".repeat(10_000)} }`);
    assert.equal(await codeOf("early"), "QUERY_TOO_LONG");
    socket.close();
  });

  test("a connection has so many subscriptions at once, and may end some to begin others", async () => {
    const { greet, say, subscribe, codeOf, begun, socket } = await openSocket();
    await greet();
    for (const id of ["1", "2", "3"]) {
      subscribe(id);
      await begun(id);
    }
    subscribe("4");
    assert.equal(await codeOf("4"), "TOO_MANY_SUBSCRIPTIONS");
    say({ type: "complete", id: "2" });
    subscribe("5");
    await begun("5");
    socket.close();
  });

  test("a caller has so many on all connections, and gets them back when one is closed", async () => {
    const first = await openSocket();
    const second = await openSocket();
    await first.greet();
    await second.greet();
    for (const id of ["1", "2", "3"]) first.subscribe(id);
    for (const id of ["1", "2", "3"]) await first.begun(id);
    for (const id of ["1", "2"]) second.subscribe(id);
    for (const id of ["1", "2"]) await second.begun(id);
    second.subscribe("3");
    assert.equal(await second.codeOf("3"), "TOO_MANY_SUBSCRIPTIONS");
    first.socket.close();
    await first.closed;
    for (let round = 0; ; round++) {
      // The gateway hears of the end a moment later.
      second.subscribe(`again${round}`);
      const refused = second.codeOf(`again${round}`).then(() => true);
      const begun = second.begun(`again${round}`).then(() => false);
      if (!(await Promise.race([refused, begun]))) break;
      assert.ok(round < 1_000);
    }
    second.socket.close();
  });

  test("a caller has so many connections", async () => {
    const sockets = [];
    for (let n = 0; n < 20; n++) sockets.push(await openSocket());
    const last = sockets.at(-1);
    assert.equal(await last?.closed, 1013);
    for (const { socket } of sockets) socket.close();
    await Promise.all(sockets.map(({ closed }) => closed));
  });

  const endings: readonly (readonly [
    string,
    number,
    (s: Awaited<ReturnType<typeof openSocket>>) => void,
  ])[] = [
    ["no JSON", 4400, ({ socket }) => socket.send("{")],
    ["null", 4400, ({ socket }) => socket.send("null")],
    ["JSON 10^4 levels deep", 4400, ({ socket }) => socket.send("[".repeat(10_000))],
    ["100 kB", 1009, ({ subscribe }) => subscribe("1", "x".repeat(100_000))],
    ["a subscription without a name", 4400, ({ say }) => say({ type: "subscribe", payload: {} })],
    [
      "the name of another subscription",
      4409,
      ({ subscribe }) => {
        subscribe("1");
        subscribe("1");
      },
    ],
  ];
  test("a connection ends at what no client of ours sends", async () => {
    for (const [what, code, say] of endings) {
      const socket = await openSocket();
      await socket.greet();
      say(socket);
      assert.equal(await socket.closed, code, what);
    }
  });
});

test("too many messages end a connection", async () => {
  const rate = { points: 1_000, bytes: 1_000, messages: 5, failures: 10 };
  const limited = await openTestNetwork({ rates: { local: rate } });
  const url = `${limited.url.replace("http", "ws")}/graphql`;
  const socket = new WebSocket(url, "graphql-transport-ws");
  await once(socket, "open");
  for (let n = 0; n < 10; n++) socket.send('{"type":"ping"}');
  const [event] = (await once(socket, "close")) as [CloseEvent];
  assert.deepEqual([event.code, event.reason], [1013, "rate-limited"]);
  assert.equal(limited.refused[0]?.code, "RATE_LIMITED");
  await limited.close();
});
