import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noon } from "../../testing/given.ts";
import { policyDefaults } from "../policy/policy.ts";
import type { ScoreChange } from "./changes.ts";
import { reputationDefaults } from "./parameters.ts";
import { blankRecord, evolveRecord, type RecordEvent, type ReputationRecord } from "./record.ts";
import { isLow, reliability } from "./standing.ts";
import { warningCodes, warningMessage } from "./warnings.ts";

const day = 86_400_000;
const jobHash = "ab".repeat(32);
const task = { jobHash, replica: 0, attempt: 1, nodeId: "bob" };
const judged = { ...task, comparator: "text", distance: 0 };
const makers = {
  answered: (at: number): RecordEvent => ({
    type: "ResultReceived",
    ...task,
    executionClass: "ort-node",
    outputDigest: "cd".repeat(32),
    outputSize: 1,
    elapsedMs: 40,
    at,
  }),
  accepted: (at: number): RecordEvent => ({ type: "ResultAccepted", ...judged, at }),
  rejected: (at: number): RecordEvent => ({
    type: "ResultRejected",
    ...judged,
    reason: "other words",
    at,
  }),
  expired: (at: number): RecordEvent => ({ type: "TaskExpired", ...task, at }),
  lost: (at: number): RecordEvent => ({
    type: "TaskFailed",
    ...task,
    code: "node-lost",
    retryable: true,
    at,
  }),
  convicted: (at: number): RecordEvent => ({
    type: "NodeConvicted",
    nodeId: "bob",
    jobHash,
    replica: 0,
    reason: "two arbiters found another result",
    at,
  }),
} as const;
type Kind = keyof typeof makers;

/** Folds outcomes, an hour apart unless said otherwise; answers the record and its whole history. */
const foldOf = (kinds: readonly Kind[], stepMs = 3_600_000, parameters = reputationDefaults) => {
  let record = blankRecord("bob");
  const lines: ScoreChange[] = [];
  for (const [n, kind] of kinds.entries()) {
    const event = makers[kind](noon + n * stepMs);
    record = evolveRecord(record, event, { position: BigInt(n), parameters });
    lines.push(...record.latest);
  }
  return { record, lines };
};
const times = (count: number, ...kinds: readonly Kind[]): readonly Kind[] =>
  Array.from({ length: count }, () => kinds).flat();
const codesOf = ({ warnings }: ReputationRecord) => warnings.map(({ code }) => code);

