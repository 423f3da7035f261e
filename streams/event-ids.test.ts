import assert from "node:assert/strict";
import { test } from "node:test";
import { eventIds } from "./event-ids.ts";

test("event ids are UUIDs of version 8, no two alike, in the order in which they were made", () => {
  const ids = eventIds("0123456789ab");
  const made = Array.from({ length: 10_000 }, () => ids.next());
  for (const id of made)
    assert.match(id, /^01234567-89ab-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{9}000$/);
  assert.equal(new Set(made).size, made.length);
  assert.deepEqual(made, made.toSorted());
  assert.notEqual(eventIds("0123456789ac").next(), made[0]);
});

test("a prefix that is none is refused", () => {
  for (const prefix of ["", "0123456789a", "0123456789AB", "0123456789abc"])
    assert.throws(() => eventIds(prefix), RangeError);
});
