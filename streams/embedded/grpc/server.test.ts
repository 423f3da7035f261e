import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import * as http2 from "node:http2";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { queryObjects } from "node:v8";
import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  eventTypeFilter,
  jsonEvent,
  START,
  streamNameFilter,
} from "@eventstore/db-client";
import { type EmbeddedStore, openEmbeddedStore } from "../store.ts";
import { bytesField, grpcFrame, numberField } from "./proto.ts";
import { type StoreServer, serveEmbeddedStore } from "./server.ts";

let directory: string;
let store: EmbeddedStore;
let server: StoreServer;
let client: EventStoreDBClient;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "cnct-grpc-"));
  store = await openEmbeddedStore({ directory });
  server = await serveEmbeddedStore(store);
  client = EventStoreDBClient.connectionString(server.url);
});
after(async () => {
  await client.dispose();
  await server.close();
  await store.close();
  await rm(directory, { recursive: true });
});

const event = (n: number, type = "Noted") => ({ id: randomUUID(), type, data: { n } });
const append = async (stream: string, count: number, type?: string): Promise<void> => {
  const events = Array.from({ length: count }, (_, n) => event(n, type));
  assert.ok((await store.append(stream, events, "any")).ok);
};

/** One call by hand, for what the client would never say. */
const call = async (
  path: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly headers: Record<string, unknown>; readonly bytes: number }> => {
  const session = http2.connect(`http://127.0.0.1:${server.port}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    const all: Record<string, unknown> = {};
    let bytes = 0;
    stream.on("response", (got) => Object.assign(all, got));
    stream.on("trailers", (got) => Object.assign(all, got));
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stream.on("error", () => undefined);
    stream.end(body);
    await once(stream, "close");
    return { headers: all, bytes };
  } finally {
    session.destroy();
  }
};
const streams = "/event_store.client.streams.Streams";

describe("the wire", { timeout: 60_000 }, () => {
  test("answers what it does not know as unimplemented, and says so in its features", async () => {
    const unknown = "/event_store.client.persistent_subscriptions.PersistentSubscriptions/Create";
    assert.equal((await call(unknown, grpcFrame())).headers["grpc-status"], "12");
    await assert.rejects(client.listProjections(), (error: { code?: number }) => error.code === 12);
    const { headers } = await call("/", Buffer.alloc(0), { "content-type": "text/plain" });
    assert.equal(headers[":status"], 415);
  });

  test("refuses nonsense with a status, and goes on", async () => {
    const garbage = [
      Buffer.alloc(0),
      Buffer.from([1, 2, 3]),
      Buffer.from([0, 0, 0, 0, 5, 1]),
      Buffer.from([1, 0, 0, 0, 0]),
      Buffer.from([0, 255, 255, 255, 255]),
      grpcFrame(Buffer.from("nonsense")),
      grpcFrame(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
      grpcFrame(bytesField(1)),
      grpcFrame(bytesField(1, bytesField(1, bytesField(1, bytesField(3, ""))), numberField(5, 1))),
    ];
    for (const method of ["Append", "Read", "Delete", "Tombstone", "BatchAppend"])
      for (const [at, body] of garbage.entries()) {
        const { headers } = await call(`${streams}/${method}`, body);
        const status = headers["grpc-status"];
        const isEmptyBatch = method === "BatchAppend" && at === 0;
        assert.match(String(status), isEmptyBatch ? /^0$/ : /^(3|8|12|13)$/, `${method} ${at}`);
      }
    const socket = connectSocket(server.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.end("GET / HTTP/1.1\r\n\r\n");
    await once(socket, "close");
    await append("after-nonsense", 1);
  });

  test("ends a call at its deadline", async () => {
    const everything = grpcFrame(
      bytesField(1, bytesField(2, bytesField(3)), bytesField(6), bytesField(8)),
    );
    const { headers } = await call(`${streams}/Read`, everything, { "grpc-timeout": "50m" });
    assert.equal(headers["grpc-status"], "4");
  });

  test("filters by regular expression, by prefix, and on the server", async () => {
    const mark = randomUUID().slice(0, 8);
    await append(`${mark}-odd-1`, 3, `Odd${mark}`);
    await append(`${mark}-even-2`, 2, `Even${mark}`);
    for (const [filter, expected] of [
      [streamNameFilter({ regex: `^${mark}-.*-[12]$` }), 5],
      [streamNameFilter({ regex: `^${mark}-odd` }), 3],
      [streamNameFilter({ prefixes: [`${mark}-even`] }), 2],
      [eventTypeFilter({ regex: `^(Odd|Even)${mark}$` }), 5],
      [eventTypeFilter({ prefixes: [`Even${mark}`, "Other"] }), 2],
    ] as const) {
      let heard = 0;
      const subscription = client.subscribeToAll({ fromPosition: START, filter });
      subscription.on("data", () => heard++);
      await once(subscription, "caughtUp");
      await subscription.unsubscribe();
      assert.equal(heard, expected);
    }
    const broken = client.subscribeToAll({ filter: streamNameFilter({ regex: "(" }) });
    await once(broken, "error").then(([error]) => assert.equal(error.code, 3));
  });

  test("subscribes to one stream, from any revision, into the future", async () => {
    await append("one", 5);
    const heard: number[] = [];
    const subscription = client.subscribeToStream("one", { fromRevision: 2n });
    subscription.on("data", ({ event: recorded }) => heard.push(Number(recorded?.revision)));
    await once(subscription, "caughtUp");
    await append("one", 2);
    await once(subscription, "data");
    for (let waited = 0; heard.length < 4 && waited < 400; waited++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await subscription.unsubscribe();
    assert.deepEqual(heard, [3, 4, 5, 6]);
    const last: number[] = [];
    for await (const { event: recorded } of client.readStream("one", {
      direction: BACKWARDS,
      fromRevision: END,
      maxCount: 2,
    }))
      last.push(Number(recorded?.revision));
    assert.deepEqual(last, [6, 5]);
  });

  test("names its errors as the real server does", async () => {
    await append("errors", 2);
    const isOf = (type: string) => (error: { type?: string }) => error.type === type;
    const one = jsonEvent({ type: "Noted", data: { n: 1 } });
    const credentials = { username: "anyone", password: "" };
    // With credentials the client takes the other way, through Append.
    for (const [way, last] of [
      [{}, 1n],
      [{ credentials }, 2n],
    ] as const) {
      await assert.rejects(
        client.appendToStream("errors", one, { expectedRevision: 9n, ...way }),
        (error: { type?: string; actualVersion?: bigint; expectedVersion?: bigint }) =>
          error.type === "wrong-expected-version" &&
          error.actualVersion === last &&
          error.expectedVersion === 9n,
      );
      await assert.rejects(client.appendToStream("$mine", one, way), isOf("access-denied"));
      const large = jsonEvent({ type: "Noted", data: "x".repeat(1_100_000) });
      await assert.rejects(
        client.appendToStream("errors", large, way),
        (error: { type?: string; maxAppendSize?: number }) =>
          error.type === "maximum-append-size-exceeded" && error.maxAppendSize === 1 << 20,
      );
      const another = jsonEvent({ type: "Noted", data: { n: 2 } });
      const result = await client.appendToStream("errors", another, {
        expectedRevision: ANY,
        ...way,
      });
      assert.ok(result.success);
    }
    await assert.rejects(
      client.deleteStream("errors", { expectedRevision: 7n }),
      isOf("wrong-expected-version"),
    );
    const nothing = async () => {
      for await (const _ of client.readStream(`nothing-${randomUUID()}`)) assert.fail();
    };
    await assert.rejects(nothing(), isOf("stream-not-found"));
    await client.tombstoneStream("errors");
    await assert.rejects(client.appendToStream("errors", one), isOf("stream-deleted"));
    const deleted = async () => {
      for await (const _ of client.readStream("errors")) assert.fail();
    };
    await assert.rejects(deleted(), isOf("stream-deleted"));
  });

  test("holds no more than a little for a reader that does not read", async () => {
    const text = "x".repeat(100_000);
    for (let n = 0; n < 60; n++)
      await store.append(
        "heavy",
        Array.from({ length: 8 }, () => ({ id: randomUUID(), type: "Heavy", data: { text } })),
        "any",
      );
    const session = http2.connect(`http://127.0.0.1:${server.port}`, {
      settings: { initialWindowSize: 65_535 },
    });
    const everything = grpcFrame(
      bytesField(1, bytesField(2, bytesField(2)), bytesField(6), bytesField(8)),
    );
    const before = process.memoryUsage();
    const stalled = Array.from({ length: 20 }, () => {
      const stream = session.request({
        ":method": "POST",
        ":path": `${streams}/Read`,
        "content-type": "application/grpc",
      });
      stream.end(everything);
      stream.on("error", () => undefined);
      return stream; // Nobody listens for data, so the window stays shut.
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    const held = grown - before.arrayBuffers - before.external;
    // 20 readers of 48 MB: unbounded it would be near a gigabyte.
    assert.ok(held < 120_000_000, `${held} bytes are held`);
    for (const stream of stalled) stream.close();
    session.destroy();
    await append("after-heavy", 1);
  });

  test("holds no more of a subscription after hundreds of commits than before", async () => {
    const session = http2.connect(`http://127.0.0.1:${server.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": `${streams}/Read`,
      "content-type": "application/grpc",
    });
    stream.on("error", () => undefined);
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const news = grpcFrame(bytesField(1, bytesField(2, bytesField(3)), bytesField(6)));
    stream.end(news);
    const follow = async (commits: number): Promise<void> => {
      for (let n = 0; n < commits; n++) {
        const before = bytes;
        await append("followed", 1);
        while (bytes === before) await setImmediate();
      }
    };
    await once(stream, "data"); // The confirmation: from here on it is live.
    await follow(100);
    const before = queryObjects(Promise, { format: "count" });
    await follow(300);
    const kept = queryObjects(Promise, { format: "count" }) - before;
    assert.ok(kept < 150, `${kept} promises are kept`);
    session.destroy();
  });

  test("says good-bye to everyone when it closes, and the store goes on", async () => {
    const other = await serveEmbeddedStore(store);
    const session = http2.connect(`http://127.0.0.1:${other.port}`);
    session.on("error", () => undefined);
    const stream = session.request({
      ":method": "POST",
      ":path": `${streams}/Read`,
      "content-type": "application/grpc",
    });
    stream.end(
      grpcFrame(bytesField(1, bytesField(2, bytesField(3)), bytesField(6), bytesField(8))),
    );
    stream.on("data", () => undefined);
    let status: unknown;
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    const goodBye = once(session, "goaway");
    await once(stream, "response");
    await other.close();
    await goodBye;
    assert.equal(status, "14");
    session.destroy();
    await append("after-close", 1);
  });
});
