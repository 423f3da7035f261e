import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Supervised, supervise } from "../../cli/network/supervisor.ts";
import { catalogue } from "../../domain/catalogue.ts";
import { type CnctClient, connect, newIdentity } from "../../sdk/index.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { checkInvariants } from "../invariants.ts";
import { freePort } from "./free-port.ts";

test("every role works as a process of its own, over EventStoreDB's wire", async () => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-split-"));
  const children: Supervised[] = [];
  const lines: string[] = [];
  const start = async (name: string, ...args: readonly string[]): Promise<Supervised> => {
    const child = await supervise({
      name,
      args: () => args,
      onLog: (line) => lines.push(`${name}: ${line}`),
      onDeath: (how) => lines.push(`${name} died: ${how}`),
    });
    children.push(child);
    return child;
  };
  try {
    const nats = await start("nats", "nats", "--directory", join(directory, "nats"));
    const storePort = String(await freePort());
    await start("store", "store", "serve", "--data", join(directory, "store"), "--port", storePort);
    const gateway = `http://127.0.0.1:${await freePort()}`;
    const shared = [
      ...["--event-store", `esdb://127.0.0.1:${storePort}?tls=false`],
      ...["--nats", nats.urls["nats"] ?? "", "--gateway", gateway],
      ...["--port", new URL(gateway).port],
      ...["--nats-authority", join(directory, "nats", "authority")],
    ];
    await Promise.all(
      ["gateway", "dispatcher", "validator", "rewards"].map((role) =>
        start(role, "serve", "--roles", role, "--data", join(directory, role), ...shared),
      ),
    );
    await Promise.all(
      ["node-1", "node-2"].map((name) =>
        start(
          name,
          ...["worker", "--gateway", gateway, "--name", name, "--apps", "echo"],
          ...["--id", join(directory, `${name}.json`)],
        ),
      ),
    );

    const client = connect({ gateway, identity: newIdentity() });
    try {
      const jobs = Array.from({ length: 25 }, (_, i) => ({
        app: "echo",
        inputs: { data: new TextEncoder().encode(`message ${i}`) },
        quorum: 2,
      }));
      const { hashes } = await client.submitMany(jobs);
      const accepted = hashes.filter((hash) => hash !== null);
      assert.equal(accepted.length, jobs.length);
      const ends = await client.awaitMany(accepted, { timeoutMs: 90_000 });
      assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(["COMPLETED"]));
      const [first = ""] = accepted;
      assert.equal(new TextDecoder().decode(await client.result(first)), "message 0");
      await untilPaid(client, 2n * 25n * BigInt(catalogue.echo.priceMicroPoints));
    } finally {
      await client.close();
    }
    for (const child of children.splice(0).reverse()) await child.stop();

    const store = await openEmbeddedStore({ directory: join(directory, "store", "events") });
    const report = await checkInvariants(store.readAll("start"), { quiet: true });
    await store.close();
    assert.deepEqual(report.violations, []);
    assert.equal(report.awards, 50);
  } catch (error) {
    console.error(lines.join("\n"));
    throw error;
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(directory, { recursive: true, force: true });
  }
});

/** A job ends a moment before it is paid. */
const untilPaid = async (client: CnctClient, wanted: bigint): Promise<void> => {
  for (let tries = 0; ; tries++) {
    const accounts = await Promise.all(
      ["node:node-1", "node:node-2"].map((id) => client.account(id)),
    );
    const paid = accounts.reduce((sum, account) => sum + BigInt(account?.balance ?? "0"), 0n);
    if (paid === wanted) return;
    assert.ok(tries < 100, `${paid} of ${wanted} micro-points were paid`);
    await sleep(100);
  }
};
