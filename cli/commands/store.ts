/** `cnct store serve | export | import` and `cnct projections rebuild`: the log and what follows from it. */

import { createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { flagsOf } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { runUntilStopped, tellParent } from "../network/child.ts";
import { print, printJson, say, table } from "../output.ts";
import * as settings from "../settings.ts";
import { exportedLine, importLines } from "../store-file.ts";
import { type StoreFlags, withStore } from "../with-store.ts";

export const addStore = (program: Command): void => {
  const store = program.command("store").description("the event log: serve it, move it");

  store
    .command("serve")
    .description("serve the embedded event store on EventStoreDB's protocol, until Ctrl-C")
    .option("--data <directory>", "where the log is")
    .option("--port <n>", "of 127.0.0.1; 0 for any free one", "2113")
    .action(async (flags: { data?: string; port: string }) => {
      const { openEmbeddedStore } = await import("../../streams/embedded/store.ts");
      const { serveEmbeddedStore } = await import("../../streams/embedded/grpc/server.ts");
      const port = settings.portNumber(flags.port);
      const directory = join(settings.dataDirectory(flags.data), "events");
      const embedded = await openEmbeddedStore({ directory });
      try {
        const served = await serveEmbeddedStore(embedded, { host: "127.0.0.1", port });
        tellParent({ type: "ready", urls: { eventStore: served.url } });
        print(`ready, event store at ${served.url}`);
        await runUntilStopped(async () => {
          await served.close();
          await embedded.close();
        });
      } catch (error) {
        await embedded.close();
        throw error;
      }
    });

  store
    .command("export")
    .description("write every event as a line of JSON")
    .argument("[file]", "standard output if left out")
    .option("--data <directory>", "where the log is")
    .option("--event-store <url>", "an EventStoreDB instead")
    .action(async (file: string | undefined, flags: StoreFlags, command: Command) =>
      withStore(flags, async (log) => {
        let events = 0;
        const lines = async function* () {
          for await (const event of log.readAll("start")) {
            const line = exportedLine(event);
            if (line === undefined) continue;
            events += 1;
            yield `${line}\n`;
          }
        };
        if (file === undefined) await pipeline(lines, process.stdout, { end: false });
        else await pipeline(lines, createWriteStream(file));
        // Without a file standard output is the export itself.
        if (file !== undefined && flagsOf(command).json === true) printJson({ events, file });
        else say(`${events} events`);
      }),
    );

  store
    .command("import")
    .description("append the events of an export; what is there already is left alone")
    .argument("<file>", "written by cnct store export")
    .option("--data <directory>", "where the log is")
    .option("--event-store <url>", "an EventStoreDB instead")
    .action(async (file: string, flags: StoreFlags, command: Command) => {
      const handle = await open(file);
      try {
        await withStore(flags, async (log) => {
          const imported = await importLines(log, handle.readLines());
          if (flagsOf(command).json === true) printJson(imported);
          else say(`${imported.added} new, ${imported.alreadyThere} already there`);
        });
      } finally {
        await handle.close();
      }
    });

  const projections = program.command("projections").description("what is folded from the log");
  projections
    .command("rebuild")
    .description("fold the whole log anew and compare with the views in use, row by row")
    .option("--data <directory>", "where views and log are")
    .option("--event-store <url>", "an EventStoreDB instead of the embedded log")
    .action(async (flags: StoreFlags, command: Command) => {
      const { demandViews, proveProjections } = await import("../../projections/rebuild.ts");
      const directory = join(settings.dataDirectory(flags.data), "views");
      demandViews(directory); // Before a log is made where there is none.
      await withStore(flags, async (log) => {
        const proof = await proveProjections({ store: log, directory });
        if (flagsOf(command).json === true)
          printJson({ ...proof, position: proof.position.toString() });
        else {
          print(
            table<(typeof proof.tables)[number]>(
              [
                { title: "VIEW", text: ({ name }) => name },
                { title: "ROWS", text: ({ rows }) => String(rows), right: true },
                { title: "LIVE", text: ({ digestLive }) => digestLive.slice(0, 16) },
                { title: "REBUILT", text: ({ digestRebuilt }) => digestRebuilt.slice(0, 16) },
              ],
              proof.tables,
            ),
          );
          say(`${proof.events} events, up to position ${proof.position}`);
        }
        if (!proof.identical) {
          const wrong = proof.tables.find(({ firstDifference }) => firstDifference !== undefined);
          throw new CliFailure(
            "views-differ",
            `the views in use are not what the log says: ${wrong?.name} ${wrong?.firstDifference?.key} differs; remove ${directory} and start again`,
            exitCodes.refused,
          );
        }
      });
    });
};
