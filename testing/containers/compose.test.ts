/** What can be known about the compose file and the image without a container engine. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { CommanderError } from "commander";
import { parse } from "yaml";
import { drainWithinMs, stopWithinMs } from "../../cli/network/child.ts";
import { createProgram } from "../../cli/program.ts";
import { variables } from "../../cli/settings.ts";

const root = dirname(dirname(import.meta.dirname));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly stop_grace_period: string;
  readonly deploy: { readonly replicas?: number; readonly resources: { readonly limits: object } };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, object>>;
}

interface Call {
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
}

/** What the real command line makes of these words, without running it; or why it refuses them. */
const callOf = (words: readonly string[]): Call | string => {
  const program = createProgram();
  let call: Call | undefined;
  for (const command of program.commands)
    command.action(() => {
      call = { name: command.name(), flags: command.optsWithGlobals() };
    });
  try {
    program.parse(words, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.message;
    throw error;
  }
  return call ?? "names no command";
};

/** What a program of ours would stumble over before it serves anything. */
const programFaults = (service: Service, services: Compose["services"]): readonly string[] => {
  const { command = [], environment = {} } = service;
  const faults = Object.keys(environment)
    .filter((name) => !Object.hasOwn(variables, name))
    .map((name) => `nobody reads ${name}`);
  const demand = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  for (const [, host = ""] of Object.values(environment).flatMap((value) => [
    ...value.matchAll(/:\/\/([^:/?]+)/g),
  ]))
    demand(host in services, `there is no ${host} to connect to`);
  const call = callOf(command);
  if (typeof call === "string") return [...faults, `cnct ${command.join(" ")}: ${call}`];

  const { name, flags } = call;
  const seconds = Number(/^(\d+)s$/.exec(service.stop_grace_period)?.[1]);
  const stopMs = name === "worker" ? drainWithinMs : stopWithinMs;
  demand(seconds * 1_000 > stopMs, `is killed after ${seconds} s, and may take ${stopMs} ms`);
  const isTold = (variable: string, flag: string) =>
    environment[variable] !== undefined || flags[flag] !== undefined;
  if (name === "serve") {
    const roles = (flags["roles"] ?? "").split(",");
    demand(isTold("CNCT_NATS_URL", "nats"), "is not told where NATS is");
    demand(isTold("CNCT_EVENTSTORE_URL", "eventStore"), "would have a log of its own");
    if (roles.includes("gateway")) {
      demand(flags["host"] === "0.0.0.0", `listens on ${flags["host"]} of its container only`);
      demand(environment["CNCT_ALLOW_PUBLIC"] === "1", "may not listen there");
      const port = flags["port"] ?? environment["CNCT_PORT"] ?? "4000";
      for (const published of service.ports ?? [])
        demand(
          published.endsWith(`:${port}`),
          `${published} is published, and it listens on ${port}`,
        );
    } else if (roles.includes("validator"))
      demand(isTold("CNCT_GATEWAY", "gateway"), "is not told where the gateway is");
  }
  if (name === "worker") {
    demand(isTold("CNCT_GATEWAY", "gateway"), "is not told where the gateway is");
    demand(flags["name"] === undefined, `all replicas are the node ${flags["name"]}`);
  }
  return faults;
};

/** What is wrong with a compose file, one sentence each. */
const faultsOf = (text: string): readonly string[] => {
  const { services, networks, volumes }: Compose = parse(text, { merge: true, strict: true });
  return Object.entries(services).flatMap(([name, service]) => {
    const faults: string[] = [];
    const demand = (holds: boolean, fault: string): void =>
      void (holds || faults.push(`${name}: ${fault}`));
    for (const port of service.ports ?? [])
      demand(port.startsWith("127.0.0.1:"), `${port} is open to the world`);
    for (const network of service.networks)
      demand(network in networks, `there is no network ${network}`);
    for (const [volume = ""] of (service.volumes ?? []).map((each) => each.split(":")))
      if (volume.startsWith(".")) demand(existsSync(join(root, volume)), `there is no ${volume}`);
      else demand(volume in volumes, `there is no volume ${volume}`);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      demand(other in services, `there is no service ${other}`);
      if (condition === "service_healthy")
        demand(services[other]?.healthcheck !== undefined, `${other} has no health check`);
    }
    demand(service.cap_drop.includes("ALL"), "keeps capabilities");
    demand("memory" in service.deploy.resources.limits, "has no memory limit");
    if (service.build) {
      demand(service.read_only, "has a writable root");
      for (const fault of programFaults(service, services)) demand(false, fault);
    }
    if (service.build)
      demand(existsSync(join(root, service.build.dockerfile)), "has no Dockerfile");
    for (const key of Object.keys(service.environment ?? {}))
      demand(!/PASSWORD|SECRET|TOKEN|_KEY$/.test(key), `${key} looks like a secret`);
    return faults;
  });
};

