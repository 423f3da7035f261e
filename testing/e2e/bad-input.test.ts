/** What is wrong is said in one sentence with a stable code, and an exit code to match. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { policyDefaults } from "../../domain/policy/policy.ts";
import { linearModel } from "../fixtures/onnx-model.ts";
import {
  type Environment,
  openCommandHost,
  type Ran,
  runCnct,
  type StartedNetwork,
  startNetworkOf,
} from "./cnct.ts";

interface Case {
  readonly args: readonly string[];
  readonly code: string;
  readonly exit: number;
  readonly says: RegExp;
  readonly env?: Environment;
  /** In a process of its own: a command that would go on, or that a user's shell sees most. */
  readonly apart?: true;
}

const host = openCommandHost();
const run = ({ args, env = {}, apart }: Case, ...more: readonly string[]): Promise<Ran> =>
  (apart ? runCnct : host.run)([...args, ...more], env);

/** The same failure for a person, and with `--json` for a program. */
const fails = async (one: Case): Promise<void> => {
  const { code, exit, says } = one;
  const told = await run(one);
  assert.equal(told.exit, exit, `${told.stdout}${told.stderr}`);
  const last = told.stderr.trimEnd().split("\n").at(-1) ?? "";
  assert.match(last, new RegExp(`^error: [^\\n]+ \\(${code}\\)$`));
  assert.match(last, says);
  assert.doesNotMatch(told.stderr, /^\s+at /m, "no stack trace");
};
const failsAsJson = async (one: Case): Promise<void> => {
  const { code, exit, says } = one;
  const told = await run(one, "--json");
  assert.equal(told.exit, exit);
  const { error } = JSON.parse(told.stdout);
  assert.equal(error.code, code);
  assert.match(error.message, says);
};

