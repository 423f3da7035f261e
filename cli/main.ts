/** The `cnct` command: puts the commands together and says what went wrong in one sentence. */

import { Command, CommanderError } from "commander";
import { addDemo } from "./commands/demo.ts";
import { addJobs } from "./commands/jobs.ts";
import { addNetwork } from "./commands/network.ts";
import { addProcesses } from "./commands/processes.ts";
import { addStart } from "./commands/start.ts";
import { addStore } from "./commands/store.ts";
import { addSubmit } from "./commands/submit.ts";
import { exitCodes, exitMeanings } from "./exit-codes.ts";
import { explain, type Failure } from "./failures.ts";
import { isChild, tellParent } from "./network/child.ts";
import { printJson, say, tint } from "./output.ts";
import { isDebugging, version } from "./settings.ts";

const exitTable = Object.entries(exitMeanings)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join("\n");

const program = new Command("cnct")
  .description("CNCT, a decentralized compute network: submit jobs, run nodes, read the ledger")
  .version(version)
  .option("--json", "print JSON for programs")
  .option("--gateway <url>", "where the gateway is (CNCT_GATEWAY, or http://127.0.0.1:4000)")
  .option("--client <name>", "who pays, such as client:ada (CNCT_CLIENT, or client:local)")
  .exitOverride()
  .configureOutput({ writeErr: () => undefined })
  .addHelpText(
    "after",
    `
Examples:
  cnct start                    a whole network on this machine
  cnct submit ocr page.png      the text of a page, computed twice and compared
  cnct job 3fa2c1d09b7e         what happened to a job
  cnct ledger node:node-1       what a node earned

Exit codes:
${exitTable}

Environment: CNCT_GATEWAY, CNCT_CLIENT, CNCT_DATA, CNCT_PORT, CNCT_EVENTSTORE_URL, CNCT_NATS_URL;
NO_COLOR turns colours off, CNCT_DEBUG=1 shows where a failure came from.`,
  );

for (const add of [addStart, addDemo, addSubmit, addJobs, addNetwork, addProcesses, addStore])
  add(program);

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
  await program.parseAsync();
} catch (error) {
  const isDone = error instanceof CommanderError && error.exitCode === 0;
  if (!isDone) report(error);
}
