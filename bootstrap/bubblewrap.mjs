/**
 * bubblewrap, which workers on Linux put around other people's code. Nothing fails without it: a
 * worker says so, and `cnct worker --fence require` does not start.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { say } from "./failures.mjs";
import { findExecutable, installPackage, usualFolders } from "./system-packages.mjs";

/**
 * Whether there is something to install here, that was not tried in vain before.
 *
 * @param {string} triedFile Says that it was tried.
 */
export function lacksBubblewrap(triedFile) {
  const wanted = process.platform === "linux" && process.env["CNCT_FENCE"] !== "off";
  return wanted && !findExecutable("bwrap", { folders: usualFolders }) && !existsSync(triedFile);
}

/**
 * Tries once, and remembers when it was in vain: no later start shall wait for it again.
 *
 * @param {string} triedFile
 */
export async function installBubblewrap(triedFile) {
  const why = await installPackage("bubblewrap");
  if (findExecutable("bwrap", { folders: usualFolders }) !== undefined) return;
  say(`going on without bubblewrap, the fence around other people's code (${why})`);
  mkdirSync(dirname(triedFile), { recursive: true });
  writeFileSync(triedFile, `${why}\nRemove this file to have it tried again.\n`);
}
