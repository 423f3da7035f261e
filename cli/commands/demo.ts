/** `cnct demo`: starts a network, has pages read by it, and proves from the log that all is well. */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { native } from "../../crypto/primitives-native.ts";
import { type CnctClient, connect, openRegistry, scopesOfRoles } from "../../sdk/index.ts";
import { flagsOf } from "../cli.ts";
import type { DemoFigures } from "../demo/play.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { findIdentity } from "../id/find-identity.ts";
import { heedSignals } from "../network/child.ts";
import { startNetwork } from "../network/network.ts";
import { printJsonLine, say, tint } from "../output.ts";
import * as settings from "../settings.ts";
import { type AccessMode, accessOption } from "./processes.ts";
import { workerCount } from "./start.ts";

interface DemoFlags {
  readonly jobs: string;
  readonly workers: string;
  readonly port: string;
  readonly data?: string;
  readonly eventStore?: string;
  readonly nats?: string;
  readonly access: AccessMode;
  readonly keep?: boolean;
  readonly verbose?: boolean;
}

interface Playing {
  readonly json: boolean;
  readonly jobs: number;
  readonly startedAt: number;
  readonly signal: AbortSignal;
}

export const addDemo = (program: Command): void => {
  program
    .command("demo")
    .description("start a network, have pages read, check everything against the log, stop")
    .option("--jobs <n>", "pages to read, 1 to 500", "24")
    .option("--workers <n>", "how many, 2 to 64", "4")
    .option("--port <n>", "of the gateway; 0 for any free one", "0")
    .option("--data <directory>", "where everything is kept (default: a temporary directory)")
    .option("--event-store <url>", "an EventStoreDB (esdb://…) instead of the embedded log")
    .option("--nats <url>", "a running nats-server instead of one of our own")
    .addOption(accessOption())
    .option("--keep", "leave the data directory when done")
    .option("--verbose", "show what the processes say")
    .action(async (flags: DemoFlags, command: Command) => {
      const json = flagsOf(command).json === true;
      const jobs = countIn(flags.jobs);
      const startedAt = performance.now();
      const stop = new AbortController();
      const deafen = heedSignals(() =>
        stop.abort(new CliFailure("interrupted", "stopped", exitCodes.interrupted)),
      );
      // Not CNCT_DATA: a demo has no business in the data of a network.
      const dataDirectory = flags.data ?? (await mkdtemp(join(tmpdir(), "cnct-demo-")));
      const isOurs = flags.data === undefined && flags.keep !== true;
      const removeAtOnce = () => rmSync(dataDirectory, { recursive: true, force: true });
      if (isOurs) process.once("exit", removeAtOnce);
      try {
        const playing = { json, jobs, startedAt, signal: stop.signal };
        const figures = await onNetwork(flags, dataDirectory, playing);
        if (json) printJsonLine(figures);
        const { isWell } = await import("../demo/play.ts");
        if (!isWell(figures))
          throw new CliFailure(
            "demo-failed",
            `the demo went wrong: ${faultOf(figures)}`,
            exitCodes.refused,
          );
      } finally {
        process.off("exit", removeAtOnce);
        if (isOurs) await rm(dataDirectory, { recursive: true, force: true });
        else say(`the data is in ${dataDirectory}`);
        deafen();
      }
    });
};

const onNetwork = async (
  flags: DemoFlags,
  dataDirectory: string,
  { json, jobs, startedAt, signal }: Playing,
): Promise<DemoFigures> => {
  // Loaded here: no other command needs the pages' renderer.
  const { demoPages, playDemo } = await import("../demo/play.ts");
  const { showDemo } = await import("../demo/show.ts");
  const pages = demoPages(jobs);
  pages.catch(() => undefined); // Heard below, after the network's start.
  say(`starting nats-server, a coordinator and ${flags.workers} workers`);
  const network = await startNetwork({
    dataDirectory,
    port: settings.portNumber(flags.port),
    workers: workerCount(flags.workers),
    access: flags.access,
    probes: "off", // It counts its own events.
    natsUrl: settings.natsUrl(flags.nats),
    eventStoreUrl: settings.eventStoreUrl(flags.eventStore),
    onLog: (name, line) => {
      if (flags.verbose === true) say(`${tint(name, "dim", process.stderr)} ${line}`);
    },
    onNotice: (name, text) => say(`${name}: ${text}`),
    onDeath: (name, how, restartInMs) =>
      say(`${name} ${how}; it is started again in ${restartInMs} ms`),
    signal,
  });
  const killAll = () => network.kill();
  process.once("exit", killAll);
  const client = await clientOf(network.gateway, { flags, dataDirectory });
  try {
    const shown = await playDemo({ client, network, dataDirectory, pages, startedAt, signal });
    if (!json) showDemo(shown);
    return shown.figures;
  } finally {
    await client.close();
    await network.stop();
    process.off("exit", killAll);
  }
};

/** The demo's own client, with a key file beside the network's data where that asks for identities. */
const clientOf = async (
  gateway: string,
  { flags, dataDirectory }: { readonly flags: DemoFlags; readonly dataDirectory: string },
): Promise<CnctClient> => {
  const plain = connect({ gateway, client: "client:demo" });
  if (flags.access === "open") return plain;
  const path = join(dataDirectory, "client.json");
  const { latest, current } = await findIdentity({
    path,
    registry: openRegistry(plain.ask),
    say: () => undefined,
  });
  await plain.close();
  return connect({
    gateway,
    client: latest().account,
    identity: current,
    scopes: scopesOfRoles.client,
    primitives: native,
  });
};

const countIn = (text: string): number => {
  const count = Number(text);
  if (!/^\d{1,3}$/.test(text) || count < 1 || count > 500)
    throw new CliFailure("bad-option", `--jobs takes 1 to 500, not "${text}"`, exitCodes.usage);
  return count;
};

const faultOf = (figures: DemoFigures): string => {
  const { jobs, completed, charAccuracy, ledgerBalanced, rebuildIdentical } = figures;
  if (completed < jobs) return `${jobs - completed} of ${jobs} jobs have no result`;
  if (!ledgerBalanced) return "the books do not balance";
  if (!rebuildIdentical) return "the views are not what the log says";
  return `only ${(charAccuracy * 100).toFixed(1)} % of the characters are right`;
};
