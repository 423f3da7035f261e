/**
 * What every task queue must do, whatever carries it. Time passes through the rig, so that the same
 * sentences hold on the wall clock with a real server and on a clock that a test moves by hand.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { SignedBundle } from "../../domain/receipts/bundle.ts";
import type { ResultStatement as SignedStatement } from "../../domain/receipts/statement.ts";
import { commitSubject, controlSubject, resultSubject, taskSubject } from "../../streams/names.ts";
import { resultBytesMax } from "../../streams/nats/wire.ts";
import {
  bundleTasksMax,
  type Report,
  type ResultStatement,
  statementsOf,
  type TaskDelivery,
  type TaskDesk,
  type TaskOrder,
  type TaskSource,
} from "../../streams/task-queue.ts";

export interface DeskSettings {
  readonly ackWaitMs: Millis;
  readonly maxDeliver: number;
  readonly sweepMs: Millis;
}

/** One empty queue and ways to reach it. */
export interface QueueUnderTest {
  desk(settings: DeskSettings): Promise<TaskDesk>;
  source(nodeId: NodeId): Promise<TaskSource>;
  /** A message as a stranger might send it. */
  publishRaw(subject: string, bytes: Uint8Array): Promise<void>;
  /** How many messages were reported as malformed so far, by desks and sources. */
  malformed(): number;
  pass(ms: Millis): Promise<void>;
  /** Ends the desk as a crash would: it says nothing any more, and its handlers count for nothing. */
  crash(desk: TaskDesk): Promise<void>;
  /** Only where there is a server to kill. */
  readonly server?: {
    /** SIGKILL; resolves when it runs again. */
    kill(): Promise<void>;
    /** The same, and everything that it had stored is gone. */
    killAndWipe(): Promise<void>;
  };
  /** Whatever is still open. */
  close(): Promise<void>;
}

const ada: NodeId = "ada";
const bob: NodeId = "bob";
const brisk: DeskSettings = { ackWaitMs: 300, maxDeliver: 5, sweepMs: 200 };
/** Nothing is ever delivered again during a test. */
const patient: DeskSettings = { ackWaitMs: 60_000, maxDeliver: 5, sweepMs: 60_000 };
const plenty = (): number => 1_000;

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

export const order = (name: string, params: Readonly<Record<string, unknown>> = {}): TaskOrder => ({
  jobHash: digest(name),
  replica: 0,
  attempt: 1,
  app: "ocr",
  params,
  inputs: { page: { digest: digest(`page of ${name}`), size: 1_000 } },
  executionClass: "ort-web@1.30.0/wasm",
  wallMs: 60_000,
  expiresAt: 1_800_000_000_000,
});

const doneWith = ({ jobHash, replica, attempt }: TaskOrder): ResultStatement => ({
  jobHash,
  replica,
  attempt,
  outcome: "done",
  executionClass: "ort-web@1.30.0/wasm",
  outputDigest: digest(`output of ${jobHash}`),
  outputSize: 10,
  elapsedMs: 1.5,
});

export interface ContractOptions {
  /** Whether `server` is there: its rules are for those queues only. */
  readonly killable: boolean;
  /** Tests that may run at once; each opens a queue of its own. */
  readonly concurrency: number;
}

/** In the form of a signed bundle: nobody between a node and the validator looks at the signature. */
const bundleWith = (orders: readonly TaskOrder[]): SignedBundle => {
  const worker = `cnct:${"a".repeat(52)}`;
  const statements = orders.map(
    ({ jobHash, replica, attempt, executionClass }): SignedStatement => {
      const about = { version: 1, jobHash, replica, attempt, nodeId: ada, worker } as const;
      const output = { digest: digest("output"), size: 12 };
      const more = { resultTag: digest("tag"), output, appDigest: digest("app"), executionClass };
      return { ...about, ...more, usage: { wallMs: 34 }, startedAt: 1_800_000_000_000 };
    },
  );
  const bundle = { version: 1, worker, keyId: digest("key"), root: digest("root") } as const;
  const signature = "5e".repeat(64);
  return { version: 1, bundle: { ...bundle, size: statements.length }, signature, statements };
};

