import assert from "node:assert/strict";
import { test } from "node:test";
import { noon } from "../../testing/given.ts";
import { challenges } from "./challenges.ts";
import { periods } from "./periods.ts";

/** A clock that only says what it was told. */
const handClock = () => {
  const timer = { cancel: () => undefined };
  const clock = { time: noon, now: () => clock.time, after: () => timer, every: () => timer };
  return clock;
};

test("what was given out is good for one to two periods", () => {
  const clock = handClock();
  const during = periods({ clock, lengthMs: 60_000, most: 10 });
  const given = during.current().mac("nonce").toString("hex");
  const isGood = () => during.accepted().some((one) => one.mac("nonce").toString("hex") === given);
  clock.time += 59_999;
  assert.ok(isGood());
  clock.time += 1;
  assert.ok(isGood(), "it belongs to the period before");
  clock.time += 59_999;
  assert.ok(isGood());
  clock.time += 1;
  assert.ok(!isGood());
});

test("a gateway that was idle for long takes nothing old", () => {
  const clock = handClock();
  const during = periods({ clock, lengthMs: 60_000, most: 10 });
  during.current();
  clock.time += 120_000;
  assert.equal(during.accepted().length, 1);
});

test("a full period ends early, and nothing that was used is ever new again", () => {
  const clock = handClock();
  const during = periods({ clock, lengthMs: 60_000, most: 3 });
  const first = during.current();
  for (const name of ["a", "b", "c"]) assert.ok(first.spend(name));
  const second = during.current();
  assert.notEqual(second, first);
  assert.deepEqual(during.accepted(), [second, first]);
  assert.equal(first.spend("a"), false);
  for (const name of ["d", "e", "f"]) assert.ok(second.spend(name));
  assert.ok(!during.accepted().includes(first), "what it gave out is not accepted any more");
});

test("a clock that is set back begins anew and trusts nothing from before", () => {
  const clock = handClock();
  const during = periods({ clock, lengthMs: 60_000, most: 3 });
  const before = during.current();
  clock.time -= 1;
  assert.ok(!during.accepted().includes(before));
});

test("a flood of requests for challenges takes nothing from those who got one before", () => {
  const clock = handClock();
  const all = challenges(clock);
  const about = {
    id: `cnct:${"a".repeat(52)}`,
    scopes: ["jobs:submit"],
    domain: "gateway.example",
    uri: "https://gateway.example/graphql",
  };
  const mine = all.make(about);
  for (let n = 0; n < 2_000; n++) all.make(about);
  assert.equal(all.spend(mine), true);
  assert.equal(all.spend(mine), false);
});
