/** How a job was checked, asked of a real gateway on a real log. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { NodeId } from "../domain/ids.ts";
import { jobHash as hashOf } from "../domain/job/hash.ts";
import { jobStream, ledgerStream } from "../streams/names.ts";
import { noopSpec, openTestNetwork } from "./testing/test-network.ts";

const at = 1_800_000_000_000;
const query = `query Checked($hash: Digest!, $atLeast: Position) { job(hash: $hash, atLeast: $atLeast) {
  verification { comparator bounds credibility threshold policyVersion audited
    verdicts { replica nodeId arbiter accepted bounds distance survived } wishes { why wanted arbitersWanted }
    draws { replica share audited } reopenings { convicts } }
  awards { nodeId state } tasks { nodeId arbiter } } }`;

describe("a job with an assurance", async () => {
  const network = await openTestNetwork();
  after(() => network.close());
  const comparator = { kind: "text" } as const;
  const spec = noopSpec("checked", {
    ...{ comparator, quorum: 1, replicasMax: 5, commit: true, assurance: "standard" },
  });
  const jobHash = hashOf(spec);
  const bounds = { version: 1, maxDistance: 0 };
  const compared = { comparator: "text", bounds, distance: 0 };
  const task = (replica: number, nodeId: NodeId) => ({ jobHash, replica, attempt: 1, nodeId });
  const lease = {
    ...{ executionClass: "plain@1/js/any/1t/none", expiresAt: at + 1_000, fundedAt: 0 },
    reason: { policy: 1, seed: 1, candidates: 2, score: 1 },
  };
  const awardId = (replica: number) => String(replica).repeat(64);

  test("tells how it was checked, and whose award is held", async () => {
    await network.write(
      jobStream(jobHash),
      { type: "JobSubmitted", jobHash, spec, deadlineAt: at + 60_000, at },
      { type: "TaskAssigned", ...task(0, "bob"), ...lease, at },
      { type: "TaskAssigned", ...task(1, "abe"), ...lease, role: "arbiter", at },
      { type: "ResultAccepted", ...task(0, "bob"), ...compared, audited: true, survived: 3, at },
      { type: "ResultAccepted", ...task(1, "abe"), ...compared, at },
      {
        ...{ type: "JobCompleted", jobHash, outputDigest: "aa".repeat(32), outputSize: 2 },
        accepted: [
          { replica: 0, nodeId: "bob" },
          { replica: 1, nodeId: "abe", arbiter: true },
        ],
        assurance: { credibility: 0.999, threshold: 0.99, policy: 4, audited: true },
        held: true,
        at,
      },
    );
    const award = { amount: "100", awardId: awardId(0), nodeId: "bob", replica: 0 } as const;
    const paid = { ...award, awardId: awardId(1), nodeId: "abe", replica: 1 };
    const atLeast = await network.write(
      ledgerStream,
      { type: "JobFunded", jobHash, client: spec.client, amount: "800", forgetAt: at, at },
      {
        ...{ type: "PointsAwarded", jobHash, client: spec.client, refund: "600" },
        awards: [{ ...award, held: true }, paid],
        hold: { jobs: 9, until: at + 1_000 },
        at,
      },
    );
    const { data, errors } = await network.ask(query, { hash: jobHash, atLeast });
    assert.equal(errors, undefined);
    const { verification, awards, tasks } = data.job;
    assert.deepEqual(verification, {
      ...{ comparator: "text", bounds, credibility: 0.999, threshold: 0.99, policyVersion: 4 },
      audited: true,
      verdicts: [
        {
          replica: 0,
          nodeId: "bob",
          arbiter: false,
          accepted: true,
          bounds,
          distance: 0,
          survived: 3,
        },
        {
          replica: 1,
          nodeId: "abe",
          arbiter: true,
          accepted: true,
          bounds,
          distance: 0,
          survived: null,
        },
      ],
      ...{ wishes: [], draws: [], reopenings: [] },
    });
    assert.deepEqual(awards, [
      { nodeId: "bob", state: "HELD" },
      { nodeId: "abe", state: "PAID" },
    ]);
    assert.deepEqual(
      tasks.map(({ arbiter }: { readonly arbiter: boolean }) => arbiter),
      [false, true],
    );
  });

  test("tells that the award is settled", async () => {
    const one = { awardId: awardId(0), jobHash, nodeId: "bob", amount: "100", bond: "0" };
    const atLeast = await network.write(ledgerStream, {
      type: "AwardsSettled",
      settled: [one],
      at,
    });
    const { data } = await network.ask(query, { hash: jobHash, atLeast });
    assert.deepEqual(data.job.awards, [
      { nodeId: "bob", state: "SETTLED" },
      { nodeId: "abe", state: "PAID" },
    ]);
  });
});
