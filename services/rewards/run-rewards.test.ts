import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { portableSha256 } from "../../domain/hashing.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { EventStore } from "../../streams/event-store.ts";
import { jobStream } from "../../streams/names.ts";
import { at, noon } from "../../testing/given.ts";
import { manualClock } from "../../testing/manual-clock.ts";
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
