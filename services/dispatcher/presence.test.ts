import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Instant } from "../../domain/decider.ts";
import { noon } from "../../testing/given.ts";
import { createPresence, idleLostAfterMs, lostAfterMs, type Silence } from "./presence.ts";

/** Nodes that hear each question and answer at once, but for those that are dead. */
const network = (names: readonly string[]) => {
  const presence = createPresence();
  const busy = new Map<string, Instant>();
  const dead = new Set<string>();
  let now = noon;
  let asked = 0;
  const beat = (nodeId: string) =>
    presence.beat(nodeId, { instance: nodeId, held: 0, draining: false }, now);
  for (const nodeId of names) presence.register(nodeId, noon);

  return {
    presence,
    busy,
    dead,
    beat,
    asked: () => asked,
    /** A second later; `beats` are heard before. */
    tick: (...beats: readonly string[]): Silence => {
      now += 1_000;
      for (const nodeId of beats) beat(nodeId);
      const silence = presence.tick(now, (nodeId) => busy.get(nodeId));
      asked += silence.ask.length;
      for (const nodeId of silence.ask) if (!dead.has(nodeId)) beat(nodeId);
      return silence;
    },
    now: () => now,
  };
};

const many = Array.from({ length: 40 }, (_, i) => `n-${i}`);

describe("presence", () => {
  test("of idle nodes that beat seldom holds, and the line does not count as cut", () => {
    const { tick, beat, presence } = network(["ada", "bob"]);
    for (const nodeId of ["ada", "bob"]) beat(nodeId);
    for (let second = 1; second <= 120; second++) {
      const { isCut, fell } = tick();
      assert.deepEqual([isCut, fell], [false, []], `after ${second} s`);
    }
    assert.ok(presence.isReady("ada") && presence.isReady("bob"));
    assert.ok(presence.isSettled());
  });

  test("asks few of many nodes that beat by themselves", () => {
    const { tick, beat, asked } = network(many);
    for (const nodeId of many) beat(nodeId);
    for (let second = 1; second <= 100; second++)
      tick(...many.filter((_, i) => i % 10 === second % 10));
    assert.equal(asked(), 0);
  });

  test("of a node that dies with a task ends as soon as that of one that beats often did", () => {
    const { tick, beat, busy, dead, now } = network(["ada", "bob"]);
    for (const nodeId of ["ada", "bob"]) beat(nodeId);
    for (let second = 1; second <= 8; second++) tick();
    dead.add("ada");
    busy.set("ada", now());
    const diedAt = now();
    for (let silence = tick(); silence.silent.length === 0; silence = tick())
      assert.ok(now() - diedAt <= lostAfterMs + 1_000, "its silence is noticed in time");
    assert.ok(now() - diedAt > lostAfterMs, "and not before");
  });

  test("of one that was long silent when it was given a task counts from the task", () => {
    const { tick, beat, busy, now } = network(many);
    for (const nodeId of many) beat(nodeId);
    for (let second = 1; second <= 9; second++) tick("n-1");
    busy.set("n-0", now());
    for (let second = 1; second <= lostAfterMs / 1_000; second++)
      assert.deepEqual(tick("n-1").silent, [], `${second} s after it was given`);
  });

  test("of idle nodes that died with a busy one ends with it, so that its task meets none of them", () => {
    const { tick, beat, busy, dead, presence, now } = network(many);
    for (const nodeId of many) beat(nodeId);
    for (const nodeId of many.slice(0, 20)) dead.add(nodeId);
    busy.set("n-0", now());
    const living = many.slice(20);
    for (let silent: readonly string[] = []; !silent.includes("n-0"); )
      silent = tick(living[(now() / 1_000) % living.length] ?? "").silent;
    assert.deepEqual(
      many.filter((nodeId) => presence.isReady(nodeId)),
      living,
    );
  });

  test("of an idle node that is gone ends after a while, and begins with its next word", () => {
    const { tick, beat, dead, presence } = network(many);
    for (const nodeId of many) beat(nodeId);
    dead.add("n-0");
    let seconds = 0;
    for (; presence.isReady("n-0") && seconds < 100; seconds++) tick(...many.slice(1));
    assert.equal(seconds, idleLostAfterMs / 1_000 + 1);
    assert.equal(beat("n-0")?.changed, true);
    assert.ok(presence.isReady("n-0"));
  });

  test("of idle nodes that a roll call missed while the line was cut for a moment is soon back", () => {
    const { tick, beat, busy, dead, presence, now } = network(many);
    for (const nodeId of many) beat(nodeId);
    busy.set("n-0", now());
    for (const nodeId of many) dead.add(nodeId);
    for (let second = 1; second <= 4; second++) tick();
    dead.clear();
    for (let second = 1; second <= 4; second++) tick("n-0");
    assert.deepEqual(
      many.filter((nodeId) => !presence.isReady(nodeId)),
      [],
    );
  });

  test("of nobody is blamed on the line, and all are to be asked when it is back", () => {
    const { tick, beat, busy, dead, now } = network(many);
    for (const nodeId of many) beat(nodeId);
    for (const nodeId of many) dead.add(nodeId);
    busy.set("n-3", now());
    const asked = new Set<string>();
    for (let second = 1; second <= 60; second++) {
      const { silent, ask, isCut } = tick();
      assert.deepEqual(silent, [], `after ${second} s`);
      assert.equal(isCut, second > lostAfterMs / 1_000);
      for (const nodeId of ask) asked.add(nodeId);
    }
    assert.equal(asked.size, many.length, "all are asked in turn for a sign of the line");
    assert.equal(beat("n-7")?.isFirst, true);
    assert.deepEqual(tick().silent, []);
  });
});
