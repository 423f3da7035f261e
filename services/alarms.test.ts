import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAlarms } from "./alarms.ts";

describe("alarms", () => {
  test("are due from the full second after their instant, once", () => {
    const alarms = createAlarms();
    alarms.add(10_500, "a");
    assert.deepEqual(alarms.due(10_999), []);
    assert.deepEqual(alarms.due(11_000), ["a"]);
    assert.deepEqual(alarms.due(20_000), []);
  });

  test("of the past are due at the next look", () => {
    const alarms = createAlarms();
    alarms.due(100_000);
    alarms.add(5_000, "old");
    assert.deepEqual(alarms.due(100_500), []);
    assert.deepEqual(alarms.due(101_000), ["old"]);
  });

  test("are all found after a long sleep, and after a clock that went backwards", () => {
    const alarms = createAlarms();
    alarms.due(1_000);
    alarms.add(2_000, "a");
    alarms.add(500_000, "b");
    alarms.add(9_000_000, "later");
    assert.deepEqual([...alarms.due(600_000)].sort(), ["a", "b"]);
    assert.deepEqual(alarms.due(10_000), []);
    assert.deepEqual(alarms.due(9_000_000), ["later"]);
  });

  test("that are forgotten as often as they were added are not due", () => {
    const alarms = createAlarms();
    for (const key of ["once", "twice", "twice"]) alarms.add(5_000, key);
    for (const key of ["once", "twice", "never added"]) alarms.forget(5_000, key);
    alarms.forget(6_000, "twice");
    assert.deepEqual(alarms.due(7_000), ["twice"]);
  });

  test("of one second may be more than a call has room for arguments", () => {
    const alarms = createAlarms();
    for (let i = 0; i < 300_000; i++) alarms.add(5_000, String(i));
    assert.equal(alarms.due(7_000).length, 300_000);
  });
});
