/**
 * A storm over a real network: processes are killed with SIGKILL, JetStream's files are deleted once,
 * while jobs keep coming. Then it is let come to rest, and the log is read from first to last.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Supervised, supervise } from "../../cli/network/supervisor.ts";
import { catalogue } from "../../domain/catalogue.ts";
import { seededRandom } from "../../domain/chance.ts";
import { type CnctClient, connect, newIdentity } from "../../sdk/index.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { checkInvariants, type InvariantReport } from "../invariants.ts";
import { freePort } from "./free-port.ts";

export interface StormOptions {
  readonly directory: string;
  readonly seed: number;
  /** How often each of coordinator, nats-server and a worker is killed. */
  readonly killsOfEach: number;
  /** Between two kills, ms. */
  readonly calmMs: number;
  readonly workers: number;
  readonly say: (line: string) => void;
}

export interface StormReport {
  /** What the client was told was accepted. */
  readonly accepted: number;
  readonly completed: number;
  readonly kills: number;
  readonly wiped: boolean;
  /** From the last kill until every accepted job had ended, ms. */
  readonly restedMs: number;
  readonly invariants: InvariantReport;
}

type Target = "coordinator" | "nats-server" | "worker";

const jobsPerSecond = 20;
const restWithinMs = 90_000;

export const runStorm = async (options: StormOptions): Promise<StormReport> => {
  const { directory, say } = options;
  const random = seededRandom(options.seed);
  const children: Supervised[] = [];
  const start = async (name: string, ...args: readonly string[]): Promise<Supervised> => {
    const onDeath = (how: string) => say(`${name} died: ${how}`);
    const child = await supervise({
      name,
      args: () => args,
      onLog: (line) => say(`${name}: ${line}`),
      onDeath,
    });
    children.push(child);
    return child;
  };
  const natsDirectory = join(directory, "nats");
  let client: CnctClient | undefined;
  try {
    const access = ["--access", "identities"];
    const nats = await start("nats", "nats", "--directory", natsDirectory, ...access);
    const natsUrl = nats.urls["nats"] ?? "";
    const gateway = `http://127.0.0.1:${await freePort()}`;
    const coordinator = await start(
      "coordinator",
      ...["serve", "--roles", "all", "--data", directory, "--nats", natsUrl, ...access],
      ...["--nats-authority", join(natsDirectory, "authority")],
      ...["--port", new URL(gateway).port, "--grant", "1000000"],
    );
    const workers: Supervised[] = [];
    for (let i = 1; i <= options.workers; i++)
      workers.push(
        await start(
          `node-${i}`,
          ...["worker", "--gateway", gateway, "--name", `node-${i}`, "--nats", natsUrl],
          ...["--id", join(directory, `node-${i}.json`)],
          ...["--apps", "echo", "--slots", "4", "--backlog", "8"],
        ),
      );

    // A client that never gives up: it asks again until it knows, under the same job hash.
    client = connect({
      gateway,
      identity: newIdentity(),
      retry: { attempts: 240, firstMs: 50, longestMs: 500 },
    });
    const submitting = keepSubmitting(client);

    const kill = async (target: Target) => {
      // Killing what is not up yet would only make the storm look bigger than it is, and so would
      // killing what has not worked yet.
      if (target === "coordinator") {
        await untilAlive(gateway);
        await submitting.oneMore();
      }
      say(`kill -9 ${target}`);
      if (target === "nats-server") {
        const pid = Number(await readFile(join(natsDirectory, "nats-server.pid"), "utf8"));
        if (pid > 1) killProcess(pid);
      } else {
        const worker = workers[Math.floor(random() * workers.length)];
        const pid = (target === "coordinator" ? coordinator : worker)?.pid();
        if (pid !== undefined) killProcess(pid);
      }
    };

    let kills = 0;
    const plan = shuffled(
      (["coordinator", "nats-server", "worker"] as const).flatMap((target) =>
        Array.from({ length: options.killsOfEach }, () => target),
      ),
      random,
    );
    for (const [i, target] of plan.entries()) {
      await sleep(options.calmMs);
      await kill(target);
      kills++;
      if (i !== Math.floor(plan.length / 2)) continue;
      await sleep(options.calmMs);
      say("all of JetStream's files are deleted");
      await kill("nats-server");
      await rm(join(natsDirectory, "jetstream"), { recursive: true, force: true });
      kills++;
    }
    await sleep(options.calmMs);
    const hashes = await submitting.stop();
    say(`${hashes.length} jobs were accepted; waiting for all of them to end`);
    const resting = performance.now();
    const ends = await client.awaitMany(hashes, { timeoutMs: restWithinMs });
    const restedMs = Math.round(performance.now() - resting);
    await untilPaid(client, ends.filter(({ status }) => status === "COMPLETED").length);
    await client.close();
    client = undefined;
    for (const child of children.reverse()) await child.stop();
    children.length = 0;

    const store = await openEmbeddedStore({ directory: join(directory, "events") });
    try {
      const invariants = await checkInvariants(store.readAll("start"), { quiet: true });
      const completed = ends.filter(({ status }) => status === "COMPLETED").length;
      return { accepted: hashes.length, completed, kills, wiped: true, restedMs, invariants };
    } finally {
      await store.close();
    }
  } finally {
    await client?.close();
    for (const child of children.reverse()) await child.stop();
  }
};