export const taskQueueContract = (
  name: string,
  open: () => Promise<QueueUnderTest>,
  { killable, concurrency }: ContractOptions,
): void => {
  describe(`the task queue on ${name}`, { concurrency }, () => {
    const rule = (title: string, run: (queue: QueueUnderTest) => Promise<void>): void => {
      test(title, async () => {
        const queue = await open();
        try {
          await run(queue);
        } finally {
          await queue.close();
        }
      });
    };

    rule("gives a bundle to the node that it is for, and to no other", async (queue) => {
      const desk = await queue.desk(patient);
      await desk.ensure([ada, bob]);
      const forAda = listen(await queue.source(ada));
      const forBob = listen(await queue.source(bob));
      const orders = [order("one"), order("two", { language: "ελ" })];
      await desk.publishTasks(ada, orders, "m1");
      await desk.publishTasks(bob, [order("three")], "m2");
      await until(queue, () => forAda.length === 1 && forBob.length === 1);
      assert.deepEqual(forAda[0]?.tasks, orders);
      assert.deepEqual(forBob[0]?.tasks, [order("three")]);
      assert.equal(forAda[0]?.delivered, 1);
      await queue.pass(100);
      assert.deepEqual([forAda.length, forBob.length], [1, 1]);
    });

    rule("keeps work for a node that is not there yet", async (queue) => {
      const desk = await queue.desk(patient);
      await desk.publishTasks(ada, [order("one")], "m1");
      await until(queue, async () => (await desk.waiting()).get(ada) === 1);
      const heard = listen(await queue.source(ada));
      await until(queue, () => heard.length === 1);
      heard[0]?.ack();
      await until(queue, async () => ((await desk.waiting()).get(ada) ?? 0) === 0);
    });

    rule("lets a source come before the desk that makes its queue", async (queue) => {
      const heard = listen(await queue.source(ada));
      await queue.pass(300);
      const desk = await queue.desk(patient);
      await desk.publishTasks(ada, [order("one")], "m1");
      await until(queue, () => heard.length === 1);
    });

    rule(
      "keeps the first of two messages with one id, also while the first is done",
      async (queue) => {
        const desk = await queue.desk(patient);
        const heard = listen(await queue.source(ada), (delivery) => delivery.ack());
        await desk.publishTasks(ada, [order("one")], "m1");
        await desk.publishTasks(ada, [order("two")], "m1");
        await until(queue, () => heard.length === 1);
        await desk.publishTasks(ada, [order("three")], "m1");
        await desk.publishTasks(ada, [order("four")], "m2");
        await until(queue, () => heard.length === 2);
        assert.deepEqual(namesOf(heard), [digest("one"), digest("four")]);
      },
    );

    rule("asks for nothing while nothing is wanted", async (queue) => {
      const desk = await queue.desk(patient);
      let wanted = 0;
      const heard = listen(
        await queue.source(ada),
        () => wanted--,
        () => wanted,
      );
      for (let i = 0; i < 40; i++) await desk.publishTasks(ada, [order(`${i}`)], `m${i}`);
      await queue.pass(200);
      assert.equal(heard.length, 0);
      wanted = 3;
      await until(queue, () => heard.length >= 3);
      await queue.pass(200);
      assert.ok(heard.length < 20, `3 were wanted, ${heard.length} came`);
      wanted = 1_000;
      await until(queue, () => heard.length === 40);
    });

    rule("delivers again after a nak, not before its delay", async (queue) => {
      const desk = await queue.desk(patient);
      const heard = listen(await queue.source(ada), (delivery) =>
        delivery.delivered === 1 ? delivery.nak(400) : delivery.ack(),
      );
      await desk.publishTasks(ada, [order("one")], "m1");
      await until(queue, () => heard.length === 1);
      await queue.pass(200);
      assert.equal(heard.length, 1);
      await until(queue, () => heard.length === 2);
      assert.deepEqual(heard[1]?.tasks, [order("one")]);
      assert.equal(heard[1]?.delivered, 2);
    });

    rule("delivers again when a node died with its work", async (queue) => {
      const desk = await queue.desk(brisk);
      const first = await queue.source(ada);
      const lost = listen(first);
      await desk.publishTasks(ada, [order("one")], "m1");
      await until(queue, () => lost.length === 1);
      await first.close();
      const heard = listen(await queue.source(ada), (delivery) => delivery.ack());
      await until(queue, () => heard.length === 1);
      assert.equal(heard[0]?.delivered, 2);
      await queue.pass(2 * brisk.ackWaitMs);
      assert.equal(heard.length, 1);
    });

    rule("waits for a node that says it works", async (queue) => {
      const desk = await queue.desk(brisk);
      const heard = listen(await queue.source(ada));
      await desk.publishTasks(ada, [order("one")], "m1");
      await until(queue, () => heard.length === 1);
      for (let i = 0; i < 10; i++) {
        heard[0]?.working();
        await queue.pass(brisk.ackWaitMs / 3);
      }
      assert.equal(heard.length, 1);
      // It falls silent.
      await until(queue, () => heard.length === 2);
    });

    rule("reports a bundle once that was given too often, and removes it", async (queue) => {
      const desk = await queue.desk({ ...brisk, maxDeliver: 2 });
      const exhausted = hearExhausted(desk);
      const heard = listen(await queue.source(ada));
      await desk.publishTasks(ada, [order("poison")], "m1");
      await until(queue, () => exhausted.length === 1);
      assert.deepEqual(exhausted, [{ nodeId: ada, tasks: [order("poison")] }]);
      assert.equal(heard.length, 2);
      await until(queue, async () => ((await desk.waiting()).get(ada) ?? 0) === 0);
      await queue.pass(1_000);
      assert.deepEqual([exhausted.length, heard.length], [1, 2]);
    });

    rule("reports it also when no desk was there at that moment", async (queue) => {
      const settings = { ...brisk, maxDeliver: 2 };
      const first = await queue.desk(settings);
      const heard = listen(await queue.source(ada), (delivery) => {
        if (delivery.tasks[0]?.jobHash === digest("good")) delivery.ack();
      });
      await first.publishTasks(ada, [order("poison")], "m1");
      await first.publishTasks(ada, [order("good")], "m2");
      await first.close();
      await until(queue, () => heard.length === 3);
      await queue.pass(4 * brisk.ackWaitMs);
      const second = await queue.desk(settings);
      const exhausted = hearExhausted(second);
      await until(queue, () => exhausted.length === 1);
      assert.deepEqual(exhausted, [{ nodeId: ada, tasks: [order("poison")] }]);
      await until(queue, async () => ((await second.waiting()).get(ada) ?? 0) === 0);
      await queue.pass(1_000);
      assert.equal(exhausted.length, 1);
    });

    rule("tells exhausted work from other work of the node that is under way", async (queue) => {
      const settings = { ...brisk, maxDeliver: 2 };
      const first = await queue.desk(settings);
      const busy: TaskDelivery[] = [];
      const heard = listen(await queue.source(ada), (delivery) => {
        if (delivery.tasks[0]?.jobHash === digest("good")) delivery.ack();
        if (delivery.tasks[0]?.jobHash === digest("busy")) busy.push(delivery);
      });
      for (const name of ["poison", "busy", "good"])
        await first.publishTasks(ada, [order(name)], name);
      await first.close();
      const work = async (ms: Millis): Promise<void> => {
        for (let spentMs = 0; spentMs < ms; spentMs += 50) {
          busy[0]?.working();
          await queue.pass(50);
        }
      };
      await until(queue, () => heard.length >= 3);
      await work(5 * brisk.ackWaitMs);
      assert.deepEqual([heard.length, busy.length], [4, 1]);
      const second = await queue.desk(settings);
      const exhausted = hearExhausted(second);
      await work(5 * brisk.sweepMs);
      busy[0]?.ack();
      await until(queue, () => exhausted.length > 0);
      await queue.pass(3 * brisk.sweepMs);
      assert.deepEqual(exhausted, [{ nodeId: ada, tasks: [order("poison")] }]);
    });

    rule("never takes work that is waiting or under way for exhausted", async (queue) => {
      const desk = await queue.desk({ ...patient, sweepMs: 50 });
      const exhausted = hearExhausted(desk);
      let room = 3;
      const heard = listen(
        await queue.source(ada),
        () => room--,
        () => Math.min(room, 1),
      );
      for (let i = 0; i < 9; i++) await desk.publishTasks(ada, [order(`${i}`)], `m${i}`);
      await until(queue, () => heard.length >= 3);
      heard[1]?.ack();
      await queue.pass(500);
      assert.equal(exhausted.length, 0);
      assert.equal((await desk.waiting()).get(ada), 8);
    });

    rule("is done with results when their handler has resolved, and not before", async (queue) => {
      const desk = await queue.desk(brisk);
      const source = await queue.source(ada);
      let failures = 2;
      const heard: Report[] = [];
      desk.consumeResults(async (nodeId, results) => {
        assert.equal(nodeId, ada);
        heard.push(results);
        if (failures-- > 0) throw new Error("the store is away");
      });
      const results = [doneWith(order("one")), doneWith(order("two"))];
      await source.publishResults(results, "r1");
      await until(queue, () => heard.length === 3);
      await queue.pass(4 * brisk.ackWaitMs);
      assert.equal(heard.length, 3);
      for (const bundle of heard) assert.deepEqual(bundle, results);
    });

    rule(
      "does not give a bundle to a second handler while the first one is at it",
      async (queue) => {
        const desk = await queue.desk(brisk);
        const source = await queue.source(ada);
        let begun = 0;
        let finish: (() => void) | undefined;
        const consumption = desk.consumeResults(() => {
          begun++;
          return new Promise((resolve) => {
            finish = resolve;
          });
        });
        await source.publishResults([doneWith(order("one"))], "r1");
        await until(queue, () => begun === 1);
        await queue.pass(4 * brisk.ackWaitMs);
        assert.equal(begun, 1);
        let stopped = false;
        const stop = consumption.stop().then(() => {
          stopped = true;
        });
        await queue.pass(50);
        assert.equal(stopped, false, "a consumption stops when no handler runs any more");
        finish?.();
        await stop;
      },
    );

    rule("gives the results of a validator that died to another", async (queue) => {
      const first = await queue.desk(brisk);
      const second = await queue.desk(brisk);
      const source = await queue.source(ada);
      let begun = 0;
      let finish: (() => void) | undefined;
      first.consumeResults(() => {
        begun++;
        return new Promise((resolve) => {
          finish = resolve;
        });
      });
      await source.publishResults([doneWith(order("one"))], "r1");
      await until(queue, () => begun === 1);
      let heard = 0;
      second.consumeResults(async () => void heard++);
      await queue.pass(2 * brisk.ackWaitMs);
      assert.equal(heard, 0, "it is still at it");
      await queue.crash(first);
      await until(queue, () => heard === 1);
      finish?.();
    });

    rule("shares results between validators, each bundle to one", async (queue) => {
      const desks = [await queue.desk(patient), await queue.desk(patient)];
      const source = await queue.source(ada);
      const heard: string[][] = [[], []];
      for (const [i, desk] of desks.entries())
        desk.consumeResults(async (_, results) => {
          for (const { jobHash } of statementsOf(results)) heard[i]?.push(jobHash);
        });
      await queue.pass(50);
      const names = Array.from({ length: 60 }, (_, i) => order(`${i}`));
      for (const [i, one] of names.entries()) await source.publishResults([doneWith(one)], `r${i}`);
      await until(queue, () => heard.flat().length >= names.length);
      await queue.pass(200);
      assert.deepEqual(heard.flat().sort(), names.map(({ jobHash }) => jobHash).sort());
      assert.ok(
        heard.every((each) => each.length > 0),
        "both must get some",
      );
    });

    rule("counts results that nobody has taken up", async (queue) => {
      const desk = await queue.desk(patient);
      const source = await queue.source(ada);
      for (let i = 0; i < 3; i++) await source.publishResults([doneWith(order(`${i}`))], `r${i}`);
      await until(queue, async () => (await desk.resultsWaiting()) === 3);
      desk.consumeResults(async () => {});
      await until(queue, async () => (await desk.resultsWaiting()) === 0);
    });

    rule("keeps the first of two result messages with one id", async (queue) => {
      const desk = await queue.desk(patient);
      const source = await queue.source(ada);
      const heard: string[] = [];
      desk.consumeResults(async (_, results) => {
        for (const { jobHash } of statementsOf(results)) heard.push(jobHash);
      });
      await source.publishResults([doneWith(order("one"))], "r1");
      await source.publishResults([doneWith(order("one"))], "r1");
      await source.publishResults([doneWith(order("two"))], "r2");
      await until(queue, () => heard.length === 2);
      await queue.pass(100);
      assert.deepEqual(heard, [digest("one"), digest("two")]);
    });

    rule("carries a failure with its code and message", async (queue) => {
      const desk = await queue.desk(patient);
      const source = await queue.source(ada);
      const heard: unknown[] = [];
      desk.consumeResults(async (_, report) => void heard.push(...statementsOf(report)));
      const { jobHash, replica, attempt } = order("one");
      const failure: ResultStatement = {
        jobHash,
        replica,
        attempt,
        outcome: "failed",
        code: "out-of-memory",
        message: "the model needs 2 GiB",
        retryable: true,
      };
      const { message } = failure;
      await source.publishResults(
        [failure, { ...failure, message: message.padEnd(400, "!") }],
        "r1",
      );
      await until(queue, () => heard.length === 2);
      assert.deepEqual(heard, [failure, { ...failure, message: message.padEnd(300, "!") }]);
    });

    rule(
      "splits a bundle that is too large for one message, and dedupes its parts",
      async (queue) => {
        const desk = await queue.desk(patient);
        const heard = listen(await queue.source(ada), (delivery) => delivery.ack());
        const many = Array.from({ length: bundleTasksMax * 2 + 1 }, (_, i) => order(`${i}`));
        const heavy = Array.from({ length: 60 }, (_, i) =>
          order(`h${i}`, { text: "é".repeat(16_000) }),
        );
        for (let again = 0; again < 2; again++) {
          await desk.publishTasks(ada, many, "many");
          await desk.publishTasks(ada, heavy, "heavy");
        }
        const expected = [...many, ...heavy].map(({ jobHash }) => jobHash).sort();
        await until(queue, () => namesOf(heard).length >= expected.length);
        await queue.pass(200);
        assert.deepEqual(namesOf(heard).sort(), expected);
        for (const { tasks } of heard) assert.ok(tasks.length <= bundleTasksMax);
        const source = await queue.source(bob);
        const results: string[] = [];
        desk.consumeResults(async (_, bundle) => {
          assert.ok(statementsOf(bundle).length <= bundleTasksMax);
          for (const { jobHash } of statementsOf(bundle)) results.push(jobHash);
        });
        await source.publishResults(many.map(doneWith), "results");
        await until(queue, () => results.length === many.length);
      },
    );

    rule("carries commits, and what opens them, apart from each other", async (queue) => {
      const desk = await queue.desk(patient);
      const source = await queue.source(ada);
      const heard: Report[] = [];
      desk.consumeResults(async (nodeId, report) => {
        assert.equal(nodeId, ada);
        heard.push(report);
      });
      const { jobHash, replica, attempt } = order("one");
      const task = { jobHash, replica, attempt };
      const commit = { ...task, outcome: "committed", commit: digest("commit") } as const;
      const reveal = { resultTag: digest("tag"), salt: digest("salt") };
      const result = { ...doneWith(order("one")), ...reveal };
      await source.publishResults([result, commit], "both");
      await until(queue, () => heard.length === 2);
      const isCommit = (report: Report) => statementsOf(report).some((one) => "commit" in one);
      assert.deepEqual(heard.filter(isCommit), [[commit]]);
      assert.deepEqual(
        heard.filter((report) => !isCommit(report)),
        [[result]],
      );
      const raw = (part: object) => Buffer.from(JSON.stringify({ v: 1, results: [part] }));
      await queue.publishRaw(commitSubject(ada), raw(result));
      await queue.publishRaw(resultSubject(ada), raw(commit));
      await until(queue, () => queue.malformed() === 2);
      assert.equal(heard.length, 2, "a result is none on the subject of commits");
    });

    rule(
      "carries a signed bundle as it is, and refuses what only looks like one",
      async (queue) => {
        const desk = await queue.desk(patient);
        const source = await queue.source(ada);
        const heard: Report[] = [];
        desk.consumeResults(async (_, report) => void heard.push(report));
        const signed = bundleWith([order("one"), order("two")]);
        await source.publishResults(signed, "r1");
        await until(queue, () => heard.length === 1);
        assert.deepEqual(heard, [signed]);
        const bad = [
          { v: 1, signed: { ...signed, more: 1 } },
          { v: 2, signed },
          { v: 1, signed, results: [] },
          { v: 1, signed: { ...signed, statements: signed.statements.slice(1) } },
          { v: 1, signed: { ...signed, signature: "5" } },
          { v: 1, signed: null },
        ];
        for (const one of bad)
          await queue.publishRaw(resultSubject(ada), Buffer.from(JSON.stringify(one)));
        await queue.publishRaw(commitSubject(ada), Buffer.from(JSON.stringify({ v: 1, signed })));
        await queue.publishRaw(resultSubject(ada), Buffer.alloc(resultBytesMax + 1, " "));
        await until(queue, () => queue.malformed() === bad.length + 2);
        assert.equal(heard.length, 1);
      },
    );

    rule("asks a node, and no other, to show or to stop, as often as it is said", async (queue) => {
      const desk = await queue.desk(patient);
      const heard = { ada: [] as unknown[], bob: [] as unknown[] };
      const stopped: unknown[] = [];
      for (const name of ["ada", "bob"] as const) {
        const source = await queue.source(name === "ada" ? ada : bob);
        source.onReveal((tasks) => heard[name].push(...tasks));
        source.onStop((tasks) => stopped.push(name, ...tasks));
      }
      await queue.pass(50);
      const keyOf = ({ jobHash, replica, attempt }: TaskOrder) => ({ jobHash, replica, attempt });
      const keys = [order("one"), order("two")].map(keyOf);
      desk.requestReveals(ada, keys);
      desk.requestReveals(ada, keys.slice(0, 1));
      desk.requestStops(bob, keys.slice(1));
      await until(queue, () => heard.ada.length === 3 && stopped.length === 2);
      assert.deepEqual(heard, { ada: [...keys, keys[0]], bob: [] });
      assert.deepEqual(stopped, ["bob", keys[1]]);
      const many = Array.from({ length: bundleTasksMax + 1 }, (_, i) => keyOf(order(`${i}`)));
      desk.requestReveals(bob, many);
      await until(queue, () => heard.bob.length === many.length);
      await queue.publishRaw(controlSubject(bob, "reveal"), Buffer.from('{"v":1,"reveal":[]}'));
      await queue.publishRaw(controlSubject(bob, "stop"), Buffer.from('{"v":1,"reveal":[]}'));
      await until(queue, () => queue.malformed() === 2);
      assert.equal(heard.bob.length, many.length);
      assert.equal(stopped.length, 2);
    });

    rule("passes heartbeats on", async (queue) => {
      const desk = await queue.desk(patient);
      const heard: unknown[] = [];
      desk.onHeartbeat((nodeId, heartbeat) => heard.push({ nodeId, ...heartbeat }));
      await queue.pass(50);
      const source = await queue.source(ada);
      source.heartbeat({ instance: "a-1", held: 3, draining: true });
      await until(queue, () => heard.length === 1);
      assert.deepEqual(heard, [{ nodeId: ada, instance: "a-1", held: 3, draining: true }]);
    });

    rule(
      "tells every desk handler of a heartbeat, and calls the roll of whom it names",
      async (queue) => {
        const desk = await queue.desk(patient);
        const heard: string[] = [];
        for (const name of ["dispatcher", "gateway"])
          desk.onHeartbeat((nodeId) => heard.push(`${name} ${nodeId}`));
        await queue.pass(50);
        for (const nodeId of [ada, bob]) {
          const source = await queue.source(nodeId);
          source.onRollCall(() => source.heartbeat({ instance: "a", held: 0, draining: false }));
        }
        await queue.pass(50);
        desk.callRoll([ada, "of-nobody"]);
        await until(queue, () => heard.length >= 2);
        desk.callRoll([]);
        await queue.pass(50);
        assert.deepEqual(heard, [`dispatcher ${ada}`, `gateway ${ada}`]);
      },
    );

    rule("tells a node, and no other, to stop taking tasks and to go on", async (queue) => {
      const desk = await queue.desk(patient);
      const heard: string[] = [];
      for (const nodeId of [ada, bob])
        (await queue.source(nodeId)).onDrain((drains) => heard.push(`${nodeId} ${drains}`));
      await queue.pass(50);
      desk.tellDrain(ada, true);
      desk.tellDrain(ada, false);
      await until(queue, () => heard.length >= 2);
      await queue.pass(50);
      assert.deepEqual(heard, [`${ada} true`, `${ada} false`]);
    });

    rule("removes what it can not understand, says so, and goes on", async (queue) => {
      const desk = await queue.desk(brisk);
      await desk.ensure([ada]);
      const heard = listen(await queue.source(ada), (delivery) => delivery.ack());
      const results: string[] = [];
      desk.consumeResults(async (nodeId, bundle) => {
        for (const { jobHash } of statementsOf(bundle)) results.push(`${nodeId} ${jobHash}`);
      });
      desk.onHeartbeat(() => assert.fail("not a heartbeat"));
      await queue.pass(50);
      const bad = ["", "{", "null", "[]", '{"v":2,"tasks":[]}', '{"v":1,"tasks":[]}'];
      const good = { v: 1, tasks: [order("one")] };
      bad.push(JSON.stringify({ ...good, more: 1 }));
      bad.push(JSON.stringify({ ...good, tasks: [{ ...order("one"), wallMs: "1" }] }));
      bad.push(JSON.stringify({ v: 1, results: [{ ...doneWith(order("one")), elapsedMs: -1 }] }));
      bad.push(JSON.stringify({ v: 1, results: [{ ...doneWith(order("one")), secret: "x" }] }));
      for (const text of bad) {
        await queue.publishRaw(taskSubject(ada), Buffer.from(text));
        await queue.publishRaw(resultSubject(ada), Buffer.from(text));
      }
      const shout = Buffer.from(JSON.stringify({ v: 1, results: [doneWith(order("loud"))] }));
      await queue.publishRaw(resultSubject("NOT-A-NODE"), shout);
      await desk.publishTasks(ada, [order("two")], "m1");
      const source = await queue.source(bob);
      await source.publishResults([doneWith(order("three"))], "r1");
      await until(queue, () => heard.length === 1 && results.length === 1);
      assert.deepEqual(namesOf(heard), [digest("two")]);
      assert.deepEqual(results, [`bob ${digest("three")}`]);
      const reports = 2 * bad.length + 1;
      await until(queue, () => queue.malformed() >= reports);
      await queue.pass(3 * brisk.ackWaitMs);
      assert.equal(queue.malformed(), reports, "each is reported once");
      await until(queue, async () => ((await desk.waiting()).get(ada) ?? 0) === 0);
    });

    if (killable) serverRules(rule);
  });
};

