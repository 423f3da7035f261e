/** `cnct serve`, `worker` and `nats`: one process each, until it is told to stop. */

import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { catalogue } from "../../domain/catalogue.ts";
import { type AllowList, parseAllowList } from "../../domain/collection/allow-list.ts";
import { isLoopback } from "../../gateway/origins.ts";
import { flagsOf } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure, unknownApp } from "../failures.ts";
import { workerIdentity } from "../id/worker-identity.ts";
import { instantAheadIn } from "../instant.ts";
import { notify, runUntilStopped, tellParent } from "../network/child.ts";
import {
  joinAddress,
  joinCommand,
  openTls,
  publicUrlsOf,
  readPem,
  type TlsFlags,
  tlsDirectory,
} from "../network/listening.ts";
import { operationsIn } from "../operations-file.ts";
import { print, printJsonLine, say } from "../output.ts";
import {
  arbiterOption,
  type ProbesMode,
  policyOption,
  policyWish,
  probesOption,
} from "../policy/options.ts";
import * as settings from "../settings.ts";
import { trustedGateway } from "../tls/trusted-gateway.ts";
import { budgetIn, grantsIn } from "./serve-numbers.ts";

const roleNames = ["dispatcher", "validator", "rewards", "gateway"] as const;
const engineNames = ["ort-node", "ort-web"] as const;
const defaultGrantPoints = 1_000n;

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value];
export const publicUrlOption = [
  "--public-url <url>",
  "by which others know the gateway; may be repeated (default: the machine's addresses)",
  gather,
  [] as readonly string[],
] as const;

