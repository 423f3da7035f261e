/** A whole CNCT network for one measurement: nats-server, coordinator, workers, submitter. */
import { join } from "node:path";
import { authorityDirectory } from "../streams/nats/authority/operator-mode.ts";
import { startNatsServer } from "../streams/nats/server.ts";
import { type Child, startChild } from "./link.ts";
import type { System } from "./system.ts";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";

export interface NetworkOptions {
  readonly workers?: number;
  /** Nodes of one slot each instead of those workers, in a few processes. */
  readonly nodes?: number;
  /** Results that must agree. */
  readonly quorum?: number;
  /** The event store is a process of its own, spoken to over EventStoreDB's protocol. */
  readonly overTheWire?: boolean;
  /** What a job brings; without it jobs compute nothing, of nothing. */
  readonly input?: JobInputs;
  /**
   * Everybody has an identity: logins with proofs, credentials for NATS, sealed inputs and outputs,
   * signed results, and commits where results are compared.
   */
  readonly secure?: boolean;
}

/** Each job brings bytes of its own, and has them as its output. */
export interface JobInputs {
  readonly bytes: number;
}

export interface CnctNetwork extends System {
  /** Holds `events` and `views`; there until `removeFiles`. */
  readonly dataDirectory: string;
  removeFiles(): Promise<void>;
}

/** Processes that many nodes share. */
const swarms = 2;

/** @throws {Error} If any part of it does not start; what was started is ended again. */
export const startNetwork = async ({
  workers = 1,
  nodes,
  quorum = 1,
  overTheWire = false,
  input,
  secure = false,
}: NetworkOptions = {}): Promise<CnctNetwork> => {
  const dataDirectory = await temporaryDirectory("network");
  /** In the order of their start, ended in reverse. */
  const children: Child[] = [];
  const start = async (...what: Parameters<typeof startChild>): Promise<Child> => {
    const child = await startChild(...what);
    children.push(child);
    return child;
  };
  const natsDirectory = join(dataDirectory, "nats");
  const authority = secure ? { authority: authorityDirectory(natsDirectory) } : {};
  const nats = await startNatsServer({ directory: natsDirectory, ...authority });
  const end = async () => {
    for (const child of children.splice(0).reverse()) await child.end();
    await nats.stop();
  };
  const removeFiles = () => removeDirectory(dataDirectory);
  try {
    const directory = join(dataDirectory, "events");
    const store = overTheWire ? await start("store", { directory }) : undefined;
    const coordinator = await start("coordinator", {
      dataDirectory,
      natsUrl: nats.url,
      ...authority,
      ...(store ? { eventStoreUrl: store.ready } : {}),
    });
    const gateway = coordinator.ready;
    if (nodes === undefined)
      for (let n = 1; n <= workers; n++)
        await start("worker", { gateway, nodeId: `bench-${n}`, secure }, "worker");
    else
      for (let n = 0; n < swarms; n++) {
        const swarm = { gateway, name: `swarm-${n}`, nodes: Math.ceil(nodes / swarms) };
        await start("swarm", swarm, "worker");
      }
    const submitter = await start("submitter", { gateway, quorum, secure, input });
    return {
      submitter,
      profiled: children,
      processes: [...children, { name: "nats-server", pid: nats.pid() ?? -1 }],
      dataDirectory,
      end,
      removeFiles,
    };
  } catch (error) {
    await end();
    await removeFiles();
    throw error;
  }
};
