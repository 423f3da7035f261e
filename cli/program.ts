/** The `cnct` command line: every command with its options, before anything is run. */

import { Command } from "commander";
import { addAudit } from "./commands/audit.ts";
import { addDemo } from "./commands/demo.ts";
import { addDrain } from "./commands/drain.ts";
import { addExample } from "./commands/example.ts";
import { addExplain } from "./commands/explain.ts";
import { addId } from "./commands/id.ts";
import { addJobs } from "./commands/jobs.ts";
import { addKey } from "./commands/key.ts";
import { addNetwork } from "./commands/network.ts";
import { addPolicy } from "./commands/policy.ts";
import { addProcesses } from "./commands/processes.ts";
import { addQuote } from "./commands/quote.ts";
import { addReceipts } from "./commands/receipts.ts";
import { addReputation } from "./commands/reputation.ts";
import { addSimulate } from "./commands/simulate.ts";
import { addStart } from "./commands/start.ts";
import { addStore } from "./commands/store.ts";
import { addSubmit } from "./commands/submit.ts";
import { exitMeanings } from "./exit-codes.ts";
import { variables, version } from "./settings.ts";

const exitTable = Object.entries(exitMeanings)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join("\n");

const environmentTable = Object.entries(variables)
  .map(([name, meaning]) => `  ${name.padEnd(19)}  ${meaning}`)
  .join("\n");

/** A fresh one for each use: commander keeps what it has parsed. */
export const createProgram = (): Command => {
  const program = new Command("cnct")
    .description("CNCT, a decentralized compute network: submit jobs, run nodes, read the ledger")
    .version(version)
    .option("--json", "print JSON for programs")
    .option("--gateway <url>", "where the gateway is (CNCT_GATEWAY, or http://127.0.0.1:4000)")
    .option("--client <name>", "who pays, such as client:ada (CNCT_CLIENT, or client:local)")
    .option("--id <file>", "your identity's key file (CNCT_ID, or ~/.config/cnct/id.json)")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addHelpText(
      "after",
      `
Examples:
  cnct start                    a whole network on this machine
  cnct example page.png         a picture of a page, to have something to submit
  cnct submit ocr page.png      the text of a page, computed twice and compared
  cnct job 3fa2c1d09b7e         what happened to a job
  cnct ledger node:node-1       what a node earned
  cnct node node-1              how far a node is relied on, and why

Exit codes:
${exitTable}

Environment (a flag wins over it):
${environmentTable}
  NO_COLOR             turns colours off`,
    );

  for (const add of adders) add(program);
  return program;
};

const adders = [
  addStart,
  addDemo,
  addExample,
  addQuote,
  addSubmit,
  addJobs,
  addExplain,
  addReceipts,
  addNetwork,
  addReputation,
  addDrain,
  addId,
  addKey,
  addProcesses,
  addStore,
  addPolicy,
  addAudit,
  addSimulate,
];
