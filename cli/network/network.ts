/** A whole network on this machine: NATS, a coordinator and workers, each a process of its own. */

import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Millis } from "../../domain/decider.ts";
import { isLoopback } from "../../gateway/origins.ts";
import { fingerprintOf } from "../tls/certificates.ts";
import { keyFileOf, localArbiters } from "./arbiters.ts";
import { publicUrlsOf, type TlsFlags, tlsDirectory } from "./listening.ts";
import { type Supervised, type SuperviseOptions, supervise } from "./supervisor.ts";

export interface NetworkOptions {
  readonly dataDirectory: string;
  /** Of the gateway; 0 for any free one. */
  readonly port: number;
  readonly workers: number;
  /** Workers besides, which compute again what others dispute; the policy lists them. None if left out. */
  readonly arbiters?: number;
  /** A policy to adopt, and arbiters elsewhere. */
  readonly policy?: { readonly file?: string; readonly arbiters: readonly string[] };
  /** Who may change something; with identities each worker has one of its own. Open if left out. */
  readonly access?: "open" | "identities";
  /** Whether nodes are tested with tasks whose answer is known; they are if left out. */
  readonly probes?: "on" | "off";
  /** Where gateway and NATS listen; 127.0.0.1 if left out. Elsewhere it takes identities and TLS. */
  readonly host?: string;
  readonly tls?: TlsFlags;
  /** By which others know the gateway. */
  readonly publicUrls?: readonly string[];
  /** Of our own nats-server; any free one if left out. */
  readonly natsPort?: number;
  /** Instead of a nats-server of our own. */
  readonly natsUrl?: string | undefined;
  /** Instead of the embedded log. */
  readonly eventStoreUrl?: string | undefined;
  readonly onLog: (name: string, line: string) => void;
  /** What people should know of a part of it. */
  readonly onNotice: (name: string, text: string) => void;
  /** A part is gone, such as `died (SIGKILL)`, and is started again. */
  readonly onDeath: (name: string, how: string, restartInMs: Millis) => void;
  /** Gives up starting; whatever was started is gone when that is told. */
  readonly signal?: AbortSignal;
}

export interface Network {
  readonly gateway: string;
  /** The gateway's address for strangers; undefined when none can reach it. */
  readonly join: string | undefined;
  readonly eventStoreUrl: string;
  readonly natsUrl: string;
  readonly children: readonly Supervised[];
  /** Workers first, so that what they finished is heard; NATS last. */
  stop(): Promise<void>;
  /** Ends all without waiting. */
  kill(): void;
}

/**
 * Starts everything and resolves when every worker is registered. Worker names are `node-1`,
 * `node-2`, …: a second start on the same directory goes on where the first stopped.
 *
 * @throws {CliFailure} Why a part cannot start; the others are stopped again.
 * @throws The signal's reason.
 */