/** Submits a job every 50 ms, one after the other where the gateway is slow or away. */
const keepSubmitting = (client: CnctClient) => {
  const hashes: string[] = [];
  let stopped = false;
  const run = async () => {
    for (let i = 0; !stopped; i++) {
      const data = new TextEncoder().encode(`message ${i % 20} in the storm`);
      const job = { app: "echo", inputs: { data }, quorum: 2, nonce: String(i) };
      const { hash } = await client.submit(job);
      hashes.push(hash);
      await sleep(1_000 / jobsPerSecond);
    }
  };
  const running = run();
  // Without this a failure before `stop` would count as unhandled; `stop` rethrows it.
  running.catch(() => undefined);
  return {
    /** Resolves when another job was accepted. */
    oneMore: async (): Promise<void> => {
      const until = performance.now() + aliveWithinMs;
      for (const before = hashes.length; hashes.length === before; await sleep(20))
        if (performance.now() > until)
          throw new Error(`no job was accepted within ${aliveWithinMs} ms`);
    },
    stop: async (): Promise<readonly string[]> => {
      stopped = true;
      await running;
      return hashes;
    },
  };
};

/** Waits until the ledger has paid for everything; a job ends a moment before it is paid. */
const untilPaid = async (client: CnctClient, completed: number): Promise<void> => {
  const wanted = 2n * BigInt(completed) * BigInt(catalogue.echo.priceMicroPoints);
  for (let tries = 0; tries < 100; tries++) {
    const { accounts } = await client.ask<{
      accounts: { nodes: readonly { readonly id: string; readonly balance: string }[] };
    }>("query { accounts(first: 100) { nodes { id balance } } }");
    const paid = accounts.nodes
      .filter(({ id }) => id.startsWith("node:"))
      .reduce((sum, { balance }) => sum + BigInt(balance), 0n);
    if (paid >= wanted) return;
    await sleep(100);
  }
};

const aliveWithinMs = 30_000;

const untilAlive = async (gateway: string): Promise<void> => {
  const until = performance.now() + aliveWithinMs;
  while (performance.now() < until) {
    const answer = await fetch(new URL("/livez", gateway)).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(`the coordinator did not come back within ${aliveWithinMs} ms`);
};

const killProcess = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It may be dead already, from the kill before.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
};

const shuffled = <T>(items: readonly T[], random: () => number): readonly T[] => {
  const left = [...items];
  for (let i = left.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [left[i], left[j]] = [left[j] as T, left[i] as T];
  }
  return left;
};
