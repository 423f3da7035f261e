import assert from "node:assert/strict";
import { test } from "node:test";
import { busyBeatMs, idleBeatMs } from "../streams/task-queue.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { startBeats } from "./beats.ts";

const start = 1_700_000_000_000;

/** Beats of a worker, ms since its start. */
const open = () => {
  const clock = manualClock(start);
  const heard: number[] = [];
  let busy = false;
  const beats = startBeats({
    clock,
    isBusy: () => busy,
    beat: () => void heard.push(clock.now() - start),
  });
  return {
    beats,
    heard,
    run: (ms: number) => clock.pass(ms),
    setBusy: (is: boolean) => {
      busy = is;
      if (is) beats.wake();
    },
  };
};

test("a worker beats often at first, seldom while it is idle, and often while it has tasks", async () => {
  const { heard, run, setBusy, beats } = open();
  await run(4_000);
  assert.deepEqual(heard.splice(0), [0, 250, 1_000, 3_000]);
  await run(2 * idleBeatMs);
  assert.deepEqual(heard.splice(0), [3_000 + idleBeatMs, 3_000 + 2 * idleBeatMs]);
  setBusy(true);
  const from = 4_000 + 2 * idleBeatMs;
  await run(2 * busyBeatMs);
  assert.deepEqual(heard.splice(0), [from + busyBeatMs, from + 2 * busyBeatMs]);
  setBusy(false);
  await run(idleBeatMs);
  assert.deepEqual(heard.splice(0), [from + 2 * busyBeatMs + idleBeatMs]);
  beats.stop();
  await run(10 * idleBeatMs);
  assert.deepEqual(heard, []);
});

test("tasks that are soon over cost no heartbeat, and a question is answered at once", async () => {
  const { heard, run, setBusy, beats } = open();
  await run(3_000);
  heard.splice(0);
  for (let second = 0; second < idleBeatMs / 1_000 - 1; second++) {
    setBusy(true);
    await run(500);
    setBusy(false);
    await run(500);
  }
  assert.deepEqual(heard, []);
  beats.now();
  assert.deepEqual(heard, [3_000 + idleBeatMs - 1_000]);
});
