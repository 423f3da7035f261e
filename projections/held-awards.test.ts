/** What the views show of awards that are held, of bonds, and of a job that was opened again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JobEvent } from "../domain/job/events.ts";
import { jobStream } from "../streams/names.ts";
import { accounts } from "./accounts.ts";
import { entries } from "./entries.ts";
import { jobs } from "./jobs.ts";
import { movementsOf } from "./movements.ts";
import { cheat, heldAwards, heldUntil, leaver } from "./testing/held-awards.ts";
import { beginning, digestOf, noon } from "./testing/history.ts";
import { rowsOf } from "./testing/rows-of.ts";
import { totals, totalsKey } from "./totals.ts";
import type { AccountRow, JobRow } from "./views.ts";

const jobHash = digestOf("job 0");
const factsAfter = (steps?: number) => [...beginning(), ...heldAwards(0, steps)];
const accountAfter = (account: string, steps?: number): AccountRow | undefined =>
  rowsOf(accounts, factsAfter(steps)).get(account);
const jobAfter = (steps?: number): JobRow => {
  const row = rowsOf(jobs, factsAfter(steps)).get(jobHash);
  assert.ok(row);
  return row;
};

describe("the accounts of a node", () => {
  test("show what is pending and by when it settles, apart from what it can spend", () => {
    const pending = accountAfter(`pending:${leaver}`, 0);
    assert.equal(pending?.balance, 1_000n);
    assert.equal(pending?.settlesBy, heldUntil);
    assert.equal(accountAfter(`node:${leaver}`, 0), undefined);
  });

  test("show a settlement, with the part that went to the bond", () => {
    const pending = accountAfter(`pending:${leaver}`, 1);
    assert.deepEqual([pending?.balance, pending?.settlesBy, pending?.entries], [0n, null, 2]);
    assert.equal(accountAfter(`bond:${leaver}`, 1)?.balance, 1_000n);
  });

  test("show a bond that was slashed or returned", () => {
    assert.equal(accountAfter(`bond:${leaver}`)?.balance, 0n);
    assert.equal(accountAfter("slash-sink")?.balance, 400n);
    assert.equal(accountAfter(`node:${leaver}`)?.balance, 600n);
    assert.equal(accountAfter(`pending:${cheat}`)?.balance, 0n);
  });

  test("add up to nothing after each entry", () => {
    for (let steps = 0; steps <= 8; steps++) {
      let sum = 0n;
      for (const { balance } of rowsOf(accounts, factsAfter(steps)).values()) sum += balance;
      assert.equal(sum, 0n);
    }
  });
});

describe("a job with an award that is held", () => {
  test("shows until when", () => {
    assert.deepEqual(
      jobAfter(0).paid.map((award) => [award.nodeId, award.heldUntil, award.voided]),
      [[cheat, heldUntil, false]],
    );
    assert.equal(jobAfter(0).escrow?.refunded, "3000");
  });

  test("shows that it was taken back and the escrow opened again", () => {
    const { paid, escrow } = jobAfter(2);
    assert.deepEqual(
      paid.map(({ voided }) => voided),
      [true],
    );
    assert.deepEqual([escrow?.refunded, escrow?.refundedBefore], [null, "3000"]);
    assert.equal(escrow?.positions.length, 3);
  });

  test("has no output, and nothing accepted of the convict, until it completes again", () => {
    const attempt = { jobHash, replica: 0, attempt: 1, nodeId: cheat };
    const output = { outputDigest: digestOf("output"), outputSize: 1 };
    const answered: readonly JobEvent[] = [
      {
        ...{ type: "TaskAssigned", ...attempt, executionClass: "echo@1", expiresAt: heldUntil },
        ...{ fundedAt: 0, reason: { policy: 1, seed: 0, candidates: 1, score: 1 }, at: noon },
      },
      {
        type: "ResultReceived",
        ...attempt,
        ...output,
        executionClass: "echo@1",
        elapsedMs: 1,
        at: noon,
      },
      { type: "ResultAccepted", ...attempt, comparator: "exact", distance: 0, at: noon },
    ];
    const [submitted, ...rest] = heldAwards(0, 3);
    assert.ok(submitted);
    const stream = jobStream(jobHash);
    const facts = [...beginning(), submitted, { stream, events: answered }, ...rest];
    const row = rowsOf(jobs, facts).get(jobHash);
    assert.deepEqual([row?.status, row?.output], ["open", null]);
    assert.deepEqual(
      row?.tasks.map(({ verdict, reason }) => [verdict, reason]),
      [["rejected", "node-convicted"]],
    );
    assert.notEqual(jobAfter(4).output, null, "it has one again");
  });

  test("shows both ends when it ended again", () => {
    const { paid, escrow, status } = jobAfter();
    assert.equal(status, "completed");
    assert.deepEqual(
      paid.map(({ nodeId, heldUntil, voided }) => [nodeId, heldUntil, voided]),
      [
        [cheat, heldUntil, true],
        ["node-3", null, false],
      ],
    );
    assert.equal(escrow?.refunded, "3000");
    assert.equal(escrow?.positions.length, 4);
  });
});

test("the journal has an entry for each, as each account sees it", () => {
  const rows = [...rowsOf(entries, factsAfter()).values()];
  const voided = rows.find(({ type }) => type === "AwardsVoided");
  assert.deepEqual(
    [...movementsOf(voided?.transfers ?? [])],
    [
      [`pending:${cheat}`, { amount: -1_000n, counterAccounts: [`escrow:${jobHash}`] }],
      [`escrow:${jobHash}`, { amount: 1_000n, counterAccounts: [`pending:${cheat}`] }],
    ],
  );
  const types = new Set(rows.map(({ type }) => type));
  for (const type of ["AwardsSettled", "BondSlashed", "BondReturned"] as const)
    assert.ok(types.has(type));
});

test("the totals count what was voided and slashed", () => {
  const row = rowsOf(totals, factsAfter()).get(totalsKey);
  assert.deepEqual([row?.awarded, row?.voided, row?.slashed], [3_000n, 1_000n, 400n]);
  assert.equal(row?.refunded, 6_000n);
});
