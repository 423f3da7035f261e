/** A note in the data directory that says where the network that runs on it is reached. */

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface RunningNetwork {
  readonly pid: number;
  readonly gateway: string;
  readonly eventStore: string;
  readonly nats: string;
}

const path = (dataDirectory: string): string => join(dataDirectory, "network.json");

export const noteNetwork = (dataDirectory: string, network: RunningNetwork): Promise<void> =>
  writeFile(path(dataDirectory), `${JSON.stringify(network, undefined, 2)}\n`);

export const forgetNetwork = (dataDirectory: string): Promise<void> =>
  rm(path(dataDirectory), { force: true });

/** Undefined if none wrote a note, or the one that did is gone. */
export const runningNetwork = async (
  dataDirectory: string,
): Promise<RunningNetwork | undefined> => {
  const text = await readFile(path(dataDirectory), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const network = JSON.parse(text) as RunningNetwork;
    process.kill(network.pid, 0);
    return network;
  } catch {
    return undefined; // A torn note, or a process that is gone: nothing runs there.
  }
};
