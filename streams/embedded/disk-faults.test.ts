import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { RecordedEvent } from "../event-store.ts";
import { faultyFiles } from "./faulty-files.ts";
import { openEmbeddedStore } from "./store.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "cnct-faults-"));
});
afterEach(() => rm(directory, { recursive: true }));

const event = (data: unknown) => ({ id: randomUUID(), type: "Noted", data });
const dataOf = async (events: AsyncIterable<RecordedEvent>): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const { data } of events) all.push(data);
  return all;
};

describe("a full disk", () => {
  for (const space of [0, 1, 100, 1_000, 2_500])
    test(`with ${space} bytes left refuses everything not acknowledged, and keeps the rest`, async () => {
      const files = faultyFiles();
      const store = await openEmbeddedStore({ directory, files, segmentBytes: 8_000 });
      const heard: unknown[] = [];
      const subscription = store.subscribe({
        after: -1n,
        onEvents: (events) => {
          for (const { data } of events) heard.push(data);
        },
      });
      await store.append("a", [event("before")], "no-stream");
      files.setSpace(space);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => store.append(`lost-${n % 3}`, [event(n)], "any")),
      );
      for (const outcome of outcomes) {
        assert.equal(outcome.status, "rejected");
        assert.equal((outcome.reason as { code: string }).code, "disk-full");
      }
      files.setSpace(0);
      await assert.rejects(store.append("a", [event("too")], 0n), { code: "disk-full" });
      await assert.rejects(store.deleteStream("a", 0n), { code: "disk-full" });
      assert.deepEqual(await dataOf(store.readAll("start")), ["before"]);
      assert.deepEqual(await dataOf(store.readStream("a", "start")), ["before"]);

      files.setSpace(Number.POSITIVE_INFINITY);
      const again = await store.append("a", [event("after")], 0n);
      assert.ok(again.ok && again.revision === 1n);
      for (let n = 0; n < 60; n++)
        await store.append("lost-0", [event(n)], n === 0 ? "no-stream" : "any");
      assert.equal((await dataOf(store.readAll("start"))).length, 62);
      await subscription.close();
      await store.close();
      assert.equal(heard.length, 62);

      const reopened = await openEmbeddedStore({ directory, segmentBytes: 8_000 });
      assert.deepEqual((await dataOf(reopened.readAll("start"))).slice(0, 2), ["before", "after"]);
      assert.equal((await dataOf(reopened.readStream("lost-0", "start"))).length, 60);
      await reopened.close();
    });

  test("in the middle of a batch takes the appends that waited behind it along", async () => {
    const files = faultyFiles();
    const store = await openEmbeddedStore({ directory, files });
    files.setSpace(600);
    const first = store.append("a", [event(0), event(1), event(2), event(3)], "no-stream");
    const refused = assert.rejects(first, { code: "disk-full" });
    await new Promise((resolve) => setImmediate(resolve));
    // Decided on what the first one wrote, which will never have been.
    const second = store.append("a", [event(4)], 3n);
    const conflict = store.append("a", [event(5)], 9n);
    await refused;
    for (const later of [second, conflict]) await assert.rejects(later, { code: "disk-full" });
    files.setSpace(Number.POSITIVE_INFINITY);
    const anew = await store.append("a", [event("anew")], "no-stream");
    assert.ok(anew.ok && anew.revision === 0n);
    await store.close();
  });

  test("leaves a refused event free to be said again", async () => {
    const files = faultyFiles();
    const store = await openEmbeddedStore({ directory, files });
    const fact = event("once");
    files.setSpace(10);
    await assert.rejects(store.append("a", [fact], "any"), { code: "disk-full" });
    files.setSpace(Number.POSITIVE_INFINITY);
    assert.ok((await store.append("a", [fact], "any")).ok);
    assert.ok((await store.append("a", [fact], "any")).ok);
    assert.deepEqual(await dataOf(store.readAll("start")), ["once"]);
    await store.close();
  });
});

describe("a failing disk", () => {
  test("that cannot be cleaned up is not written to until it can", async () => {
    const files = faultyFiles();
    const store = await openEmbeddedStore({ directory, files });
    await store.append("a", [event(0)], "no-stream");
    files.failWrites("EIO");
    files.failTruncates("EIO");
    await assert.rejects(store.append("a", [event(1)], 0n), { code: "unavailable" });
    files.failWrites(undefined);
    await assert.rejects(store.append("a", [event(2)], 0n), { code: "unavailable" });
    files.failTruncates(undefined);
    const result = await store.append("a", [event(3)], 0n);
    assert.ok(result.ok && result.revision === 1n);
    await store.close();
    const reopened = await openEmbeddedStore({ directory });
    assert.deepEqual(await dataOf(reopened.readAll("start")), [0, 3]);
    await reopened.close();
  });

  test("ends a subscription that must read from it, with the reason", async () => {
    await (await openEmbeddedStore({ directory })).close();
    const first = await openEmbeddedStore({ directory });
    await first.append("a", [event(0)], "no-stream");
    await first.close();
    const files = faultyFiles();
    const store = await openEmbeddedStore({ directory, files });
    files.failReads("EIO");
    const subscription = store.subscribe({ after: -1n, onEvents: () => undefined });
    await assert.rejects(subscription.closed, /EIO/);
    files.failReads(undefined);
    assert.deepEqual(await dataOf(store.readAll("start")), [0]);
    await store.close();
  });
});
