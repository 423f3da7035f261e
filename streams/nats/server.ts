/** A real nats-server as our child: started, watched, started again when it dies, stopped with us. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../../domain/decider.ts";
import { makePrivateDirectory } from "./authority/files.ts";
import { operatorMode } from "./authority/operator-mode.ts";
import { endOrphan } from "./orphan.ts";
import { NatsServerError } from "./server-error.ts";

export interface NatsServerOptions {
  /** Where its configuration and JetStream's files are; one server for each directory. */
  readonly directory: string;
  /** 0 or nothing for any free one. */
  readonly port?: number;
  /**
   * Default 127.0.0.1. Elsewhere it needs `authority` and `tls`. 0.0.0.0 and :: stand for every
   * address of the machine.
   */
  readonly host?: string;
  /** Where the network's keys are, made if there are none: then only our credentials let anybody in. */
  readonly authority?: string;
  /** Files in PEM; then it speaks to nobody without TLS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Found on the PATH and in the usual places when it is not given. */
  readonly binary?: string;
  readonly onLog?: (line: string) => void;
  /** It died without being asked to, and is started again after a while. */
  readonly onExit?: (exit: NatsServerExit) => void;
}

export interface NatsServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly restartInMs: Millis;
}

export interface NatsServer {
  /** For this machine; `tls://…` when it has a certificate. */
  readonly url: string;
  readonly port: number;
  /** Of the child when it accepts clients; undefined between its death and that moment. */
  pid(): number | undefined;
  /** Ends it, also if it is just being started again. */
  stop(): Promise<void>;
}

const readyWithinMs = 15_000;
const stopWithinMs = 5_000;
const restartFirstMs = 100;
const restartMaxMs = 5_000;
/** A server that has run so long starts with the shortest delay again. */
const healthyMs = 30_000;
/** Debian puts it where a user's PATH does not look. */
const usualPlaces = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** @throws {NatsServerError} With a sentence for people. */
export const startNatsServer = async (options: NatsServerOptions): Promise<NatsServer> => {
  const { host = "127.0.0.1", authority, tls, onLog, onExit } = options;
  if (!isLoopback(host) && !(authority && tls))
    throw new NatsServerError(
      "nats-not-public",
      `nats-server is to listen on ${host}, where others reach it: that takes credentials and TLS`,
    );
  const near = nearHost(host);
  const directory = resolve(options.directory);
  const binary = options.binary ?? findNatsServer();
  if (!binary || !existsSync(binary))
    throw new NatsServerError(
      "nats-not-found",
      "nats-server was not found: install it (Debian: apt-get install nats-server) or set CNCT_NATS_URL to a running one",
    );
  const configFile = join(directory, "nats-server.conf");
  const pidFile = join(directory, "nats-server.pid");
  const ownerFile = join(directory, "owner.pid");
  await mkdir(directory, { recursive: true });
  await endOrphan({ directory, configFile, pidFile, ownerFile });
  await writeFile(ownerFile, `${process.pid}\n`);

  let child: ChildProcess | undefined;
  let isReady = false;
  let stopping = false;
  let startedAt = 0;
  let restartMs = restartFirstMs;
  let restarting: Promise<void> | undefined;
  const abort = new AbortController();

  const launch = async (port: number): Promise<number> => {
    const accounts = join(directory, "accounts");
    if (authority) await makePrivateDirectory(accounts);
    const access = authority ? await operatorMode(authority, accounts) : "";
    await writeFile(configFile, `${configText({ host, port, directory, pidFile, tls })}${access}`);
    // In a group of its own, so that Ctrl-C reaches it only through us.
    const running = spawn(binary, ["-c", configFile], {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    child = running;
    startedAt = Date.now();
    const ready = await becomesReady(running, near, onLog);
    isReady = true;
    running.once("exit", (code, signal) => {
      isReady = false;
      if (child === running) child = undefined;
      if (!stopping) restart(ready, code, signal);
    });
    // It may have died between becoming ready and our listening.
    if (running.exitCode !== null || running.signalCode !== null)
      throw new NatsServerError("nats-failed", "nats-server ended right after its start");
    return ready;
  };

  const restart = (port: number, code: number | null, signal: NodeJS.Signals | null): void => {
    if (Date.now() - startedAt > healthyMs) restartMs = restartFirstMs;
    restarting = (async () => {
      let exit: Omit<NatsServerExit, "restartInMs"> = { code, signal };
      while (!stopping) {
        onExit?.({ ...exit, restartInMs: restartMs });
        await sleep(restartMs, undefined, { signal: abort.signal }).catch(() => {});
        restartMs = Math.min(restartMs * 2, restartMaxMs);
        if (stopping) return;
        try {
          await launch(port);
          return;
        } catch (error) {
          onLog?.(
            `nats-server did not start again: ${error instanceof Error ? error.message : error}`,
          );
          exit = { code: null, signal: null };
        }
      }
    })();
  };

  const port = await launch(options.port ? options.port : -1).catch(async (error: unknown) => {
    await rm(ownerFile, { force: true });
    throw error;
  });
  const endWithUs = (): void => {
    child?.kill("SIGKILL");
  };
  process.once("exit", endWithUs);

  return {
    url: `${tls ? "tls" : "nats"}://${near.includes(":") ? `[${near}]` : near}:${port}`,
    port,
    pid: () => (isReady ? child?.pid : undefined),
    stop: async () => {
      stopping = true;
      abort.abort();
      await restarting;
      if (child) await endChild(child);
      child = undefined;
      process.removeListener("exit", endWithUs);
      await rm(ownerFile, { force: true });
    },
  };
};

/** Where this machine reaches what listens there. */
const nearHost = (host: string): string =>
  host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host);

/** The binary's path; undefined if there is none on the PATH or where systems put it. */
export const findNatsServer = (): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), ...usualPlaces]
    .filter((place) => place !== "")
    .map((place) => join(place, "nats-server"))
    .find((path) => existsSync(path));

