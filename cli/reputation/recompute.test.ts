import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { reputation } from "../../projections/reputation.ts";
import { type Append, beginning, lives } from "../../projections/testing/history.ts";
import { rowsOf } from "../../projections/testing/rows-of.ts";
import type { ReputationView } from "../../sdk/index.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { differencesBetween, recomputation, shown } from "./recompute.ts";

const nodeId = "node-12";
const adoption: Append = {
  stream: "policy",
  events: [
    {
      type: "PolicyAdopted",
      policy: {
        ...policyDefaults,
        version: 2,
        reputation: { ...policyDefaults.reputation, keptPerDay: 0.5, vettingResults: 3 },
      },
      at: 0,
    },
  ],
};
/** As they stand in the log, with a policy in the middle. */
const facts = [...beginning(), ...lives(0, 60), adoption, ...lives(60, 120)];
const logged = facts
  .flatMap(({ events }): readonly AnyEvent[] => events)
  .map((event, position) => ({ type: event.type, position: `${position}`, data: event }));

const recomputed = (events = logged) => {
  const record = rowsOf(reputation, facts).get(nodeId);
  const folding = recomputation(nodeId, record?.position ?? -1n);
  for (const event of events) folding.hear(event);
  return { record, folded: folding.answer() };
};
/** As it comes over the wire. */
const answered = (change: Partial<ReputationView> = {}): ReputationView => ({
  ...(JSON.parse(JSON.stringify(shown(recomputed().folded))) as ReputationView),
  ...change,
});

describe("a reputation recomputed from the log", () => {
  test("is that of the views, to the last bit", () => {
    const { record, folded } = recomputed();
    assert.ok(record && record.track.assigned > 3 && record.changes > 3);
    assert.deepEqual(folded.record.track, record.track);
    assert.deepEqual(folded.record.warnings, record.warnings);
    assert.equal(folded.changes.length, record.changes);
    assert.deepEqual(differencesBetween(answered(), shown(folded)), []);
  });

  test("is compared with the last lines only, where no more are kept", () => {
    const kept = answered({ history: answered().history.slice(0, 2) });
    assert.deepEqual(differencesBetween(kept, shown(recomputed().folded)), []);
  });

  test("tells what a gateway made up: a figure, a line, or all of them left out", () => {
    const log = shown(recomputed().folded);
    const { history, correctness, warnings } = answered();
    const better = { ...correctness, lower: correctness.lower + 1e-15 };
    const [first, ...rest] = history;
    assert.ok(first);
    const { at: since, position, event } = first;
    const warning = { code: "convicted", message: "it cheated", since, position, event };
    const cases: readonly (readonly [Partial<ReputationView>, string])[] = [
      [{ rejected: 99 }, "rejected"],
      [{ correctness: better }, "correctness"],
      [{ history: [{ ...first, reason: "no reason" }, ...rest] }, "history[0]"],
      [{ history: rest }, "history[0]"],
      [{ history: [] }, "history"],
      [{ warnings: [warning, ...warnings] }, "warnings"],
    ];
    for (const [change, what] of cases) {
      const found = differencesBetween(answered(change), log).map((each) => each.what);
      assert.ok(found.includes(what), `${what} is not in ${found.join()}`);
    }
  });

  test("differs as soon as one event of the node, or a policy, is another", () => {
    const mine = logged.findIndex(
      ({ data }) => data.type === "ResultReceived" && data.nodeId === nodeId,
    );
    const policy = logged.findIndex(({ type }) => type === "PolicyAdopted");
    assert.ok(mine >= 0 && policy >= 0);
    for (const left of [mine, policy]) {
      const { folded } = recomputed(logged.toSpliced(left, 1));
      assert.notDeepEqual(differencesBetween(answered(), shown(folded)), []);
    }
  });
});
