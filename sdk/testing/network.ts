/** A whole network in this process, on ports and a directory of its own, for tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roles, serve } from "../../cli/serve.ts";
import { runWorkerHost } from "../../cli/worker.ts";
import { native } from "../../crypto/primitives-native.ts";
import type { AccessMode } from "../../gateway/access/access.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import { newIdentity } from "../identity/own-identity.ts";

export interface TestNetwork {
  readonly gateway: string;
  close(): Promise<void>;
}

/**
 * NATS, a coordinator with every role, and three nodes for apps that need no model.
 *
 * @param access - With `identities` each node has one of its own.
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
    const coordinator = await serve({
      roles,
      dataDirectory: directory,
      host: "127.0.0.1",
      port: 0,
      natsUrl: nats.url,
      grant: "1000000000",
      access,
      onLog: (line) => log.push(line),
    });
    closing.push(() => coordinator.close());
    const gateway = coordinator.url ?? "";
    for (const nodeId of ["node-ada", "node-bob", "node-eve"]) {
      const own = access === "open" ? undefined : newIdentity({ roles: ["worker"] }, native);
      const worker = await runWorkerHost({
        gateway,
        nodeId,
        owner: own?.id ?? nodeId,
        ...(own === undefined
          ? {}
          : { identity: { latest: () => own, current: () => Promise.resolve(own) } }),
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
    return { gateway, close };
  } catch (error) {
    await close();
    throw error;
  }
};
