import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { beforeFirst } from "../streams/event-store.ts";
import { compareViews, openSnapshot } from "./compare.ts";
import { openDatabase } from "./database.ts";
import { viewsPath } from "./open.ts";
import { proveProjections, rebuildProjections } from "./rebuild.ts";
import { heldAwards } from "./testing/held-awards.ts";
import { beginning, digestOf, lives, people, write } from "./testing/history.ts";
import { type Bench, withStore } from "./testing/with-store.ts";

const withViews = (work: (bench: Bench) => Promise<void>): Promise<void> =>
  withStore(async (bench) => {
    const { close, waitFor } = await bench.open();
    const facts = [...beginning(), ...people(), ...lives(0, 50), ...heldAwards(50)];
    const position = await write(bench.store, facts);
    assert.equal(await waitFor(position, 5_000), true);
    await close();
    await work(bench);
  });

const change = (directory: string, sql: string): void => {
  const database = openDatabase(viewsPath(directory));
  assert.equal(database.prepare(sql).run().changes, 1);
  database.close();
};

describe("a rebuild", () => {
  test("gives the views that are in use, row by row", () =>
    withViews(async ({ store, directory }) => {
      const progress: bigint[] = [];
      const proof = await proveProjections({
        store,
        directory,
        onProgress: ({ position }) => progress.push(position),
      });
      assert.equal(proof.identical, true);
      assert.equal(proof.position, await store.head());
      assert.deepEqual(progress, [proof.position]);
      for (const { name, rows, firstDifference } of proof.tables) {
        assert.ok(rows > 0, `${name} has rows`);
        assert.equal(firstDifference, undefined);
      }
    }));

  test("ends at the position that it is told, though the views go on meanwhile", () =>
    withViews(async ({ store, directory, open }) => {
      const position = await store.head();
      const live = await open();
      await live.waitFor(await write(store, lives(50, 60), "000000000002"), 5_000);
      const rebuilt = await rebuildProjections({ store, directory, upTo: position });
      assert.equal(rebuilt.position, position);
      const snapshot = openSnapshot(rebuilt.path);
      assert.equal(snapshot.position, position);
      snapshot.close();
      assert.equal((await proveProjections({ store, directory })).identical, true);
    }));

  test("of an empty log gives empty views", () =>
    withStore(async ({ store, directory }) => {
      const { path, position, events } = await rebuildProjections({ store, directory });
      assert.deepEqual([position, events], [beforeFirst, 0]);
      assert.ok(existsSync(path));
    }));

  test("says that there is nothing to compare with before there are views", () =>
    withStore(async ({ store, directory }) => {
      await assert.rejects(proveProjections({ store, directory }), /there are no views at/);
    }));

  test("leaves no file behind when the log cannot be read", () =>
    withViews(async ({ store, directory }) => {
      const event = {
        id: "00000000-0000-8000-8000-00000000ffff",
        type: "JobCancelled",
        data: {},
        metadata: { v: 99, actor: "service:test" },
      };
      await store.append("job-of-tomorrow", [event], "any");
      await assert.rejects(rebuildProjections({ store, directory }), /schema version 99/);
      assert.equal(existsSync(join(directory, "rebuilt.sqlite")), false);
    }));
});

describe("a comparison", () => {
  const hash = digestOf("job 3");
  const faults: readonly {
    readonly table: string;
    readonly sql: string;
    readonly key: RegExp;
    readonly missing?: "live" | "rebuilt";
  }[] = [
    {
      table: "jobs",
      sql: `UPDATE jobs SET body = replace(body, '"received"', '"expired"') WHERE hash = '${hash}'`,
      key: /^\d+$/,
    },
    {
      table: "jobs",
      sql: `DELETE FROM jobs WHERE hash = '${hash}'`,
      key: /^\d+$/,
      missing: "live",
    },
    {
      table: "accounts",
      sql: "UPDATE accounts SET low = low + 1 WHERE account = 'client:bob'",
      key: /^client:bob$/,
    },
    {
      table: "reputation",
      sql: `INSERT INTO reputation VALUES ('node-00', '{"nodeId":"node-00"}')`,
      key: /^node-00$/,
      missing: "rebuilt",
    },
    {
      table: "statements",
      sql: "DELETE FROM statements WHERE account = 'client:eve' AND position = (SELECT max(position) FROM statements WHERE account = 'client:eve')",
      key: /^client:eve \d+$/,
      missing: "live",
    },
  ];
  for (const { table, sql, key, missing } of faults)
    test(`finds a single wrong row: ${sql.slice(0, 40)}`, () =>
      withViews(async ({ store, directory }) => {
        change(directory, sql);
        const proof = await proveProjections({ store, directory });
        assert.equal(proof.identical, false);
        for (const { name, digestLive, digestRebuilt, firstDifference } of proof.tables) {
          assert.equal(digestLive === digestRebuilt, name !== table, name);
          if (name !== table) continue;
          assert.match(firstDifference?.key ?? "", key);
          assert.equal(firstDifference?.live === null, missing === "live");
          assert.equal(firstDifference?.rebuilt === null, missing === "rebuilt");
        }
      }));

  test("refuses files that stand at different positions", () =>
    withViews(async ({ store, directory }) => {
      const { path } = await rebuildProjections({ store, directory, upTo: 0n });
      const live = openSnapshot(viewsPath(directory));
      const rebuilt = openSnapshot(path);
      assert.throws(() => compareViews(live, rebuilt), /one stands at position/);
      live.close();
      rebuilt.close();
    }));
});
