import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noon } from "../../testing/given.ts";
import { type ReputationParameters, reputationDefaults } from "./parameters.ts";
import { score } from "./score.ts";
import { correctness, isLow, reliability, standing, turnaroundsOf, vettingOf } from "./standing.ts";
import { blankTrack, evolveTrack, type Track, type TrackEvent } from "./track.ts";
import { turnaroundBound } from "./turnaround.ts";

const day = 86_400_000;
const task = (at: number) =>
  ({ jobHash: "ab".repeat(32), replica: 0, attempt: 1, nodeId: "bob", at }) as const;
const assigned = (at = noon): TrackEvent => ({
  type: "TaskAssigned",
  ...task(at),
  executionClass: "ort-node",
  expiresAt: at,
  fundedAt: 0,
  reason: { policy: 1, seed: 1, candidates: 1, score: 1 },
});
const answered = (at = noon, turnaroundMs?: number, app = "ocr"): TrackEvent => ({
  type: "ResultReceived",
  ...task(at),
  executionClass: "ort-node",
  outputDigest: "cd".repeat(32),
  outputSize: 1,
  elapsedMs: 40,
  ...(turnaroundMs === undefined ? {} : { app, turnaroundMs }),
});
const accepted = (at = noon): TrackEvent => ({
  type: "ResultAccepted",
  ...task(at),
  comparator: "text",
  distance: 0,
});
const rejected = (at = noon): TrackEvent => ({
  type: "ResultRejected",
  ...task(at),
  comparator: "text",
  distance: 0,
  reason: "other words",
});
const expired = (at = noon): TrackEvent => ({ type: "TaskExpired", ...task(at) });
const failed = (code: string, at = noon, retryable = true): TrackEvent => ({
  type: "TaskFailed",
  ...task(at),
  code,
  retryable,
});
const lost = (at = noon): TrackEvent => failed("node-lost", at);

const trackAfter = (events: readonly TrackEvent[], parameters?: ReputationParameters): Track =>
  events.reduce((track, event) => evolveTrack(track, event, parameters), blankTrack("bob"));
const times = (count: number, event: (n: number) => TrackEvent): readonly TrackEvent[] =>
  Array.from({ length: count }, (_, n) => event(n));

describe("a node's track", () => {
  test("counts what became of its tasks", () => {
    const track = trackAfter([
      assigned(),
      assigned(),
      answered(),
      expired(),
      accepted(),
      rejected(),
      failed("node-draining"),
    ]);
    assert.deepEqual(
      { ...track, turnaround: undefined },
      {
        nodeId: "bob",
        assigned: 2,
        answered: 1,
        broken: 1,
        silent: 0,
        drained: 1,
        accepted: 1,
        rejected: 1,
        at: noon,
        kept: { answered: 1, broken: 1, accepted: 1, rejected: 1, outages: 0 },
        silentAt: null,
        acceptedDays: 1,
        acceptedDay: Math.floor(noon / day),
        vettedAt: null,
        turnaround: undefined,
      },
    );
  });

  test("holds a failure against the node only if the input was not at fault", () => {
    assert.equal(trackAfter([failed("worker-fault")]).broken, 1);
    assert.deepEqual(trackAfter([failed("no-image", noon, false)]), blankTrack("bob"));
  });

  test("keeps answering in time and answering right apart", () => {
    const late = trackAfter([expired(), expired(), answered(), accepted()]);
    assert.deepEqual(reliability(late), score(1, 2));
    assert.deepEqual(correctness(late), score(1, 0));
    const wrong = trackAfter([...times(20, () => answered()), ...times(20, () => rejected())]);
    assert.deepEqual(reliability(wrong), score(20, 0), "it answered in time all the same");
  });
});

