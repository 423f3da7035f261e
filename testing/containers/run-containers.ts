/**
 * Tries the contracts and the demo on the real servers, in containers: `npm run test:containers`.
 *
 * Starts EventStoreDB and NATS, and runs the contract suites against them, then the demo. Where no
 * container engine answers, nothing is tried, and it says so: `0 passed, 0 failed, 3 skipped`. Exit
 * code 0 then, because a missing engine is no fault of CNCT; 1 if anything failed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
  Wait,
} from "testcontainers";
import { runFiles } from "../runner/run-file.ts";
import { closingLine, isGood, noTests, plus, type Tally } from "../runner/tally.ts";

const root = dirname(dirname(import.meta.dirname));
const contracts = ["event-store.wire.test.ts", "task-queue.nats.test.ts"];
const tries = contracts.length + 1;
const demoTimeoutMs = 300_000;

/** Why no engine can be used, or undefined if one answers. */
const missingEngine = async (): Promise<string | undefined> => {
  try {
    await getContainerRuntimeClient();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const startEventStore = (): Promise<StartedTestContainer> =>
  new GenericContainer(
    process.env["CNCT_EVENTSTORE_IMAGE"] ?? "eventstore/eventstore:23.10.2-bookworm-slim",
  )
    .withEnvironment({
      EVENTSTORE_INSECURE: "true",
      EVENTSTORE_CLUSTER_SIZE: "1",
      EVENTSTORE_RUN_PROJECTIONS: "None",
      EVENTSTORE_MEM_DB: "false",
      KURRENTDB_INSECURE: "true",
    })
    .withExposedPorts(2113)
    .withWaitStrategy(
      Wait.forHttp("/health/live", 2113).forStatusCodeMatching((status) => status < 300),
    )
    .start();

const startNats = (): Promise<StartedTestContainer> =>
  new GenericContainer(process.env["CNCT_NATS_IMAGE"] ?? "nats:2.12.6-alpine")
    .withCommand(["--config", "/etc/nats/cnct.conf"])
    .withCopyContentToContainer([
      {
        content: readFileSync(join(root, "deploy/nats.conf"), "utf8"),
        target: "/etc/nats/cnct.conf",
      },
    ])
    .withExposedPorts(4222, 8222)
    .withWaitStrategy(Wait.forHttp("/healthz", 8222))
    .start();

/** The demo as a user starts it, but on the containers. */
const runDemo = async (): Promise<Tally> => {
  const args = ["--disable-warning=ExperimentalWarning", join(root, "cli/main.ts"), "demo"];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    timeout: demoTimeoutMs,
  });
  const [code] = await once(child, "close");
  console.log(`${code === 0 ? "✔" : "✖"} the demo: exit code ${code}`);
  return { ...noTests, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
};

const tryAll = async (): Promise<Tally> => {
  const started: StartedTestContainer[] = [];
  try {
    const eventStore = await startEventStore();
    started.push(eventStore);
    const nats = await startNats();
    started.push(nats);
    process.env["CNCT_EVENTSTORE_URL"] =
      `esdb://${eventStore.getHost()}:${eventStore.getMappedPort(2113)}?tls=false`;
    process.env["CNCT_NATS_URL"] = `nats://${nats.getHost()}:${nats.getMappedPort(4222)}`;
    const suites = await runFiles(
      contracts.map((name) => join(root, "testing/contracts", name)),
      {
        root,
        concurrency: 1,
        timeoutMs: 600_000,
        onEnd: (_file, _counts, report) => process.stdout.write(report),
      },
    );
    return plus(suites, await runDemo());
  } finally {
    for (const container of started) await container.stop();
  }
};

const reason = await missingEngine();
if (reason === undefined) {
  const total = await tryAll();
  console.log(closingLine(total));
  process.exitCode = isGood(total) ? 0 : 1;
} else {
  console.log(`SKIPPED: no container engine answers (${reason.trim()}).`);
  console.log(
    "Nothing was tried on a real EventStoreDB or on the NATS version that production needs.",
  );
  console.log(closingLine({ ...noTests, skipped: tries }));
}
