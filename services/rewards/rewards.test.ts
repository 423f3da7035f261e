import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { AnyEvent } from "../../streams/codec.ts";
import { at, noon } from "../../testing/given.ts";
import { createDebts } from "./rewards.ts";

const jobHash = "a".repeat(64);
const client = "client:ada";
const spec = { client, price: "100", replicasMax: 4 } as JobSpec;
const submitted: AnyEvent = { type: "JobSubmitted", jobHash, spec, deadlineAt: at(60), at: noon };
const forgetAt = at(120);
const funded: AnyEvent = { type: "JobFunded", jobHash, client, amount: "400", forgetAt, at: noon };
const accepted = [
  { replica: 0, nodeId: "bob" },
  { replica: 1, nodeId: "cyd" },
];
const output = { outputDigest: "d".repeat(64), outputSize: 1 };
const completed: AnyEvent = { type: "JobCompleted", jobHash, ...output, accepted, at: noon };
const cancelled: AnyEvent = { type: "JobCancelled", jobHash, accepted: [], at: noon };
const refunded: AnyEvent = {
  type: "JobRefunded",
  jobHash,
  client,
  amount: "400",
  reason: "cancelled",
  at: noon,
};

const after = (...facts: readonly AnyEvent[]) => {
  const debts = createDebts();
  for (const fact of facts) debts.hear(fact);
  return debts;
};

describe("the rewards service owes", () => {
  test("a submitted job its whole budget, until it is in escrow", () => {
    assert.deepEqual(after(submitted).get(jobHash), {
      due: "funding",
      client,
      amount: "400",
      deadlineAt: at(60),
    });
    assert.equal(after(submitted, funded).get(jobHash), undefined);
  });

  test("a completed job its awards, at the price that was submitted", () =>
    assert.deepEqual(after(submitted, funded, completed).get(jobHash), {
      due: "awards",
      price: "100",
      accepted,
      round: 0,
    }));

  test("a task that was stopped its part, beside the awards", () => {
    const task = { jobHash, replica: 2, attempt: 1, nodeId: "dan" };
    const stop: AnyEvent = { type: "TaskStopped", ...task, ranMs: 3, amount: "30", at: noon };
    const debts = after(submitted, funded, stop, completed);
    const stopped = [{ replica: 2, nodeId: "dan", amount: "30" }];
    const due = { due: "awards", price: "100", accepted, stopped, round: 0 };
    assert.deepEqual(debts.get(jobHash), due);
    debts.hear({ type: "PointsAwarded", jobHash, client, awards: [], refund: "0", at: noon });
    debts.hear(stop);
    assert.equal(debts.size, 0);
  });

  test("a job its escrow back when the funding arrives after its end, or its rejection after that", () => {
    const rejected: AnyEvent = {
      type: "JobRejected",
      jobHash,
      reason: "insufficient-funds",
      at: noon,
    };
    const late = { due: "refund", reason: "funded-late", round: 0 };
    assert.deepEqual(after(submitted, rejected, funded).get(jobHash), late);
    const debts = after(submitted, cancelled);
    debts.clear(jobHash); // The ledger knew of no escrow.
    debts.hear(funded);
    assert.deepEqual(debts.get(jobHash), late);
    const { due } = after(submitted, funded, rejected).get(jobHash) ?? {};
    assert.equal(due, "refund");
    assert.equal(after(submitted, funded, rejected, refunded).size, 0);
  });

  test("a failed job its escrow, with the reason", () =>
    assert.deepEqual(
      after(submitted, funded, {
        type: "JobFailed",
        jobHash,
        reason: "no-quorum",
        at: noon,
      }).get(jobHash),
      { due: "refund", reason: "no-quorum", round: 0 },
    ));

  test("a cancelled job its escrow, or the awards of answers that were in", () => {
    const [first] = accepted;
    assert.deepEqual(after(submitted, funded, cancelled).get(jobHash), {
      due: "refund",
      reason: "cancelled",
      round: 0,
    });
    const late: AnyEvent = { ...cancelled, accepted: first ? [first] : [] } as AnyEvent;
    assert.deepEqual(after(submitted, funded, late).get(jobHash), {
      due: "awards",
      price: "100",
      accepted: [first],
      round: 0,
    });
  });

  test("nothing once the ledger has paid, or the job was rejected", () => {
    assert.equal(after(submitted, funded, cancelled, refunded).size, 0);
    const rejected: AnyEvent = {
      type: "JobRejected",
      jobHash,
      reason: "insufficient-funds",
      at: noon,
    };
    assert.equal(after(submitted, rejected).size, 0);
  });

  test("a funding that comes after the end changes nothing in the debt of the end", () =>
    assert.deepEqual(after(submitted, cancelled, funded).get(jobHash), {
      due: "refund",
      reason: "cancelled",
      round: 0,
    }));
});

