/** Runs a command and says what went wrong in one sentence. */

import { CommanderError } from "commander";
import { exitCodes } from "./exit-codes.ts";
import { explain, type Failure } from "./failures.ts";
import { isChild, tellParent } from "./network/child.ts";
import { printJson, say, tint } from "./output.ts";
import { createProgram } from "./program.ts";
import { isDebugging } from "./settings.ts";

const failureOf = (error: unknown): Failure => {
  if (!(error instanceof CommanderError)) return explain(error);
  const isGroup = error.code === "commander.help";
  const message = isGroup
    ? "name a command"
    : error.message
        .replace(/^error: /, "")
        .replace(/\s*\(Did you mean (one of )?(.+)\?\)$/s, "; did you mean $2?");
  return {
    code: "usage",
    message: `${message.replace(/\?$/, "")}${message.endsWith("?") ? "?" : ";"} cnct --help shows what there is`,
    exit: exitCodes.usage,
  };
};

const report = (error: unknown, args: readonly string[]): void => {
  const failure = failureOf(error);
  const { code, message, exit } = failure;
  if (isChild()) tellParent({ type: "failed", code, message, exit });
  if (args.includes("--json")) printJson({ error: { code, message } });
  else say(`${tint("error:", "bad", process.stderr)} ${message} (${code})`);
  if (isDebugging() && error instanceof Error) say(error.stack ?? "");
  process.exitCode = exit;
};

/** @returns Whether it went well; if not, it is said why, and `process.exitCode` is set. */
export const runCommand = async (args: readonly string[]): Promise<boolean> => {
  try {
    await createProgram().parseAsync(args, { from: "user" });
  } catch (error) {
    const isDone = error instanceof CommanderError && error.exitCode === 0;
    if (isDone) return true;
    report(error, args);
    return false;
  }
  return true;
};

/** The command that this process was started for. */
export const runOwnCommand = async (): Promise<void> => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0); // The reader has seen enough.
    throw error;
  });
  if (await runCommand(process.argv.slice(2))) return;
  // Whatever a command that failed half-way has left open must not keep the process.
  if (isChild()) process.disconnect();
  setTimeout(() => process.exit(), 3_000).unref();
};
