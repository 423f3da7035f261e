/** What can be known about the compose file and the image without a container engine. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";

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
  readonly deploy: { readonly replicas?: number; readonly resources: { readonly limits: object } };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, object>>;
}

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
    if (service.build) demand(service.read_only, "has a writable root");
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
