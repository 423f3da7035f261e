import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { policyDefaults } from "../domain/policy/policy.ts";
import type { AnyEvent } from "../streams/codec.ts";
import { jobStream, policyStream } from "../streams/names.ts";
import { proveProjections } from "./rebuild.ts";
import { changesKept } from "./score-changes.ts";
import { type Append, beginning, digestOf, noon, write } from "./testing/history.ts";
import { withStore } from "./testing/with-store.ts";

const hour = 3_600_000;
const jobHash = digestOf("job");
const task = { jobHash, replica: 0, attempt: 1, nodeId: "node-1" };
const ofJob = (...events: readonly AnyEvent[]): Append => ({ stream: jobStream(jobHash), events });
const lostAt = (at: number): AnyEvent => ({
  type: "TaskFailed",
  ...task,
  code: "node-lost",
  retryable: true,
  at,
});
const rejectedAt = (at: number): AnyEvent => ({
  type: "ResultRejected",
  ...task,
  comparator: "text",
  distance: 1,
  reason: "other words",
  at,
});

describe("the history of scores", () => {
  test("keeps the last lines of a node, in order, and gives them by pages", () =>
    withStore(async ({ store, directory, open }) => {
      const count = changesKept + 50;
      const events = Array.from({ length: count }, (_, n) => rejectedAt(noon + n * hour));
      const position = await write(store, [...beginning(), ofJob(...events)]);
      const { views, waitFor, close } = await open();
      assert.equal(await waitFor(position, 5_000), true);
      const serials: number[] = [];
      for (let after: string | undefined; ; ) {
        const page = views.scoreChanges("node-1", { first: 50, ...(after ? { after } : {}) });
        assert.ok(page.ok);
        serials.push(...page.edges.map(({ node }) => node.serial));
        after = page.edges.at(-1)?.cursor;
        if (!page.hasNextPage) break;
      }
      assert.deepEqual(
        serials,
        Array.from({ length: changesKept }, (_, n) => count - 1 - n),
      );
      assert.equal(views.node("node-1")?.record.changes, count);
      const other = views.scoreChanges("node-2", { first: 5 });
      assert.ok(other.ok);
      assert.deepEqual(other.edges, []);
      await close();
      assert.equal((await proveProjections({ store, directory })).identical, true);
    }));
});

describe("a policy", () => {
  test("is in force for what is folded after a restart, as for a rebuild", () =>
    withStore(async ({ store, directory, open }) => {
      const reputation = { ...policyDefaults.reputation, outagesForgiven: 0 };
      const policy = { ...policyDefaults, version: 2, reputation };
      const adopted: Append = {
        stream: policyStream,
        events: [{ type: "PolicyAdopted", policy, at: noon }],
      };
      const before = await open();
      const first = await write(store, [...beginning(), ofJob(lostAt(noon)), adopted]);
      assert.equal(await before.waitFor(first, 5_000), true);
      assert.equal(before.views.track("node-1")?.kept.broken, 0, "the first outage was forgiven");
      assert.deepEqual(before.views.policy(), policy);
      await before.close();

      const second = await write(store, [ofJob(lostAt(noon + hour))], "000000000002");
      const after = await open();
      assert.equal(await after.waitFor(second, 5_000), true);
      assert.equal(after.views.track("node-1")?.kept.broken, 1, "and none is any more");
      await after.close();
      assert.equal((await proveProjections({ store, directory })).identical, true);
    }));
});
