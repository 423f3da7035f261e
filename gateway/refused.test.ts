import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { openTestNetwork, type TestNetwork } from "./testing/test-network.ts";

let network: TestNetwork;
before(async () => {
  network = await openTestNetwork();
});
after(() => network.close());
beforeEach(() => void network.refused.splice(0));

const noted = () =>
  network.refused.splice(0).map(({ code, what, address }) => [code, what, address]);
const here = "127.0.0.1";

describe("a no that is the caller's fault is noted:", () => {
  test("refusals of mutations, with the mutation's name", async () => {
    const hash = "a".repeat(64);
    await network.ask(
      `mutation { mine: cancelJob(input: { hash: "${hash}", client: "client:ada" }) { __typename } }`,
    );
    assert.deepEqual(noted(), [["job-unknown", "cancelJob", here]]);
    await network.ask(
      `mutation ($specs: [JobSpecJson!]!) { submitJobs(specs: $specs) { __typename } }`,
      { specs: [{}, 1] },
    );
    assert.deepEqual(noted(), [
      ["bad-version", "submitJobs", here],
      ["spec-not-an-object", "submitJobs", here],
    ]);
  });

  test("errors in an answer, with the field, and never by an alias", async () => {
    await network.ask('{ jobs(after: "?") { nodes { hash } } }');
    await network.ask('{ secret: jobs(after: "?") { nodes { hash } } }');
    assert.deepEqual(noted(), [
      ["BAD_USER_INPUT", "jobs", here],
      ["BAD_USER_INPUT", "POST /graphql", here],
    ]);
  });

  test("queries that were never carried out, and answers of other routes", async () => {
    await network.ask("{ nothing }");
    await network.ask("{ secret");
    await fetch(`${network.url}/graphql`, {
      method: "POST",
      body: "secret",
    });
    await fetch(`${network.url}/blobs/secret`);
    await fetch(`${network.url}/secret`);
    assert.deepEqual(noted(), [
      ["GRAPHQL_VALIDATION_FAILED", "POST /graphql", here],
      ["GRAPHQL_PARSE_FAILED", "POST /graphql", here],
      ["unsupported-media-type", "POST /graphql", here],
      ["bad-digest", "GET /blobs/:digest", here],
      ["not-found", "GET an unknown path", here],
    ]);
  });

  test("but not what was answered", async () => {
    await network.ask("{ network { version } }");
    await network.ask(
      `mutation { submitJob(input: { client: "client:ada", app: "noop" }) { __typename } }`,
    );
    assert.deepEqual(noted(), []);
  });
});
