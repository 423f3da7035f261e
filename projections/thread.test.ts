import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { wallClock } from "../streams/clock.ts";
import { serveEmbeddedStore } from "../streams/embedded/grpc/server.ts";
import { type EmbeddedStore, openEmbeddedStore } from "../streams/embedded/store.ts";
import { removeDatabase } from "./database.ts";
import { proveProjections } from "./rebuild.ts";
import { beginning, lives, write } from "./testing/history.ts";
import { openProjectionsThread, type ThreadOptions, type ThreadProjections } from "./thread.ts";

interface Given {
  readonly store: EmbeddedStore;
  readonly directory: string;
  readonly errors: unknown[];
  readonly open: (options?: Partial<ThreadOptions>) => Promise<ThreadProjections>;
}

const withThread = async (work: (given: Given) => Promise<void>): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), "cnct-views-"));
  const store = await openEmbeddedStore({ directory: join(root, "log"), fsync: "none" });
  const directory = join(root, "views");
  const errors: unknown[] = [];
  const opened: ThreadProjections[] = [];
  const open = async (options: Partial<ThreadOptions> = {}) => {
    const views = await openProjectionsThread({
      store,
      directory,
      clock: wallClock,
      onError: (error) => errors.push(error),
      ...options,
    });
    opened.push(views);
    return views;
  };
  try {
    await work({ store, directory, errors, open });
  } finally {
    for (const views of opened) await views.close();
    await store.close();
    rmSync(root, { recursive: true, force: true });
  }
};

const patienceMs = 20_000;

describe("views in a thread of their own", () => {
  test("show what was there and what is written, and are what the log says", () =>
    withThread(async ({ store, directory, errors, open }) => {
      await write(store, beginning());
      await write(store, lives(0, 30));
      const views = await open();
      assert.ok(await views.waitFor(await store.head(), patienceMs));
      await write(store, lives(30, 60), "000000000001");
      const head = await store.head();
      assert.ok(await views.waitFor(head, patienceMs));
      assert.equal(views.position(), head);
      assert.equal(views.views.position(), head);
      const proof = await proveProjections({ store, directory });
      assert.ok(proof.identical);
      assert.ok(views.views.totals().events > 100);
      assert.deepEqual(errors, []);
    }));

  test("answer a wait for what was never written with false, in time", () =>
    withThread(async ({ store, open }) => {
      await write(store, beginning());
      const views = await open();
      const startedAt = performance.now();
      assert.equal(await views.waitFor((await store.head()) + 1n, 200), false);
      assert.ok(performance.now() - startedAt < 5_000);
    }));

  test("come back after their thread died, also for those who wait", () =>
    withThread(async ({ store, directory, errors, open }) => {
      await write(store, beginning());
      const views = await open();
      await views.waitFor(await store.head(), patienceMs);
      views.kill();
      await write(store, lives(0, 20));
      assert.ok(await views.waitFor(await store.head(), patienceMs));
      assert.equal(errors.length, 1, "its end was told");
      assert.ok((await proveProjections({ store, directory })).identical);
    }));

  test("are read from the new file when a thread that came back had to begin one", () =>
    withThread(async ({ store, directory, open }) => {
      await write(store, beginning());
      await write(store, lives(0, 20));
      const views = await open();
      assert.ok(await views.waitFor(await store.head(), patienceMs));
      const { events } = views.views.totals();
      views.kill();
      removeDatabase(join(directory, "views.sqlite"));
      await write(store, lives(20, 40), "000000000001");
      assert.ok(await views.waitFor(await store.head(), patienceMs));
      assert.ok(views.views.totals().events > events);
      assert.ok((await proveProjections({ store, directory })).identical);
    }));

  test("follow a store on the wire over a connection of their own", () =>
    withThread(async ({ store, directory, open }) => {
      const served = await serveEmbeddedStore(store);
      try {
        const nobody = { ...store, subscribe: () => assert.fail("it went through this thread") };
        const views = await open({ store: nobody, storeUrl: served.url });
        await write(store, beginning());
        await write(store, lives(0, 10));
        assert.ok(await views.waitFor(await store.head(), patienceMs));
        assert.ok((await proveProjections({ store, directory })).identical);
        await views.close();
      } finally {
        await served.close();
      }
    }));

  test("are written when they are closed, and send away who waits", () =>
    withThread(async ({ store, open }) => {
      const first = await open();
      await write(store, beginning());
      const head = await store.head();
      assert.ok(await first.waitFor(head, patienceMs));
      const waiting = first.waitFor(head + 1n, patienceMs);
      await first.close();
      assert.equal(await waiting, false);
      const second = await open();
      assert.equal(second.position(), head);
    }));

  test("say that they are rebuilt, and why", () =>
    withThread(async ({ store, directory, open }) => {
      await write(store, beginning());
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, "views.sqlite"), "no views at all");
      const notices: string[] = [];
      const views = await open({ onNotice: (text) => notices.push(text) });
      assert.ok(await views.waitFor(await store.head(), patienceMs));
      assert.equal(notices.length, 1);
      assert.match(notices[0] ?? "", /^rebuilding from the start of the log, since /);
    }));

  test("tell that their file cannot be opened", () =>
    withThread(async ({ open }) => {
      await assert.rejects(open({ directory: "/dev/null/views" }));
    }));
});
