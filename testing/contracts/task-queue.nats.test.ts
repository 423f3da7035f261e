import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { resultsStream, tasksStream } from "../../streams/names.ts";
import { connectNats, type NatsLink } from "../../streams/nats/connection.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import { openTaskDesk } from "../../streams/nats/task-desk.ts";
import { openTaskSource } from "../../streams/nats/task-source.ts";
import type { TaskDesk } from "../../streams/task-queue.ts";
import { type QueueUnderTest, taskQueueContract } from "./task-queue.ts";

interface Place {
  readonly url: string;
  readonly server?: QueueUnderTest["server"];
  close(): Promise<void>;
}

const queueAt = async (place: Place): Promise<QueueUnderTest> => {
  const { url, server } = place;
  const open: { close(): Promise<void> }[] = [];
  const links = new Map<TaskDesk, NatsLink>();
  let malformed = 0;
  const count = (): void => void malformed++;
  const keep = <Kept extends { close(): Promise<void> }>(one: Kept): Kept => {
    open.push(one);
    return one;
  };
  const stranger: NatsLink = keep(await connectNats({ url, name: "stranger" }));
  return {
    desk: async (settings) => {
      const link = await connectNats({ url, name: "desk" });
      const desk = keep(await openTaskDesk({ link, ...settings, onMalformed: count }));
      links.set(desk, link);
      return desk;
    },
    crash: async (desk) => {
      open.splice(open.indexOf(desk), 1);
      await links.get(desk)?.connection.close();
    },
    source: async (nodeId) => keep(await openTaskSource({ url, nodeId, onMalformed: count })),
    publishRaw: async (subject, bytes) => {
      stranger.connection.publish(subject, bytes);
      await stranger.connection.flush();
    },
    malformed: () => malformed,
    pass: (ms) => sleep(ms),
    ...(server ? { server } : {}),
    close: async () => {
      await Promise.race([Promise.all(open.map((one) => one.close())), sleep(3_000)]);
      await place.close();
    },
  };
};

const ownServer = async (): Promise<QueueUnderTest> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-queue-"));
  const server = await startNatsServer({ directory });
  const kill = async (meanwhile: () => Promise<void>): Promise<void> => {
    const pid = server.pid();
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await meanwhile();
    const isBack = () => server.pid() !== pid && server.pid() !== undefined;
    const wasLate = isBack();
    while (!isBack()) await sleep(10);
    // A server that was started meanwhile has what no server would have found: once more.
    if (wasLate) await kill(meanwhile);
  };
  return queueAt({
    url: server.url,
    server: {
      kill: () => kill(async () => {}),
      killAndWipe: () =>
        kill(() =>
          rm(join(directory, "jetstream"), { recursive: true, force: true, maxRetries: 5 }),
        ),
    },
    close: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  });
};

taskQueueContract("a nats-server of its own", ownServer, { killable: true, concurrency: 4 });

const url = process.env["CNCT_NATS_URL"];
if (url) {
  const dropStreams = async (): Promise<void> => {
    const link = await connectNats({ url, name: "contract" });
    const jsm = await jetstreamManager(link.connection, { checkAPI: false });
    for (const stream of [tasksStream, resultsStream])
      await jsm.streams.delete(stream).catch(() => {}); // A test that never made them.
    await link.close();
  };
  const refuseNetworks = async (): Promise<void> => {
    const link = await connectNats({ url, name: "contract" });
    const jsm = await jetstreamManager(link.connection, { checkAPI: false });
    const names: string[] = [];
    for await (const name of jsm.streams.names()) names.push(name);
    await link.close();
    if (names.includes(tasksStream) || names.includes(resultsStream))
      throw new Error(`a network lives on ${url}: these tests need a server without its streams`);
  };
  const shared = async (): Promise<QueueUnderTest> => {
    await refuseNetworks();
    return queueAt({ url, close: dropStreams });
  };
  taskQueueContract("the server at CNCT_NATS_URL", shared, { killable: false, concurrency: 1 });
} else
  describe("the task queue on the server at CNCT_NATS_URL", () => {
    test("is tested where that variable is set", { skip: "CNCT_NATS_URL is not set" }, () => {});
  });
