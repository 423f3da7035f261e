/**
 * `cnct audit refusals`: what the network said no to, from the data directory; `cnct audit verdicts`:
 * whether its judging service judged as the log says that it had to.
 */

import type { Command } from "commander";
import type { RefusalRow } from "../../streams/refusal-log.ts";
import { flagsOf, withClient } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { headOf, positionIn } from "../explain/log.ts";
import { CliFailure } from "../failures.ts";
import { instantIn } from "../instant.ts";
import { ago, oneLine, print, printJson, say, table } from "../output.ts";
import * as settings from "../settings.ts";
import { type StoreFlags, withStore } from "../with-store.ts";

const rowsMax = 100_000;

export const addAudit = (program: Command): void => {
  const audit = program.command("audit").description("look into what happened here");

  audit
    .command("refusals")
    .description("what was refused, newest first: repeats within a minute are one line")
    .option("--since <time>", "30s, 15m, 1h, 7d ago, or an instant such as 2026-01-31T12:00Z")
    .option("--code <code>", "only refusals of this code")
    .option("--limit <n>", `lines, 1 to ${rowsMax}`, "50")
    .option("--data <directory>", "of the coordinator")
    .action(async (flags: RefusalFlags, command: Command) => {
      const { readRefusals } = await import("../../streams/refusals/sqlite.ts");
      const directory = settings.dataDirectory(flags.data);
      const limit = limitIn(flags.limit);
      const since = flags.since === undefined ? undefined : instantIn("--since", flags.since);
      const rows = readRefusals(settings.refusalsFile(directory), {
        limit,
        ...(since === undefined ? {} : { since }),
        ...(flags.code === undefined ? {} : { code: flags.code }),
      });
      if (rows === undefined)
        throw new CliFailure(
          "no-refusal-log",
          `no coordinator ever ran on ${directory}; name its data directory with --data`,
          exitCodes.badInput,
        );
      if (flagsOf(command).json === true) return printJson({ refusals: rows });
      if (rows.length === 0) return say("nothing was refused");
      print(table<RefusalRow>(columns, rows));
      if (rows.length === limit) say(`the newest ${limit}; --limit shows more`);
    });

  audit
    .command("verdicts")
    .description("gives every verdict of the log again; fails if any comes out another")
    .option("--at <position>", "only up to this position of the log")
    .option("--data <directory>", "the log of a data directory instead of a gateway's")
    .option("--event-store <url>", "the log of an EventStoreDB instead")
    .action(async (flags: VerdictFlags, command: Command) => {
      const { at, data, eventStore } = flags;
      const audit = await import("../audit/verdicts.ts");
      const { json = false } = flagsOf(command);
      const run = async (head: bigint, review: Parameters<typeof audit.withProgress>[1]) => {
        const found = await audit.withProgress(head, review);
        if (json) printJson(audit.reviewJson(found, head));
        else audit.tellReview(found);
        if (found.faulty > 0)
          throw new CliFailure(
            "verdict-differs",
            `the log has ${found.faulty} faults: not all was judged as it had to be`,
            exitCodes.refused,
          );
      };
      if (data !== undefined || eventStore !== undefined)
        return withStore(flags, async (store) => {
          const head = positionIn(at, await store.head());
          await run(head, (onPosition) => audit.reviewStore(store, head, onPosition));
        });
      return withClient(command, async (client) => {
        const head = positionIn(at, await headOf(client));
        await run(head, (onPosition) => audit.reviewGateway(client, head, onPosition));
      });
    });
};

interface VerdictFlags extends StoreFlags {
  readonly at?: string;
}

interface RefusalFlags {
  readonly since?: string;
  readonly code?: string;
  readonly limit: string;
  readonly data?: string;
}

const columns: Parameters<typeof table<RefusalRow>>[0] = [
  { title: "LAST", text: ({ lastAt }) => ago(lastAt) },
  { title: "TIMES", text: ({ count }) => String(count), right: true },
  { title: "CODE", text: ({ code }) => code },
  { title: "WHO", text: ({ id }) => oneLine(id ?? "-", 60) },
  { title: "FROM", text: ({ address }) => address ?? "-" },
  { title: "WHAT", text: ({ what }) => oneLine(what, 60) },
];

const limitIn = (text: string): number => {
  const limit = Number(text);
  if (/^\d{1,6}$/.test(text) && limit >= 1 && limit <= rowsMax) return limit;
  throw new CliFailure(
    "bad-option",
    `--limit takes 1 to ${rowsMax}, not "${text}"`,
    exitCodes.usage,
  );
};
