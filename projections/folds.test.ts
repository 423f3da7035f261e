import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { blankTrack } from "../domain/reputation/track.ts";
import { accounts } from "./accounts.ts";
import { blobs } from "./blobs.ts";
import { entries } from "./entries.ts";
import { jobs } from "./jobs.ts";
import { movementsOf } from "./movements.ts";
import { nodes } from "./nodes.ts";
import { reputation } from "./reputation.ts";
import { statements } from "./statements.ts";
import { beginning, digestOf, lifeOf, lives, noon } from "./testing/history.ts";
import { rowsOf } from "./testing/rows-of.ts";
import { totals, totalsKey } from "./totals.ts";
import type { JobRow } from "./views.ts";

const jobHash = digestOf("job 0");
const start = noon + 1000;
const jobAfter = (ending: Parameters<typeof lifeOf>[1]): JobRow => {
  const row = rowsOf(jobs, lifeOf(0, ending)).get(jobHash);
  assert.ok(row);
  return row;
};

describe("the view of jobs", () => {
  test("shows a job that is open with its tasks", () => {
    const row = jobAfter("open");
    assert.equal(row.status, "open");
    assert.equal(row.client, "client:ada");
    assert.equal(row.deadlineAt, start + 3_600_000);
    assert.equal(row.submittedPosition, 1n);
    assert.equal(row.lastPosition, 4n);
    assert.deepEqual(row.escrow, {
      funded: "4000",
      refunded: null,
      refundedBefore: "0",
      positions: [2n],
    });
    assert.deepEqual(
      row.tasks.map(({ replica, attempt, nodeId, status }) => [replica, attempt, nodeId, status]),
      [
        [0, 1, "node-11", "assigned"],
        [1, 1, "node-12", "assigned"],
      ],
    );
    assert.equal(row.tasks[0]?.expiresAt, start + 30_002);
  });

  test("shows a completed job with its output, verdicts and pay", () => {
    const row = jobAfter("completed");
    assert.equal(row.status, "completed");
    assert.deepEqual(row.output, { digest: digestOf("output 0"), size: 1_234 });
    assert.equal(row.endedAt, start + 7);
    assert.equal(row.endedPosition, 9n);
    assert.equal(row.lastPosition, 10n);
    assert.deepEqual(
      row.tasks.map(({ status, verdict, elapsedMs, distance }) => ({
        status,
        verdict,
        elapsedMs,
        distance,
      })),
      Array(2).fill({ status: "received", verdict: "accepted", elapsedMs: 20, distance: 0 }),
    );
    assert.deepEqual(
      row.paid.map(({ nodeId, amount }) => [nodeId, amount]),
      [
        ["node-11", "1000"],
        ["node-12", "1000"],
      ],
    );
    const positions = [2n, 10n];
    const refundedBefore = "0";
    assert.deepEqual(row.escrow, { funded: "4000", refunded: "2000", refundedBefore, positions });
  });

  test("keeps what results disagreed about, and who was wrong", () => {
    const row = jobAfter("completed-late");
    assert.deepEqual(row.disagreement?.groups, [[0], [1]]);
    assert.deepEqual(
      row.tasks.map(({ verdict, reason }) => [verdict, reason]),
      [
        ["accepted", null],
        ["rejected", "bytes differ"],
        ["accepted", null],
      ],
    );
  });

  test("shows every attempt of a job that failed", () => {
    const row = jobAfter("failed");
    assert.equal(row.status, "failed");
    assert.equal(row.reason, "attempts-exhausted");
    assert.deepEqual(
      row.tasks.map(({ replica, attempt, status, code }) => [replica, attempt, status, code]),
      [
        [0, 1, "failed", "worker-fault"],
        [1, 1, "expired", null],
        [0, 2, "failed", "worker-fault"],
      ],
    );
    assert.equal(row.escrow?.refunded, "4000");
  });

  test("drops the tasks that a cancelled job still had", () => {
    const row = jobAfter("cancelled");
    assert.equal(row.status, "cancelled");
    assert.deepEqual(
      row.tasks.map(({ status, endedAt }) => [status, endedAt]),
      Array(2).fill(["dropped", start + 4]),
    );
  });

  test("says why a job was rejected", () => {
    const row = jobAfter("rejected");
    assert.equal(row.status, "rejected");
    assert.equal(row.reason, "insufficient-funds");
    assert.equal(row.escrow, null);
  });

  test("makes no row of a job that was never submitted", () => {
    const [, , ...rest] = lifeOf(0, "completed");
    assert.equal(rowsOf(jobs, rest).size, 0);
  });
});

describe("the view of nodes", () => {
  test("shows what was declared and whether the node may work", () => {
    const rows = rowsOf(nodes, beginning());
    assert.equal(rows.size, 40);
    assert.equal(rows.get("node-0")?.status, "active");
    assert.equal(rows.get("node-9")?.status, "suspended");
    assert.equal(rows.get("node-9")?.reason, "liar");
    assert.equal(rows.get("node-9")?.capabilities.slots, 4);
  });

  test("follows a change, a suspension and its end", () => {
    const stream = "node-node-1";
    const [, declared] = beginning();
    assert.ok(declared?.events[0]?.type === "NodeRegistered");
    const { nodeId, capabilities } = declared.events[0];
    const at = noon + 60_000;
    const changed = { ...capabilities, slots: 9 };
    const row = rowsOf(nodes, [
      declared,
      { stream, events: [{ type: "NodeSuspended", nodeId, reason: "liar", at }] },
      { stream, events: [{ type: "NodeCapabilitiesChanged", nodeId, capabilities: changed, at }] },
      { stream, events: [{ type: "NodeResumed", nodeId, at: at + 1 }] },
    ]).get(nodeId);
    assert.equal(row?.status, "active");
    assert.equal(row.reason, null);
    assert.equal(row.capabilities.slots, 9);
    assert.equal(row.changedAt, at + 1);
    assert.equal(row.registeredPosition, 0n);
    assert.equal(row.lastPosition, 3n);
  });
});

