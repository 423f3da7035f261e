import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { wallClock } from "../streams/clock.ts";
import type { EventStore, RecordedEvent } from "../streams/event-store.ts";
import { openDatabase, presentVersions } from "./database.ts";
import { openFold } from "./fold.ts";
import { viewsPath } from "./open.ts";
import { proveProjections } from "./rebuild.ts";
import { beginning, digestOf, lifeOf, lives, noon, write } from "./testing/history.ts";
import { withStore } from "./testing/with-store.ts";

const jobHash = digestOf("job 0");

/** The same store, with another way to subscribe. */
const subscribingBy = (
  store: EventStore,
  subscribe: (inner: EventStore["subscribe"]) => EventStore["subscribe"],
): EventStore => ({
  append: store.append,
  readStream: store.readStream,
  readAll: store.readAll,
  deleteStream: store.deleteStream,
  tombstoneStream: store.tombstoneStream,
  getMetadata: store.getMetadata,
  setMetadata: store.setMetadata,
  head: store.head,
  close: store.close,
  subscribe: subscribe(store.subscribe),
});

describe("open views", () => {
  test("show a write as soon as its position is waited for", () =>
    withStore(async ({ store, open }) => {
      const { views, waitFor } = await open();
      assert.equal(views.job(jobHash), undefined);
      const position = await write(store, [...beginning(), ...lifeOf(0, "open")]);
      assert.equal(await waitFor(position, 5_000), true);
      assert.equal(views.job(jobHash)?.status, "open");
      assert.ok(views.position() >= position);
    }));

  test("say false when a position does not come in time", () =>
    withStore(async ({ store, open }) => {
      const { waitFor } = await open();
      const position = await write(store, beginning());
      assert.equal(await waitFor(position + 1_000_000n, 50), false);
      assert.equal(await waitFor(position, 5_000), true);
    }));

  test("reach a position that is of no stream of theirs, though the store is silent on it", () =>
    withStore(async ({ store, open }) => {
      const quiet = subscribingBy(store, (inner) => (options) => {
        const { onCheckpoint: _silent, ...rest } = options;
        return inner(rest);
      });
      const { waitFor } = await open({ store: quiet });
      await write(store, beginning());
      const event = { id: randomUUID(), type: "TreeHeadSigned", data: {} };
      const result = await store.append("log-checkpoints", [event], "any");
      assert.ok(result.ok);
      assert.equal(await waitFor(result.position, 5_000), true);
    }));

  test("go on from their checkpoint when they are opened again", () =>
    withStore(async ({ store, open }) => {
      const first = await open();
      await first.waitFor(await write(store, [...beginning(), ...lives(0, 5)]), 5_000);
      await first.close();
      let after: unknown;
      const watched = subscribingBy(store, (inner) => (options) => {
        after = options.after;
        return inner(options);
      });
      const position = await write(store, lives(5, 10), "000000000002");
      const second = await open({ store: watched });
      assert.equal(await second.waitFor(position, 5_000), true);
      assert.equal(after, first.position());
      assert.equal(second.views.totals().jobs.completed, 7);
    }));

  test("are rebuilt from the start when a view has another version, and say so", () =>
    withStore(async ({ store, open, notices }) => {
      const versions = { ...presentVersions, reputation: 0 };
      const old = await open({ versions });
      const position = await write(store, [...beginning(), ...lives(0, 10)]);
      await old.waitFor(position, 5_000);
      await old.close();
      await (await open({ versions })).close();
      assert.deepEqual(notices, []);
      const fresh = await open();
      assert.match(notices.join(), /rebuilding .* "reputation" was folded by version 0/);
      assert.equal(await fresh.waitFor(position, 5_000), true);
      assert.equal(fresh.views.totals().jobs.completed, 7);
    }));

  test("are rebuilt when the log ends before them", () =>
    withStore(async ({ directory, open }) => {
      await withStore(async (other) => {
        const views = await other.open({ directory });
        await views.waitFor(await write(other.store, [...beginning(), ...lives(0, 20)]), 5_000);
        await views.close();
      });
      await withStore(async (short) => {
        const views = await short.open({ directory });
        const position = await write(short.store, beginning());
        assert.equal(await views.waitFor(position, 5_000), true);
        assert.match(short.notices.join(), /the log ends|it ends at/);
        assert.equal(views.views.totals().jobs.completed, 0);
      });
      void open;
    }));

  test("are folded anew beside a file that SQLite cannot read, however it is broken", () =>
    withStore(async ({ store, directory, notices, open }) => {
      const position = await write(store, [...beginning(), ...lives(0, 5)]);
      const path = viewsPath(directory);
      const first = await open();
      await first.waitFor(position, 5_000);
      await first.close();
      const whole = readFileSync(path);
      const torn = Buffer.from(whole);
      torn.fill(0xee, 100, 4_096); // The page that names the tables; the header stays.
      for (const broken of [Buffer.from("these are no views at all"), torn]) {
        writeFileSync(path, broken);
        await assert.rejects(proveProjections({ store, directory }), { code: "views-unreadable" });
        const { waitFor, views, close } = await open();
        assert.equal(await waitFor(position, 5_000), true);
        assert.equal(views.job(jobHash)?.status, "completed");
        await close();
        assert.match(
          notices.at(-1) ?? "",
          /SQLite cannot read .*views\.sqlite; it is .*\.unreadable$/,
        );
        assert.deepEqual(readFileSync(`${path}.unreadable`), broken);
        assert.equal((await proveProjections({ store, directory })).identical, true);
      }
    }));

  test("that are not there, or of another version, cannot be compared, and nothing is made", () =>
    withStore(async ({ store, directory, open }) => {
      await assert.rejects(proveProjections({ store, directory }), { code: "no-views" });
      assert.equal(existsSync(directory), false);
      await (await open({ versions: { ...presentVersions, jobs: 0 } })).close();
      const code = "views-of-another-version";
      await assert.rejects(proveProjections({ store, directory }), { code });
    }));

  test("take a batch that is delivered twice for one", () =>
    withStore(async ({ store, directory, open }) => {
      const twice = subscribingBy(store, (inner) => (options) => {
        const onEvents = async (events: readonly RecordedEvent[]): Promise<void> => {
          await options.onEvents(events);
          await options.onEvents(events);
        };
        return inner({ ...options, onEvents });
      });
      const { waitFor, close } = await open({ store: twice });
      for (const at of [0, 1, 2]) {
        const facts = at === 0 ? beginning() : lives(at * 50, at * 50 + 50);
        const position = await write(store, facts, `00000000000${at}`);
        assert.equal(await waitFor(position, 5_000), true);
      }
      await close();
      assert.equal((await proveProjections({ store, directory })).identical, true);
    }));

  test("subscribe anew when the subscription breaks, and lose nothing", () =>
    withStore(async ({ store, directory, open, errors }) => {
      let subscriptions = 0;
      const breaking = subscribingBy(store, (inner) => (options) => {
        let batches = 0;
        subscriptions++;
        const onEvents = async (events: readonly RecordedEvent[]): Promise<void> => {
          if (subscriptions <= 3 && ++batches > subscriptions) throw new Error("the line broke");
          await options.onEvents(events);
        };
        return inner({ ...options, onEvents });
      });
      const { waitFor } = await open({ store: breaking });
      let position = await write(store, beginning());
      for (let n = 0; n < 10; n++)
        position = await write(store, lives(n, n + 1), `00000000001${n}`);
      assert.equal(await waitFor(position, 10_000), true);
      for (let n = 10; n < 90; n++) {
        position = await write(store, lives(n, n + 1), `0000000000${n}`);
        if (n % 20 === 0) assert.equal(await waitFor(position, 10_000), true);
      }
      assert.equal(await waitFor(position, 10_000), true);
      assert.equal(subscriptions, 4);
      assert.deepEqual(
        errors.map((error) => String(error)),
        Array(3).fill("Error: the line broke"),
      );
      assert.equal((await proveProjections({ store, directory })).identical, true);
    }));

  test("tell listeners of each step, and of every event once, when it can be queried", () =>
    withStore(async ({ store, open }) => {
      const { views, waitFor, onFlush } = await open();
      const steps: bigint[] = [];
      let told = 0;
      const stop = onFlush((position, events) => {
        assert.equal(views.position(), position);
        assert.ok(position > (steps.at(-1) ?? -1n));
        steps.push(position);
        told += events;
        assert.equal(views.totals().events, told);
      });
      const position = await write(store, [...beginning(), ...lives(0, 30)]);
      assert.equal(await waitFor(position, 5_000), true);
      let all = 0;
      for await (const _ of store.readAll("start")) all++;
      assert.equal(told, all);
      assert.equal(steps.at(-1), position);
      stop();
      await waitFor(await write(store, lives(30, 31), "000000000002"), 5_000);
      assert.equal(told, all);
    }));

  test("notice that another process writes to their file, and stay right", () =>
    withStore(async ({ store, directory, open, errors }) => {
      const { views, waitFor } = await open();
      const position = await write(store, [...beginning(), ...lives(0, 5)]);
      assert.equal(await waitFor(position, 5_000), true);
      const other = openDatabase(viewsPath(directory));
      openFold(other).flush(position + 1n); // As if it had seen an event that we have not.
      other.close();
      await write(store, lives(5, 10), "000000000002");
      const last = await write(store, lives(10, 15), "000000000003");
      assert.equal(await waitFor(last, 5_000), true);
      assert.match(String(errors[0]), /another process moved the views/);
      assert.equal(views.job(digestOf("job 14"))?.status, "completed");
      assert.equal((await proveProjections({ store, directory })).identical, true);
    }));

  test("never write half of what an event does", () =>
    withStore(async ({ store, directory, open, errors }) => {
      const { append } = store;
      await write(store, [...beginning(), ...lifeOf(0, "rejected")]);
      const funded = { jobHash, client: "client:ada", amount: "not a number", forgetAt: 1, at: 1 };
      const data = { type: "JobFunded", ...funded };
      await append("ledger", [{ id: randomUUID(), type: "JobFunded", data }], "any");
      const all: RecordedEvent[] = [];
      for await (const event of store.readAll("start")) all.push(event);

      let push: ((events: readonly RecordedEvent[]) => unknown) | undefined;
      const byHand = subscribingBy(store, () => (options) => {
        push ??= options.onEvents;
        return { closed: new Promise(() => undefined), close: async () => undefined };
      });
      const { views, close } = await open({
        store: byHand,
        clock: { ...wallClock, now: () => noon },
      });
      while (!push) await new Promise((resolve) => setTimeout(resolve, 1));
      await push(all.slice(0, -3)); // Large enough that the next flush waits for a timer.
      await push(all.slice(-3, -1));
      assert.equal(views.job(jobHash), undefined, "it is pending");
      await push(all.slice(-1)); // Changes the job, then fails at the account.
      await new Promise((resolve) => setTimeout(resolve, 70));
      assert.match(String(errors), /not a number/);
      assert.equal(views.job(jobHash), undefined);
      await close();
      const good = all.at(-2)?.position ?? 0n;
      const again = await open();
      assert.equal(await again.waitFor(good, 300), false, "the whole batch waits for its cause");
      await again.close();
      const live = openDatabase(viewsPath(directory));
      assert.equal(live.prepare("SELECT count(*) AS n FROM jobs").get()?.["n"], 0);
      live.close();
    }));

  test("are live when history is folded, and say how far behind they are", () =>
    withStore(async ({ store, open }) => {
      const position = await write(store, [...beginning(), ...lives(0, 5)]);
      const { lag, waitFor } = await open();
      assert.equal(lag().live, false);
      assert.equal(await waitFor(position, 5_000), true);
      const deadline = Date.now() + 5_000;
      while (!lag().live && Date.now() < deadline) await new Promise((next) => setImmediate(next));
      assert.deepEqual(lag(), { flushed: position, pending: 0, live: true, behindMs: 0 });
    }));
});
