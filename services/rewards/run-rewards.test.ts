import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { portableSha256 } from "../../domain/hashing.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { jobStream, ledgerStream } from "../../streams/names.ts";
import { at, noon } from "../../testing/given.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { runFeed } from "../facts.ts";
import { createJobBook } from "../job-book.ts";
import { runRewards } from "./run-rewards.ts";

test("a debt is paid at once, at whatever moment of the payment before it arises", async () => {
  for (let lag = 0; lag <= 24; lag++) {
    let appends = 0;
    const answers: (() => void)[] = [];
    const store = {
      append: async () => {
        appends++;
        await new Promise<void>((resolve) => answers.push(resolve));
        return { ok: true, revision: 0n, position: 0n } as const;
      },
    } as unknown as EventStore;
    const ids = eventIds("0123456789ab");
    const rewards = runRewards({
      store,
      ids,
      book: createJobBook({ store, ids }),
      clock: manualClock(noon),
      sha256: portableSha256,
      grant: "1000",
      onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
    });
    const submit = (name: string) => {
      const jobHash = name.repeat(64);
      const spec = { client: "client:ada", price: "100", replicasMax: 1 } as JobSpec;
      const event = { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon } as const;
      rewards.hear({ event, id: name, stream: jobStream(jobHash), revision: 0n, position: 0n });
      rewards.act();
    };
    submit("a");
    await turn();
    answers.shift()?.();
    for (let i = 0; i < lag; i++) await undefined;
    submit("b");
    await turn();
    assert.equal(appends, 2, `with ${lag} promises in between`);
    answers.shift()?.();
    await rewards.close();
  }
});

test("so many new clients get a grant within an hour, counted over a restart, and no more", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-grants-"));
  const store = await openEmbeddedStore({ directory });
  const clock = manualClock(noon);
  const troubles: string[] = [];
  const run = async (name: string) => {
    const ids = eventIds(name);
    const book = createJobBook({ store, ids });
    const rewards = runRewards({
      ...{ store, ids, book, clock, sha256: portableSha256, grant: "1000", grantsPerHour: 3 },
      onTrouble: (what, error) => troubles.push(`${what}: ${error}`),
    });
    const listeners = [book, rewards];
    const feed = runFeed({
      store,
      clock,
      listeners,
      onTrouble: (error) => assert.fail(`${error}`),
    });
    await feed.live;
    /** What becomes of the first job of a new client. */
    const first = async (n: number): Promise<string> => {
      const jobHash = n.toString(16).padStart(64, "0");
      const spec = { client: `client:c${n}`, price: "100", replicasMax: 1, quorum: 1 } as JobSpec;
      const now = clock.now();
      const event = {
        type: "JobSubmitted",
        jobHash,
        spec,
        deadlineAt: now + 60_000,
        at: now,
      } as const;
      await store.append(
        jobStream(jobHash),
        [encode(event, ids.next(), "service:test")],
        "no-stream",
      );
      for (let waited = 0; waited < 10_000; waited += 5) {
        await sleep(5);
        for await (const { type } of store.readStream(jobStream(jobHash), "start"))
          if (type === "JobRejected") return type;
        for await (const { type, data } of store.readStream(ledgerStream, "start"))
          if (type === "JobFunded" && (data as { jobHash: string }).jobHash === jobHash)
            return type;
      }
      return "neither";
    };
    const close = async () => {
      await feed.close();
      await rewards.close();
    };
    return { first, close };
  };
  const firsts = async (running: { first(n: number): Promise<string> }, ...clients: number[]) => {
    const all = [];
    for (const n of clients) all.push(await running.first(n));
    return all.join();
  };

  const before = await run("0123456789ab");
  assert.equal(await firsts(before, 1, 2), "JobFunded,JobFunded");
  await before.close();
  const after = await run("0123456789ac");
  assert.equal(await firsts(after, 3, 4, 5), "JobFunded,JobRejected,JobRejected");
  assert.equal(troubles.length, 1, "it is told once");
  await clock.pass(3_600_000);
  assert.equal(await firsts(after, 6, 7, 8, 9), "JobFunded,JobFunded,JobFunded,JobRejected");
  await after.close();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});
