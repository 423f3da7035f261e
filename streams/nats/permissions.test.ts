/** A node gets by with the subjects that its credentials will allow, and the server refuses others. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { digest, order } from "../../testing/contracts/task-queue.ts";
import { connectNats } from "./connection.ts";
import { findNatsServer } from "./server.ts";
import { openTaskDesk } from "./task-desk.ts";
import { openTaskSource } from "./task-source.ts";

const configOf = (port: number, directory: string): string => `
listen: "127.0.0.1:${port}"
jetstream { store_dir: "${directory}" }
authorization {
  users: [
    { user: desk, password: secret }
    { user: ada, password: secret, permissions: {
      publish: { allow: [
        "$JS.API.CONSUMER.INFO.TASKS.ada", "$JS.API.CONSUMER.MSG.NEXT.TASKS.ada",
        "$JS.ACK.TASKS.ada.>", "cnct.result.ada", "cnct.hb.ada"
      ] }
      subscribe: { allow: ["_INBOX.ada.>"] }
    } }
  ]
}
`;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address && typeof address === "object");
  server.close();
  await once(server, "close");
  return address.port;
};

test("a node needs no more than its own subjects", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-nats-"));
  const port = await freePort();
  const config = join(directory, "server.conf");
  await writeFile(config, configOf(port, join(directory, "jetstream")));
  const binary = findNatsServer();
  assert.ok(binary, "nats-server must be installed");
  const server = spawn(binary, ["-c", config], { stdio: "ignore" });
  try {
    const desk = await openTaskDesk({ url: `nats://desk:secret@127.0.0.1:${port}` });
    await desk.ensure(["ada", "bob"]);
    const url = `nats://ada:secret@127.0.0.1:${port}`;
    const link = await connectNats({ url, name: "ada", inboxPrefix: "_INBOX.ada" });
    const denied: string[] = [];
    link.listen({ onDenied: (operation) => denied.push(operation) });
    const source = await openTaskSource({ link, nodeId: "ada" });
    const results: string[] = [];
    const beats: number[] = [];
    desk.onHeartbeat((_, { held }) => beats.push(held));
    desk.consumeResults(async (nodeId, bundle) => {
      for (const { jobHash } of bundle) results.push(`${nodeId} ${jobHash}`);
    });
    source.consumeTasks(
      () => 10,
      async (delivery) => {
        if (delivery.delivered === 1) return delivery.nak(0);
        delivery.working();
        const failed = { outcome: "failed", code: "x", message: "", retryable: false } as const;
        await source.publishResults(
          delivery.tasks.map(({ jobHash, replica, attempt }) => ({
            jobHash,
            replica,
            attempt,
            ...failed,
          })),
          "r1",
        );
        await delivery.ack();
      },
    );
    await desk.publishTasks("ada", [order("one")], "m1");
    source.heartbeat({ instance: "a-1", held: 1, draining: false });
    const waits = async () => (await desk.waiting()).get("ada") ?? 0;
    for (let i = 0; i < 300 && (results.length === 0 || (await waits()) > 0); i++) await sleep(10);
    assert.deepEqual(results, [`ada ${digest("one")}`]);
    assert.deepEqual(beats, [1]);
    assert.equal(await waits(), 0);
    assert.deepEqual(denied, []);
    // And the check would have seen it.
    link.connection.publish("cnct.result.bob", "x");
    for (let i = 0; i < 100 && denied.length === 0; i++) await sleep(10);
    assert.deepEqual(denied, ["publish cnct.result.bob"]);
    await source.close();
    await desk.close();
  } finally {
    server.kill();
    await once(server, "exit");
    await rm(directory, { recursive: true, force: true });
  }
});
