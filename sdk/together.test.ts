import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { together } from "./together.ts";

const counting = (limits: { most: number; inFlight: number }) => {
  const runs: number[][] = [];
  let running = 0;
  let runningMost = 0;
  const one = together(async (items: readonly number[]) => {
    runs.push([...items]);
    runningMost = Math.max(runningMost, ++running);
    await sleep(5);
    running--;
    if (items.includes(13)) throw new Error("thirteen");
    return items.map((item) => item * 2);
  }, limits);
  return { one, runs, runningMost: () => runningMost };
};

describe("calls that travel together", () => {
  test("get their own answers, in as few runs as the limits allow", async () => {
    const { one, runs, runningMost } = counting({ most: 4, inFlight: 2 });
    const items = Array.from({ length: 12 }, (_, n) => n);
    assert.deepEqual(
      await Promise.all(items.map(one)),
      items.map((n) => n * 2),
    );
    assert.deepEqual(runs, [[0], [1], [2, 3, 4, 5], [6, 7, 8, 9], [10, 11]]);
    assert.equal(runningMost(), 2);
  });

  test("go at once on an idle line", async () => {
    const { one, runs } = counting({ most: 4, inFlight: 1 });
    const answer = one(1);
    assert.deepEqual(runs, [[1]]);
    assert.equal(await answer, 2);
    assert.equal(await one(2), 4);
    assert.equal(runs.length, 2);
  });

  test("fail with those they travelled with, and with nobody else", async () => {
    const { one } = counting({ most: 2, inFlight: 1 });
    const answers = await Promise.allSettled([1, 12, 13, 14, 15].map(one));
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["fulfilled", "rejected", "rejected", "fulfilled", "fulfilled"],
    );
  });

  test("are never left waiting by a wrong number of answers", async () => {
    const one = together(async () => [1, 2], { most: 9, inFlight: 1 });
    await assert.rejects(one(1), /2 answers came for 1 items/);
  });
});
