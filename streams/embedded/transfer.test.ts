import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import type { EventStore, RecordedEvent } from "../event-store.ts";
import { openEmbeddedStore } from "./store.ts";
import { exportStore, importStore } from "./transfer.ts";

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "cnct-transfer-"));
});
after(() => rm(root, { recursive: true }));

const event = (data: unknown, metadata?: unknown) => ({
  id: randomUUID(),
  type: "Noted",
  data,
  ...(metadata === undefined ? {} : { metadata }),
});

const fresh = async () => openEmbeddedStore({ directory: await mkdtemp(join(root, "store-")) });

const exported = async (store: EventStore): Promise<string> => {
  const out = new PassThrough();
  const [content] = await Promise.all([
    text(out),
    exportStore(store, out).finally(() => out.end()),
  ]);
  return content;
};

const history = async (store: EventStore): Promise<unknown[]> => {
  const all: unknown[] = [];
  for await (const { recordedAt: _, position: __, ...rest } of store.readAll("start"))
    all.push(rest);
  return all;
};
const byStream = (events: readonly unknown[]): Map<string, unknown[]> =>
  Map.groupBy(events, (recorded) => (recorded as RecordedEvent).stream);

describe("an export", () => {
  test("imported elsewhere is the same history, deletions and limits included", async () => {
    const source = await fresh();
    for (let n = 0; n < 400; n++)
      await source.append(`job-${n % 7}`, [event({ n, text: "ü\n🌍" }, { by: "ada" })], "any");
    await source.setMetadata("job-1", { maxCount: 2, custom: { owner: "ada" } }, "any");
    await source.deleteStream("job-2", "any");
    await source.append("job-2", [event("anew")], "no-stream");
    await source.deleteStream("job-3", "any");
    await source.tombstoneStream("job-4", "any");
    const lines = await exported(source);

    const target = await fresh();
    const count = await importStore(target, Readable.from([lines]));
    assert.equal(count, lines.split("\n").length - 2);
    const tombstoneIds = (events: unknown[]) =>
      events.map((recorded) =>
        (recorded as RecordedEvent).type === "$streamDeleted"
          ? { ...(recorded as object), id: "" }
          : recorded,
      );
    assert.deepEqual(
      byStream(tombstoneIds(await history(target))),
      byStream(tombstoneIds(await history(source))),
    );
    assert.deepEqual(await target.getMetadata("job-1"), await source.getMetadata("job-1"));
    await assert.rejects(target.append("job-4", [event(1)], "any"), { code: "stream-deleted" });

    // Said again, it finds everything there and writes nothing.
    const before = await target.head();
    await importStore(target, Readable.from([lines]));
    assert.equal(await target.head(), before);
    await source.close();
    await target.close();
  });

  test("is refused where the store holds another history, or the lines make no sense", async () => {
    const source = await fresh();
    await source.append("a", [event(1), event(2)], "no-stream");
    const lines = await exported(source);
    const other = await fresh();
    await other.append("a", [event(3)], "no-stream");
    const refused = { code: "bad-request" };
    await assert.rejects(importStore(other, Readable.from([lines])), refused);
    for (const nonsense of ["{}\n", "", "hello\n", `${lines}{"id":1}\n`, `${lines}not json\n`])
      if (nonsense !== "")
        await assert.rejects(importStore(await fresh(), Readable.from([nonsense])), refused);
    await source.close();
    await other.close();
  });
});
