/** Programs that the system's package manager can bring: found, or installed without a question. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { lastWords, runTool } from "./child.mjs";
import { say } from "./failures.mjs";

/** Where package managers put programs, though the PATH of an ordinary user may not name it. */
export const usualFolders =
  process.platform === "win32"
    ? []
    : ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/sbin", "/opt/homebrew/bin"];

/**
 * Package managers in the order in which we ask. Each line runs without a question, or fails; the
 * package's name follows those that install.
 *
 * @type {readonly { tool: string, asRoot: boolean, install: readonly string[], refresh?: readonly string[] }[]}
 */
const packageManagers = [
  {
    tool: "apt-get",
    asRoot: true,
    install: ["apt-get", "install", "-y", "--no-install-recommends"],
    refresh: ["apt-get", "update"],
  },
  { tool: "apk", asRoot: true, install: ["apk", "add", "--no-cache"] },
  { tool: "dnf", asRoot: true, install: ["dnf", "install", "-y"] },
  { tool: "brew", asRoot: false, install: ["brew", "install"] },
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
 * Installs a package that has the same name everywhere.
 *
 * @param {string} name
 * @returns {Promise<string>} Why it may still not be there.
 */
export async function installPackage(name) {
  const manager = packageManagers.find(({ tool }) =>
    findExecutable(tool, { folders: usualFolders }),
  );
  if (manager === undefined) return "no apt-get, apk, dnf or brew here";
  const { tool, asRoot, install, refresh } = manager;
  const sudo = asRoot && process.getuid?.() !== 0;
  if (sudo && findExecutable("sudo") === undefined)
    return `${tool} needs root and there is no sudo`;
  // sudo -n fails instead of asking for a password. It drops the environment, hence `env`.
  const prefix = sudo ? ["sudo", "-n"] : [];
  const lines = [[...install, name], ...(refresh ? [refresh, [...install, name]] : [])];
  let outcome = "";
  for (const line of lines) {
    const [file = "", ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", ...line];
    say(`installing ${name}: ${[...prefix, ...line].join(" ")}`);
    const { code, output } = await runTool(file, args);
    if (code === 0 && line.includes(name)) return `${tool} installed no ${name}`;
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
