/**
 * What CNCT needs of an event store, whoever implements it. Names are unique, so that the suite can
 * run against a store with a history.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  beforeFirst,
  type EventFilter,
  type EventStore,
  EventStoreError,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from "../../streams/event-store.ts";

/** A store for one run of the suite, and how to end what was started for it. */
export interface OpenedStore {
  readonly store: EventStore;
  readonly close: () => Promise<void>;
}

const unique = (name: string): string => `contract-${name}-${randomUUID()}`;

const event = (data: unknown, more: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: "Noted",
  data,
  ...more,
});
const events = (count: number): NewEvent[] => Array.from({ length: count }, (_, n) => event({ n }));

const collect = async (source: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> => {
  const all: RecordedEvent[] = [];
  for await (const recorded of source) all.push(recorded);
  return all;
};

const numbers = (recorded: readonly RecordedEvent[]): readonly unknown[] =>
  recorded.map(({ data }) => (data as { n: number }).n);

const refusedAs = (code: string) => (error: unknown) => {
  assert.ok(error instanceof EventStoreError, `expected an EventStoreError, got ${error}`);
  assert.equal(error.code, code, error.message);
  return true;
};

/** Resolves when the condition holds; the last state is in the failure. */
const until = async (what: string, condition: () => boolean): Promise<void> => {
  const limit = performance.now() + 15_000;
  while (!condition()) {
    assert.ok(performance.now() < limit, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** A subscription that remembers what it heard. */
const listen = (
  store: EventStore,
  options: { readonly after: Position | "end"; readonly filter?: EventFilter },
) => {
  const heard: RecordedEvent[] = [];
  const checkpoints: Position[] = [];
  let caughtUp = 0;
  const subscription = store.subscribe({
    ...options,
    onEvents: (batch) => {
      assert.ok(batch.length > 0, "a batch has at least one event");
      heard.push(...batch);
    },
    onCheckpoint: (position) => {
      checkpoints.push(position);
    },
    onCaughtUp: () => {
      caughtUp++;
    },
  });
  return { heard, checkpoints, subscription, caughtUp: () => caughtUp };
};

const appended = async (
  store: EventStore,
  stream: string,
  batch: readonly NewEvent[],
): Promise<{ revision: bigint; position: Position }> => {
  const result = await store.append(stream, batch, "any");
  assert.ok(result.ok);
  return result;
};

/** Registers the suite. It fails if, for whatever reason, none of its tests ran. */
export const eventStoreContract = (name: string, open: () => Promise<OpenedStore>): void => {
  let ran = 0;
  let opened: OpenedStore;
  let store: EventStore;

  describe(`the event store contract, kept by ${name}`, { timeout: 120_000 }, () => {
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(async () => {
      await opened.close();
      assert.ok(ran >= 30, `the contract ran ${ran} tests`);
    });
    const states = (rule: string, check: () => Promise<void>): void => {
      test(rule, async () => {
        ran++;
        await check();
      });
    };

    describe("append", () => {
      states("answers with the revision and position of its last event", async () => {
        const stream = unique("append");
        const first = await store.append(stream, events(3), "no-stream");
        assert.ok(first.ok);
        assert.equal(first.revision, 2n);
        const second = await store.append(stream, events(1), 2n);
        assert.ok(second.ok);
        assert.equal(second.revision, 3n);
        assert.ok(second.position > first.position);
        const read = await collect(store.readStream(stream, "start"));
        assert.equal(read.at(-1)?.position, second.position);
      });

      states("returns what was written, as it was written", async () => {
        const stream = unique("as-written");
        const written = [
          event(
            { text: "grüße, 世界 🌍", nested: [1, null, { deep: true }] },
            { metadata: { by: "ada" } },
          ),
          event("only text"),
          event(null, { type: "Ein.Typ-mit_ü" }),
          event([1.5, -2e9], { metadata: 0 }),
        ];
        const before = Date.now();
        await appended(store, stream, written);
        const read = await collect(store.readStream(stream, "start"));
        assert.equal(read.length, written.length);
        for (const [at, { recordedAt, position, ...rest }] of read.entries()) {
          assert.deepEqual(rest, { ...written[at], stream, revision: BigInt(at) });
          assert.ok(position > beforeFirst);
          assert.ok(Math.abs(recordedAt - before) < 60_000, "clocks differ by less than a minute");
        }
      });

      states(
        "refuses an expectation that does not hold, and names the actual revision",
        async () => {
          const stream = unique("conflict");
          assert.deepEqual(await store.append(stream, events(1), 0n), {
            ok: false,
            actual: "no-stream",
          });
          await appended(store, stream, events(2));
          for (const expected of ["no-stream", 0n, 2n, 7n] as const)
            assert.deepEqual(await store.append(stream, events(1), expected), {
              ok: false,
              actual: 1n,
            });
          assert.equal((await collect(store.readStream(stream, "start"))).length, 2);
        },
      );

      for (const expected of ["no-stream", 1n, "any"] as const)
        states(`said twice with ${expected} answers twice and writes once`, async () => {
          const stream = unique("repeat");
          if (expected === 1n) await appended(store, stream, events(2));
          const batch = events(3);
          const first = await store.append(stream, batch, expected);
          assert.ok(first.ok);
          const again = await store.append(stream, batch, expected);
          assert.deepEqual(again, first);
          await store.append(stream, events(1), first.revision);
          const later = await store.append(stream, batch, expected);
          assert.deepEqual(later, first, "also when others wrote since");
          assert.equal(
            (await collect(store.readStream(stream, "start"))).length,
            Number(first.revision) + 2,
          );
        });

      states("treats a partial repeat as a conflict", async () => {
        const stream = unique("partial");
        const batch = events(2);
        await store.append(stream, batch, "no-stream");
        const longer = await store.append(stream, [...batch, event({ n: 2 })], "no-stream");
        assert.deepEqual(longer, { ok: false, actual: 1n });
        const other = await store.append(stream, [batch[0]!, event({ n: 9 })], "no-stream");
        assert.deepEqual(other, { ok: false, actual: 1n });
      });

      states("keeps a large event, and refuses one beyond the limit", async () => {
        const stream = unique("large");
        const large = "x".repeat(900_000);
        await appended(store, stream, [event({ large })]);
        const [read] = await collect(store.readStream(stream, "start"));
        assert.deepEqual(read?.data, { large });
        await assert.rejects(
          store.append(stream, [event({ larger: "x".repeat(1_100_000) })], "any"),
          refusedAs("too-large"),
        );
        await assert.rejects(
          store.append(stream, [event({ large }), event({ large })], "any"),
          refusedAs("too-large"),
        );
        assert.equal((await collect(store.readStream(stream, "start"))).length, 1);
      });

      states("refuses what makes no sense, and goes on", async () => {
        const stream = unique("bad");
        const circular: Record<string, unknown> = {};
        circular["self"] = circular;
        for (const [batch, target] of [
          [[event(1, { id: "not-a-uuid" })], stream],
          [[event(1, { type: "" })], stream],
          [[event(undefined)], stream],
          [[event(circular)], stream],
          [[event({ big: 1n })], stream],
          [[], stream],
          [[event(1)], ""],
        ] as const)
          await assert.rejects(store.append(target, batch, "any"), refusedAs("bad-request"));
        await assert.rejects(store.append(stream, events(1), -5n), refusedAs("bad-request"));
        await appended(store, stream, events(1));
        assert.equal((await collect(store.readStream(stream, "start"))).length, 1);
      });

      states("takes stream names of any script", async () => {
        for (const stream of [
          unique("Ünïcödé"),
          unique("流-поток-ჯ"),
          unique("🚀 with spaces/%2F"),
        ]) {
          await appended(store, stream, events(2));
          const read = await collect(store.readStream(stream, "start"));
          assert.deepEqual(
            read.map((recorded) => recorded.stream),
            [stream, stream],
          );
        }
      });

      states("takes a thousand writers to a thousand streams at once", async () => {
        const streams = Array.from({ length: 1_000 }, () => unique("many"));
        const results = await Promise.all(
          streams.map((stream) => store.append(stream, events(1), "no-stream")),
        );
        const positions = results.map((result) => (result.ok ? result.position : undefined));
        assert.equal(new Set(positions).size, 1_000);
        assert.ok(results.every((result) => result.ok && result.revision === 0n));
      });

      states("takes a thousand writers to one stream at once", async () => {
        const stream = unique("crowd");
        const results = await Promise.all(
          Array.from({ length: 1_000 }, (_, n) => store.append(stream, [event({ n })], "any")),
        );
        const revisions = results.map((result) => (result.ok ? Number(result.revision) : -1));
        assert.deepEqual(
          revisions.sort((a, b) => a - b),
          Array.from({ length: 1_000 }, (_, n) => n),
        );
        const read = await collect(store.readStream(stream, "start"));
        assert.equal(new Set(numbers(read)).size, 1_000);
      });

      states("lets exactly one of a thousand writers win an expectation", async () => {
        const stream = unique("race");
        const results = await Promise.all(
          Array.from({ length: 1_000 }, () => store.append(stream, events(1), "no-stream")),
        );
        assert.equal(results.filter(({ ok }) => ok).length, 1);
        for (const result of results)
          assert.ok(result.ok || result.actual === 0n, "the losers learn the revision");
      });
    });

    describe("read", () => {
      states("finds nothing in a stream that does not exist", async () => {
        assert.deepEqual(await collect(store.readStream(unique("nothing"), "start")), []);
        assert.deepEqual(
          await collect(store.readStream(unique("nothing"), "end", { direction: "backwards" })),
          [],
        );
      });

      states("goes both ways from any revision, inclusive, as far as asked", async () => {
        const stream = unique("ways");
        await appended(store, stream, events(10));
        const read = async (
          from: bigint | "start" | "end",
          direction: "forwards" | "backwards",
          maxCount?: number,
        ) =>
          numbers(
            await collect(
              store.readStream(
                stream,
                from,
                maxCount === undefined ? { direction } : { direction, maxCount },
              ),
            ),
          );
        assert.deepEqual(await read("start", "forwards", 3), [0, 1, 2]);
        assert.deepEqual(await read(7n, "forwards"), [7, 8, 9]);
        assert.deepEqual(await read(9n, "forwards"), [9]);
        assert.deepEqual(await read(10n, "forwards"), []);
        assert.deepEqual(await read("end", "forwards"), []);
        assert.deepEqual(await read("end", "backwards", 2), [9, 8]);
        assert.deepEqual(await read(2n, "backwards"), [2, 1, 0]);
        assert.deepEqual(await read("start", "backwards"), [0]);
        assert.deepEqual(await read(99n, "backwards", 1), [9]);
      });

      states("can be left early", async () => {
        const stream = unique("early");
        await appended(store, stream, events(500));
        let seen = 0;
        for await (const _ of store.readStream(stream, "start")) if (++seen === 3) break;
        assert.equal(seen, 3);
        await appended(store, stream, events(1));
      });

      states("refuses a count below one", async () => {
        await assert.rejects(
          collect(store.readStream(unique("count"), "start", { maxCount: 0 })),
          refusedAs("bad-request"),
        );
      });

      states("goes through everything, inclusive forwards and exclusive backwards", async () => {
        const mine = unique("all");
        const first = await appended(store, mine, events(1));
        const second = await appended(store, unique("all"), events(1));
        const third = await appended(store, mine, events(2));
        const forwards = await collect(store.readAll(first.position, { maxCount: 4 }));
        const positions = forwards.map(({ position }) => position);
        assert.equal(positions[0], first.position);
        assert.ok(positions.includes(second.position) && positions.includes(third.position));
        assert.deepEqual(
          positions,
          [...positions].sort((a, b) => (a < b ? -1 : 1)),
        );
        const [before] = await collect(
          store.readAll(third.position, { direction: "backwards", maxCount: 1 }),
        );
        assert.equal(before?.stream, mine);
        assert.equal(before?.revision, 1n);
        const [newest] = await collect(
          store.readAll("end", { direction: "backwards", maxCount: 1 }),
        );
        assert.ok(newest !== undefined && newest.position >= third.position);
        assert.equal(await store.head(), newest.position);
        assert.deepEqual(await collect(store.readAll("end")), []);
        assert.deepEqual(await collect(store.readAll("start", { direction: "backwards" })), []);
        const [oldest] = await collect(store.readAll("start", { maxCount: 1 }));
        assert.ok(oldest !== undefined && oldest.position <= first.position);
      });
    });

    describe("a subscription", () => {
      states("delivers history, says so, and goes on live", async () => {
        const stream = unique("history");
        const start = await store.head();
        await appended(store, stream, events(40));
        const filter = { streamPrefixes: [stream] };
        const { heard, subscription, caughtUp } = listen(store, { after: start, filter });
        await until("history", () => heard.length === 40 && caughtUp() === 1);
        await appended(store, stream, events(2));
        await until("news", () => heard.length === 42);
        await subscription.close();
        await subscription.closed;
        assert.deepEqual(heard, await collect(store.readStream(stream, "start")));
        assert.equal(caughtUp(), 1);
      });

      states("begins after a position, and after the end with news only", async () => {
        const stream = unique("after");
        const filter = { streamPrefixes: [stream] };
        const first = await appended(store, stream, events(1));
        await appended(store, stream, [event({ n: 1 })]);
        const later = listen(store, { after: first.position, filter });
        const news = listen(store, { after: "end", filter });
        await until("the end", () => news.caughtUp() === 1 && later.heard.length === 1);
        await appended(store, stream, [event({ n: 2 })]);
        await until("news", () => later.heard.length === 2 && news.heard.length === 1);
        await Promise.all([later.subscription.close(), news.subscription.close()]);
        assert.deepEqual(numbers(later.heard), [1, 2]);
        assert.deepEqual(numbers(news.heard), [2]);
      });

      states("from the very beginning hears everything, without a filter", async () => {
        const stream = unique("everything");
        await appended(store, stream, events(3));
        const head = await store.head();
        let last = beforeFirst;
        const mine: RecordedEvent[] = [];
        const subscription = store.subscribe({
          after: beforeFirst,
          onEvents: (batch) => {
            for (const recorded of batch) {
              assert.ok(recorded.position > last, "positions rise");
              last = recorded.position;
              if (recorded.stream === stream) mine.push(recorded);
            }
          },
        });
        await until("the head", () => last >= head);
        await subscription.close();
        await subscription.closed;
        assert.deepEqual(numbers(mine), [0, 1, 2]);
      });

      states("filters by type, and checkpoints what it passes over", async () => {
        const type = `Rare${randomUUID().slice(0, 8)}`;
        const start = await store.head();
        const { heard, checkpoints, subscription, caughtUp } = listen(store, {
          after: start,
          filter: { typePrefixes: [type] },
        });
        await until("the end", () => caughtUp() === 1);
        for (let round = 0; round < 12; round++)
          await appended(store, unique("noise"), events(100));
        const rare = await appended(store, unique("rare"), [
          event({ n: 1 }, { type: `${type}Happened` }),
        ]);
        await until("the rare one", () => heard.length === 1);
        await until("a checkpoint", () => checkpoints.some((at) => at > start));
        await subscription.close();
        assert.equal(heard[0]?.position, rare.position);
        assert.deepEqual(
          checkpoints,
          [...checkpoints].sort((a, b) => (a < b ? -1 : 1)),
        );
      });

      states("reports how far it looked when history let nothing through", async () => {
        const start = await store.head();
        const { position } = await appended(store, unique("passed-over"), events(5));
        const { heard, checkpoints, subscription, caughtUp } = listen(store, {
          after: start,
          filter: { streamPrefixes: [unique("nobody")] },
        });
        await until(
          "a checkpoint",
          () => caughtUp() === 1 && checkpoints.some((at) => at >= position),
        );
        await subscription.close();
        assert.deepEqual(heard, []);
      });

      states("hands over from history to live without loss, double or disorder", async () => {
        const prefix = unique("handover");
        const start = await store.head();
        const total = 3_000;
        let next = 0;
        const writer = async (lane: number): Promise<void> => {
          while (next < total) {
            const n = next++;
            await appended(store, `${prefix}-${lane}`, [event({ n })]);
          }
        };
        const writers = Array.from({ length: 16 }, (_, lane) => writer(lane));
        const filter = { streamPrefixes: [prefix] };
        const listeners = [listen(store, { after: start, filter })];
        for (let more = 0; more < 3; more++) {
          await until("some progress", () => next > (more + 1) * 500);
          listeners.push(listen(store, { after: start, filter }));
        }
        await Promise.all(writers);
        const expected = (await collect(store.readAll(start < 0n ? "start" : start))).filter(
          ({ stream }) => stream.startsWith(prefix),
        );
        assert.equal(expected.length, total);
        for (const { heard, subscription } of listeners) {
          await until("all events", () => heard.length >= total);
          await subscription.close();
          assert.deepEqual(
            heard.map(({ position }) => position),
            expected.map(({ position }) => position),
          );
        }
      });

      states("waits for a slow subscriber, and ends with the error it throws", async () => {
        const stream = unique("slow");
        const start = await store.head();
        let running = 0;
        let most = 0;
        let heard = 0;
        const subscription = store.subscribe({
          after: start,
          filter: { streamPrefixes: [stream] },
          onEvents: async (batch) => {
            most = Math.max(most, ++running);
            await new Promise((resolve) => setTimeout(resolve, 20));
            running--;
            heard += batch.length;
            if (heard >= 30) throw new Error("enough");
          },
        });
        for (let n = 0; n < 30; n++) await appended(store, stream, [event({ n })]);
        await assert.rejects(subscription.closed, /enough/);
        assert.equal(heard, 30);
        assert.equal(most, 1, "one batch at a time");
      });

      states("delivers nothing after it was closed", async () => {
        const stream = unique("closed");
        const { heard, subscription, caughtUp } = listen(store, {
          after: "end",
          filter: { streamPrefixes: [stream] },
        });
        await until("the end", () => caughtUp() === 1);
        await subscription.close();
        await subscription.close();
        await subscription.closed;
        await appended(store, stream, events(3));
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.deepEqual(heard, []);
      });
    });

    describe("a deleted stream", () => {
      states("is empty, and goes on with the next revision", async () => {
        const stream = unique("deleted");
        await appended(store, stream, events(3));
        const deleted = await store.deleteStream(stream, 2n);
        assert.ok(deleted.ok);
        assert.equal(deleted.revision, 2n);
        assert.deepEqual(await collect(store.readStream(stream, "start")), []);
        const batch = [event({ n: 3 })];
        const anew = await store.append(stream, batch, "no-stream");
        assert.ok(anew.ok);
        assert.equal(anew.revision, 3n);
        const read = await collect(store.readStream(stream, "start"));
        assert.deepEqual(
          read.map(({ revision }) => revision),
          [3n],
        );
      });

      states("is not deleted on a wrong expectation", async () => {
        const stream = unique("kept");
        await appended(store, stream, events(2));
        assert.deepEqual(await store.deleteStream(stream, 0n), { ok: false, actual: 1n });
        assert.deepEqual(await store.tombstoneStream(stream, 7n), { ok: false, actual: 1n });
        assert.equal((await collect(store.readStream(stream, "start"))).length, 2);
      });

      states("can be appended to with any expectation as well", async () => {
        const stream = unique("deleted-any");
        await appended(store, stream, events(2));
        assert.ok((await store.deleteStream(stream, "any")).ok);
        const anew = await appended(store, stream, events(1));
        assert.equal(anew.revision, 2n);
      });

      states("is gone for good once it has a tombstone", async () => {
        const stream = unique("tombstone");
        await appended(store, stream, events(2));
        const ended = await store.tombstoneStream(stream, 1n);
        assert.ok(ended.ok);
        for (const expected of ["any", "no-stream", 1n] as const)
          await assert.rejects(
            store.append(stream, events(1), expected),
            refusedAs("stream-deleted"),
          );
        await assert.rejects(store.deleteStream(stream, "any"), refusedAs("stream-deleted"));
        assert.deepEqual(await collect(store.readStream(stream, "start")), []);
        assert.deepEqual(
          await collect(store.readStream(stream, "end", { direction: "backwards" })),
          [],
        );
      });
    });

    describe("metadata", () => {
      states("is empty at first, and what was set afterwards", async () => {
        const stream = unique("metadata");
        assert.deepEqual(await store.getMetadata(stream), {});
        const metadata = {
          maxCount: 3,
          maxAgeSeconds: 3_600,
          truncateBefore: 1,
          custom: { owner: "ada" },
        };
        assert.ok((await store.setMetadata(stream, metadata, "no-stream")).ok);
        assert.deepEqual(await store.getMetadata(stream), metadata);
        assert.deepEqual(await store.setMetadata(stream, {}, "no-stream"), {
          ok: false,
          actual: 0n,
        });
        assert.ok((await store.setMetadata(stream, {}, 0n)).ok);
        assert.deepEqual(await store.getMetadata(stream), {});
      });

      states("keeps only the newest events of a stream with a count", async () => {
        const stream = unique("max-count");
        await store.setMetadata(stream, { maxCount: 3 }, "any");
        await appended(store, stream, events(10));
        assert.deepEqual(numbers(await collect(store.readStream(stream, "start"))), [7, 8, 9]);
        assert.deepEqual(
          numbers(await collect(store.readStream(stream, "end", { direction: "backwards" }))),
          [9, 8, 7],
        );
      });

      states("hides events before the truncation", async () => {
        const stream = unique("truncate");
        await appended(store, stream, events(6));
        await store.setMetadata(stream, { truncateBefore: 4 }, "any");
        assert.deepEqual(numbers(await collect(store.readStream(stream, "start"))), [4, 5]);
        assert.deepEqual(numbers(await collect(store.readStream(stream, 0n))), [4, 5]);
      });
    });
  });
};
