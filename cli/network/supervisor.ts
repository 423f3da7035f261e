/** A `cnct` process of ours as a child: started, watched, started again when it dies, stopped. */

import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Millis } from "../../domain/decider.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { type ChildMessage, drainWithinMs, stopWithinMs } from "./child.ts";

export type Urls = Readonly<Record<string, string>>;

export interface Supervised {
  readonly name: string;
  pid(): number | undefined;
  /** What the child told about itself when it was first ready. */
  readonly urls: Urls;
  /** SIGTERM, then SIGKILL when it takes too long; nothing is started again afterwards. */
  stop(): Promise<void>;
  /** Ends it without waiting. */
  kill(): void;
}

export interface SuperviseOptions {
  readonly name: string;
  /** Arguments of `cnct`; for a later start with what the first one told, such as its port. */
  readonly args: (urls: Urls | undefined) => readonly string[];
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** How it is ended at once: SIGTERM for one that has children of its own. */
  readonly lastSignal?: "SIGKILL" | "SIGTERM";
  /** It may have work under way that takes long to finish: a worker. */
  readonly drains?: boolean;
  /** Ends the first start; what was started of it is gone when that is told. */
  readonly signal?: AbortSignal;
  readonly onLog: (line: string) => void;
  /** What the child wants people to know; `onLog` if left out. */
  readonly onNotice?: (text: string) => void;
  /** The child is gone, such as `died (SIGKILL)`; it is started again after `restartInMs`. */
  readonly onDeath: (how: string, restartInMs: Millis) => void;
}

const mainFile = join(dirname(dirname(fileURLToPath(import.meta.url))), "main.ts");

const readyWithinMs = 60_000;
/** A child ends itself when it cannot stop; only one that cannot even do that is killed. */
const graceMs = 2_000;
const restartFirstMs = 250;
const restartMaxMs = 10_000;
/** A child that has run so long starts with the shortest delay again. */
const healthyMs = 30_000;

/**
 * Resolves when the child is ready.
 *
 * @throws {CliFailure} What the child itself stated if it cannot start, else `child-failed`.
 * @throws The signal's reason.
 */
export const supervise = async (options: SuperviseOptions): Promise<Supervised> => {
  const { name, args, onLog, onNotice = onLog, onDeath, lastSignal = "SIGKILL", signal } = options;
  const endWithinMs = (options.drains === true ? drainWithinMs : stopWithinMs) + graceMs;
  let child: ChildProcess | undefined;
  let stopping = false;
  let restartMs = restartFirstMs;
  const stopped = new AbortController();

  const launch = async (before: Urls | undefined): Promise<Urls> => {
    const startedAt = performance.now();
    const running = spawn(process.execPath, [...process.execArgv, mainFile, ...args(before)], {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    child = running;
    for (const stream of [running.stdout, running.stderr])
      if (stream !== null) createInterface({ input: stream }).on("line", onLog);
    running.on("message", (message: ChildMessage) => {
      if (message.type === "notice") onNotice(message.text);
    });
    const urls = await becomesReady(running, name, before === undefined ? signal : undefined);
    const died = (how: string) => {
      if (stopping) return;
      if (performance.now() - startedAt > healthyMs) restartMs = restartFirstMs;
      void restart(how, urls);
    };
    running.once("exit", (code, signal) => died(endOf(code, signal)));
    if (isOver(running)) died(endOf(running.exitCode, running.signalCode));
    return urls;
  };

  const restart = async (how: string, urls: Urls): Promise<void> => {
    let why = how;
    while (!stopping) {
      onDeath(why, restartMs);
      await sleep(restartMs, undefined, { signal: stopped.signal }).catch(() => undefined);
      restartMs = Math.min(restartMs * 2, restartMaxMs);
      if (stopping) return;
      try {
        await launch(urls);
        return;
      } catch (error) {
        why = `did not start: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  };

  const kill = () => {
    stopping = true;
    stopped.abort();
    child?.kill(lastSignal);
  };
  signal?.throwIfAborted();
  const urls = await launch(undefined).catch(async (error: unknown) => {
    if (child !== undefined) await end(child, endWithinMs);
    throw error;
  });
  return {
    name,
    urls,
    pid: () => (child === undefined || isOver(child) ? undefined : child.pid),
    kill,
    stop: async () => {
      stopping = true;
      stopped.abort();
      if (child !== undefined) await end(child, endWithinMs);
    },
  };
};

/** A child that was told to stop by someone else ends well, and is wanted all the same. */
const endOf = (code: number | null, signal: string | null): string =>
  code === 0 ? "was stopped from outside" : `died (${signal ?? `exit code ${code}`})`;

const isOver = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

const becomesReady = (
  child: ChildProcess,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Urls> =>
  new Promise((resolve, reject) => {
    const settle = (how: () => void) => {
      clearTimeout(timer);
      child.off("message", hear);
      child.off("exit", leave);
      signal?.removeEventListener("abort", abort);
      how();
    };
    const fail = (code: string, message: string, exit: ExitCode) =>
      settle(() => reject(new CliFailure(code, message, exit)));
    const hear = (message: ChildMessage) => {
      if (message.type === "ready") settle(() => resolve(message.urls));
      else if (message.type === "failed")
        fail(message.code, message.message, message.exit as ExitCode);
    };
    const abort = () => settle(() => reject(signal?.reason));
    const leave = (code: number | null, signal: string | null) =>
      fail(
        "child-failed",
        `${name} ended before it was ready (${signal ?? `exit code ${code}`}); run again with --verbose to see why`,
        exitCodes.machine,
      );
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(
        "child-failed",
        `${name} was not ready within ${readyWithinMs} ms; run again with --verbose to see why`,
        exitCodes.machine,
      );
    }, readyWithinMs);
    signal?.addEventListener("abort", abort, { once: true });
    child.on("message", hear);
    child.once("exit", leave);
    child.once("error", (error) => fail("child-failed", error.message, exitCodes.machine));
  });

const end = async (child: ChildProcess, withinMs: Millis): Promise<void> => {
  if (isOver(child)) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
  await ended;
  clearTimeout(timer);
};
