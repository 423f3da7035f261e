/** The packages of `package-lock.json` in `node_modules`: are they there, and if not, put them there. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastWords } from "./child.mjs";
import { BootstrapFailure, say } from "./failures.mjs";
import { npm } from "./npm.mjs";

/**
 * Whether `node_modules` holds what the lock says. A stamp with the lock's digest answers at once; a
 * tree that somebody installed by hand is compared with the lock, and stamped if it agrees.
 *
 * @param {string} root The checkout.
 */
export function dependenciesAreFresh(root) {
  const digest = lockDigest(root);
  try {
    if (readFileSync(stampFile(root), "utf8").trim() === digest) return true;
  } catch {
    // No stamp: the slow look below decides.
  }
  if (!treeAgreesWithLock(root)) return false;
  writeFileSync(stampFile(root), `${digest}\n`);
  return true;
}

/**
 * Runs `npm ci` under the given Node and stamps the result.
 *
 * @param {string} root The checkout.
 * @param {string} node Node 24: npm runs in it, so that packages which ask for 22 or later do not complain.
 * @throws {BootstrapFailure} `dependencies-failed` or `no-npm`.
 */
export async function installDependencies(root, node) {
  say("installing the packages of package-lock.json (npm ci)");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, output } = await npm(["ci", ...flags], { cwd: root, node });
  if (code !== 0)
    throw new BootstrapFailure(
      "dependencies-failed",
      `npm ci failed with exit code ${code} (${lastWords(output)}): check the network and the disk, then start again.`,
    );
  writeFileSync(stampFile(root), `${lockDigest(root)}\n`);
}

/** @param {string} root */
const stampFile = (root) => join(root, "node_modules", ".cnct-lock-sha256");

/** @param {string} root */
const lockDigest = (root) =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");

/**
 * npm notes what it installed in `node_modules/.package-lock.json`. Every package of the lock must
 * be noted with the same version and digest, unless it is optional or belongs to another platform.
 *
 * @param {string} root
 */
function treeAgreesWithLock(root) {
  /** @param {string} file @returns {Record<string, LockEntry>} */
  const packagesOf = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const noted = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(noted)) return false;
  const installed = packagesOf(noted);
  const wanted = Object.entries(packagesOf(join(root, "package-lock.json")));
  return wanted.every(([path, entry]) => {
    if (!path.startsWith("node_modules/")) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true;
    const same = found.version === entry.version && found.integrity === entry.integrity;
    return same && existsSync(join(root, path));
  });
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockEntry */
