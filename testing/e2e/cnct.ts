/** Runs `cnct` as a user does: as a process, with its own environment and data directory. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Asked } from "./command-host.ts";

const mainFile = join(import.meta.dirname, "..", "..", "cli", "main.ts");

export interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing of the developer's own settings reaches the test. */
const cleanEnvironment = (own: Environment): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !name.startsWith("CNCT_") && name !== "NODE_OPTIONS" && name !== "NODE_TEST_CONTEXT",
  );
  return { ...Object.fromEntries(kept), NO_COLOR: "1", XDG_CONFIG_HOME: ownConfig, ...own };
};

/** Where commands make an identity, if they need one. */
const ownConfig = join(tmpdir(), `cnct-config-${process.pid}`);
process.once("exit", () => rmSync(ownConfig, { recursive: true, force: true }));

/** @param inside - What runs it elsewhere, such as `ip netns exec <name>`. */
export const startCnct = (
  args: readonly string[],
  env: Environment = {},
  inside: readonly string[] = [],
): Running => {
  const [program = process.execPath, ...before] = [...inside, process.execPath];
  const child = spawn(
    program,
    [...before, "--disable-warning=ExperimentalWarning", mainFile, ...args],
    { env: cleanEnvironment(env), stdio: ["ignore", "pipe", "pipe"] },
  );
  const read = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    read.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    read.stderr += chunk;
  });
  const ended = new Promise<Ran>((resolve) => {
    child.once("close", (exit) => resolve({ exit, ...read }));
  });
  return { child, ended };
};

/** The first text that a running command prints, on either stream, that matches. */
export const firstMatch = ({ child, ended }: Running, pattern: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => {
        text += chunk;
        const found = pattern.exec(text);
        if (found !== null) resolve(found[0]);
      });
    void ended.then(() => reject(new Error(`it ended without ${pattern}: ${text}`)));
  });

export const runCnct = (args: readonly string[], env: Environment = {}): Promise<Ran> =>
  startCnct(args, env).ended;

export interface CommandHost {
  /** One at a time; for commands that end by themselves and leave nothing open. */
  readonly run: (args: readonly string[], env?: Environment) => Promise<Ran>;
  readonly close: () => void;
}

/** Runs commands without a process for each. */
export const openCommandHost = (): CommandHost => {
  const file = join(import.meta.dirname, "command-host.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
    env: cleanEnvironment({}),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    run: async (args, env = {}) => {
      child.stdin.write(`${JSON.stringify({ args, env } satisfies Asked)}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`the host ended at cnct ${args.join(" ")}`);
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
};

export interface StartedNetwork extends Running {
  readonly gateway: string;
  readonly pids: Readonly<Record<string, number>>;
}

/** `cnct start` on a directory, when it is ready. */
export const startNetworkOf = async (
  dataDirectory: string,
  { workers = 2, more = [] }: { readonly workers?: number; readonly more?: readonly string[] } = {},
): Promise<StartedNetwork> => {
  const size = ["--workers", String(workers)];
  const running = startCnct(
    ["start", "--json", "--port", "0", "--data", dataDirectory, ...size, ...more],
    {},
  );
  let text = "";
  const line = await new Promise<string>((resolve, reject) => {
    running.child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(text);
    });
    void running.ended.then(({ exit, stderr }) =>
      reject(new Error(`cnct start ended with ${exit}: ${stderr}`)),
    );
  });
  const { gateway, pids } = JSON.parse(line);
  return { ...running, gateway, pids };
};

/** Processes whose command line names the directory, or that are one of these and still run. */
export const processesOf = (directory: string, pids: readonly number[] = []): readonly string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const isOurs =
          line.includes(directory) || (pids.includes(Number(name)) && line.includes("main.ts"));
        return isOurs && Number(name) !== process.pid ? [`${name} ${line}`] : [];
      } catch {
        return []; // It has just ended.
      }
    });

/** Waits until none is left; answers those that are after all. */
export const noneLeft = async (
  directory: string,
  pids: readonly number[],
  withinMs: number,
): Promise<readonly string[]> => {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const left = processesOf(directory, pids);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
    await sleep(50);
  }
};