describe("the history of a score", () => {
  test("has a line for whatever speaks against the node, with the event and the reason", () => {
    const { lines } = foldOf(["accepted", "rejected", "answered", "expired", "lost"]);
    const told = lines.map(({ serial, position, score, event, reason }) => [
      serial,
      position,
      score,
      event.type,
      reason,
    ]);
    assert.deepEqual(told, [
      [0, 0n, "correctness", "ResultAccepted", "1 result accepted since the line before"],
      [1, 1n, "correctness", "ResultRejected", "result rejected: other words"],
      [2, 2n, "reliability", "ResultReceived", "1 result in time since the line before"],
      [3, 3n, "reliability", "TaskExpired", "no answer before its lease ended"],
      [4, 4n, "reliability", "TaskFailed", "an outage began, forgiven: 1 of late, 3 cost nothing"],
    ]);
    for (const { old, new: now, position } of lines)
      assert.ok(
        position === 4n ? Math.abs(now - old) < 0.001 : position % 2n ? now < old : now > old,
      );
    assert.equal(lines[1]?.event.jobHash, jobHash);
  });

  test("gathers good outcomes until they are a hundredth, so that it stays short", () => {
    const { record, lines } = foldOf(times(5_000, "answered"), 1_000);
    assert.ok(lines.length < 40, `${lines.length} lines`);
    const said = lines.reduce((sum, { reason }) => sum + Number.parseInt(reason, 10), 0);
    assert.ok(5_000 - said === record.marks.reliability.events, "each result is in one line");
    const last = lines.at(-1);
    assert.ok(last && Math.abs(last.new - reliability(record.track).lower) < 0.01);
  });

  test("has one line for an outage, however many tasks were lost in it", () =>
    assert.equal(foldOf(times(50, "lost"), 1_000).lines.length, 1));

  test("says what was forgotten with time", () => {
    const { lines } = foldOf([...times(10, "answered"), "accepted"], 40 * day);
    const forgot = lines.filter(({ reason }) => reason.includes("long ago"));
    assert.ok(forgot.length > 0);
    assert.ok(forgot.every(({ old, new: now }) => now < old));
  });

  test("is whole: each line begins where its score stood", () => {
    const kind = fc.constantFrom<Kind>("answered", "accepted", "rejected", "expired", "lost");
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 80 }), fc.nat(3 * day), (kinds, stepMs) => {
        const { record, lines } = foldOf(kinds, stepMs);
        assert.deepEqual(
          lines.map(({ serial }) => serial),
          lines.map((_, at) => at),
        );
        assert.equal(record.changes, lines.length);
        for (const score of ["reliability", "correctness"] as const) {
          let stood = 0;
          for (const line of lines.filter((each) => each.score === score)) {
            assert.ok(Math.abs(line.old - stood) < 0.2);
            stood = line.new;
          }
          assert.ok(Math.abs(stood - record.marks[score].value) < 1e-12);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("warnings", () => {
  test("come before a score falls below what costs work, whatever the node has done before", () => {
    const kind = fc.constantFrom<Kind>("answered", "accepted", "rejected", "expired", "lost");
    const runs = fc.array(fc.tuple(kind, fc.integer({ min: 1, max: 12 })), { maxLength: 20 });
    fc.assert(
      fc.property(runs, fc.nat(2 * day), (parts, stepMs) => {
        let record = blankRecord("bob");
        let at = noon;
        for (const each of parts.flatMap(([kind, count]) => times(count, kind))) {
          at += stepMs;
          const before = codesOf(record);
          record = evolveRecord(record, makers[each](at), {
            position: 1n,
            parameters: reputationDefaults,
          });
          if (!isLow(record.track)) continue;
          const warned = before.some((code) => /floor$/.test(code));
          assert.ok(warned, `${each} led below a floor without a warning`);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("say since when and by which event, and go when it is better", () => {
    const bad = foldOf([...times(5, "answered"), ...times(7, "expired")]).record;
    const [warning] = bad.warnings;
    assert.equal(warning?.code, "reliability-near-floor");
    assert.equal(warning.event.type, "TaskExpired");
    assert.equal(warning.since, noon + Number(warning.position) * 3_600_000);
    const kept = foldOf([...times(5, "answered"), ...times(8, "expired")]).record.warnings[0];
    assert.deepEqual(kept, warning, "it began when it began");
    const better = foldOf([
      ...times(5, "answered"),
      ...times(7, "expired"),
      ...times(30, "answered"),
    ]);
    assert.deepEqual(better.record.warnings, []);
  });

  test("are read as sentences with the figures of the moment", () => {
    const near = foldOf(times(1, "rejected")).record;
    assert.equal(
      warningMessage("correctness-near-floor", near.track, reputationDefaults),
      "33.3 % of its results are accepted: 1 more results that are rejected, and it is surely below 75 % and gets exploration work alone",
    );
    const { track } = foldOf(times(3, "rejected")).record;
    for (const code of warningCodes)
      assert.match(warningMessage(code, track, reputationDefaults), /^[\d a-z].{30,}[a-z]$/);
  });

  test("tell of outages before the first that costs something", () => {
    const { record } = foldOf(times(3, "lost"));
    assert.deepEqual(codesOf(record), ["outages-used-up"]);
    assert.equal(record.track.kept.broken, 0);
  });
});

describe("a conviction", () => {
  test("is the end: a line, a warning that stays, and once only", () => {
    const { record, lines } = foldOf(["accepted", "convicted", "convicted", "accepted"]);
    assert.equal(record.convictedAt, noon + 3_600_000);
    assert.deepEqual(codesOf(record), ["convicted"]);
    const told = lines.filter(({ event }) => event.type === "NodeConvicted");
    assert.deepEqual(
      told.map(({ new: now, reason }) => [now, reason]),
      [[0, "convicted: two arbiters found another result"]],
    );
  });
});

test("a policy's parameters count from where it stands in the log", () => {
  const strict = { ...policyDefaults.reputation, outagesForgiven: 0 };
  assert.equal(foldOf(["lost"]).record.track.kept.broken, 0);
  assert.equal(foldOf(["lost"], 1, strict).record.track.kept.broken, 1);
});
