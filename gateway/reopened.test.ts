import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "graphql-ws";
import { jobStream } from "../streams/names.ts";
import { noopSpec, openTestNetwork } from "./testing/test-network.ts";

test("jobEnded tells of jobs that are taken back and of those that stand, to their client alone", {
  timeout: 60_000,
}, async (t) => {
  const network = await openTestNetwork();
  t.after(() => network.close());
  const [mine, other] = ["aa".repeat(32), "bb".repeat(32)];
  const held = { accepted: [{ replica: 0, nodeId: "bob" }], held: true } as const;
  const settledOf = (jobHash: string) => {
    return { awardId: jobHash, jobHash, nodeId: "bob", amount: "1", bond: "0" };
  };
  for (const [jobHash, client] of [
    [mine, "client:fay"],
    [other, "client:gus"],
  ] as const) {
    const spec = noopSpec(jobHash, { client });
    await network.write(
      jobStream(jobHash),
      { type: "JobSubmitted", jobHash, spec, deadlineAt: 9, at: 1 },
      { type: "JobCompleted", jobHash, outputDigest: jobHash, outputSize: 7, ...held, at: 2 },
      { type: "JobReopened", jobHash, convicts: ["bob"], deadlineAt: 9, fundedAt: 3, at: 3 },
    );
  }
  const settled = [settledOf(other), settledOf(mine)];
  const atLeast = await network.write("ledger", { type: "AwardsSettled", settled, at: 4 });
  type Batch = {
    readonly jobEnded: {
      readonly jobs: readonly { readonly hash: string; readonly final: boolean }[];
      readonly reopened: readonly { readonly hash: string; readonly convicts: readonly string[] }[];
      readonly settled: readonly string[];
    };
  };
  const query = `subscription { jobEnded(client: "client:fay", after: "-1") {
    jobs { hash final } reopened { hash convicts } settled } }`;
  const heard: Batch["jobEnded"][] = [];
  const listener = createClient({ url: `${network.url.replace("http", "ws")}/graphql` });
  for await (const { data } of listener.iterate<Batch>({ query })) {
    if (data) heard.push(data.jobEnded);
    if (heard.some((batch) => batch.settled.length > 0)) break;
  }
  await listener.dispose();
  assert.deepEqual(
    heard.flatMap(({ jobs }) => jobs),
    [{ hash: mine, final: false }],
  );
  assert.deepEqual(
    heard.flatMap((batch) => batch.reopened),
    [{ hash: mine, convicts: ["bob"] }],
  );
  assert.deepEqual(
    heard.flatMap((batch) => batch.settled),
    [mine],
  );

  const later = `query Later($after: Position, $atLeast: Position) {
    jobs(filter: { client: "client:fay", reopenedAfter: $after }, atLeast: $atLeast) {
      nodes { hash status final reopenedAt } } }`;
  const found = async (after: string) =>
    (await network.ask(later, { after, atLeast })).data.jobs.nodes;
  const [job, ...rest] = await found("-1");
  assert.deepEqual(rest, []);
  assert.equal(job.hash, mine);
  assert.deepEqual([job.status, job.final], ["OPEN", false]);
  assert.deepEqual(await found(job.reopenedAt), []);
});
