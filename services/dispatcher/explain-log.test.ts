/** Every assignment of a run is made again from its log; a byte that was flipped in the log is found. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { seededRandom } from "../../domain/chance.ts";
import type { Explained } from "../../domain/dispatch/explain.ts";
import { replayAssignments } from "../../domain/dispatch/explain.ts";
import { gatherAssignments } from "../../domain/dispatch/gather.ts";
import type { RosterEvent } from "../../domain/dispatch/roster.ts";
import { createShare } from "../../domain/dispatch/share.ts";
import type { JobEvent, TaskAssigned } from "../../domain/job/events.ts";
import { policyDefaults } from "../../domain/policy/policy.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { runBatch } from "../../testing/batch-run.ts";
import { type DispatchRun, runDispatch, sha256 } from "../../testing/dispatch-run.ts";
import { explainLog } from "./explain-log.ts";

const jobs = 1_000;

const explain = async (log: readonly RecordedEvent[]): Promise<readonly Explained[]> => {
  const all: Explained[] = [];
  await explainLog(() => log, { sha256, onExplained: (explained) => all.push(explained) });
  return all;
};

describe("a backup", () => {
  /** In each batch of 40 the sixth job hangs where it is first. */
  const run = runBatch({
    tookMs: ({ jobHash, replica, attempt }) =>
      Number.parseInt(jobHash, 16) % 40 === 5 && replica === 0 && attempt === 1 ? Infinity : 1_000,
  });
  const place = run.log.findIndex(
    ({ type, data }) => type === "TaskAssigned" && (data as TaskAssigned).backs !== undefined,
  );
  const [faultyAt, assigned] = [run.log[place]?.position, run.log[place]?.data as TaskAssigned];
  const codesWith = async (data: unknown): Promise<ReadonlySet<string>> => {
    const log = run.log.map((recorded, n) => (n === place ? { ...recorded, data } : recorded));
    const wrong = (await explain(log)).filter(({ outcome }) => outcome !== "matches");
    assert.deepEqual(
      wrong.map(({ position }) => position),
      [faultyAt],
    );
    return new Set(wrong.flatMap(({ faults }) => faults.map(({ code }) => code)));
  };

  test("is recomputed from the log, with what made it a backup", async () => {
    const all = await explain(run.log);
    assert.equal(all.length, 41);
    assert.deepEqual(
      all.filter(({ outcome }) => outcome !== "matches").map(({ faults }) => faults),
      [],
    );
  });

  test("does not match when any figure of it is another, or it stands in for no task that hung", async () => {
    const { reason } = assigned;
    const { backup = [0, 0, 0, 0], ...rest } = reason;
    for (const [i, value] of backup.entries()) {
      const changed = backup.with(i, i === 0 ? value - 1 : value + 1);
      const codes = await codesWith({ ...assigned, reason: { ...reason, backup: changed } });
      assert.ok(codes.has("digest-differs"), `${i}`);
      assert.equal(codes.has("backup-differs"), i > 0, `${i}`);
    }
    const long = [1e9, backup[1], backup[2], backup[3]];
    const tooLong = await codesWith({ ...assigned, reason: { ...reason, backup: long } });
    assert.ok(tooLong.has("backup-differs"), "longer than it was there");
    const short = [backup[1], backup[1], backup[2], backup[3]];
    const tooShort = await codesWith({ ...assigned, reason: { ...reason, backup: short } });
    assert.ok(tooShort.has("backup-differs"), "it did not hang yet");
    assert.ok((await codesWith({ ...assigned, backs: 7 })).has("backup-differs"));
    assert.ok((await codesWith({ ...assigned, reason: rest })).has("backup-differs"));
    const busy = reason.looked?.map(([id, standing, , ...more]) => [id, standing, 1, ...more]);
    const taken = await codesWith({ ...assigned, reason: { ...reason, looked: busy } });
    assert.ok(taken.has("backup-unfit"), "to a node without an idle slot");
  });
});

