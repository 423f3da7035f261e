import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { eventsIn } from "./embedded/recorded.ts";
import { type EmbeddedStore, openEmbeddedStore } from "./embedded/store.ts";
import { beforeFirst, EventStoreError, type RecordedEvent } from "./event-store.ts";
import { type ReadableStore, relayedStore, shareStore } from "./relay.ts";

let ids = 0;
const id = () => `00000000-0000-4000-8000-${String(ids++).padStart(12, "0")}`;
const write = (store: EmbeddedStore, stream: string, ...data: readonly unknown[]) =>
  store.append(
    stream,
    data.map((one, n) => ({
      id: id(),
      type: "Said",
      data: one,
      ...(n % 2 === 0 ? { metadata: { v: 1, actor: "client:ada" } } : {}),
    })),
    "any",
  );

const withRelay = async (
  work: (both: { store: EmbeddedStore; far: ReadableStore }) => Promise<void>,
  share: (store: EmbeddedStore) => ReadableStore = (store) => store,
): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), "cnct-relay-"));
  const store = await openEmbeddedStore({ directory, fsync: "none" });
  const { port1, port2 } = new MessageChannel();
  const stop = shareStore(share(store), port1);
  try {
    await work({ store, far: relayedStore(port2) });
  } finally {
    await stop();
    port1.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
};

const until = async (isSo: () => boolean): Promise<void> => {
  for (let n = 0; n < 500 && !isSo(); n++) await sleep(10);
  assert.ok(isSo(), "it did not come about within 5 s");
};

type Share = (store: EmbeddedStore, onSent?: (events: number) => void) => ReadableStore;

/** A store that hands on its records, and one that knows events only. */
const shares: readonly (readonly [string, Share])[] = [
  [
    "as records",
    (store, onSent) => ({
      ...store,
      subscribe: () => assert.fail("the records were there to be had"),
      subscribeRecords: (options) =>
        store.subscribeRecords({
          ...options,
          onRecords: (records) => {
            onSent?.(eventsIn(Buffer.from(records)).length);
            return options.onRecords(records);
          },
        }),
    }),
  ],
  [
    "as text",
    ({ subscribe, readAll, head }, onSent) => ({
      readAll,
      head,
      subscribe: (options) =>
        subscribe({
          ...options,
          onEvents: (events) => {
            onSent?.(events.length);
            return options.onEvents(events);
          },
        }),
    }),
  ],
];