describe("the compose file", () => {
  const text = read("docker-compose.yml");
  const { services }: Compose = parse(text, { merge: true });

  test("has no fault", () => assert.deepEqual(faultsOf(text), []));

  test("would be found faulty with a port open to the world, or a service that nobody defined", () => {
    assert.equal(faultsOf(text.replace('"127.0.0.1:${CNCT', '"${CNCT')).length, 1);
    assert.ok(faultsOf(text.replace("nats: { condition", "gnats: { condition")).length > 0);
    assert.equal(faultsOf(text.replace("nats-data:/data", "elsewhere:/data")).length, 1);
    assert.throws(() => faultsOf(text.replace("services:", "services:\n services:")));
  });

  test("would be found faulty with a command or a variable that the program does not know", () => {
    const plant = (now: string, planted: string, says: RegExp) => {
      assert.ok(text.includes(now), `${now} is not in the file any more`);
      const faults = faultsOf(text.replace(now, planted));
      assert.equal(faults.length, 1, `${planted}: ${faults.join("; ")}`);
      assert.match(faults[0] ?? "", says);
    };
    plant("command: [worker]", "command: [wroker]", /unknown command 'wroker'/);
    plant("command: [worker]", "command: [worker, --cores, '4']", /unknown option '--cores'/);
    plant("command: [worker]", "command: [worker, --name, ada]", /all replicas are the node ada/);
    plant(", --host, 0.0.0.0", "", /listens on 127\.0\.0\.1 of its container only/);
    plant(', --port, "4000"', ', --port, "4001"', /4000 is published, and it listens on 4001/);
    plant('CNCT_ALLOW_PUBLIC: "1"', 'CNCT_ALLOW_PUBLIC: "0"', /may not listen there/);
    const allowed = 'CNCT_ALLOW_PUBLIC: "1"';
    plant(allowed, `${allowed}\n      CNCT_HOST: 0.0.0.0`, /gateway: nobody reads CNCT_HOST/);
    plant("CNCT_GATEWAY: http://gateway", "CNCT_GATEWAY: http://gatway", /no gatway to connect to/);
    plant("stop_grace_period: 75s", "stop_grace_period: 60s", /may take 70000 ms/);
    plant("      CNCT_GATEWAY: http://gateway:4000 #", "      #", /not told where the gateway is/);
  });

  test("runs every role once, and three workers", () => {
    const roles = Object.values(services).flatMap(({ command = [] }) =>
      command[0] === "serve" ? (command[command.indexOf("--roles") + 1] ?? "").split(",") : [],
    );
    assert.deepEqual(roles.sort(), ["dispatcher", "gateway", "rewards", "validator"]);
    assert.equal(services["worker"]?.deploy.replicas, 3);
  });

  test("asks the gateway whether it is ready, by a program that exits with 1 while it is not", () => {
    const [, , , program = ""] = services["gateway"]?.healthcheck?.test ?? [];
    assert.match(program, /4000\/readyz/);
    const nobodyListens = program.replace(":4000", ":1");
    assert.equal(spawnSync(process.execPath, ["--eval", nobodyListens]).status, 1);
  });

  test("is accepted by Docker Compose", (t) => {
    if (spawnSync("docker", ["compose", "version"]).status !== 0)
      return t.skip("no docker compose here");
    const { status, stderr } = spawnSync(
      "docker",
      ["compose", "-f", join(root, "docker-compose.yml"), "config", "-q"],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
  });
});

describe("the image", () => {
  const dockerfile = read("deploy/Dockerfile");

  test("is built from every folder of the program, and not from what lies around", () => {
    const allowed = read(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    for (const folder of [
      "bootstrap",
      "cli",
      "crypto",
      "domain",
      "gateway",
      "projections",
      "sdk",
      "services",
      "streams",
      "worker",
    ])
      assert.ok(allowed.includes(folder), `${folder} is not sent to the builder`);
    assert.ok(!allowed.includes(".git") && !allowed.includes("node_modules"));
  });

  test("keeps the libraries of one platform where ONNX Runtime has them", () => {
    const [, folder = ""] = /cd (node_modules\/onnxruntime-node\S+)/.exec(dockerfile) ?? [];
    for (const arch of ["x64", "arm64"]) assert.ok(existsSync(join(root, folder, "linux", arch)));
  });

  test("does not run as root", () => assert.match(dockerfile, /^USER node$/m));
});

test("nats-server accepts the configuration", (t) => {
  const [, minor = 0] = (
    /v2\.(\d+)/.exec(spawnSync("nats-server", ["--version"], { encoding: "utf8" }).stdout ?? "") ??
    []
  ).map(Number);
  if (minor === 0) return t.skip("no nats-server here");
  const directory = mkdtempSync(join(tmpdir(), "cnct-nats-conf-"));
  const check = (config: string): number | null => {
    writeFileSync(
      join(directory, "nats.conf"),
      config.replace('"/data"', JSON.stringify(directory)),
    );
    return spawnSync("nats-server", ["-t", "-c", join(directory, "nats.conf")]).status;
  };
  const config = read("deploy/nats.conf");
  assert.match(config, /^\s*sync_interval: always$/m);
  // Servers before 2.10 do not know the setting; the rest must be right for them too.
  assert.equal(check(minor < 10 ? config.replace(/^\s*sync_interval.*$/m, "") : config), 0);
  assert.notEqual(check(`${config}\nno_such_setting: 1`), 0);
  rmSync(directory, { recursive: true });
});