describe(`a run of ${jobs} jobs`, () => {
  let run: DispatchRun;
  /** A shorter one, to be falsified. */
  let few: DispatchRun;
  let clean: readonly Explained[];

  const differing = async (log: readonly RecordedEvent[]) =>
    (await explain(log)).filter(({ outcome }) => outcome === "differs");
  const codesOf = (explained: readonly Explained[]) =>
    new Set(explained.flatMap(({ faults }) => faults.map(({ code }) => code)));
  /** The log in which the data of one event is another. */
  const withData = (position: bigint, change: (data: Record<string, unknown>) => void) =>
    few.log.map((recorded) => {
      if (recorded.position !== position) return recorded;
      const data = structuredClone(recorded.data) as Record<string, unknown>;
      change(data);
      return { ...recorded, data };
    });
  const assigned = () => few.log.filter(({ type }) => type === "TaskAssigned");

  before(async () => {
    run = runDispatch({ jobs, seed: 11 });
    few = runDispatch({ jobs: 150, seed: 12 });
    clean = await explain(run.log);
  });

  test("is recomputed to the last assignment, of which many knew less than there was", () => {
    assert.equal(clean.length, run.assignments);
    assert.ok(run.assignments > 1.4 * jobs, `${run.assignments} assignments`);
    const wrong = clean.filter(({ outcome }) => outcome !== "matches");
    assert.deepEqual(
      wrong.map(({ faults }) => faults),
      [],
    );
    const old = clean.filter(
      ({ task, position }) => position - BigInt(task.reason.asOf ?? 0) > 100n,
    );
    assert.ok(old.length > run.assignments / 20, `${old.length} on old facts`);
    assert.ok(clean.some(({ task }) => task.reason.explores));
    assert.ok(clean.some(({ ranked }) => ranked.some(({ reserved }) => reserved > 0)));
    assert.ok(clean.some(({ ranked }) => ranked.some(({ turnaroundMs }) => turnaroundMs)));
  });

  test("does not match when any byte of a reason is flipped", async () => {
    const random = seededRandom(5);
    const all = assigned();
    let flips = 0;
    for (let i = 0; i < 40; i++) {
      const recorded = all[Math.floor(random() * all.length)] as RecordedEvent;
      const text = JSON.stringify((recorded.data as TaskAssigned).reason);
      const at = Math.floor(random() * text.length);
      const flipped = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ 1)}${text.slice(at + 1)}`;
      let reason: unknown;
      try {
        reason = JSON.parse(flipped);
      } catch {
        continue; // What is no JSON any more was not written by us.
      }
      flips++;
      const log = withData(recorded.position, (data) => {
        data["reason"] = reason;
      });
      const found = await differing(log);
      assert.deepEqual(
        found.map(({ position }) => position),
        [recorded.position],
        `${text}\n${flipped}`,
      );
    }
    assert.ok(flips >= 15);
  });

  test("does not match when an assignment is another, or a node is not what it was", async () => {
    const last = assigned().at(-1) as RecordedEvent;
    const { reason, nodeId } = last.data as TaskAssigned;
    const other = withData(last.position, (data) => {
      data["nodeId"] = nodeId === "node-1" ? "node-2" : "node-1";
    });
    assert.ok((await differing(other)).length >= 1);
    const elsewhere = withData(last.position, (data) => {
      data["executionClass"] = "plain@2/js/any/1t/none";
    });
    assert.ok(codesOf(await differing(elsewhere)).has("class-not-offered"));
    const slots = reason.looked?.[0]?.[4] ?? 0;
    const registered = few.log.find(
      ({ type, data }) =>
        type === "NodeRegistered" && (data as { nodeId: string }).nodeId === nodeId,
    ) as RecordedEvent;
    const larger = withData(registered.position, (data) => {
      data["capabilities"] = { ...(data["capabilities"] as object), slots: slots + 1 };
    });
    assert.ok(codesOf(await differing(larger)).has("slots-differ"));
    const unmeasured = few.log.filter(({ type }) => type !== "NodeMeasured");
    assert.deepEqual([...codesOf(await differing(unmeasured))], ["too-slow"]);
  });

  test("does not match when what a node did before was not so", async () => {
    const results = few.log.filter(({ type }) => type === "ResultAccepted").slice(0, 3);
    for (const { position } of results) {
      const log = few.log.filter((recorded) => recorded.position !== position);
      assert.ok((await differing(log)).length > 0);
    }
    const answered = few.log.find(({ type }) => type === "ResultReceived") as RecordedEvent;
    const slower = withData(answered.position, (data) => {
      data["turnaroundMs"] = (data["turnaroundMs"] as number) + 1;
    });
    assert.ok((await differing(slower)).length > 0);
  });

  test("tells a bit below what is shown from what was weighed", async () => {
    const codes = new Set<string>();
    for (const { position } of few.log
      .filter(({ type }) => type === "ResultReceived")
      .slice(20, 26)) {
      const log = withData(position, (data) => {
        data["turnaroundMs"] = (data["turnaroundMs"] as number) + 0.001;
      });
      for (const code of codesOf(await differing(log))) codes.add(code);
    }
    assert.ok(codes.has("digest-differs"));
  });

  test("is not taken for recomputed under another policy, nor where nothing was recorded", async () => {
    const policy = { ...policyDefaults, version: 2 };
    const adopted = {
      ...(few.log[0] as RecordedEvent),
      stream: "policy",
      type: "PolicyAdopted",
      data: { type: "PolicyAdopted", policy, at: 0 },
      position: -1n,
    };
    assert.deepEqual([...codesOf(await differing([adopted, ...few.log]))], ["policy-differs"]);
    const first = assigned()[0] as RecordedEvent;
    const old = withData(first.position, (data) => {
      data["reason"] = { policy: 1, seed: 1, candidates: 3, score: 0.5 };
    });
    const untold = (await explain(old)).filter(({ outcome }) => outcome === "untold");
    assert.deepEqual(
      untold.map(({ position }) => position),
      [first.position],
    );
  });

  test("says of every node what became of each task, and shares that add up", () => {
    const gatherer = gatherAssignments();
    for (const { stream, data, position } of run.log)
      if (stream.startsWith("job-")) gatherer.hear(data as JobEvent, position);
    const shares = Array.from({ length: 30 }, (_, n) => createShare(`node-${n}`));
    const replay = replayAssignments(gatherer.gathered(), (one, roster) => {
      for (const share of shares) share.visit(one, roster);
    });
    for (const { stream, data, position } of run.log)
      if (/^(job|node)-/.test(stream)) replay.hear(data as RosterEvent, position);
    replay.end();
    let given = 0;
    let even = 0;
    for (const share of shares) {
      const { assignments, fates, evenShare } = share.fared();
      assert.equal(assignments, run.assignments);
      assert.equal(
        Object.values(fates).reduce((a, b) => a + b, 0),
        run.assignments,
      );
      given += fates.given ?? 0;
      even += evenShare;
    }
    assert.equal(given, run.assignments);
    assert.ok(Math.abs(even - run.assignments) < 0.01 * run.assignments, `${even}`);
  });
});