describe("bad input", { timeout: 170_000 }, () => {
  let directory = "";
  let network: StartedNetwork;
  let env: Environment = {};
  /** Asked meanwhile: it takes the patience that cnct has with a gateway that starts again. */
  let unreachable: Promise<Ran>;
  const file = (name: string) => join(directory, name);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "cnct-bad-"));
    await writeFile(file("words.png"), "this is no image");
    await writeFile(file("words.onnx"), "this is no model");
    await writeFile(file("model.onnx"), linearModel({ a: 2, b: 1 }));
    await writeFile(file("wrong.json"), '{"dtype":"float32","shape":[1,1,1],"data":[1]}');
    await writeFile(file("big.png"), "");
    const absurd = { ...policyDefaults.verification, adversaryShare: 0.9 };
    await writeFile(
      file("absurd.json"),
      JSON.stringify({ ...policyDefaults, verification: absurd }),
    );
    await writeFile(file("short.json"), '{"version":1}');
    await truncate(file("big.png"), 64 * 1024 * 1024 + 1);
    unreachable = runCnct(["jobs", "--gateway", "http://127.0.0.1:1"]);
    network = await startNetworkOf(file("data"), { workers: 3 });
    env = { CNCT_GATEWAY: network.gateway, CNCT_DATA: file("data") };
  });
  after(async () => {
    host.close();
    network.child.kill("SIGTERM");
    await network.ended;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  const cases = (): Readonly<Record<string, Case>> => ({
    "a wrong image": {
      apart: true,
      args: ["submit", "ocr", file("words.png")],
      code: "bad-image",
      exit: 1,
      says: /no image that can be read: give a PNG/,
    },
    "a model that is no ONNX": {
      args: ["submit", "onnx", file("words.onnx"), "--input", `x=${file("wrong.json")}`],
      code: "bad-model",
      exit: 1,
      says: /no ONNX model/,
    },
    "a tensor of the wrong shape": {
      args: ["submit", "onnx", file("model.onnx"), "--input", `x=${file("wrong.json")}`],
      code: "shape-mismatch",
      exit: 1,
      says: /another name, type or shape than the model reads/,
    },
    "a tensor that is none": {
      args: ["submit", "onnx", file("model.onnx"), "--input", `x=${file("words.png")}`],
      code: "bad-tensor",
      exit: 1,
      says: /as many numbers as the shape holds/,
    },
    "an unknown app": {
      apart: true,
      args: ["submit", "orc", file("words.png")],
      code: "unknown-app",
      exit: 4,
      says: /"orc"; did you mean ocr\?/,
    },
    "a negative price": {
      args: ["submit", "ocr", file("words.png"), "--price", "-1"],
      code: "bad-price",
      exit: 4,
      says: /"-1".*give points from 0/,
    },
    "a price below the floor": {
      args: ["submit", "ocr", file("words.png"), "--price", "0.0001"],
      code: "price-below-floor",
      exit: 4,
      says: /a result of ocr costs at least 0\.001 points here .*the job offers 0\.0001/,
    },
    "an assurance that nobody can give": {
      args: ["quote", "noop", "--assurance", "high"],
      code: "assurance-without-arbiters",
      exit: 1,
      says: /nobody can give the assurance high: this network has no arbiters/,
    },
    "a body over the limit": {
      args: ["submit", "ocr", file("big.png")],
      code: "body-too-large",
      exit: 4,
      says: /67108865 bytes; .* at most 67108864/,
    },
    "an unknown hash": {
      args: ["job", "ab".repeat(32)],
      code: "job-unknown",
      exit: 6,
      says: /cnct jobs lists them/,
    },
    "an unknown beginning of a hash": {
      args: ["result", "abcd"],
      code: "job-unknown",
      exit: 6,
      says: /begins with abcd/,
    },
    "what is no hash": { args: ["job", "xyz"], code: "bad-hash", exit: 4, says: /"xyz"/ },
    "a file that is not there": {
      args: ["submit", "ocr", file("nowhere.png")],
      code: "no-such-file",
      exit: 4,
      says: /nowhere\.png.*check the path/,
    },
    "a full disk": {
      apart: true,
      args: ["store", "export", "/dev/full"],
      code: "disk-full",
      exit: 5,
      says: /make room/,
    },
    "a data directory in use": {
      apart: true,
      args: ["serve", "--nats", "nats://127.0.0.1:1", "--port", "0"],
      code: "data-locked",
      exit: 5,
      says: /in use by another process; stop the other program/,
    },
    "more replicas than can agree": {
      args: ["submit", "ocr", file("words.png"), "--replicas", "7"],
      code: "bad-option",
      exit: 2,
      says: /--replicas takes 1 to 5, not "7"/,
    },
    "a policy with an absurd parameter": {
      args: ["policy", "adopt", file("absurd.json")],
      code: "parameter-absurd",
      exit: 4,
      says: /verification\.adversaryShare must be a number from 0\.01 to 0\.49, not 0\.9/,
    },
    "a policy without a parameter": {
      apart: true,
      args: ["start", "--port", "0", "--policy", file("short.json")],
      code: "parameter-missing",
      exit: 4,
      says: /short\.json: verification is missing/,
    },
    "a second worker of a name": {
      apart: true,
      args: ["worker", "--name", "node-1"],
      code: "name-in-use",
      exit: 5,
      says: /node-1 runs on this machine already/,
    },
    "views that are not there": {
      args: ["projections", "rebuild", "--data", file("no-data")],
      code: "no-views",
      exit: 4,
      says: /no views at .*no-data.*name its directory with --data/,
    },
    "an example over another file": {
      args: ["example", file("words.png")],
      code: "file-exists",
      exit: 4,
      says: /is there already/,
    },
    "an unknown command": {
      apart: true,
      args: ["submot"],
      code: "usage",
      exit: 2,
      says: /did you mean submit\?/,
    },
  });
  for (const name of Object.keys(cases()))
    test(name, async () => {
      const found = { env, ...cases()[name]! };
      if (["an unknown app", "an unknown hash", "a negative price"].includes(name))
        await failsAsJson(found);
      await fails(found);
    });

  test("no gateway", async () => {
    const { exit, stderr } = await unreachable;
    assert.equal(exit, 3);
    assert.match(
      stderr,
      /^waiting for the gateway at http:\/\/127\.0\.0\.1:1, which does not answer\n/,
    );
    assert.match(stderr, /start a network with npm start.* \(unreachable\)\n$/);
  });

  test("a port in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    await fails({
      apart: true,
      args: ["store", "serve", "--data", file("other"), "--port", String(port)],
      code: "port-in-use",
      exit: 5,
      says: new RegExp(`port ${port} .*give another one with --port`),
    });
    other.close();
  });

  test("no nats-server", () =>
    fails({
      apart: true,
      args: ["start", "--data", file("fresh"), "--port", "0"],
      env: { CNCT_NATS_SERVER: file("nowhere") },
      code: "no-nats-server",
      exit: 5,
      says: /install it .*CNCT_NATS_URL/,
    }));

  test("data of a newer version", async () => {
    await mkdir(file("newer/events"), { recursive: true });
    await writeFile(file("newer/events/format.json"), '{"eventLog":99}\n');
    await fails({
      args: ["store", "export", "--data", file("newer")],
      code: "data-of-newer-version",
      exit: 5,
      says: /format 99.*update CNCT/,
    });
  });
});
