/** `cnct start`: a whole network on this machine, until Ctrl-C. */

import type { Command } from "commander";
import { isLoopback } from "../../gateway/origins.ts";
import { flagsOf } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { untilStopped } from "../network/child.ts";
import { joinCommand, type TlsFlags } from "../network/listening.ts";
import { type Network, startNetwork } from "../network/network.ts";
import { forgetNetwork, noteNetwork } from "../network/running.ts";
import { print, printJsonLine, say, tint } from "../output.ts";
import {
  arbiterOption,
  type ProbesMode,
  policyOption,
  policyWish,
  probesOption,
} from "../policy/options.ts";
import * as settings from "../settings.ts";
import { type AccessMode, accessOption, publicUrlOption, tlsOption } from "./processes.ts";

interface StartFlags extends TlsFlags {
  readonly host: string;
  readonly publicUrl: readonly string[];
  readonly natsPort?: string;
  readonly workers: string;
  readonly arbiters: string;
  readonly arbiter: readonly string[];
  readonly policy?: string;
  readonly port?: string;
  readonly data?: string;
  readonly eventStore?: string;
  readonly nats?: string;
  readonly access: AccessMode;
  readonly probes: ProbesMode;
  readonly verbose?: boolean;
}

export const workerCount = (text: string): number => {
  const count = Number(text);
  if (!/^\d{1,3}$/.test(text) || count < 1 || count > 64)
    throw new CliFailure("bad-option", `--workers takes 1 to 64, not "${text}"`, exitCodes.usage);
  return count;
};

const arbiterCount = (text: string): number => {
  const count = Number(text);
  if (!/^\d{1,2}$/.test(text) || count > 16)
    throw new CliFailure("bad-option", `--arbiters takes 0 to 16, not "${text}"`, exitCodes.usage);
  return count;
};

export const addStart = (program: Command): void => {
  program
    .command("start")
    .description("start nats-server, a coordinator and workers on this machine, until Ctrl-C")
    .option("--workers <n>", "how many, 1 to 64", "4")
    .option("--arbiters <n>", "workers besides, which decide what others dispute", "0")
    .option(...arbiterOption)
    .option(...policyOption)
    .option("--port <n>", `of the gateway; 0 for any free one (default: ${settings.defaultPort})`)
    .option("--data <directory>", "where everything is kept")
    .option("--event-store <url>", "an EventStoreDB (esdb://…) instead of the embedded log")
    .option("--nats <url>", "a running nats-server instead of one of our own")
    .addOption(accessOption())
    .option("--host <address>", "where gateway and NATS listen", "127.0.0.1")
    .addOption(tlsOption())
    .option("--tls-cert <file>", "PEM of a certificate and those that vouch for it")
    .option("--tls-key <file>", "PEM of its key")
    .option(...publicUrlOption)
    .addOption(probesOption())
    .option("--nats-port <n>", "of NATS (default: any free one; 4222 where others reach it)")
    .option("--verbose", "show what the processes say")
    .action(async (flags: StartFlags, command: Command) => {
      const dataDirectory = settings.dataDirectory(flags.data);
      await policyWish(flags); // What is wrong with it is said before anything is started.
      const network = await startNetwork({
        dataDirectory,
        port: settings.portNumber(flags.port),
        workers: workerCount(flags.workers),
        arbiters: arbiterCount(flags.arbiters),
        policy: {
          ...(flags.policy === undefined ? {} : { file: flags.policy }),
          arbiters: flags.arbiter,
        },
        access: flags.access,
        probes: flags.probes,
        host: flags.host,
        tls: flags,
        publicUrls: flags.publicUrl.map(settings.publicUrl),
        natsPort: settings.portNumber(flags.natsPort ?? (isLoopback(flags.host) ? "0" : "4222")),
        natsUrl: settings.natsUrl(flags.nats),
        eventStoreUrl: settings.eventStoreUrl(flags.eventStore),
        onLog: (name, line) => {
          if (flags.verbose === true) say(`${tint(name, "dim", process.stderr)} ${line}`);
        },
        onNotice: (name, text) => say(`${name}: ${text}`),
        onDeath: (name, how, restartInMs) =>
          say(`${name} ${how}; it is started again in ${restartInMs} ms`),
      });
      const killAll = () => network.kill();
      process.once("exit", killAll);
      await noteNetwork(dataDirectory, {
        pid: process.pid,
        gateway: network.gateway,
        eventStore: network.eventStoreUrl,
        nats: network.natsUrl,
      });
      if (flagsOf(command).json === true)
        printJsonLine({
          ready: true,
          gateway: network.gateway,
          ...(network.join === undefined ? {} : { join: network.join }),
          dataDirectory,
          pids: pidsOf(network),
        });
      else welcome(network, dataDirectory);

      const why = await untilStopped();
      say(`stopping (${why}); Ctrl-C again stops at once`);
      await network.stop();
      await forgetNetwork(dataDirectory);
      process.off("exit", killAll);
    });
};

const pidsOf = ({ children }: Network): Readonly<Record<string, number | undefined>> =>
  Object.fromEntries(children.map((child) => [child.name, child.pid()]));

const welcome = ({ gateway, join, children }: Network, dataDirectory: string): void => {
  const named = (prefix: string) => children.filter(({ name }) => name.startsWith(prefix)).length;
  const [workers, arbiters] = [named("node-"), named("arbiter-")];
  const address = join ?? gateway;
  const isDefault = address === `http://127.0.0.1:${settings.defaultPort}`;
  const cnct = `${isDefault ? "" : `CNCT_GATEWAY=${address} `}npx cnct`;
  print(`CNCT runs on this machine with ${workers === 1 ? "one worker" : `${workers} workers`}${arbiters === 0 ? "" : ` and ${arbiters} arbiters`}. Ctrl-C stops it.

  GraphQL   ${tint(`${gateway}/graphql`, "bold")}
  GraphiQL  ${tint(`${gateway}/graphiql`, "bold")}
  data      ${dataDirectory}

${join === undefined ? "It listens on 127.0.0.1 only: nobody else can reach it." : `Others join with:\n  ${tint(joinCommand(join), "bold")}`}

Try, in another terminal:
  ${cnct} example page.png        a picture of a page
  ${cnct} submit ocr page.png     its text, computed twice and compared
  ${cnct} watch                   every event as it is written`);
};
