/** Child processes of the bootstrap: tools that it calls, and the program that it hands over to. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter } from "node:path";
import { BootstrapFailure } from "./failures.mjs";

/** Two copies of one Ctrl-C (npm forwards one, the terminal sends one) arrive this close together. */
const sameSignalMs = 300;

/**
 * Runs a tool to its end and keeps what it prints.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, shell?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>} `code` is 127 if the tool cannot be started.
 */
export function runTool(file, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The last lines of a tool's output that say something, as one line. @param {string} output */
export function lastWords(output) {
  const lines = output.split("\n").map((line) => line.trim());
  const telling = lines.filter((line) => line !== "" && !/complete log|^npm warn/i.test(line));
  return telling.slice(-3).join(" / ") || "it printed nothing";
}

/**
 * The environment with some folders first, and some last, on the PATH. (Windows spells it `Path`.)
 *
 * @param {{ first?: readonly string[], last?: readonly string[] }} folders
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {NodeJS.ProcessEnv}
 */
export function withPath({ first = [], last = [] }, env = process.env) {
  const key = Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  const path = [...first, ...(env[key] ?? "").split(delimiter), ...last].filter(Boolean);
  return { ...env, [key]: [...new Set(path)].join(delimiter) };
}

/**
 * Hands over: runs a program with our own stdin, stdout and stderr, passes signals on, and waits.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ env: NodeJS.ProcessEnv, cwd: string }} options
 * @returns {Promise<number>} The program's exit code; 128 + n if signal n ended it.
 * @throws {BootstrapFailure} `start-failed` if it cannot be started.
 */
export function handOver(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: "inherit" });
    /** @type {Map<NodeJS.Signals, number>} */
    const passedAt = new Map();
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      // A terminal sends Ctrl-C to every process in front of it: the child has it already.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      if (performance.now() - (passedAt.get(signal) ?? -Infinity) < sameSignalMs) return;
      passedAt.set(signal, performance.now());
      child.kill(signal);
    };
    /** @type {readonly NodeJS.Signals[]} */
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, pass);
    const stop = () => {
      for (const signal of signals) process.off(signal, pass);
    };
    child.on("error", (error) => {
      stop();
      reject(new BootstrapFailure("start-failed", `cannot start ${file}: ${error.message}.`));
    });
    child.on("close", (code, signal) => {
      stop();
      resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal]));
    });
  });
}