interface Config {
  readonly host: string;
  /** -1 for any free one. */
  readonly port: number;
  readonly directory: string;
  readonly pidFile: string;
  readonly tls: NatsServerOptions["tls"];
}

const configText = ({ host, port, directory, pidFile, tls }: Config): string => `\
host: ${JSON.stringify(host)}
port: ${port}
pid_file: ${JSON.stringify(pidFile)}
max_payload: 1048576
write_deadline: "10s"
lame_duck_duration: "30s"
jetstream {
  store_dir: ${JSON.stringify(join(directory, "jetstream"))}
  max_memory_store: 67108864
  max_file_store: 8589934592
}
${tls ? tlsText(tls) : ""}`;

const tlsText = ({ certFile, keyFile }: NonNullable<NatsServerOptions["tls"]>): string => `\
tls {
  cert_file: ${JSON.stringify(certFile)}
  key_file: ${JSON.stringify(keyFile)}
}
`;

/** Resolves with the port when it accepts clients. */
const becomesReady = async (
  child: ChildProcess,
  host: string,
  onLog: ((line: string) => void) | undefined,
): Promise<number> => {
  let failure: NatsServerError | undefined;
  const port = await new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new NatsServerError("nats-failed", `nats-server was not ready after ${readyWithinMs} ms`),
      );
    }, readyWithinMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new NatsServerError("nats-not-found", "nats-server could not be run", error));
    });
    // "close" comes after the last log line, which says why.
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      reject(
        failure ??
          new NatsServerError(
            "nats-failed",
            `nats-server ended at once (${signal ?? `code ${code}`})`,
          ),
      );
    });
    if (!child.stderr) return;
    createInterface({ input: child.stderr }).on("line", (line) => {
      onLog?.(line);
      if (/\[FTL\]/.test(line))
        failure = /address already in use/.test(line)
          ? new NatsServerError(
              "port-in-use",
              "the port for nats-server is in use by another program",
            )
          : new NatsServerError(
              "nats-failed",
              `nats-server says: ${line.replace(/^.*\[FTL\] /, "")}`,
            );
      const listening = /Listening for client connections on .*:(\d+)$/.exec(line);
      if (!listening) return;
      clearTimeout(timer);
      resolve(Number(listening[1]));
    });
  });
  await greets(host, port);
  return port;
};

/** The server speaks first: its INFO says that JetStream is on. */
const greets = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port });
    const fail = (why: string, cause?: unknown): void => {
      socket.destroy();
      reject(new NatsServerError("nats-failed", `nats-server on port ${port} ${why}`, cause));
    };
    let text = "";
    socket.setTimeout(5_000, () => fail("does not greet"));
    socket.once("error", (error) => fail("does not accept a client", error));
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (!text.includes("\r\n")) return;
      if (!/"jetstream":\s*true/.test(text)) return fail("runs without JetStream");
      socket.destroy();
      resolve();
    });
  });

const endChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
  await ended;
  clearTimeout(timer);
};
