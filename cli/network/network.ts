/** A whole network on this machine: NATS, a coordinator and workers, each a process of its own. */

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Millis } from "../../domain/decider.ts";
import { type Supervised, type SuperviseOptions, supervise } from "./supervisor.ts";

export interface NetworkOptions {
  readonly dataDirectory: string;
  /** Of the gateway; 0 for any free one. */
  readonly port: number;
  readonly workers: number;
  /** Who may change something; with identities each worker has one of its own. Open if left out. */
  readonly access?: "open" | "identities";
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
  const { dataDirectory, port, workers, access = "open", onLog, onNotice, onDeath } = options;
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
      drains: name.startsWith("node-"),
      signal,
      env: name.startsWith("node-") ? { TMPDIR: temporary } : {},
      onLog: (line) => onLog(name, line),
      onNotice: (text) => onNotice(name, text),
      onDeath: (how, restartInMs) => onDeath(name, how, restartInMs),
    });
    children.push(child);
    return child;
  };
  const stop = async () => {
    const [first, ...rest] = [...groupsOf(children)];
    for (const group of [...rest.reverse(), first ?? []])
      await Promise.all(group.map((child) => child.stop()));
  };

  try {
    let { natsUrl } = options;
    if (natsUrl === undefined) {
      const nats = await start(
        "nats",
        (before) => [
          ...["nats", "--directory", join(dataDirectory, "nats")],
          ...["--port", portOf(before?.["nats"], 0)],
        ],
        "SIGTERM", // It ends its nats-server, which would outlive it otherwise.
      );
      natsUrl = nats.urls["nats"] ?? "";
    }
    const coordinator = await start("coordinator", (before) => [
      ...["serve", "--roles", "all", "--data", dataDirectory, "--nats", natsUrl ?? ""],
      ...["--port", portOf(before?.["gateway"], port), "--access", access],
      ...(options.eventStoreUrl === undefined
        ? ["--event-store-port", portOf(before?.["eventStore"], 0)]
        : ["--event-store", options.eventStoreUrl]),
    ]);
    const gateway = coordinator.urls["gateway"] ?? "";
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    const starting = Array.from({ length: workers }, (_, index) =>
      start(`node-${index + 1}`, () => [
        ...["worker", "--gateway", gateway, "--name", `node-${index + 1}`],
        ...["--owner", "local", "--nats", natsUrl ?? ""],
        ...["--id", join(dataDirectory, "nodes", `node-${index + 1}.json`)],
      ]),
    );
    for (const one of starting) one.catch((error: unknown) => failed.abort(error));
    await Promise.allSettled(starting);
    signal.throwIfAborted();
    return {
      gateway,
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

/** A part that is started again listens where it did before: others know it by that. */
const portOf = (url: string | undefined, first: number): string =>
  url === undefined ? String(first) : new URL(url).port;

/** NATS, the coordinator and the workers, as far as they were started. */
function* groupsOf(children: readonly Supervised[]): Generator<readonly Supervised[]> {
  const isWorker = ({ name }: Supervised) => name.startsWith("node-");
  yield children.filter(({ name }) => name === "nats");
  yield children.filter(({ name }) => name === "coordinator");
  yield children.filter(isWorker);
}