describe("forgetting", () => {
  test("leaves 98 % of an outcome after a day, and 0.98^365 after a year", () => {
    const kept = (days: number): number => {
      const { kept } = trackAfter([accepted(), rejected(noon + days * day)]);
      return kept.accepted;
    };
    assert.equal(kept(0), 1);
    assert.equal(kept(1).toFixed(12), "0.980000000000");
    assert.equal(kept(365).toFixed(9), (0.98 ** 365).toFixed(9));
    assert.equal(kept(0.5).toFixed(9), Math.sqrt(0.98).toFixed(9));
  });

  test("turns back no clock: an event that claims to be older counts in full", () => {
    const { kept, at } = trackAfter([accepted(noon + day), accepted(noon)]);
    assert.deepEqual([kept.accepted, at], [2, noon + day]);
  });

  test("is the same to the last bit, however often, and from wherever it is taken up again", () => {
    const event = fc.tuple(fc.nat(6), fc.nat(40 * day)).map(([kind, at]): TrackEvent => {
      const makers = [accepted, rejected, expired, lost, assigned, answered];
      const make = makers[kind];
      return make ? make(noon + at) : answered(noon + at, at % 100_000, "faces");
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.nat(60), (events, cut) => {
        const whole = trackAfter(events);
        const stored = JSON.stringify(trackAfter(events.slice(0, cut)));
        const resumed = events
          .slice(cut)
          .reduce((track, each) => evolveTrack(track, each), JSON.parse(stored) as Track);
        assert.equal(JSON.stringify(resumed), JSON.stringify(whole));
      }),
    );
  });

  test("gives these very figures, on any machine and in any version of the engine", () => {
    const events = times(
      200,
      (n) =>
        [accepted, rejected, answered, lost][n % 7 > 3 ? 0 : n % 4]?.(noon + n * 7_654_321) ??
        expired(),
    );
    const track = trackAfter(events);
    const { lower } = correctness(track);
    assert.deepEqual(
      [track.kept.accepted, track.kept.outages, lower, standing(track)],
      [95.05934305125984, 24.405620390446742, 0.714764047923222, 0.27399984515805015],
    );
  });
});

describe("silence", () => {
  const minute = 60_000;
  const onlySilent = (...starts: readonly number[]) =>
    trackAfter(starts.map((at) => lost(noon + at)));

  test("of a moment counts once, whatever was lost in it", () => {
    const track = trackAfter([
      ...times(30, (n) => lost(noon + n)),
      failed("reveal-lost", noon + minute),
      expired(noon + 2 * minute),
    ]);
    assert.equal(track.silent, 32);
    assert.equal(track.broken, 0);
    assert.deepEqual(reliability(track), score(0, 0), "the first outages are forgiven");
    assert.equal(track.kept.outages, 1);
  });

  test("counts against reliability from the fourth outage on, and never against correctness", () => {
    const hour = 60 * minute;
    assert.equal(onlySilent(0, hour, 2 * hour).kept.broken, 0);
    const fourth = onlySilent(0, hour, 2 * hour, 3 * hour);
    assert.equal(fourth.kept.broken, 1);
    assert.equal(correctness(fourth).weight, 0);
  });

  test("is forgiven for ever at one outage a month, and not at one a day", () => {
    const monthly = trackAfter(times(36, (n) => lost(noon + n * 30 * day)));
    const daily = trackAfter(times(36, (n) => lost(noon + n * day)));
    assert.equal(monthly.kept.broken, 0);
    assert.ok(daily.kept.broken > 20);
  });

  test("that was announced costs nothing at all", () => {
    const drained = trackAfter(times(100, (n) => failed("node-draining", noon + n * day)));
    assert.equal(drained.drained, 100);
    assert.deepEqual(drained.kept, blankTrack("bob").kept);
  });

  test("of all nodes at once is the line's: what runs out then counts for nothing", () => {
    const event: TrackEvent = { ...task(noon), type: "TaskExpired", excused: true };
    const { kept, silent } = trackAfter(times(50, (n) => ({ ...event, at: noon + n * day })));
    assert.deepEqual([kept, silent], [blankTrack("bob").kept, 50]);
  });

  test("does not excuse what runs out after it", () =>
    assert.equal(trackAfter([lost(noon), expired(noon + 11 * minute)]).broken, 1));
});