describe("of a job with an assurance the rewards service owes", () => {
  const assured: AnyEvent = {
    ...submitted,
    spec: { ...spec, assurance: "standard" },
  } as AnyEvent;
  const held: AnyEvent = { ...completed, held: true } as AnyEvent;
  const paid: AnyEvent = {
    ...{ type: "PointsAwarded", jobHash, client, awards: [], refund: "0", at: noon },
  };
  const voided: AnyEvent = {
    type: "AwardsVoided",
    nodeId: "bob",
    reason: "wrong",
    voided: [
      { awardId: "e".repeat(64), jobHash, amount: "100", to: `escrow:${jobHash}`, reopens: true },
    ],
    at: noon,
  };
  const judge = { replica: 2, nodeId: "judge", arbiter: true } as const;

  test("awards that are held; a conviction opens the job again unless an arbiter confirmed it", () => {
    const debt = { due: "awards", price: "100", accepted, round: 0 };
    assert.deepEqual(after(assured, funded, held).get(jobHash), {
      ...debt,
      hold: { reopens: true },
    });
    const sure = { credibility: 1, threshold: 0.99, policy: 1, audited: true };
    for (const more of [{ assurance: sure }, { accepted: [...accepted, judge] }]) {
      const confirmed = { ...held, ...more } as AnyEvent;
      const { hold } = after(assured, funded, confirmed).get(jobHash) as { hold?: unknown };
      assert.deepEqual(hold, { reopens: false });
    }
    const plain = after(submitted, funded, completed).get(jobHash);
    assert.equal(plain && "hold" in plain, false, "without an assurance they are paid at once");
  });

  test("awards that say of which results an arbiter computed the same", () => {
    const verdict: AnyEvent = {
      ...{ type: "ResultAccepted", jobHash, replica: 1, attempt: 1, nodeId: "cyd" },
      ...{ comparator: "exact", distance: 0, audited: true, at: noon },
    };
    const debt = after(assured, funded, verdict, held).get(jobHash);
    assert.deepEqual(debt?.due === "awards" && debt.accepted.map(({ audited }) => audited), [
      undefined,
      true,
    ]);
  });

  test("held awards also when it was cancelled, and nobody will look at its results", () => {
    const late = { ...cancelled, accepted } as AnyEvent;
    const debt = after(assured, funded, late).get(jobHash);
    assert.deepEqual(debt?.due === "awards" && debt.hold, { reopens: false, final: true });
  });

  test("nothing when it was opened again, and at its second end what is due then", () => {
    const past = [assured, funded, held, paid, voided] as const;
    assert.equal(after(...past).size, 0);
    const second = { ...held, accepted: [judge] } as AnyEvent;
    assert.deepEqual(after(...past, second).get(jobHash), {
      ...{ due: "awards", price: "100", accepted: [judge], round: 1 },
      hold: { reopens: false },
    });
    const failed: AnyEvent = { type: "JobFailed", jobHash, reason: "no-quorum", at: noon };
    assert.deepEqual(after(...past, failed).get(jobHash), {
      ...{ due: "refund", reason: "no-quorum", round: 1 },
    });
    assert.equal(after(...past, second, paid).size, 0);
  });
});
