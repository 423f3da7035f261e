import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openLoads, type Target } from "./loads.ts";

/** Answers after 5 ms, and ends each job 20 ms after its submission. */
const slowTarget = () => {
  const calls: number[] = [];
  let inFlight = 0;
  let inFlightMost = 0;
  let names = 0;
  let onEnded: (name: string) => void = () => undefined;
  const target: Target = {
    submit: async (count) => {
      calls.push(count);
      inFlightMost = Math.max(inFlightMost, ++inFlight);
      const submitted = Array.from({ length: count }, () => `job-${names++}`);
      for (const name of submitted) void sleep(20).then(() => onEnded(name));
      await sleep(5);
      inFlight--;
      return submitted;
    },
    onEnded: async (listener) => {
      onEnded = listener;
    },
  };
  return { target, calls, inFlightMost: () => inFlightMost };
};

describe("a load", () => {
  test("submits every job once, in batches, so many calls at a time", async () => {
    const { target, calls, inFlightMost } = slowTarget();
    const loads = await openLoads(target);
    const { jobs, seconds, jobsPerSecond } = await loads.throughput({
      jobs: 105,
      batch: 10,
      inFlight: 3,
    });
    assert.equal(jobs, 105);
    assert.deepEqual(calls, [...new Array(10).fill(10), 5]);
    assert.equal(inFlightMost(), 3);
    // Four turns of 5 ms, then the last end.
    assert.ok(seconds >= 0.03, `${seconds} s is too short to be true`);
    assert.equal(jobsPerSecond, 105 / seconds);
  });

  test("measures latency from the instant at which a job was due", async () => {
    const { target, calls } = slowTarget();
    const loads = await openLoads(target);
    const { endToEndMs, acknowledgedMs } = await loads.latency({ perSecond: 100, seconds: 0.2 });
    assert.equal(calls.length, 20);
    assert.ok(endToEndMs.p50 >= 19, `${endToEndMs.p50} ms is before the end`);
    assert.ok(acknowledgedMs.p50 >= 4 && acknowledgedMs.p50 < endToEndMs.p50);
  });

  test("begins anew each time", async () => {
    const { target } = slowTarget();
    const loads = await openLoads(target);
    for (let n = 0; n < 2; n++) {
      const { seconds } = await loads.throughput({ jobs: 4, batch: 2, inFlight: 1 });
      assert.ok(seconds >= 0.02);
    }
  });
});
