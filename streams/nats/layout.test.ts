import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { AckPolicy, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { digest, order } from "../../testing/contracts/task-queue.ts";
import {
  commitSubject,
  consumerNextSubject,
  heartbeatSubject,
  resultSubject,
  resultsConsumer,
  resultsStream,
  tasksStream,
} from "../names.ts";
import { statementsOf } from "../task-queue.ts";
import { connectNats, type NatsLink } from "./connection.ts";
import { type NatsServer, startNatsServer } from "./server.ts";
import { openTaskDesk } from "./task-desk.ts";
import { openTaskSource } from "./task-source.ts";
import { encodeReport } from "./wire.ts";

describe("streams and consumers", () => {
  let directory: string;
  let server: NatsServer;
  let link: NatsLink;
  let jsm: JetStreamManager;
  const heard: string[] = [];
  const malformed: string[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-layout-"));
    server = await startNatsServer({ directory });
    link = await connectNats({ url: server.url, name: "layout test" });
    jsm = await jetstreamManager(link.connection, { checkAPI: false });
  });
  after(async () => {
    await link.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const desk = async () => {
    const opened = await openTaskDesk({
      url: server.url,
      onMalformed: (subject, reason) => malformed.push(`${subject}: ${reason}`),
    });
    opened.consumeResults(async (nodeId, results) => {
      for (const { jobHash } of statementsOf(results)) heard.push(`${nodeId} ${jobHash}`);
    });
    return opened;
  };
  const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 500 && !(await isSo()); i++) await sleep(10);
    assert.ok(await isSo(), "waited in vain");
  };
  const open = async (stream: string) => (await jsm.streams.info(stream)).state.messages;

  test("streams of an earlier version get the new subjects and keep what they hold", async () => {
    await jsm.streams.add({
      name: resultsStream,
      subjects: ["cnct.result.*"],
      retention: "workqueue",
      max_bytes: 1_000_000,
    });
    await jsm.consumers.add(resultsStream, {
      durable_name: resultsConsumer,
      filter_subject: "cnct.result.*",
      ack_policy: AckPolicy.Explicit,
    });
    const failed = { outcome: "failed", code: "x", message: "", retryable: false } as const;
    const [part] = encodeReport([{ jobHash: digest("before"), replica: 0, attempt: 1, ...failed }]);
    link.connection.publish(resultSubject("ada"), part?.bundles[0]);
    await until(async () => (await open(resultsStream)) === 1);

    const opened = await desk();
    await until(() => heard.length === 1);
    assert.deepEqual(heard, [`ada ${digest("before")}`]);
    const { config } = await jsm.streams.info(resultsStream);
    assert.deepEqual(config.subjects, ["cnct.result.*", "cnct.commit.*"]);
    assert.equal(config.max_bytes, 1_000_000, "an operator's limits stay");
    const consumer = await jsm.consumers.info(resultsStream, resultsConsumer);
    assert.ok(!consumer.config.filter_subject);
    link.connection.publish(commitSubject("ada"), "{}");
    await until(() => malformed.some((line) => line.startsWith("cnct.commit.ada")));
    await until(async () => (await open(resultsStream)) === 0);
    await opened.close();
  });

  // A node may name any subject for answers, and the server delivers the node's own task there.
  test("a task that a node had delivered as a result or a heartbeat is refused", async () => {
    heard.length = 0;
    malformed.length = 0;
    const opened = await desk();
    const beats: string[] = [];
    opened.onHeartbeat((nodeId) => beats.push(nodeId));
    await opened.publishTasks("ada", [order("lure")], "lure");
    await link.connection.flush();
    const ask = (reply: string) =>
      link.connection.publish(consumerNextSubject(tasksStream, "ada"), '{"batch":1}', { reply });
    ask(resultSubject("bob"));
    await until(() => malformed.length === 1);
    // The stream took it, and the validator's consumer had it, with the subject that it really has.
    assert.match(malformed[0] ?? "", /^cnct\.task\.ada: /);

    await opened.publishTasks("ada", [order("second")], "second");
    await opened.publishTasks("ada", [order("third")], "third");
    ask(heartbeatSubject("bob"));
    await until(() => malformed.length === 2);
    ask("cnct.task.bob");
    const bob = await openTaskSource({ url: server.url, nodeId: "bob" });
    await opened.ensure(["bob"]);
    const tasks: string[] = [];
    bob.consumeTasks(
      () => 10,
      (delivery) => {
        for (const { jobHash } of delivery.tasks) tasks.push(jobHash);
        delivery.ack();
      },
    );
    await opened.publishTasks("bob", [order("own")], "own");
    await until(() => tasks.length > 0);
    assert.deepEqual(tasks, [digest("own")]);
    assert.deepEqual(heard, []);
    assert.deepEqual(beats, []);
    await until(async () => (await open(resultsStream)) === 0);
    await bob.close();
    await opened.close();
  });

  test("what a node names for answers reaches nothing of JetStream itself", async () => {
    const opened = await desk();
    await opened.ensure(["ada", "bob"]);
    const held = await jsm.streams.info(tasksStream);
    for (const [index, reply] of [
      `$JS.API.STREAM.PURGE.${tasksStream}`,
      `$JS.API.STREAM.DELETE.${tasksStream}`,
      `$JS.API.CONSUMER.DELETE.${tasksStream}.bob`,
    ].entries()) {
      await opened.publishTasks("ada", [order(`lever-${index}`)], `lever-${index}`);
      link.connection.publish(consumerNextSubject(tasksStream, "ada"), '{"batch":1}', { reply });
    }
    await link.connection.flush();
    await until(async () => {
      const { num_ack_pending } = await jsm.consumers.info(tasksStream, "ada");
      return num_ack_pending >= 3;
    });
    assert.equal((await jsm.consumers.info(tasksStream, "bob")).name, "bob");
    assert.ok((await open(tasksStream)) >= held.state.messages + 3);
    await opened.close();
  });
});