describe("the view of reputation", () => {
  test("counts what a node was given and how it did", () => {
    const rows = rowsOf(reputation, lifeOf(0, "completed-late"));
    const countsOf = (nodeId: string): readonly unknown[] => {
      const { assigned, answered, broken, accepted, rejected } =
        rows.get(nodeId)?.track ?? blankTrack(nodeId);
      return [assigned, answered, broken, accepted, rejected];
    };
    assert.deepEqual(countsOf("node-11"), [1, 1, 0, 1, 0]);
    assert.deepEqual(countsOf("node-12"), [1, 1, 0, 0, 1]);
    assert.equal(rowsOf(reputation, lifeOf(0, "failed")).get("node-12")?.track.broken, 1);
  });
});

describe("the views of the ledger", () => {
  const ada = "client:ada";
  const escrow = `escrow:${jobHash}`;

  test("hold the balance of each account, and no empty escrow", () => {
    const open = rowsOf(accounts, [...beginning(), ...lifeOf(0, "open")]);
    assert.equal(open.get(ada)?.balance, 1_000_000_000_000n - 4_000n);
    assert.equal(open.get(escrow)?.balance, 4_000n);
    assert.equal(open.get("issuance")?.balance, -3_000_000_000_000n);
    const paid = rowsOf(accounts, [...beginning(), ...lifeOf(0, "completed")]);
    assert.equal(paid.get(ada)?.balance, 1_000_000_000_000n - 2_000n);
    assert.equal(paid.get(ada)?.entries, 3);
    assert.equal(paid.get("node:node-11")?.balance, 1_000n);
    assert.equal(paid.has(escrow), false);
  });

  test("add up to nothing, whatever happened", () => {
    const rows = rowsOf(accounts, [...beginning(), ...lives(0, 100)]);
    let sum = 0n;
    for (const { balance } of rows.values()) sum += balance;
    assert.equal(sum, 0n);
  });

  test("name the entries of each account, once each", () => {
    const facts = lifeOf(0, "completed");
    const lines = [...rowsOf(statements, facts).values()];
    const linesOf = (name: string): readonly bigint[] =>
      lines.filter(({ account }) => account === name).map(({ position }) => position);
    assert.deepEqual(linesOf("client:ada"), [2n, 10n]);
    assert.deepEqual(linesOf("node:node-11"), [10n]);
    assert.deepEqual(linesOf(escrow), [], "the job knows them");
    const award = rowsOf(entries, facts).get("10");
    assert.ok(award);
    assert.deepEqual(movementsOf(award.transfers).get(escrow), {
      amount: -4_000n,
      counterAccounts: ["node:node-11", "node:node-12", ada],
    });
  });
});

describe("the view of blobs", () => {
  const digest = digestOf("bytes");
  const stream = `blob-${digest}`;
  const copy = (place: string, expiresAt: number | null) =>
    ({ type: "BlobStored", digest, size: 5, mediaType: "text/plain", place, expiresAt }) as const;

  test("shows all copies of a blob and when the last may go", () => {
    const events = [
      { ...copy("gateway-1", noon + 10), at: noon },
      { ...copy("gateway-2", noon + 20), at: noon + 1 },
    ];
    const row = rowsOf(blobs, [{ stream, events }]).get(digest);
    assert.equal(row?.expiresAt, noon + 20);
    assert.equal(row.storedAt, noon);
    assert.equal(row.places.length, 2);
    const permanent = { ...copy("gateway-1", null), at: noon + 2 };
    const kept = rowsOf(blobs, [{ stream, events: [...events, permanent] }]).get(digest);
    assert.equal(kept?.expiresAt, null);
    assert.equal(kept.places.length, 2);
  });

  test("forgets a blob with its last copy, not before", () => {
    const events = [
      { ...copy("gateway-1", noon + 10), at: noon },
      { ...copy("gateway-2", noon + 20), at: noon },
      { type: "BlobExpired", digest, place: "gateway-2", at: noon + 20 } as const,
    ];
    const gone = { type: "BlobExpired", digest, place: "gateway-1", at: noon + 30 } as const;
    assert.equal(rowsOf(blobs, [{ stream, events }]).get(digest)?.expiresAt, noon + 10);
    assert.equal(rowsOf(blobs, [{ stream, events: [...events, gone] }]).size, 0);
  });
});

describe("the totals", () => {
  test("count jobs by how they ended, nodes and points", () => {
    const facts = [...beginning(), ...lives(0, 100)];
    const row = rowsOf(totals, facts).get(totalsKey);
    assert.ok(row);
    const jobRows = [...rowsOf(jobs, facts).values()];
    for (const status of ["open", "completed", "failed", "rejected", "cancelled"] as const) {
      const count = jobRows.filter((job) => job.status === status).length;
      assert.ok(count > 0, `the history has a job that is ${status}`);
      assert.equal(row[status], count, status);
    }
    assert.equal(row.active, 36);
    assert.equal(row.suspended, 4);
    assert.equal(row.issued, 3_000_000_000_000n);
    assert.equal(row.awarded + row.refunded, row.funded - BigInt(row.open) * 4_000n);
    assert.equal(
      row.events,
      facts.reduce((sum, { events }) => sum + events.length, 0),
    );
  });
});
