/**
 * Runs commands one after another in a process of its own: as `cli/main.ts` does, without the time
 * that a process takes to start. What a command throws is printed with all that hangs on it.
 */
import { inspect } from "node:util";
import { explain } from "../failures.ts";
import { createProgram } from "../program.ts";

export interface Asked {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}
export interface Answered {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = async ({ args, env }: Asked): Promise<Answered> => {
  const said = { stdout: "", stderr: "" };
  const writers = { stdout: process.stdout.write, stderr: process.stderr.write };
  const names = ["stdout", "stderr"] as const;
  for (const name of names)
    process[name].write = (text: unknown) => {
      said[name] += String(text);
      return true;
    };
  for (const name of Object.keys(process.env))
    if (name.startsWith("CNCT_")) delete process.env[name];
  Object.assign(process.env, env);
  let exit = 0;
  try {
    await createProgram().parseAsync(args, { from: "user" });
  } catch (error) {
    const failure = explain(error);
    exit = failure.exit;
    const { code, message } = failure;
    if (args.includes("--json")) process.stdout.write(JSON.stringify({ error: { code, message } }));
    process.stderr.write(`${message} (${code})\n${inspect(error, { depth: 10 })}\n`);
  } finally {
    for (const name of names) process[name].write = writers[name];
  }
  return { exit, ...said };
};

process.on("message", (asked: Asked) => {
  void run(asked).then((answered) => process.send?.(answered));
});