describe("standing", () => {
  const good = (count: number) =>
    trackAfter(times(count * 2, (n) => (n % 2 ? accepted() : answered())));

  test("rises with evidence, from that of a newcomer", () => {
    assert.equal(standing(blankTrack("bob")), reputationDefaults.newcomerStanding);
    const values = [0, 5, 20, 100, 1000].map((count) => standing(good(count)));
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    );
    assert.equal(standing(good(50)).toFixed(3), (0.92864 ** 2).toFixed(3));
  });

  test("is nothing, less than a newcomer's, for who is surely below a floor", () => {
    const unsure = trackAfter([rejected()]);
    assert.equal(isLow(unsure), false);
    assert.ok(standing(unsure) > 0);
    assert.ok(standing(unsure) < reputationDefaults.newcomerStanding);
    const sure = trackAfter(times(2, () => rejected()));
    assert.equal(isLow(sure), true);
    assert.equal(standing(sure), 0);
    assert.equal(standing(trackAfter(times(5, () => expired()))), 0);
  });

  test("comes back with good work", () => {
    const poor = times(5, () => expired());
    const better = trackAfter([
      ...poor,
      ...times(40, () => answered()),
      ...times(40, () => accepted()),
    ]);
    assert.ok(standing(better) > 0.5);
  });
});

describe("the vetting stage", () => {
  test("shows how far a node has come, and when it was through", () => {
    const morning = times(25, () => accepted(noon));
    const { endedAt, ...progress } = vettingOf(trackAfter(morning));
    assert.equal(endedAt, null);
    assert.deepEqual(progress, { accepted: 20, acceptedWanted: 20, days: 1, daysWanted: 2 });
    const track = trackAfter([...morning, accepted(noon + day), accepted(noon + 9 * day)]);
    assert.equal(vettingOf(track).endedAt, noon + day);
  });

  test("cannot stall: so many accepted results on so many days end it, whatever comes between", () => {
    const bad = fc.constantFrom(rejected, expired, lost, assigned, answered);
    const between = fc.array(fc.tuple(bad, fc.integer({ min: -day, max: 60 * day })), {
      maxLength: 8,
    });
    const { vettingResults, vettingDays } = reputationDefaults;
    fc.assert(
      fc.property(fc.array(between, { minLength: 20, maxLength: 20 }), (gaps) => {
        let now = noon;
        let track = blankTrack("bob");
        let before = vettingOf(track);
        const step = (event: TrackEvent) => {
          track = evolveTrack(track, event);
          const after = vettingOf(track);
          assert.ok(after.accepted >= before.accepted && after.days >= before.days);
          assert.ok(before.endedAt === null || after.endedAt === before.endedAt);
          before = after;
        };
        for (const [n, gap] of gaps.entries()) {
          for (const [make, later] of gap) {
            now = Math.max(now, now + later);
            step(make(now));
          }
          if (n === vettingResults / 2) now += (vettingDays - 1) * day;
          step(accepted(now));
        }
        assert.notEqual(vettingOf(track).endedAt, null);
      }),
      { numRuns: 50 },
    );
  });
});

describe("turnaround", () => {
  const after = (...ms: readonly number[]) => trackAfter(ms.map((each) => answered(noon, each)));

  test("has the mean and the deviation of what was measured, by app", () => {
    const track = trackAfter([
      ...[2, 4, 4, 4, 5, 5, 7, 9].map((ms) => answered(noon, ms)),
      answered(noon, 1_000, "faces"),
      answered(noon),
    ]);
    assert.deepEqual(turnaroundsOf(track), [
      { app: "faces", weight: 1, meanMs: 1_000, deviationMs: 0 },
      { app: "ocr", weight: 8, meanMs: 5, deviationMs: 2 },
    ]);
  });

  test("gives a deadline of mean and deviations, once it rests on a few answers", () => {
    assert.equal(turnaroundBound(after(10, 12).turnaround["ocr"], 3), undefined);
    assert.equal(turnaroundBound(undefined, 3), undefined);
    assert.equal(turnaroundBound(after(2, 4, 4, 4, 5, 5, 7, 9).turnaround["ocr"], 3), 11);
  });

  test("follows a node that has become slower", () => {
    const fast = times(100, (n) => answered(noon + n, 100));
    const slow = times(30, (n) => answered(noon + 90 * day + n, 900));
    const mean = trackAfter([...fast, ...slow]).turnaround["ocr"]?.meanMs ?? 0;
    assert.ok(mean > 500, `${mean} ms: 100 answers of a season ago count as 16`);
  });

  test("keeps a precise deviation where the mean is large beside it", () => {
    const track = trackAfter(times(1000, (n) => answered(noon, 1e9 + (n % 2))));
    assert.equal(turnaroundsOf(track)[0]?.deviationMs.toFixed(6), "0.500000");
  });
});
