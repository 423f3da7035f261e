import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

const here = import.meta.dirname;

/** A checkout in small: the true bootstrap, packages that are there, and a program that tells. */
const program = `
  process.on("SIGTERM", () => process.exit(7));
  if (process.argv[2] === "wait") { console.log("ready"); setInterval(() => {}, 1000); }
  else { console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = Number(process.env.CODE ?? 0); }`;
const lock = (version: string): string =>
  JSON.stringify({ packages: { "": {}, "node_modules/a": { version } } });

describe("the bootstrap", () => {
  let root = "";
  before(() => {
    root = mkdtempSync(join(tmpdir(), "cnct-bootstrap-"));
    cpSync(here, join(root, "bootstrap"), { recursive: true });
    for (const folder of ["cli", "node_modules/a", "empty"])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, "cli/main.ts"), program);
    writeFileSync(join(root, "package-lock.json"), lock("1.0.0"));
    writeFileSync(join(root, "node_modules/.package-lock.json"), lock("1.0.0"));
  });
  after(() => rmSync(root, { recursive: true }));

  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const all = [join(root, "bootstrap/run.mjs"), "--no-install", ...args];
    return spawnSync(process.execPath, all, {
      cwd: root,
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
  };
  /** Runs a line of code that sees the exports of a bootstrap module as `m`. */
  const evaluate = (module: string, code: string, env: NodeJS.ProcessEnv = process.env) =>
    spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import * as m from ${JSON.stringify(join(root, "bootstrap", module))}; import { report } from ${JSON.stringify(join(root, "bootstrap/failures.mjs"))};
      try { ${code} } catch (failure) { process.exitCode = report(failure); }`,
      ],
      { env, stdio: ["ignore", "pipe", "pipe"] },
    );
  const ended = async (child: ReturnType<typeof evaluate>) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk) => (stdout += chunk));
    child.stderr?.on("data", (chunk) => (stderr += chunk));
    const [status] = await once(child, "close");
    return { status, stdout, stderr };
  };

  test("documents exactly the codes that it uses", () => {
    const table = readFileSync(join(here, "run.mjs"), "utf8").matchAll(
      /^ \* \| +(\d+) \| (\S+) +\|/gm,
    );
    const documented = [...table].map(([, exit, code]) => `${code} ${exit}`);
    const source = readFileSync(join(here, "failures.mjs"), "utf8");
    const used = [...source.matchAll(/^ {2}"?([a-z0-9-]+)"?: (\d+),$/gm)].map(
      ([, code, exit]) => `${code} ${exit}`,
    );
    assert.ok(documented.length > 5);
    assert.deepEqual(documented, used);
  });

  test("hands the command and its arguments over, and takes the exit code back", () => {
    const { status, stdout } = start(["ledger", "verify", "--", "--json", "--"], { CODE: "5" });
    assert.equal(stdout.trim(), '["ledger","verify","--json","--"]');
    assert.equal(status, 5);
  });

  test("leaves the options behind a file to that file", () => {
    const { status, stdout } = start(["--file", "cli/main.ts", "--seeds", "4"], { CODE: "0" });
    assert.equal(stdout.trim(), '["--seeds","4"]');
    assert.equal(status, 0);
  });

  test("passes a signal on", async () => {
    const child = spawn(process.execPath, [join(root, "bootstrap/run.mjs"), "wait"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [7, null]);
  });

  test("fails with one sentence and a code when it is not told what to do", () => {
    for (const args of [[], ["--unheard", "x"]]) {
      const { status, stderr } = start(args);
      assert.equal(status, 64);
      assert.match(stderr, /^cnct: .* \[usage\]\n$/);
    }
    assert.equal(start(["--file", "nowhere.ts"]).status, 79);
  });

  test("notices packages that are older than the lock, and installs nothing when forbidden", () => {
    writeFileSync(join(root, "package-lock.json"), lock("2.0.0"));
    const { status, stderr } = start(["x"]);
    writeFileSync(join(root, "package-lock.json"), lock("1.0.0"));
    assert.equal(status, 73);
    assert.match(stderr, /\[dependencies-missing\]\n$/);
    assert.equal(start(["x"]).status, 0);
  });

  test("says what to do when there is no nats-server", async () => {
    const env = { ...process.env, PATH: join(root, "empty") };
    const search = "console.log(await m.ensureNats({ install: false, folders: [] }))";
    const { status, stderr } = await ended(evaluate("nats.mjs", search, env));
    assert.equal(status, 77);
    assert.match(
      stderr,
      /^cnct: nats-server is missing: install it .* or set CNCT_NATS_URL .* \[no-nats-server\]\n$/,
    );
    const given = await ended(
      evaluate("nats.mjs", search, { ...env, CNCT_NATS_URL: "nats://127.0.0.1:1" }),
    );
    assert.equal(given.stdout, "undefined\n");
  });

  test("goes on without bubblewrap, and tries for it once", {
    ...(process.platform === "linux" ? {} : { skip: "only Linux has it" }),
  }, async () => {
    const env = { ...process.env, PATH: join(root, "empty") };
    const tried = join(root, ".cnct", "no-bubblewrap");
    // Neither a package manager nor bubblewrap is found where nobody looks.
    const packages = JSON.stringify(join(root, "bootstrap/system-packages.mjs"));
    const nowhere = `(await import(${packages})).usualFolders.length = 0;`;
    const lacks = `${nowhere} console.log(m.lacksBubblewrap(${JSON.stringify(tried)}));`;
    const install = `${nowhere} await m.installBubblewrap(${JSON.stringify(tried)});`;
    const first = await ended(evaluate("bubblewrap.mjs", lacks, env));
    assert.deepEqual([first.stdout, first.stderr], ["true\n", ""]);
    const { status, stderr } = await ended(evaluate("bubblewrap.mjs", install, env));
    assert.equal(status, 0);
    assert.match(stderr, /^cnct: going on without bubblewrap, .* \(no apt-get, .* here\)\n$/);
    assert.ok(existsSync(tried));
    assert.equal((await ended(evaluate("bubblewrap.mjs", lacks, env))).stdout, "false\n");
  });

  test("lets one process install at a time", async () => {
    const turn = join(root, ".cnct", "turn");
    const log = join(root, "log");
    const code = `import { appendFileSync } from "node:fs";
      await m.inTurn(${JSON.stringify(turn)}, async () => { appendFileSync(${JSON.stringify(log)}, "in,"); await new Promise((r) => setTimeout(r, 250)); appendFileSync(${JSON.stringify(log)}, "out,"); });`;
    const hoisted = (text: string): string =>
      text.replace(/^import .*;$/m, 'const { appendFileSync } = await import("node:fs");');
    const all = await Promise.all([1, 2, 3].map(() => ended(evaluate("turn.mjs", hoisted(code)))));
    assert.deepEqual(
      all.map(({ status }) => status),
      [0, 0, 0],
    );
    assert.equal(readFileSync(log, "utf8"), "in,out,".repeat(3));
    assert.ok(!existsSync(turn));
  });

  test("breaks the lock of a dead process, and respects that of a living one", async () => {
    const turn = join(root, ".cnct", "turn");
    const dead = spawnSync(process.execPath, ["--eval", ""]).pid;
    const take = `await m.inTurn(${JSON.stringify(turn)}, async () => console.log("mine"), { waitMs: 300 });`;
    for (const [owner, status] of [
      [dead, 0],
      [process.pid, 78],
    ] as const) {
      mkdirSync(turn, { recursive: true });
      writeFileSync(join(turn, "owner"), String(owner));
      const outcome = await ended(evaluate("turn.mjs", take));
      assert.equal(outcome.status, status, outcome.stderr);
    }
    assert.equal(readFileSync(join(turn, "owner"), "utf8"), String(process.pid));
  });
});