export const addProcesses = (program: Command): void => {
  program
    .command("serve")
    .description("run the coordinator, or some of its roles, until Ctrl-C")
    .option("--roles <list>", `all, or some of ${roleNames.join(",")}`, "all")
    .option("--host <address>", "where the gateway listens", "127.0.0.1")
    .option("--port <n>", `of the gateway; 0 for any free one (default: ${settings.defaultPort})`)
    .option("--origin <origin>", "web pages from there may ask too; may be repeated", gather, [])
    .option("--operations <file>", "callers from elsewhere run these operations only")
    .option("--introspection", "callers from elsewhere may ask for the schema")
    .option("--budget <points>", "of an identity in 10 s; an address gets a fifth")
    .option("--data <directory>", "holds events, blobs and views")
    .option("--event-store <url>", "an EventStoreDB (esdb://…) instead of the embedded log")
    .option("--event-store-port <n>", "serve the embedded log to other processes there")
    .option("--nats <url>", "where nats-server is")
    .option("--nats-authority <directory>", "with the keys of cnct nats --access identities")
    .option("--nats-creds <file>", "credentials for NATS (default: those of the authority)")
    .option("--nats-ca <file>", "PEM of who vouches for NATS (default: public authorities)")
    .option("--public-nats <url>", "where workers find NATS, if that is not --nats")
    .addOption(accessOption())
    .addOption(tlsOption())
    .option("--tls-cert <file>", "PEM of a certificate and those that vouch for it")
    .option("--tls-key <file>", "PEM of its key")
    .option(...publicUrlOption)
    .option("--grant <points>", "what a client gets with its first job", String(defaultGrantPoints))
    .option("--grants-per-hour <n>", "how many new clients get it within an hour", "500")
    .addOption(probesOption())
    .option(...policyOption)
    .option(...arbiterOption)
    .action(async (flags: ServeFlags, command: Command) => {
      const natsUrl = settings.natsUrl(flags.nats);
      if (natsUrl === undefined)
        throw new CliFailure(
          "no-nats-server",
          "no nats-server is named; give --nats or CNCT_NATS_URL, or run npm start, which brings one",
          exitCodes.machine,
        );
      const policy = await policyWish(flags);
      const dataDirectory = settings.dataDirectory(flags.data);
      const publicUrls = flags.publicUrl.map(settings.publicUrl);
      const tls = await openTls(flags, {
        directory: tlsDirectory(dataDirectory),
        host: flags.host,
        publicUrls,
      });
      const protocol = tls === undefined ? "http:" : "https:";
      const urlsAt = (port: string) =>
        publicUrlsOf(publicUrls, { protocol, host: flags.host, port });
      const { serve } = await import("../serve.ts");
      const { microPointsIn } = await import("../job-request.ts");
      const eventStoreUrl = settings.eventStoreUrl(flags.eventStore);
      const { gateway } = flagsOf(command);
      const serving = await serve({
        roles: rolesIn(flags.roles),
        dataDirectory,
        host: flags.host,
        ...(tls === undefined ? {} : { tls }),
        ...(isLoopback(flags.host) && publicUrls.length === 0 ? {} : { publicUrls: urlsAt }),
        nats: await natsAccess(flags),
        port: settings.portNumber(flags.port),
        origins: flags.origin.map(settings.webOrigin),
        natsUrl,
        ...(eventStoreUrl === undefined ? {} : { eventStoreUrl }),
        ...(flags.eventStorePort === undefined
          ? {}
          : { eventStorePort: settings.portNumber(flags.eventStorePort) }),
        gatewayUrl: await trustedGateway(gateway),
        access: flags.access,
        introspection: flags.introspection === true,
        ...(flags.operations === undefined ? {} : { operations: operationsIn(flags.operations) }),
        ...(flags.budget === undefined ? {} : { budget: budgetIn(flags.budget) }),
        grant: microPointsIn(flags.grant).toString(),
        grantsPerHour: grantsIn(flags.grantsPerHour),
        probes: flags.probes === "on",
        ...(policy === undefined ? {} : { policy }),
        onLog: say,
        onNotice: notify,
      });
      const urls = {
        ...(serving.url === undefined ? {} : { gateway: serving.url }),
        ...(serving.eventStoreUrl === undefined ? {} : { eventStore: serving.eventStoreUrl }),
      };
      const isNews = tls?.own !== undefined || !isLoopback(flags.host);
      const join =
        serving.url !== undefined && isNews
          ? joinAddress(urlsAt(new URL(serving.url).port), tls)
          : undefined;
      announce(command, { ...urls, ...(join === undefined ? {} : { join }) });
      if (join !== undefined && flagsOf(command).json !== true)
        print(`others join with: ${joinCommand(join)}`);
      await runUntilStopped(() => serving.close());
    });

  program
    .command("worker")
    .description("compute for the network as a node, until Ctrl-C")
    .option("--name <node>", "of the node, the same each time (default: the machine's name)")
    .option("--owner <name>", "who owns it, where the gateway asks for no identities", "local")
    .option("--apps <list>", "what it offers (default: all that it can)")
    .option("--collect-allow <list>", "hosts that it may collect from: example.org,*.data.gov")
    .option("--engine <list>", `${engineNames.join(", ")} or both`, engineNames[0])
    .option("--slots <n>", "tasks that run at once", "1")
    .option("--backlog <n>", "tasks that may wait beyond those that run", "4")
    .option(
      "--drain-at <when>",
      "stop then (2h, or an instant), and take no task that may last so long",
    )
    .option("--fence <wish>", "around other people's code: require, auto or off (default: auto)")
    .option("--nats <url>", "instead of the one that the gateway names (CNCT_NATS_URL)")
    .action(async (flags: WorkerFlags, command: Command) => {
      const collectAllow = collectAllowIn(flags.collectAllow);
      const apps = flags.apps === undefined ? offerable(collectAllow) : listIn(flags.apps);
      const stranger = apps.find((app) => !Object.hasOwn(catalogue, app));
      if (stranger !== undefined) throw unknownApp(stranger);
      if (apps.includes("collect") && collectAllow === undefined)
        throw new CliFailure(
          "bad-option",
          "to offer collect, say from which hosts: --collect-allow example.org,*.data.gov",
          exitCodes.usage,
        );
      const drainAt =
        flags.drainAt === undefined ? undefined : instantAheadIn("--drain-at", flags.drainAt);
      const { runWorkerHost } = await import("../worker.ts");
      const { json = false } = flagsOf(command);
      const natsUrl = settings.natsUrl(flags.nats);
      const host = await runWorkerHost({
        ...(await workingAs(command, flags)),
        apps,
        engines: enginesIn(flags.engine),
        ...(collectAllow === undefined ? {} : { collectAllow }),
        slots: countIn("--slots", flags.slots),
        backlog: countIn("--backlog", flags.backlog),
        fence: settings.fenceWish(flags.fence),
        ...(natsUrl === undefined ? {} : { natsUrl }),
        version: settings.version,
        ...(drainAt === undefined ? {} : { drainAt }),
        notify: (notice) => {
          if (notice.type === "trouble") {
            const { error } = notice;
            say(`${notice.what}: ${error instanceof Error ? error.message : String(error)}`);
          } else if (json) printJsonLine(notice);
          else if (notice.type === "drain")
            say(notice.drains ? "its owner wants it to take no tasks" : "it takes tasks again");
        },
        onLog: say,
      });
      announce(command, {});
      if (drainAt !== undefined) {
        say(`stops at ${new Date(drainAt).toISOString()}`);
        setTimeout(() => process.kill(process.pid, "SIGTERM"), drainAt - Date.now());
      }
      await runUntilStopped(
        () => host.close(),
        () => host.workLeftMs(),
      );
    });

  program
    .command("nats", { hidden: true })
    .description("run a nats-server of our own, until Ctrl-C")
    .requiredOption("--directory <directory>", "holds its configuration and streams")
    .option("--port <n>", "0 for any free one", "0")
    .option("--host <address>", "where it listens", "127.0.0.1")
    .addOption(accessOption())
    .addOption(tlsOption())
    .option(...publicUrlOption)
    .option("--print-config <directory>", "of another nats-server, where it may keep accounts")
    .action(async (flags: NatsFlags, command: Command) => {
      if (flags.printConfig !== undefined) return await printNatsConfig(flags);
      const tls = await openTls(flags, {
        directory: tlsDirectory(dirname(flags.directory)),
        host: flags.host,
        publicUrls: flags.publicUrl.map(settings.publicUrl),
      });
      const { startNatsServer } = await import("../../streams/nats/server.ts");
      const { authorityDirectory } = await import("../../streams/nats/authority/operator-mode.ts");
      const binary = settings.natsBinary();
      const server = await startNatsServer({
        directory: flags.directory,
        ...(binary === undefined ? {} : { binary }),
        port: settings.portNumber(flags.port),
        host: flags.host,
        ...(flags.access === "open" ? {} : { authority: authorityDirectory(flags.directory) }),
        ...(tls === undefined ? {} : { tls }),
        onExit: ({ code, signal, restartInMs }) =>
          notify(
            `nats-server died (${signal ?? `exit code ${code}`}); it is started again in ${restartInMs} ms`,
          ),
      });
      announce(command, { nats: server.url });
      await runUntilStopped(() => server.stop());
    });
};

