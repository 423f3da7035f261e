/** Runs the command of this process and says what went wrong in one sentence. */

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

const report = (error: unknown): void => {
  const failure = failureOf(error);
  const { code, message, exit } = failure;
  if (isChild()) tellParent({ type: "failed", code, message, exit });
  if (process.argv.includes("--json")) printJson({ error: { code, message } });
  else say(`${tint("error:", "bad", process.stderr)} ${message} (${code})`);
  if (isDebugging() && error instanceof Error) say(error.stack ?? "");
  process.exitCode = exit;
  // Whatever a command that failed half-way has left open must not keep the process.
  if (isChild()) process.disconnect();
  setTimeout(() => process.exit(exit), 3_000).unref();
};

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0); // The reader has seen enough.
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  const isDone = error instanceof CommanderError && error.exitCode === 0;
  if (!isDone) report(error);
}
