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
    }));

  test("a job its escrow back when the funding arrives after its end, or its rejection after that", () => {
    const rejected: AnyEvent = {
      type: "JobRejected",
      jobHash,
      reason: "insufficient-funds",
      at: noon,
    };
    const late = { due: "refund", reason: "funded-late" };
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
      { due: "refund", reason: "no-quorum" },
    ));

  test("a cancelled job its escrow, or the awards of answers that were in", () => {
    const [first] = accepted;
    assert.deepEqual(after(submitted, funded, cancelled).get(jobHash), {
      due: "refund",
      reason: "cancelled",
    });
    const late: AnyEvent = { ...cancelled, accepted: first ? [first] : [] } as AnyEvent;
    assert.deepEqual(after(submitted, funded, late).get(jobHash), {
      due: "awards",
      price: "100",
      accepted: [first],
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
    }));
});
