import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { connectEventStore } from "../connect-event-store.ts";
import { faultyFiles } from "../embedded/faulty-files.ts";
import { serveEmbeddedStore } from "../embedded/grpc/server.ts";
import { openEmbeddedStore } from "../embedded/store.ts";
import { EventStoreError } from "../event-store.ts";
import { connectEventStoreDb } from "./store.ts";

let directory: string;
let node: ChildProcess | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cnct-adapter-"));
});
afterEach(async () => {
  if (node?.exitCode === null && node.signalCode === null) {
    node.kill("SIGKILL");
    await once(node, "exit");
  }
  await rm(directory, { recursive: true });
});

const program = `
  import { serveEmbeddedStore } from ${JSON.stringify(new URL("../embedded/grpc/server.ts", import.meta.url).href)};
  import { openEmbeddedStore } from ${JSON.stringify(new URL("../embedded/store.ts", import.meta.url).href)};
  const store = await openEmbeddedStore({ directory: process.argv[1] });
  const { port } = await serveEmbeddedStore(store, { port: Number(process.argv[2]) });
  console.log(port);`;

/** A node in a process of its own, to be killed. */
const startNode = async (port = 0): Promise<number> => {
  node = spawn(process.execPath, ["--input-type=module", "-e", program, directory, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(node.stdout as NodeJS.ReadableStream, "data");
  return Number(String(line));
};

const event = (n: number) => ({ id: randomUUID(), type: "Noted", data: { n } });
const isOf =
  (...codes: string[]) =>
  (error: unknown) =>
    error instanceof EventStoreError && codes.includes(error.code);

for (const libraryOnly of [false, true]) {
  const client = libraryOnly ? "the library" : "our own client";
  describe(`${client}: a connection to a node that is killed`, { timeout: 60_000 }, () => {
    test("breaks what was under way, says so, and works again when the node is back", async () => {
      const port = await startNode();
      const store = await connectEventStoreDb(`esdb://127.0.0.1:${port}?tls=false`, {
        timeoutMs: 3_000,
        libraryOnly,
      });
      assert.ok((await store.append("a", [event(0)], "no-stream")).ok);
      const live = new Promise<void>((resolve) => {
        const subscription = store.subscribe({
          after: "end",
          onEvents: () => undefined,
          onCaughtUp: resolve,
        });
        broken = subscription.closed;
      });
      await live;
      const underWay = Promise.allSettled(
        Array.from({ length: 50 }, (_, n) => store.append(`b-${n}`, [event(n)], "no-stream")),
      );
      node?.kill("SIGKILL");
      await assert.rejects(broken, isOf("unavailable"));
      for (const outcome of await underWay)
        if (outcome.status === "rejected")
          assert.ok(isOf("unavailable", "timeout")(outcome.reason), String(outcome.reason));
      await assert.rejects(store.append("a", [event(1)], 0n), isOf("unavailable", "timeout"));
      const dead = store.subscribe({ after: "end", onEvents: () => undefined });
      await assert.rejects(dead.closed, isOf("unavailable"));

      await startNode(port);
      const retry = event(1);
      for (let tried = 0; ; tried++) {
        try {
          assert.ok((await store.append("a", [retry], 0n)).ok);
          break;
        } catch (error) {
          assert.ok(isOf("unavailable", "timeout")(error) && tried < 40, String(error));
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
      const read: unknown[] = [];
      for await (const { data } of store.readStream("a", "start")) read.push(data);
      assert.deepEqual(read, [{ n: 0 }, { n: 1 }]);
      await store.close();
    });
    let broken: Promise<void> = Promise.resolve();
  });

  describe(`${client}: a connection to something that never answers`, { timeout: 60_000 }, () => {
    test("gives up in its own time", async () => {
      const sockets = new Set<Socket>();
      const deaf = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
      deaf.listen(0, "127.0.0.1");
      await once(deaf, "listening");
      const { port } = deaf.address() as { port: number };
      const store = await connectEventStoreDb(`esdb://127.0.0.1:${port}?tls=false`, {
        timeoutMs: 200,
        libraryOnly,
      });
      await assert.rejects(store.append("a", [event(0)], "any"), isOf("timeout"));
      await assert.rejects(store.head(), isOf("timeout"));
      for (const socket of sockets) socket.destroy();
      deaf.close();
      await store.close();
    });
  });

  describe(`${client}: a node whose disk is full`, { timeout: 60_000 }, () => {
    test("refuses over the wire as it does in process, and goes on", async () => {
      const files = faultyFiles();
      const embedded = await openEmbeddedStore({ directory, files });
      const server = await serveEmbeddedStore(embedded);
      const store = await connectEventStoreDb(server.url, { libraryOnly });
      assert.ok((await store.append("a", [event(0)], "no-stream")).ok);
      files.setSpace(10);
      await assert.rejects(store.append("a", [event(1)], 0n), isOf("disk-full"));
      await assert.rejects(store.deleteStream("a", 0n), isOf("disk-full"));
      files.setSpace(Number.POSITIVE_INFINITY);
      assert.ok((await store.append("a", [event(2)], 0n)).ok);
      await store.close();
      await server.close();
      await embedded.close();
    });
  });
}

describe("a process", () => {
  test("shares one connection, and is refused a second one to another server", async () => {
    const url = "esdb://127.0.0.1:1?tls=false";
    const first = await connectEventStoreDb(url);
    const second = await connectEventStoreDb(url.replace("esdb", "kurrentdb"));
    await assert.rejects(connectEventStoreDb("esdb://127.0.0.1:2?tls=false"), isOf("bad-request"));
    await first.close();
    await second.close();
    await assert.rejects(connectEventStoreDb("esdb://"), isOf("bad-request"));
  });

  test("begins anew while the last user is leaving, and still has one connection", async () => {
    const url = "esdb://127.0.0.1:1?tls=false";
    const leaving = (await connectEventStoreDb(url)).close();
    const next = await connectEventStoreDb(url);
    await leaving;
    await assert.rejects(connectEventStoreDb("esdb://127.0.0.1:2?tls=false"), isOf("bad-request"));
    await next.close();
    await (await connectEventStoreDb("esdb://127.0.0.1:2?tls=false")).close();
  });

  test("chooses its event store by address or directory", async () => {
    await assert.rejects(connectEventStore({}), isOf("bad-request"));
    await assert.rejects(connectEventStore({ url: "http://x" }), isOf("bad-request"));
    const store = await connectEventStore({ url: "", directory });
    assert.ok((await store.append("a", [event(0)], "no-stream")).ok);
    await store.close();
  });
});