/** Where the worker works, and as whom: where the gateway asks for identities, as its own. */
const workingAs = async (command: Command, { name, owner }: WorkerFlags) => {
  const flags = flagsOf(command);
  const gateway = await trustedGateway(flags.gateway);
  const worker = await workerIdentity({ gateway, path: settings.keyFilePath(flags.id), say });
  if (worker === undefined) return { gateway, nodeId: name ?? settings.nodeName(), owner };
  const { id } = worker.latest();
  return { gateway, nodeId: name ?? settings.nodeName({ id }), owner: id, identity: worker };
};

interface NatsFlags extends TlsFlags {
  readonly directory: string;
  readonly port: string;
  readonly host: string;
  readonly printConfig?: string;
  readonly access: AccessMode;
  readonly publicUrl: readonly string[];
}
interface ServeFlags extends TlsFlags {
  readonly natsAuthority?: string;
  readonly natsCreds?: string;
  readonly natsCa?: string;
  readonly publicNats?: string;
  readonly publicUrl: readonly string[];
  readonly roles: string;
  readonly host: string;
  readonly port?: string;
  readonly origin: readonly string[];
  readonly data?: string;
  readonly eventStore?: string;
  readonly eventStorePort?: string;
  readonly nats?: string;
  readonly access: AccessMode;
  readonly operations?: string;
  readonly introspection?: boolean;
  readonly budget?: string;
  readonly grant: string;
  readonly grantsPerHour: string;
  readonly probes: ProbesMode;
  readonly policy?: string;
  readonly arbiter: readonly string[];
}
interface WorkerFlags {
  readonly name?: string;
  readonly owner: string;
  readonly apps?: string;
  readonly collectAllow?: string;
  readonly engine: string;
  readonly slots: string;
  readonly backlog: string;
  readonly drainAt?: string;
  readonly fence?: string;
  readonly nats?: string;
}

