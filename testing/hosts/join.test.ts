/**
 * Two machines: on one an operator's network, on the other a stranger who knows nothing of it but one
 * command. It joins over TLS, works, earns, changes its keys, and is stopped when it is revoked.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { firstMatch, type Ran, type Running, startCnct } from "../e2e/cnct.ts";
import { openHosts, operatorAddress } from "./hosts.ts";

const stopWithinMs = 5_000;
const node = "stranger-1";

test("a stranger joins from another machine by one command, works, earns, and can be stopped", async (t) => {
  const hosts = await openHosts();
  if (typeof hosts === "string") return t.skip(`SKIPPED: ${hosts}`);
  const directory = await mkdtemp(join(tmpdir(), "cnct-hosts-"));
  const running: Running[] = [];
  const start = (where: keyof typeof hosts.on, ...args: readonly string[]): Running => {
    const env = { XDG_CONFIG_HOME: join(directory, where), HOME: join(directory, where) };
    const one = startCnct(args, env, hosts.on[where]);
    running.push(one);
    return one;
  };
  const ran = async (...args: Parameters<typeof start>): Promise<Ran> => {
    const done = await start(...args).ended;
    assert.equal(done.exit, 0, `${args.join(" ")}: ${done.stderr}`);
    return done;
  };
  try {
    const data = join(directory, "data");
    const listening = ["--host", operatorAddress, "--access", "identities", "--tls", "auto"];
    const nats = start(
      ...(["operator", "nats", "--directory", join(data, "nats")] as const),
      ...["--port", "4222", ...listening],
    );
    const natsUrl = `tls://${operatorAddress}:4222`;
    await firstMatch(nats, /ready, nats at \S+/);
    const coordinator = start(
      ...(["operator", "serve", "--data", data, "--port", "4000", ...listening] as const),
      ...["--nats", natsUrl, "--nats-authority", join(data, "nats", "authority")],
      ...["--nats-ca", join(data, "tls", "ca.pem")],
    );
    const said = await firstMatch(coordinator, /others join with: npx cnct worker .*/);
    // The command, as it was printed, and nothing else.
    const command = said.replace(/^.*npx cnct /, "").split(" ");
    const address = command.at(-1) ?? "";
    assert.match(address, /^https:\/\/203\.0\.113\.1:4000#sha256=[0-9a-f]{64}$/);

    const key = join(directory, "worker.json");
    const own = ["--name", node, "--apps", "noop", "--id", key];
    const worker = start("stranger", ...command, ...own);
    await firstMatch(worker, /ready/);
    const submit = async (nonce: string): Promise<string> => {
      const args = ["--gateway", address, "--replicas", "1", "--nonce", nonce];
      return (await ran("stranger", "submit", "noop", ...args)).stdout;
    };
    const earned = async (): Promise<number> => {
      const { stdout } = await ran(
        "stranger",
        "ledger",
        `node:${node}`,
        "--gateway",
        address,
        "--json",
      );
      return Number((JSON.parse(stdout) as { readonly balance: string }).balance);
    };
    assert.match(await submit("1"), new RegExp(`completed +${node}`));
    const first = await earned();
    assert.ok(first > 0);

    // Other keys, the same node: what it earned is still its own, and it goes on.
    await ran("stranger", "id", "rotate", "--id", key, "--gateway", address);
    await ran("stranger", "id", "rotate", "--key", "transport", "--id", key, "--gateway", address);
    assert.match(await submit("2"), new RegExp(`completed +${node}`));
    assert.ok((await earned()) > first);

    // Over: it is cut off, and does not come back.
    const heard: { readonly text: string; readonly at: number }[] = [];
    for (const stream of [worker.child.stdout, worker.child.stderr])
      stream?.on("data", (chunk) => heard.push({ text: String(chunk), at: performance.now() }));
    const asked = performance.now();
    await ran("stranger", "id", "revoke", "--yes", "--id", key, "--gateway", address);
    const revoked = performance.now();
    const gone = () => heard.find(({ text }) => text.includes("nats is gone"));
    for (let i = 0; i < 500 && !gone(); i++) await sleep(10);
    const cutMs = (gone()?.at ?? Number.POSITIVE_INFINITY) - revoked;
    assert.ok(cutMs < stopWithinMs, `cut off after ${cutMs} ms`);
    await sleep(1_500);
    assert.ok(!heard.some(({ text }) => text.includes("nats is there")), "it came back");
    t.diagnostic(
      `cut off ${Math.round(cutMs)} ms after the revocation, which took ${Math.round(revoked - asked)} ms`,
    );
    const { stdout } = await ran("stranger", "nodes", "--gateway", address, "--json");
    assert.match(stdout, /SUSPENDED/);
  } finally {
    for (const { child } of running.reverse())
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await once(child, "exit");
        clearTimeout(late);
      }
    await hosts.close();
    await rm(directory, { recursive: true, force: true });
  }
});
