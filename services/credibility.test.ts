import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AuditDraw } from "../domain/job/events.ts";
import type { AnyEvent } from "../streams/codec.ts";
import { createCredibility } from "./credibility.ts";

const [bob, cyd] = ["bob", "cyd"] as const;
const [jobHash, other] = ["ab".repeat(32), "cd".repeat(32)] as const;
const [echo, ocr] = ["echo plain@1", "ocr ort-node@1.30.0"] as const;

const draw = (nodeId: string, replica: number, more: Partial<AuditDraw> = {}): AuditDraw => ({
  ...{ replica, attempt: 1, nodeId, runtime: echo },
  ...{ survived: 0, atRisk: "0", share: 1, audited: true },
  ...more,
});
const drawn = (draws: readonly AuditDraw[], of: string = jobHash): AnyEvent => {
  const beacon = { beacon: "ef".repeat(32), from: 0, to: 1 };
  return { type: "AuditDrawn", jobHash: of, ...beacon, policy: 1, draws, at: 0 };
};
const task = { jobHash, replica: 0, attempt: 1, nodeId: bob } as const;
const accepted: AnyEvent = {
  ...{ type: "ResultAccepted", ...task, comparator: "exact", distance: 0 },
  ...{ audited: true, at: 0 },
};

/** What these facts make of bob, in echo. */
const countAfter = (...events: readonly AnyEvent[]): number => {
  const credibility = createCredibility();
  for (const event of events) credibility.hear(event);
  return credibility.survived(bob, echo);
};
const survivedOnce = [drawn([draw(bob, 0)]), accepted];

describe("audits that a node survived", () => {
  test("are counted where an arbiter agreed, for this node and this runtime alone", () => {
    const credibility = createCredibility();
    for (const event of survivedOnce) credibility.hear(event);
    assert.equal(credibility.survived(bob, echo), 1);
    assert.equal(credibility.survived(bob, ocr), 0);
    assert.equal(credibility.survived(cyd, echo), 0);
  });

  test("are also disagreements that were settled for it, drawn or not", () =>
    assert.equal(countAfter(drawn([draw(bob, 0, { audited: false })]), accepted), 1));

  test("are none where no arbiter had a look: agreement can be bought", () => {
    const { audited: _, ...alone } = accepted as Extract<AnyEvent, { type: "ResultAccepted" }>;
    assert.equal(countAfter(drawn([draw(bob, 0)]), alone), 0);
  });

  test("stay where a task came to nothing: no audit is drawn before its result is shown", () => {
    const lost: AnyEvent = { type: "TaskExpired", ...task, jobHash: other, at: 0 };
    assert.equal(countAfter(...survivedOnce, lost), 1);
  });

  test("are forgotten with a conviction, which is for ever", () => {
    const credibility = createCredibility();
    const why = { jobHash, replica: 0, reason: "text-differs" };
    for (const event of survivedOnce) credibility.hear(event);
    assert.equal(credibility.isConvicted(bob), false);
    credibility.hear({ type: "NodeConvicted", nodeId: bob, ...why, at: 0 });
    assert.equal(credibility.survived(bob, echo), 0);
    assert.ok(credibility.isConvicted(bob));
  });
});
