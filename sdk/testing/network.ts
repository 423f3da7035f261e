/** A whole network in this process, on ports and a directory of its own, for tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roles, serve } from "../../cli/serve.ts";
import { runWorkerHost } from "../../cli/worker.ts";
import { native } from "../../crypto/primitives-native.ts";
import type { AccessMode } from "../../gateway/access/access.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import { newIdentity, type OwnIdentity } from "../index.ts";

export interface TestNetwork {
  readonly gateway: string;
  /** What its parts had to say. */
  readonly log: readonly string[];
  /** Of the nodes, where each has one; changes of them are the test's. */
  readonly owners: OwnIdentity[];
  /** Ends the coordinator and starts it again on its data, at the same address. */
  restartCoordinator(): Promise<void>;
  close(): Promise<void>;
}

/**
 * NATS, a coordinator with every role, and three nodes for apps that need no model.
 *
 * @param options.access - With identities each node belongs to one of its own; open if left out.
 */
export const startTestNetwork = async ({
  access = "open",
}: {
  readonly access?: AccessMode;
} = {}): Promise<TestNetwork> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-sdk-"));
  const closing: (() => Promise<unknown>)[] = [
    () => rm(directory, { recursive: true, force: true }),
  ];
  const close = async () => {
    for (const shut of closing.splice(0).reverse()) await shut();
  };
  const log: string[] = [];
  try {
    const nats = await startNatsServer({ directory: join(directory, "nats") });
    closing.push(() => nats.stop());
    const startCoordinator = (port: number) =>
      serve({
        roles,
        access,
        dataDirectory: directory,
        host: "127.0.0.1",
        port,
        natsUrl: nats.url,
        grant: "1000000000",
        onLog: (line) => log.push(line),
      });
    let coordinator = await startCoordinator(0);
    closing.push(() => coordinator.close());
    const gateway = coordinator.url ?? "";
    const owners: OwnIdentity[] = [];
    for (const nodeId of ["node-ada", "node-bob", "node-eve"]) {
      const at = owners.length;
      const own = newIdentity({ roles: ["worker"] }, native);
      if (access === "identities") owners.push(own);
      const identity = {
        latest: () => owners[at] ?? own,
        current: async () => owners[at] ?? own,
      };
      const worker = await runWorkerHost({
        gateway,
        nodeId,
        ...(access === "identities" ? { owner: own.id, identity } : { owner: nodeId }),
        apps: ["noop", "echo"],
        engines: ["ort-node"],
        slots: 4,
        backlog: 100,
        version: "0.0.0",
        notify: (notice) => notice.type === "trouble" && log.push(notice.what),
        onLog: (line) => log.push(line),
      });
      closing.push(() => worker.close());
    }
    const restartCoordinator = async (): Promise<void> => {
      await coordinator.close();
      coordinator = await startCoordinator(Number(new URL(gateway).port));
    };
    return { gateway, log, owners, restartCoordinator, close };
  } catch (error) {
    await close();
    throw error;
  }
};
