/** From a job whose nodes sign to a file that proves it, through a real network and the real commands. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { native } from "../crypto/primitives-native.ts";
import { type CnctClient, connect, newIdentity } from "../sdk/index.ts";
import { startTestNetwork, type TestNetwork } from "../sdk/testing/network.ts";
import { type Ran, startCnct } from "../testing/e2e/cnct.ts";

const bytes = new TextEncoder().encode("what is to be proven");

describe("receipts of a network of identities", () => {
  let directory: string;
  let network: TestNetwork;
  let client: CnctClient;
  let hash: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-receipts-"));
    network = await startTestNetwork({ access: "identities" });
    client = connect({ gateway: network.gateway, identity: newIdentity({}, native) });
    const job = {
      app: "echo",
      inputs: { data: bytes },
      quorum: 2,
      commit: true,
      open: true,
    } as const;
    ({ hash } = await client.submit(job));
    assert.deepEqual(Buffer.from(await client.result(hash)), Buffer.from(bytes));
  });
  after(async () => {
    await client.close();
    await network.close();
    await rm(directory, { recursive: true });
  });
  const place = (name: string) => join(directory, name);
  const cnct = (...args: readonly string[]): Promise<Ran> =>
    startCnct(["--gateway", network.gateway, "--id", place("id.json"), ...args]).ended;

  test("each task has one in the API, and its node was bound before", async () => {
    const { head } = await client.network(); // The end of a job is heard before the views have it.
    const response = await fetch(new URL("/graphql", network.gateway), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        query: `{ job(hash: "${hash}", atLeast: "${head}") { tasks { status receipt } history { type } } }`,
      }),
    });
    const { data } = (await response.json()) as ReturnType<typeof JSON.parse>;
    assert.equal(data.job.tasks.length, 2);
    for (const { status, receipt } of data.job.tasks) {
      assert.equal(status, "ACCEPTED");
      assert.equal(receipt.statement.jobHash, hash);
      assert.match(receipt.statement.worker, /^cnct:/);
    }
    const types: readonly string[] = data.job.history.map(({ type }: { type: string }) => type);
    assert.ok(types.lastIndexOf("ResultCommitted") < types.indexOf("ResultReceived"));
  });

  test("one file has all, and is checked without the network", async () => {
    const file = place("job.receipts.json");
    const made = await cnct("receipt", hash, "--out", file);
    assert.equal(made.exit, 0, made.stderr);
    await writeFile(place("output"), bytes);
    const nowhere = ["--gateway", "http://127.0.0.1:1"];
    const args = ["verify", "result", file, "--output", place("output"), "--json"];
    const { exit, stdout, stderr } = await startCnct([...nowhere, ...args]).ended;
    assert.equal(exit, 0, stderr);
    const verified = JSON.parse(stdout);
    assert.equal(verified.ok, true);
    assert.equal(verified.results.length, 2);

    const bent = (await readFile(file, "utf8")).replace(/"signature": "../g, '"signature": "00');
    await writeFile(place("bent.json"), bent);
    const [wrong, other, none] = await Promise.all([
      cnct("verify", "result", place("bent.json")),
      cnct("verify", "result", file, "--output", file),
      cnct("verify", "result", place("output")),
    ]);
    assert.deepEqual([wrong.exit, other.exit, none.exit], [1, 1, 4]);
    assert.match(wrong.stderr, /identity-false/);
    assert.match(other.stderr, /output-differs/);
    assert.match(none.stderr, /file-malformed/);
  });
});
