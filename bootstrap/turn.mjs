/**
 * One bootstrap installs at a time. The lock is a folder (made by one `mkdir`, which exactly one
 * process wins) that holds the owner's process id. A lock whose owner is gone is broken; breaking is
 * a rename, which again exactly one process wins.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapFailure, say } from "./failures.mjs";

const pollMs = 200;
/** A lock without an owner's file is a process that died between two system calls. */
const ownerlessMs = 5_000;

/**
 * Does something while no other process of this machine does it.
 *
 * @template T
 * @param {string} lock Folder that stands for the turn; its parent is made if missing.
 * @param {() => Promise<T>} work
 * @param {{ waitMs?: number }} [options] How long to wait for others; 15 minutes unless told.
 * @returns {Promise<T>}
 * @throws {BootstrapFailure} `busy` if a living owner keeps the turn for longer than that.
 */
export async function inTurn(lock, work, { waitMs = 900_000 } = {}) {
  mkdirSync(dirname(lock), { recursive: true });
  const deadline = Date.now() + waitMs;
  let told = false;
  while (!take(lock)) {
    if (isStale(lock)) {
      breakLock(lock);
      continue;
    }
    if (Date.now() >= deadline)
      throw new BootstrapFailure(
        "busy",
        `process ${ownerOf(lock) ?? "unknown"} has been installing for too long: end it, or remove ${lock}.`,
      );
    if (!told) say(`waiting for process ${ownerOf(lock) ?? "unknown"}, which is installing`);
    told = true;
    await sleep(pollMs);
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}

/** @param {string} lock */
function take(lock) {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(lock, "owner"), String(process.pid));
  return true;
}

/** @param {string} lock @returns {number | undefined} */
function ownerOf(lock) {
  try {
    const pid = Number(readFileSync(join(lock, "owner"), "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined; // Not written yet, or released just now.
  }
}

/** @param {string} lock */
function isStale(lock) {
  const owner = ownerOf(lock);
  if (owner !== undefined) return !isAlive(owner);
  try {
    return Date.now() - statSync(lock).mtimeMs > ownerlessMs;
  } catch {
    return false; // Released just now: the next attempt to take it decides.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/** @param {string} lock */
function breakLock(lock) {
  const aside = `${lock}.stale-${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return; // Another process broke it first.
  }
  rmSync(aside, { recursive: true, force: true });
}
