/** `cnct policy show | check | adopt`: the parameters by which the network works. */

import type { Command } from "commander";
import { listParameters, type Policy, policyDefaults } from "../../domain/policy/policy.ts";
import { wallClock } from "../../streams/clock.ts";
import { flagsOf, withClient } from "../cli.ts";
import { print, printJson, say, table } from "../output.ts";
import { adoptPolicy, changeLines } from "../policy/adopt.ts";
import { demandPolicy, readPolicyFile } from "../policy/policy-file.ts";
import { processIds } from "../process-ids.ts";
import { type StoreFlags, withStore } from "../with-store.ts";

export const addPolicy = (program: Command): void => {
  const policy = program
    .command("policy")
    .description("the parameters by which the network dispatches, verifies, scores and prices");

  policy
    .command("show")
    .description("the policy in force; with --json in the form of a file for adopt")
    .action(async (_flags: unknown, command: Command) => {
      await withClient(command, async (client, { json }) => {
        const { policy: shown } = await client.ask<{ policy: Shown }>(
          "query Policy { policy { version adoptedAt parameters } }",
        );
        if (json) return printJson(shown.parameters);
        print(parameterTable(demandPolicy(shown.parameters, "the gateway's policy")));
        say(
          shown.adoptedAt === null
            ? `version ${shown.version}, which comes with CNCT; nobody adopted another one`
            : `version ${shown.version}, adopted at ${new Date(shown.adoptedAt).toISOString()}`,
        );
      });
    });

  policy
    .command("check")
    .description("whether a file is a policy; asks nobody")
    .argument("<file>", "JSON, as cnct policy show --json prints it")
    .action(async (file: string, _flags: unknown, command: Command) => {
      const { version } = await readPolicyFile(file);
      if (flagsOf(command).json === true) printJson({ ok: true, version });
      else say(`${file} is a policy, version ${version}`);
    });

  policy
    .command("adopt")
    .description(
      "put the policy of a file in force, at the event store: the operator's right alone",
    )
    .argument("<file>", "what cnct policy show --json prints, changed")
    .option("--data <directory>", "where the log is")
    .option("--event-store <url>", "an EventStoreDB instead of the embedded log")
    .action(async (file: string, flags: StoreFlags, command: Command) => {
      const wanted = await readPolicyFile(file); // Before a log is made where there is none.
      await withStore(flags, async (store) => {
        const ids = processIds();
        const { version, changes } = await adoptPolicy({ store, ids, clock: wallClock }, wanted);
        if (flagsOf(command).json === true) printJson({ version, changes });
        else if (changes.length === 0) say(`version ${version} is in force already`);
        else {
          for (const line of changeLines(changes)) print(line);
          say(`version ${version} is in force`);
        }
      });
    });
};

interface Shown {
  readonly version: number;
  readonly adoptedAt: number | null;
  readonly parameters: unknown;
}

const parameterTable = (policy: Policy): string =>
  table<ReturnType<typeof listParameters>[number]>(
    [
      { title: "PARAMETER", text: ({ path }) => path },
      { title: "VALUE", text: ({ of }) => valueText(of(policy)), right: true },
      {
        title: "DEFAULT",
        text: ({ of }) => {
          const [now, usual] = [valueText(of(policy)), valueText(of(policyDefaults))];
          return now === usual ? "" : usual;
        },
        right: true,
      },
      { title: "WHAT IT DOES", text: ({ parameter }) => parameter.says },
    ],
    listParameters(),
  );

const valueText = (value: unknown): string =>
  Array.isArray(value) ? (value.length === 0 ? "none" : `${value.length} owners`) : String(value);
