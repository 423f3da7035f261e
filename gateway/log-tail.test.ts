import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbeddedStore } from "../streams/embedded/store.ts";
import { logTail } from "./log-tail.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

test("who leaves while the log's newest event is being prepared for it waits for no other", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-tail-"));
  const store = await openEmbeddedStore({ directory });
  const tail = logTail({ store, logger: silent });
  try {
    const preparing = Promise.withResolvers<void>();
    const prepared = Promise.withResolvers<void>();
    const stop = new AbortController();
    const batches = tail.follow({
      after: "end",
      batchMax: 10,
      prepare: () => {
        preparing.resolve();
        return prepared.promise;
      },
      pick: () => undefined,
      signal: stop.signal,
    });
    await batches.next(); // Says where the end is.
    const ended = batches.next();
    await store.append("job-1", [{ id: randomUUID(), type: "Noted", data: 1 }], "any");
    await preparing.promise;
    stop.abort();
    prepared.resolve();
    const late = sleep(10_000, "late", { ref: false });
    assert.deepEqual(await Promise.race([ended, late]), { done: true, value: undefined });
    assert.equal(tail.followers(), 0);
  } finally {
    await tail.close();
    await store.close();
    await rm(directory, { recursive: true });
  }
});
