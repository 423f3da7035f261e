import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Node, type NodeEvent, node } from "../../domain/node/node.ts";
import { wallClock } from "../../streams/clock.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { kept } from "./kept.ts";

const suspended: NodeEvent = { type: "NodeSuspended", nodeId: "n", reason: "", at: 0 };
const registered = { type: "NodeRegistered", nodeId: "n", owner: "ada", at: 0 } as NodeEvent;
const recorded = (data: NodeEvent): RecordedEvent => ({
  id: "",
  stream: "node-n",
  revision: 0n,
  position: 0n,
  type: data.type,
  data,
  metadata: { v: 1 },
  recordedAt: 0,
});

/** States of one node, from a stream that the test fills, read as slowly as the test wants. */
const aKeeper = () => {
  const facts: NodeEvent[] = [registered];
  let reads = 0;
  let hears = true;
  let gate = Promise.resolve();
  const keeper = kept<Node, NodeEvent>({
    store: {
      readStream: async function* () {
        reads++;
        const seen = [...facts];
        await gate;
        for (const fact of seen) yield recorded(fact);
      },
    },
    clock: wallClock,
    tail: () => ({ start: async () => undefined, hears: () => hears }),
    prefix: "node-",
    initial: node.initial,
    evolve: node.evolve,
    most: 2,
  });
  return {
    keeper,
    reads: () => reads,
    happen: (fact: NodeEvent) => {
      facts.push(fact);
    },
    hold: () => {
      const held = Promise.withResolvers<void>();
      gate = held.promise;
      return held.resolve;
    },
    setHears: (value: boolean) => {
      hears = value;
    },
  };
};
const statusOf = async ({ keeper }: ReturnType<typeof aKeeper>) => (await keeper.find("n")).status;

describe("a state that is kept", () => {
  test("is read once, and anew after the tail told of a change", async () => {
    const it = aKeeper();
    for (let n = 0; n < 5; n++) assert.equal(await statusOf(it), "active");
    assert.equal(it.reads(), 1);
    it.happen(suspended);
    it.keeper.learn(recorded(suspended));
    assert.equal(await statusOf(it), "suspended");
    assert.equal(it.reads(), 2);
  });

  test("is not what a read found during which something happened", async () => {
    const it = aKeeper();
    const release = it.hold();
    const asked = statusOf(it);
    await new Promise((resolve) => setImmediate(resolve));
    it.happen(suspended);
    it.keeper.learn(recorded(suspended));
    release();
    await asked;
    assert.equal(await statusOf(it), "suspended");
  });

  test("is not believed while the tail is broken, nor what was kept before", async () => {
    const it = aKeeper();
    assert.equal(await statusOf(it), "active");
    it.setHears(false);
    it.keeper.forgetAll();
    it.happen(suspended);
    assert.equal(await statusOf(it), "suspended");
    assert.equal(await statusOf(it), "suspended");
    assert.equal(it.reads(), 3);
    it.setHears(true);
    assert.equal(await statusOf(it), "suspended");
  });

  test("is read once for many who ask at the same time", async () => {
    const it = aKeeper();
    const all = await Promise.all(Array.from({ length: 50 }, () => statusOf(it)));
    assert.ok(all.every((status) => status === "active"));
    assert.equal(it.reads(), 1);
  });

  test("of nobody is not kept, and of many only the latest", async () => {
    const it = aKeeper();
    for (const name of ["a", "b", "c"]) await it.keeper.find(name);
    await it.keeper.find("c");
    assert.equal(it.reads(), 3);
    await it.keeper.find("a");
    assert.equal(it.reads(), 4);
  });
});
