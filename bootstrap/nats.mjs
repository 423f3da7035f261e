/** A `nats-server` to start: found on the machine, or installed by the system's package manager. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { lastWords, runTool } from "./child.mjs";
import { BootstrapFailure, say } from "./failures.mjs";

/** Where package managers put servers, though the PATH of an ordinary user may not name it. */
const usualFolders =
  process.platform === "win32"
    ? []
    : ["/usr/local/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin"];

/**
 * Package managers in the order in which we ask. Each line runs without a question, or fails.
 *
 * @type {readonly { tool: string, asRoot: boolean, lines: readonly (readonly string[])[] }[]}
 */
export const packageManagers = [
  {
    tool: "apt-get",
    asRoot: true,
    lines: [
      ["apt-get", "install", "-y", "--no-install-recommends", "nats-server"],
      ["apt-get", "update"],
      ["apt-get", "install", "-y", "--no-install-recommends", "nats-server"],
    ],
  },
  { tool: "apk", asRoot: true, lines: [["apk", "add", "--no-cache", "nats-server"]] },
  { tool: "dnf", asRoot: true, lines: [["dnf", "install", "-y", "nats-server"]] },
  { tool: "brew", asRoot: false, lines: [["brew", "install", "nats-server"]] },
];

/**
 * Finds an executable.
 *
 * @param {string} name
 * @param {{ path?: string, folders?: readonly string[] }} [where] The PATH, then these folders.
 * @returns {string | undefined} Its path.
 */
export function findExecutable(name, { path = process.env["PATH"] ?? "", folders = [] } = {}) {
  const names = process.platform === "win32" ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const folder of [...path.split(delimiter), ...folders].filter(Boolean))
    for (const file of names.map((each) => join(folder, each))) if (isExecutable(file)) return file;
  return undefined;
}

/**
 * Sees to it that a NATS server can be reached or started.
 *
 * @param {{ install: boolean, folders?: readonly string[] }} options
 * @returns {Promise<string | undefined>} Folder of `nats-server`, to go on the PATH; undefined when
 *   `CNCT_NATS_URL` names a running server.
 * @throws {BootstrapFailure} `no-nats-server`
 */
export async function ensureNats({ install, folders = usualFolders }) {
  if (process.env["CNCT_NATS_URL"]) return undefined;
  const found = findExecutable("nats-server", { folders });
  if (found !== undefined) return dirname(found);
  const remedy =
    "install it (Debian, Alpine, Fedora and Homebrew call the package nats-server), or set CNCT_NATS_URL to a running server";
  if (!install) throw new BootstrapFailure("no-nats-server", `nats-server is missing: ${remedy}.`);
  const why = await installNats();
  const installed = findExecutable("nats-server", { folders });
  if (installed !== undefined) return dirname(installed);
  throw new BootstrapFailure(
    "no-nats-server",
    `nats-server is missing and could not be installed (${why}): ${remedy}.`,
  );
}

/** @returns {Promise<string>} Why there may still be none. */
async function installNats() {
  const manager = packageManagers.find(({ tool }) =>
    findExecutable(tool, { folders: usualFolders }),
  );
  if (manager === undefined) return "no apt-get, apk, dnf or brew here";
  const isRoot = process.getuid?.() === 0;
  const sudo = manager.asRoot && !isRoot;
  if (sudo && findExecutable("sudo") === undefined)
    return `${manager.tool} needs root and there is no sudo`;
  // sudo -n fails instead of asking for a password. It drops the environment, hence `env`.
  const prefix = sudo ? ["sudo", "-n"] : [];
  let outcome = "";
  for (const line of manager.lines) {
    const [file = "", ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", ...line];
    say(`installing nats-server: ${[...prefix, ...line].join(" ")}`);
    const { code, output } = await runTool(file, args);
    if (code === 0 && line.includes("nats-server"))
      return `${manager.tool} installed no nats-server`;
    outcome = `${line.join(" ")}: ${lastWords(output)}`;
  }
  return outcome;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
