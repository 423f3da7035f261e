/** `cnct start`: what it starts goes on where it was, comes back when it dies, and never stays behind. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect, newIdentity } from "../../sdk/index.ts";
import { noneLeft, processesOf, runCnct, type StartedNetwork, startNetworkOf } from "./cnct.ts";

describe("a network on one machine", { timeout: 170_000 }, () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-start-"));
  });
  after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));

  /** The network's own tests of its nodes would be counted, too. */
  const ownJobsOnly = { more: ["--probes", "off"] };
  const pidsOf = ({ pids, child }: StartedNetwork) => [...Object.values(pids), child.pid ?? -1];
  const compute = async ({ gateway }: StartedNetwork, nonce: string) => {
    const client = connect({ gateway, identity: newIdentity() });
    try {
      const { hash } = await client.submit({ app: "noop", nonce });
      const { status } = await client.await(hash, { timeoutMs: 60_000 });
      const { completed } = (await client.network()).jobs;
      const nodes = (await client.nodes()).nodes.map(({ id }) => id).toSorted();
      return { hash, status, completed, nodes };
    } finally {
      await client.close();
    }
  };

  test("stops everything on SIGTERM, and a second start goes on where it was", async (t) => {
    const first = await startNetworkOf(directory, ownJobsOnly);
    t.after(() => first.child.kill("SIGKILL"));
    const one = await compute(first, "first");
    assert.deepEqual([one.status, one.completed], ["COMPLETED", 1]);
    assert.ok(processesOf(directory).some((line) => line.includes("nats-server")));
    first.child.kill("SIGTERM");
    assert.equal((await first.ended).exit, 0);
    assert.deepEqual(await noneLeft(directory, pidsOf(first), 15_000), []);

    // The journal would bring the file's pages back.
    for (const suffix of ["-wal", "-shm"])
      await rm(join(directory, "views", `views.sqlite${suffix}`), { force: true });
    await writeFile(join(directory, "views", "views.sqlite"), "no views at all");
    const second = await startNetworkOf(directory, ownJobsOnly);
    t.after(() => second.child.kill("SIGKILL"));
    const two = await compute(second, "second");
    assert.deepEqual([two.status, two.completed], ["COMPLETED", 2]);
    assert.deepEqual(two.nodes, ["node-1", "node-2"]);
    const seen = await runCnct(["job", one.hash, "--json", "--gateway", second.gateway]);
    assert.equal(JSON.parse(seen.stdout).status, "COMPLETED");
    const told = await runCnct([
      "node",
      "node-1",
      "--explain",
      "--json",
      "--gateway",
      second.gateway,
    ]);
    assert.equal(told.exit, 0, told.stderr);
    const { matches, events, log } = JSON.parse(told.stdout);
    assert.deepEqual([matches, events > 0, log.accepted > 0], [true, true, true]);
    const locked = await runCnct(["start", "--port", "0", "--data", directory]);
    assert.equal(locked.exit, 5);
    assert.match(locked.stderr, /\(data-locked\)\n$/);
    second.child.kill("SIGINT");
    const { exit, stderr } = await second.ended;
    assert.equal(exit, 0);
    assert.match(stderr, /coordinator: views: rebuilding from the start of the log, since SQLite/);
    assert.deepEqual(await noneLeft(directory, pidsOf(second), 15_000), []);
  });

  test("starts again what dies, and leaves nothing when it is killed itself", async (t) => {
    const network = await startNetworkOf(directory);
    t.after(() => network.child.kill("SIGKILL"));
    process.kill(network.pids["coordinator"] ?? -1, "SIGKILL");
    process.kill(network.pids["node-1"] ?? -1, "SIGKILL");
    assert.equal((await compute(network, "after a crash")).status, "COMPLETED");
    const [nats = ""] = processesOf(directory).filter((line) => /^\d+ \S*nats-server /.test(line));
    process.kill(Number.parseInt(nats, 10), "SIGKILL");
    process.kill(network.pids["node-2"] ?? -1, "SIGTERM");
    assert.equal((await compute(network, "without NATS for a while")).status, "COMPLETED");
    network.child.kill("SIGKILL");
    const { stderr } = await network.ended;
    assert.match(stderr, /coordinator died \(SIGKILL\); it is started again/);
    assert.match(stderr, /node-1 died \(SIGKILL\)/);
    assert.match(stderr, /node-2 was stopped from outside; it is started again/);
    assert.match(stderr, /nats: nats-server died \(SIGKILL\); it is started again/);
    assert.deepEqual(await noneLeft(directory, pidsOf(network), 15_000), []);
  });
});
