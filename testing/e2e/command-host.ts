/**
 * Runs commands one after another in one process, as `cli/main.ts` does, for tests of many commands that
 * end soon: each line of standard input is one command, each line of standard output what became of it.
 */
import { createInterface } from "node:readline";
import { runCommand } from "../../cli/run-command.ts";
import type { Environment, Ran } from "./cnct.ts";

export interface Asked {
  readonly args: readonly string[];
  /** Besides what this process was started with. */
  readonly env: Environment;
}

const run = async ({ args, env }: Asked): Promise<Ran> => {
  const said = { stdout: "", stderr: "" };
  const streams = [process.stdout, process.stderr] as const;
  const writers = streams.map((stream) => stream.write);
  for (const [at, name] of (["stdout", "stderr"] as const).entries())
    streams[at]!.write = (text: unknown) => {
      said[name] += String(text);
      return true;
    };
  const before = { ...process.env };
  Object.assign(process.env, env);
  process.exitCode = 0;
  try {
    await runCommand(args);
    return { exit: Number(process.exitCode), ...said };
  } finally {
    for (const [at, write] of writers.entries()) streams[at]!.write = write;
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
    process.exitCode = 0;
  }
};

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line) as Asked))}\n`);
process.exit();
