/**
 * Other processors to compute on, for `npm run classes`: qemu-user from the system's package manager,
 * and for arm64 its libraries and Node's own binary. Nothing fails without: what cannot be played is
 * skipped, and the command says so.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { lastWords } from "./child.mjs";
import { say } from "./failures.mjs";
import { putNode, runtimePackages } from "./runtime.mjs";
import { findExecutable, installPackage, usualFolders } from "./system-packages.mjs";

/** Where Debian puts libraries for arm64. */
const armLibrary = "/usr/aarch64-linux-gnu/lib/libstdc++.so.6";

const hasQemu = () => findExecutable("qemu-x86_64", { folders: usualFolders }) !== undefined;
const hasArmLibraries = () => existsSync(armLibrary);

/**
 * Installs what is missing and can be had. `testing/classes/processors.ts` looks in the same places.
 *
 * @param {string} root The checkout.
 */
export async function installEmulator(root) {
  if (process.platform !== "linux") return;
  await bring("qemu-user", hasQemu);
  await bring("libstdc++6-arm64-cross", hasArmLibraries);
  const wanted = runtimePackages["linux-arm64"];
  const folder = join(root, ".cnct", "node-arm64");
  if (wanted === undefined || existsSync(join(folder, "node_modules", wanted.name, wanted.node)))
    return;
  say(`installing Node ${wanted.version} for arm64 into .cnct/node-arm64`);
  const { code, output } = await putNode(folder, wanted, ["--force"]);
  if (code !== 0) say(`going on without Node for arm64 (${lastWords(output)})`);
}

/** @param {string} name Of the package. @param {() => boolean} isThere */
const bring = async (name, isThere) => {
  if (isThere()) return;
  const why = await installPackage(name);
  if (!isThere()) say(`going on without ${name} (${why})`);
};