/** What only a queue that has a server can be asked. */
const serverRules = (
  rule: (title: string, run: (queue: QueueUnderTest) => Promise<void>) => void,
): void => {
  rule("loses nothing when its server is killed", async (queue) => {
    assert.ok(queue.server, "a killable queue has a server");
    const desk = await queue.desk(brisk);
    const source = await queue.source(ada);
    const results = new Set<string>();
    for (let i = 0; i < 30; i++) await desk.publishTasks(ada, [order(`${i}`)], `m${i}`);
    await source.publishResults([doneWith(order("early"))], "early");
    await queue.server.kill();
    desk.consumeResults(async (_, bundle) => {
      for (const { jobHash } of statementsOf(bundle)) results.add(jobHash);
    });
    listen(source, async ({ tasks, ack }) => {
      await source.publishResults(tasks.map(doneWith), `r-${tasks[0]?.jobHash}`);
      ack();
    });
    await until(queue, () => results.size === 31);
    await desk.publishTasks(ada, [order("late")], "late");
    await until(queue, () => results.has(digest("late")));
  });

  rule("makes everything again when its server lost everything", async (queue) => {
    assert.ok(queue.server, "a killable queue has a server");
    const desk = await queue.desk(brisk);
    const source = await queue.source(ada);
    const results = new Set<string>();
    desk.consumeResults(async (_, bundle) => {
      for (const { jobHash } of statementsOf(bundle)) results.add(jobHash);
    });
    listen(source, async ({ tasks, ack }) => {
      await source.publishResults(tasks.map(doneWith), `r-${tasks[0]?.jobHash}`);
      ack();
    });
    for (let round = 0; round < 3; round++) {
      await desk.publishTasks(ada, [order(`${round}`)], `m${round}`);
      await until(queue, () => results.size === round + 1);
      if (round < 2) await queue.server.killAndWipe();
    }
  });
};

interface Exhausted {
  readonly nodeId: NodeId;
  readonly tasks: readonly TaskOrder[];
}

const hearExhausted = (desk: TaskDesk): readonly Exhausted[] => {
  const heard: Exhausted[] = [];
  desk.onExhausted((nodeId, tasks) => heard.push({ nodeId, tasks }));
  return heard;
};

/** Every delivery to the source, as it comes. */
const listen = (
  source: TaskSource,
  then: (delivery: TaskDelivery) => unknown = () => {},
  wanted: () => number = plenty,
): readonly TaskDelivery[] => {
  const heard: TaskDelivery[] = [];
  source.consumeTasks(wanted, (delivery) => {
    heard.push(delivery);
    then(delivery);
  });
  return heard;
};

const namesOf = (heard: readonly TaskDelivery[]): string[] =>
  heard.flatMap(({ tasks }) => tasks.map(({ jobHash }) => jobHash));

const patienceMs = 10_000;

const until = async (
  queue: QueueUnderTest,
  holds: () => boolean | Promise<boolean>,
): Promise<void> => {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 5) {
    if (await holds()) return;
    await queue.pass(5);
  }
  assert.fail(`after ${patienceMs} ms still not: ${holds}`);
};