for (const [form, share] of shares)
  describe(`an event store relayed ${form}`, () => {
    test("tells each event as the store itself tells it, history and news", () =>
      withRelay(async ({ store, far }) => {
        await write(store, "job-1", { n: 1, text: "ä\u2028\\" }, [1, null, "x"], 0);
        await write(store, "other", 1);
        await write(store, "job-1", "between others");
        const heard: RecordedEvent[] = [];
        let caughtUp = 0;
        const subscription = far.subscribe({
          after: beforeFirst,
          filter: { streamPrefixes: ["job-"] },
          onEvents: (events) => void heard.push(...events),
          onCaughtUp: () => caughtUp++,
        });
        await until(() => caughtUp === 1);
        await write(store, "other", 1);
        await write(store, "job-2", { n: 2 });
        await until(() => heard.length === 5);
        const told: RecordedEvent[] = [];
        for await (const event of store.readAll("start"))
          if (event.stream !== "other") told.push(event);
        assert.deepEqual(heard, told);
        await subscription.close();
        await subscription.closed;
        await write(store, "job-3", 3);
        await sleep(20);
        assert.equal(heard.length, 5, "nothing is heard after the close");
      }, share));

    test("tells history that lies on disk, around what does not pass", async () => {
      const directory = mkdtempSync(join(tmpdir(), "cnct-relay-"));
      try {
        const before = await openEmbeddedStore({ directory, fsync: "none", segmentBytes: 4_096 });
        for (let n = 0; n < 40; n++) await write(before, n % 3 === 0 ? "other" : "job-1", n, "x");
        await before.close();
        const store = await openEmbeddedStore({ directory, fsync: "none" });
        const { port1, port2 } = new MessageChannel();
        const stop = shareStore(share(store), port1);
        const heard: RecordedEvent[] = [];
        const filter = { streamPrefixes: ["job-"] };
        relayedStore(port2).subscribe({
          after: beforeFirst,
          filter,
          onEvents: (events) => void heard.push(...events),
        });
        await until(() => heard.length === 52);
        const told: RecordedEvent[] = [];
        for await (const event of store.readAll("start"))
          if (event.stream === "job-1") told.push(event);
        assert.deepEqual(heard, told);
        await stop();
        port1.close();
        await store.close();
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });

    test("does not run far ahead of a slow listener", () => {
      let sent = 0;
      return withRelay(
        async ({ store, far }) => {
          for (let n = 0; n < 30; n++)
            await write(
              store,
              "job-1",
              ...Array.from({ length: 1_000 }, (_, at) => n * 1_000 + at),
            );
          const heard: unknown[] = [];
          let goOn: () => void = () => undefined;
          const gate = new Promise<void>((resolve) => {
            goOn = resolve;
          });
          const subscription = far.subscribe({
            after: beforeFirst,
            onEvents: async (events) => {
              await gate;
              for (const { data } of events) heard.push(data);
            },
          });
          await until(() => sent > 0);
          await sleep(100);
          assert.ok(sent <= 8 * 1_024, `${sent} events were sent to a listener that took none`);
          goOn();
          await until(() => heard.length === 30_000);
          const all = Array.from({ length: 30_000 }, (_, n) => n);
          assert.deepEqual(heard, all);
          await subscription.close();
        },
        (store) =>
          share(store, (events) => {
            sent += events;
          }),
      );
    });
  });

describe("a relayed event store", () => {
  test("passes on what is no JSON as it is", () =>
    withRelay(async ({ store, far }) => {
      const data = new Uint8Array([0, 255, 7]);
      await write(store, "job-1", 1);
      for await (const event of far.readAll("start", { maxCount: 9 })) assert.equal(event.data, 1);
      const bytes: ReadableStore = {
        ...store,
        async *readAll() {
          for await (const event of store.readAll("start")) yield { ...event, data };
        },
      };
      const { port1, port2 } = new MessageChannel();
      const stop = shareStore(bytes, port1);
      for await (const event of relayedStore(port2).readAll("start", { maxCount: 9 }))
        assert.deepEqual(event.data, data);
      await stop();
      port1.close();
    }));

  test("closes while the store waits for a listener that waits", () =>
    withRelay(async ({ store, far }) => {
      for (let n = 0; n < 20; n++) await write(store, "job-1", ...new Array(1_100).fill(n));
      let entered = 0;
      let goOn: () => void = () => undefined;
      const subscription = far.subscribe({
        after: beforeFirst,
        onEvents: () =>
          new Promise<void>((resolve) => {
            entered++;
            goOn = resolve;
          }),
      });
      await until(() => entered === 1);
      await sleep(50);
      const closing = subscription.close();
      goOn();
      await closing;
      assert.equal(entered, 1);
    }));

  test("says that a subscription broke, with the code", () =>
    withRelay(
      async ({ far }) => {
        const subscription = far.subscribe({ after: beforeFirst, onEvents: () => undefined });
        await assert.rejects(subscription.closed, { code: "corrupt", message: "byte 7" });
      },
      ({ readAll, head }) => ({
        readAll,
        head,
        subscribe: () => ({
          closed: Promise.reject(new EventStoreError("corrupt", "byte 7")),
          close: async () => undefined,
        }),
      }),
    ));

  test("ends with the listener's own error", () =>
    withRelay(async ({ store, far }) => {
      await write(store, "job-1", 1);
      const subscription = far.subscribe({
        after: beforeFirst,
        onEvents: () => {
          throw new Error("no room");
        },
      });
      await assert.rejects(subscription.closed, { message: "no room" });
    }));

  test("reads, and knows the head", () =>
    withRelay(async ({ store, far }) => {
      assert.equal(await far.head(), beforeFirst);
      await write(store, "job-1", 1, 2, 3);
      assert.equal(await far.head(), await store.head());
      const read: unknown[] = [];
      for await (const { data } of far.readAll("end", { direction: "backwards", maxCount: 2 }))
        read.push(data);
      assert.deepEqual(read, [3, 2]);
      await assert.rejects(
        far.readAll("start", { maxCount: 20_000 })[Symbol.asyncIterator]().next(),
        {
          code: "bad-request",
        },
      );
    }));
});
