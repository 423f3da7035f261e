/** What `npm run classes` makes of outcomes. Emulators are too slow for `npm test`. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Outcome } from "./compute.ts";
import { type Expectation, findingOf } from "./report.ts";

const tag = (digit: string): Outcome => ({ job: "j", tag: digit.repeat(64), elapsedMs: 1 });
const failed = (code: string): Outcome => ({ job: "j", failed: code });
const holds = (expected: Expectation, ...outcomes: readonly Outcome[]) => {
  const each = outcomes.map((outcome, at) => [`p${at}`, [outcome]] as const);
  return findingOf(expected, new Map(each))[0]?.holds;
};

describe("a finding", () => {
  test("is equal if all processors gave one tag", () => {
    assert.equal(holds("equal", tag("a"), tag("a"), tag("a")), true);
    assert.equal(holds("equal", tag("a"), tag("a"), tag("b")), false);
    assert.equal(holds("equal", tag("a"), failed("worker-fault")), false);
    assert.equal(holds("equal", failed("bad-tensor"), failed("bad-tensor")), false);
    assert.equal(holds("equal", tag("a")), false, "one processor has nothing to differ from");
  });

  test("is different if two gave different tags and none failed", () => {
    assert.equal(holds("different", tag("a"), tag("b"), tag("a")), true);
    assert.equal(holds("different", tag("a"), tag("a")), false);
    assert.equal(holds("different", tag("a"), tag("b"), failed("worker-fault")), false);
  });

  test("is refused if the module was", () => {
    assert.equal(holds("refused", failed("bad-module")), true);
    assert.equal(holds("refused", failed("worker-fault")), false);
    assert.equal(holds("refused", tag("a")), false);
  });
});
