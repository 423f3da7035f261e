/** A network of strangers in this process, with identities, whose wires are listened to. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roles, serve } from "../../cli/serve.ts";
import { runWorkerHost, type WorkerHost } from "../../cli/worker.ts";
import { native } from "../../crypto/primitives-native.ts";
import { type CnctClient, connect, newIdentity, type OwnIdentity } from "../../sdk/index.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import { openRecordingProxy } from "./recording-proxy.ts";

export interface SealedNetwork {
  readonly directory: string;
  /** As everybody reaches it: through the proxy. */
  readonly gateway: string;
  /** Whatever any part of the network had to say. */
  readonly log: readonly string[];
  /** A node for apps that need no model, with an identity of its own. */
  addNode(nodeId: string): Promise<WorkerHost>;
  connectAs(identity: OwnIdentity | undefined): CnctClient;
  /** What passed between clients, workers, gateway and NATS. */
  recorded(): { readonly gateway: readonly Buffer[]; readonly nats: readonly Buffer[] };
  /** Ends every process, so that all is in the files. */
  stop(): Promise<void>;
  /** Stops, and removes the files. */
  close(): Promise<void>;
}

export const openSealedNetwork = async (): Promise<SealedNetwork> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-sealed-"));
  const closing: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const shut of closing.splice(0).reverse()) await shut();
  };
  const close = async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  };
  const log: string[] = [];
  const onLog = (line: string) => void log.push(line);
  try {
    const nats = await startNatsServer({ directory: join(directory, "nats") });
    closing.push(() => nats.stop());
    const natsProxy = await openRecordingProxy(() => portOf(nats.url));
    closing.push(() => natsProxy.close());
    let gatewayPort = 0;
    const gatewayProxy = await openRecordingProxy(() => gatewayPort);
    closing.push(() => gatewayProxy.close());
    const gateway = `http://127.0.0.1:${gatewayProxy.port}`;
    const coordinator = await serve({
      roles,
      dataDirectory: directory,
      host: "127.0.0.1",
      port: 0,
      natsUrl: `nats://127.0.0.1:${natsProxy.port}`,
      grant: "1000000000",
      access: "identities",
      publicUrls: () => [gateway],
      onLog,
    });
    closing.push(() => coordinator.close());
    gatewayPort = portOf(coordinator.url ?? "");

    return {
      directory,
      gateway,
      log,
      addNode: async (nodeId) => {
        const own = newIdentity({ roles: ["worker"] }, native);
        const worker = await runWorkerHost({
          gateway,
          nodeId,
          owner: own.id,
          identity: { latest: () => own, current: async () => own },
          apps: ["noop", "echo"],
          engines: ["ort-node"],
          slots: 4,
          backlog: 100,
          version: "0.0.0",
          notify: (notice) => onLog(JSON.stringify(notice)),
          onLog,
        });
        closing.push(() => worker.close());
        return worker;
      },
      connectAs: (identity) => {
        const client = connect({ gateway, identity, primitives: native });
        closing.push(() => client.close());
        return client;
      },
      recorded: () => ({ gateway: gatewayProxy.recorded(), nats: natsProxy.recorded() }),
      stop,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

const portOf = (url: string): number => Number(new URL(url).port);
