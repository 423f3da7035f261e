import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { JobSpec } from "../domain/job/spec.ts";
import { encode } from "../streams/codec.ts";
import { openEmbeddedStore } from "../streams/embedded/store.ts";
import { eventIds } from "../streams/event-ids.ts";
import { jobStream } from "../streams/names.ts";
import { at, noon } from "../testing/given.ts";
import { createJobBook } from "./job-book.ts";

const client = "client:ada";
const actor = "client:ada";
const spec = { client, app: "echo", quorum: 1, replicasMax: 1 } as JobSpec;
/** More than the book keeps of those that ended. */
const jobs = Array.from({ length: 10_001 }, (_, i) => String(i).padStart(64, "0"));
const [first = ""] = jobs;

test("a job book remembers how a job ended until its listeners have heard of it", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-job-book-"));
  const store = await openEmbeddedStore({ directory });
  t.after(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });
  const ids = eventIds("0123456789ab");
  const book = createJobBook({ store, ids });
  await Promise.all(
    jobs.map(async (jobHash) => {
      const submitted = {
        type: "JobSubmitted",
        jobHash,
        spec,
        deadlineAt: at(60),
        at: noon,
      } as const;
      const event = encode(submitted, ids.next(), actor);
      await store.append(jobStream(jobHash), [event], "no-stream");
    }),
  );
  let told = 0n;
  const tell = (jobHash: string, event: Parameters<typeof encode>[0], revision: bigint) =>
    book.hear({ event, id: "", stream: jobStream(jobHash), revision, position: told++ });
  for (const jobHash of jobs)
    tell(jobHash, { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon }, 0n);

  const cancel = { type: "CancelJob", client, actor, now: noon } as const;
  await Promise.all(jobs.map((jobHash) => book.handle(jobHash, [cancel])));
  assert.equal(book.get(first).status, "cancelled", "nobody was told of any end");

  for (const jobHash of jobs)
    tell(jobHash, { type: "JobCancelled", jobHash, accepted: [], at: noon }, 1n);
  assert.equal(book.get(first).status, "unknown", "it must not remember all of them");
  assert.equal(book.get(jobs.at(-1) ?? "").status, "cancelled");
});