export type AccessMode = "open" | "identities";
/** Of every command that starts a gateway. */
export const accessOption = (): Option =>
  new Option("--access <mode>", "who may change something: anybody, or identities that log in")
    .choices(["open", "identities"])
    .default("identities");

/** Of every command that listens where others reach it. */
export const tlsOption = (): Option =>
  new Option("--tls <how>", "auto: certificates by an authority of the network's own").choices([
    "auto",
  ]);

/** For whoever runs nats-server himself: what its configuration needs for our credentials. */
const printNatsConfig = async ({ directory, printConfig = "" }: NatsFlags): Promise<void> => {
  const { authorityDirectory, operatorMode } = await import(
    "../../streams/nats/authority/operator-mode.ts"
  );
  print((await operatorMode(authorityDirectory(directory), printConfig)).trimEnd());
};

/** How this process is let into NATS, and whether it lets others in. */
const natsAccess = async (flags: ServeFlags) => {
  const { natsAuthority: authority, natsCa, publicNats: publicUrl } = flags;
  const { coordinatorCredentialsFile } = await import(
    "../../streams/nats/authority/operator-mode.ts"
  );
  const { fileCredentials } = await import("../../streams/nats/credentials.ts");
  const file = flags.natsCreds ?? (authority && coordinatorCredentialsFile(authority));
  return {
    ...(file === undefined ? {} : { credentials: await fileCredentials(file) }),
    ...(natsCa === undefined ? {} : { tls: { ca: await readPem(natsCa) } }),
    ...(authority === undefined ? {} : { authority }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  };
};

const announce = (command: Command, urls: Readonly<Record<string, string>>): void => {
  tellParent({ type: "ready", urls });
  if (flagsOf(command).json === true) printJsonLine({ ready: true, ...urls });
  else
    print(["ready", ...Object.entries(urls).map(([name, url]) => `${name} at ${url}`)].join(", "));
};

const listIn = (text: string): readonly string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const collectAllowIn = (text: string | undefined): AllowList | undefined => {
  if (text === undefined) return undefined;
  const parsed = parseAllowList(listIn(text));
  if (parsed.ok && parsed.list.length > 0) return parsed.list;
  const wrong = parsed.ok ? text : parsed.pattern;
  throw new CliFailure(
    "bad-option",
    `--collect-allow takes host names such as example.org,*.data.gov, not "${wrong}"`,
    exitCodes.usage,
  );
};

/** Nobody collects by accident: that app must be asked for by its hosts. */
const offerable = (collectAllow: AllowList | undefined): readonly string[] =>
  Object.keys(catalogue).filter((app) => app !== "collect" || collectAllow !== undefined);

const rolesIn = (text: string): readonly (typeof roleNames)[number][] => {
  if (text === "all") return roleNames;
  return listIn(text).map((name) => oneOf("--roles", name, roleNames));
};

const enginesIn = (text: string): readonly (typeof engineNames)[number][] =>
  listIn(text).map((name) => oneOf("--engine", name, engineNames));

const oneOf = <Name extends string>(option: string, text: string, names: readonly Name[]): Name => {
  const found = names.find((name) => name === text);
  if (found === undefined)
    throw new CliFailure(
      "bad-option",
      `${option} takes ${names.join(", ")}, not "${text}"`,
      exitCodes.usage,
    );
  return found;
};

const countIn = (option: string, text: string): number => {
  if (!/^\d{1,5}$/.test(text))
    throw new CliFailure(
      "bad-option",
      `${option} takes a whole number, not "${text}"`,
      exitCodes.usage,
    );
  return Number(text);
};
