import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fairness, type RequesterJob, requesterRecord } from "./requester.ts";

const job = (
  status: RequesterJob["status"],
  { reason = null, tasks = [] }: { reason?: string | null; tasks?: readonly string[] } = {},
): RequesterJob => ({ status, reason, tasks: tasks.map((each) => ({ status: each })) });

describe("how a client treats nodes", () => {
  test("is counted by how its jobs ended, and by whose doing", () => {
    const { account, ...counts } = requesterRecord("client:eve", [
      job("open", { tasks: ["assigned"] }),
      job("completed", { tasks: ["received", "received"] }),
      job("failed", { reason: "bad-image", tasks: ["failed", "failed"] }),
      job("failed", { reason: "no-quorum", tasks: ["received"] }),
      job("cancelled"),
      job("cancelled", { tasks: ["received", "dropped", "dropped"] }),
      job("rejected", { reason: "insufficient-funds" }),
    ]);
    assert.equal(account, "client:eve");
    assert.deepEqual(counts, {
      jobs: 7,
      completed: 1,
      failedByInput: 1,
      failedOtherwise: 1,
      cancelledUnstarted: 1,
      cancelledAfterWork: 1,
      unfunded: 1,
      tasksInVain: 2,
    });
  });

  test("is not held against a client whose jobs nodes failed", () => {
    const unlucky = requesterRecord(
      "client:ada",
      Array.from({ length: 50 }, () => job("failed", { reason: "attempts-exhausted" })),
    );
    assert.equal(fairness(unlucky).weight, 0);
    const abusive = requesterRecord(
      "client:eve",
      Array.from({ length: 50 }, () => job("cancelled", { tasks: ["dropped"] })),
    );
    assert.ok(fairness(abusive).upper < 0.1);
  });
});
