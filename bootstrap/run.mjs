/**
 * The way in, on any Node from 20 with nothing installed:
 *
 *     node bootstrap/run.mjs start | demo | test | <cli command> [--] [args...]
 *     node bootstrap/run.mjs --file bench/main.ts [--] [args...]
 *
 * Installs what is missing (Node 24 into `.cnct/runtime`, packages by `npm ci`, nats-server and,
 * for workers on Linux, bubblewrap by the system's package manager; `--with-emulator` adds
 * qemu-user), says each step on stderr, and hands over to `cli/main.ts` (or, for `test`, to
 * `testing/run-tests.ts`; with `--file`, to that file) under Node 24. Stdin, stdout, stderr and
 * signals go through; the exit code is the program's own. `--no-install` before the command, or
 * CNCT_NO_INSTALL=1, only checks.
 *
 * Own failures are one sentence on stderr that ends with the code:
 *
 * | exit | code                 | means                                                           |
 * | ---: | -------------------- | --------------------------------------------------------------- |
 * |   64 | usage                | no command, or an unknown option before it                      |
 * |   70 | old-node             | Node is older than 20                                           |
 * |   71 | no-npm               | npm is missing                                                  |
 * |   72 | dependencies-failed  | npm ci failed                                                   |
 * |   73 | dependencies-missing | packages are missing or old, and installing was forbidden       |
 * |   74 | no-node-24-package   | no Node 24 in the registry for this platform                    |
 * |   75 | node-24-failed       | Node 24 could not be installed, or does not run                 |
 * |   76 | node-24-missing      | Node 24 is missing, and installing was forbidden                |
 * |   77 | no-nats-server       | no nats-server, no CNCT_NATS_URL, and no way to install one     |
 * |   78 | busy                 | another bootstrap has been installing for a quarter of an hour  |
 * |   79 | no-such-file         | the file to run does not exist                                  |
 * |   80 | start-failed         | Node 24 could not be started                                    |
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { installBubblewrap, lacksBubblewrap } from "./bubblewrap.mjs";
import { handOver, withPath } from "./child.mjs";
import { dependenciesAreFresh, installDependencies } from "./dependencies.mjs";
import { installEmulator } from "./emulator.mjs";
import { BootstrapFailure, report } from "./failures.mjs";
import { ensureNats } from "./nats.mjs";
import { findRuntime, installRuntime, majorOf, nodeMajor } from "./runtime.mjs";
import { inTurn } from "./turn.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Commands that start or need a NATS server. */
const commandsWithNats = new Set(["start", "demo", "test"]);
/** Commands that compute what others send. */
const commandsWithFence = new Set([...commandsWithNats, "worker"]);

/** @param {readonly string[]} argv */
async function main(argv) {
  const { node: version } = process.versions;
  if (majorOf(version) < 20)
    throw new BootstrapFailure("old-node", `this is Node ${version}: install Node 20 or later.`);
  const { file, args, cwd, needsNats, wantsFence, wantsEmulator, install } = parse(argv);
  if (!existsSync(file)) throw new BootstrapFailure("no-such-file", `there is no ${file}.`);
  const { node, path } = await prepare({ install, needsNats, wantsFence });
  if (install && wantsEmulator)
    await inTurn(join(root, ".cnct", "bootstrap.lock"), () => installEmulator(root));
  return handOver(node, ["--disable-warning=ExperimentalWarning", file, ...args], {
    cwd,
    env: withPath({ first: [dirname(node)], last: path }),
  });
}

/** @param {readonly string[]} argv */
function parse(argv) {
  const rest = [...argv];
  let install = !["1", "true"].includes(process.env["CNCT_NO_INSTALL"] ?? "");
  let needsNats = false;
  let wantsEmulator = false;
  /** @type {string | undefined} */
  let file;
  // What follows the file is the program's, options too.
  while (file === undefined && rest[0]?.startsWith("-")) {
    const option = rest.shift();
    if (option === "--no-install") install = false;
    else if (option === "--with-nats") needsNats = true;
    else if (option === "--with-emulator") wantsEmulator = true;
    else if (option === "--file" && rest[0] !== undefined) file = resolve(root, rest.shift() ?? "");
    else
      throw new BootstrapFailure(
        "usage",
        `unknown option ${option}: see the head of bootstrap/run.mjs.`,
      );
  }
  if (file !== undefined) {
    const wants = { needsNats, wantsFence: false, wantsEmulator, install };
    return { file, args: withoutDashes(rest), cwd: root, ...wants };
  }
  const command = rest.shift();
  if (command === undefined)
    throw new BootstrapFailure("usage", "name a command: start, demo, test, or one of cnct's own.");
  const args = withoutDashes(rest);
  needsNats ||= commandsWithNats.has(command);
  const wantsFence = commandsWithFence.has(command);
  const wants = { needsNats, wantsFence, wantsEmulator, install };
  if (command === "test")
    return { file: join(root, "testing/run-tests.ts"), args, cwd: root, ...wants };
  // The command line works where the user stands, so that relative paths mean what they say.
  const cli = join(root, "cli/main.ts");
  return { file: cli, args: [command, ...args], cwd: process.cwd(), ...wants };
}

/** Drops the first `--`, which only parts our arguments from the program's. @param {readonly string[]} args */
function withoutDashes(args) {
  const at = args.indexOf("--");
  return at < 0 ? [...args] : [...args.slice(0, at), ...args.slice(at + 1)];
}

/**
 * Looks first and takes the lock only to install: the second start pays for three looks.
 *
 * @param {{ install: boolean, needsNats: boolean, wantsFence: boolean }} options
 * @returns {Promise<{ node: string, path: string[] }>} Node 24, and folders to put last on the PATH.
 */
async function prepare({ install, needsNats, wantsFence }) {
  const lock = join(root, ".cnct", "bootstrap.lock");
  let node = findRuntime(root);
  if (node === undefined && !install)
    throw new BootstrapFailure(
      "node-24-missing",
      `this is Node ${process.versions.node} and Node ${nodeMajor} is missing: run npm start once, or install Node ${nodeMajor}.`,
    );
  node ??= await inTurn(lock, async () => findRuntime(root) ?? installRuntime(root));
  if (!dependenciesAreFresh(root)) {
    if (!install)
      throw new BootstrapFailure(
        "dependencies-missing",
        "node_modules is missing or older than package-lock.json: run npm ci.",
      );
    const runtime = node;
    await inTurn(lock, async () => {
      if (!dependenciesAreFresh(root)) await installDependencies(root, runtime);
    });
  }
  const nats = needsNats
    ? await ensureNats({ install: false }).catch((failure) => {
        if (!install) throw failure;
        return inTurn(lock, () => ensureNats({ install: true }));
      })
    : undefined;
  const tried = join(root, ".cnct", "no-bubblewrap");
  if (install && wantsFence && lacksBubblewrap(tried))
    await inTurn(lock, async () => {
      if (lacksBubblewrap(tried)) await installBubblewrap(tried);
    });
  return { node, path: nats === undefined ? [] : [nats] };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (failure) {
  process.exitCode = report(failure);
}