export const startNetwork = async (options: NetworkOptions): Promise<Network> => {
  const { dataDirectory, port, workers, access = "identities", onLog, onNotice, onDeath } = options;
  const { host = "127.0.0.1", tls = {}, publicUrls = [] } = options;
  const { arbiters: arbiterCount = 0, policy = { arbiters: [] } } = options;
  const listening = ["--host", host, ...publicUrls.flatMap((url) => ["--public-url", url])];
  const natsDirectory = join(dataDirectory, "nats");
  // NATS has a certificate of the network's own even if the gateway has another: who is let in learns
  // from the gateway whom to trust for it.
  const natsTls = tls.tls !== undefined || !isLoopback(host);
  // ONNX Runtime leaves files where temporary ones belong: here they are found and removed.
  const temporary = join(dataDirectory, "tmp");
  await mkdir(dataDirectory, { recursive: true });
  const children: Supervised[] = [];
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const start = async (
    name: string,
    args: SuperviseOptions["args"],
    lastSignal: "SIGKILL" | "SIGTERM" = "SIGKILL",
  ): Promise<Supervised> => {
    const child = await supervise({
      name,
      args,
      lastSignal,
      drains: isWorkerName(name),
      signal,
      env: isWorkerName(name) ? { TMPDIR: temporary } : {},
      onLog: (line) => onLog(name, line),
      onNotice: (text) => onNotice(name, text),
      onDeath: (how, restartInMs) => onDeath(name, how, restartInMs),
    });
    children.push(child);
    return child;
  };
  /** What the coordinator has to know of a nats-server of our own. */
  const natsArgs = (natsUrl: string): readonly string[] => {
    const { port } = new URL(natsUrl);
    const [first = ""] = publicUrlsOf(publicUrls, { protocol: "tls:", host, port });
    return [
      ...(access === "open" ? [] : ["--nats-authority", join(natsDirectory, "authority")]),
      ...(natsTls ? ["--nats-ca", authorityFile(dataDirectory)] : []),
      ...(isLoopback(host) ? [] : ["--public-nats", `tls://${new URL(first).hostname}:${port}`]),
    ];
  };
  const stop = async () => {
    const [first, ...rest] = [...groupsOf(children)];
    for (const group of [...rest.reverse(), first ?? []])
      await Promise.all(group.map((child) => child.stop()));
  };

  try {
    const arbiters = await localArbiters(arbiterCount, { dataDirectory, access });
    const policyArgs = [
      ...(policy.file === undefined ? [] : ["--policy", policy.file]),
      ...[...policy.arbiters, ...arbiters.map(({ owner }) => owner)].flatMap((owner) => [
        "--arbiter",
        owner,
      ]),
    ];
    let { natsUrl } = options;
    if (natsUrl === undefined) {
      const nats = await start(
        "nats",
        (before) => [
          ...["nats", "--directory", natsDirectory, "--access", access, ...listening],
          ...["--port", portOf(before?.["nats"], options.natsPort ?? 0)],
          ...(natsTls ? ["--tls", "auto"] : []),
        ],
        "SIGTERM", // It ends its nats-server, which would outlive it otherwise.
      );
      natsUrl = nats.urls["nats"] ?? "";
    }
    const coordinator = await start("coordinator", (before) => [
      ...["serve", "--roles", "all", "--data", dataDirectory, "--nats", natsUrl ?? ""],
      ...["--port", portOf(before?.["gateway"], port), "--access", access, ...listening],
      ...["--probes", options.probes ?? "on"],
      ...tlsArgs(tls),
      ...policyArgs,
      ...(options.natsUrl === undefined ? natsArgs(natsUrl ?? "") : []),
      ...(options.eventStoreUrl === undefined
        ? ["--event-store-port", portOf(before?.["eventStore"], 0)]
        : ["--event-store", options.eventStoreUrl]),
    ]);
    const gateway = coordinator.urls["gateway"] ?? "";
    const trusted = tls.tls === undefined ? gateway : await withFingerprint(gateway, dataDirectory);
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    const nodes = Array.from({ length: workers }, (_, index) => ({
      name: `node-${index + 1}`,
      owner: "local",
    }));
    const starting = [...nodes, ...arbiters].map(({ name, owner }) =>
      start(name, () => [
        ...["worker", "--gateway", trusted, "--name", name],
        ...["--owner", owner, "--nats", natsUrl ?? ""],
        ...["--id", keyFileOf(dataDirectory, name)],
      ]),
    );
    for (const one of starting) one.catch((error: unknown) => failed.abort(error));
    await Promise.allSettled(starting);
    signal.throwIfAborted();
    return {
      gateway,
      join: coordinator.urls["join"],
      natsUrl,
      eventStoreUrl: coordinator.urls["eventStore"] ?? "",
      children,
      stop,
      kill: () => {
        for (const child of children) child.kill();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

const isWorkerName = (name: string): boolean => /^(node|arbiter)-/.test(name);

const tlsArgs = ({ tls, tlsCert, tlsKey }: TlsFlags): readonly string[] => [
  ...(tls === undefined ? [] : ["--tls", tls]),
  ...(tlsCert === undefined ? [] : ["--tls-cert", tlsCert]),
  ...(tlsKey === undefined ? [] : ["--tls-key", tlsKey]),
];

/** The PEM of the network's own authority. */
const authorityFile = (dataDirectory: string): string =>
  join(tlsDirectory(dataDirectory), "ca.pem");

const withFingerprint = async (gateway: string, dataDirectory: string): Promise<string> => {
  const { raw } = new X509Certificate(await readFile(authorityFile(dataDirectory)));
  return `${gateway}#sha256=${fingerprintOf(raw)}`;
};

/** A part that is started again listens where it did before: others know it by that. */
const portOf = (url: string | undefined, first: number): string =>
  url === undefined ? String(first) : new URL(url).port;

/** NATS, the coordinator and the workers, as far as they were started. */
function* groupsOf(children: readonly Supervised[]): Generator<readonly Supervised[]> {
  const isWorker = ({ name }: Supervised) => isWorkerName(name);
  yield children.filter(({ name }) => name === "nats");
  yield children.filter(({ name }) => name === "coordinator");
  yield children.filter(isWorker);
}
