/** A network in this process on a real NATS server, whose nodes are tested with known-answer tasks. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { roles, serve } from "../../cli/serve.ts";
import { runWorkerHost } from "../../cli/worker.ts";
import { type CnctClient, connect } from "../../sdk/index.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import type { TaskOrder } from "../../streams/task-queue.ts";
import type { Executor } from "../../worker/executor.ts";

export interface ProbedNetwork {
  readonly gateway: string;
  readonly client: CnctClient;
  /** What went wrong in it, in words. */
  readonly log: readonly string[];
  /** Every order that a node was sent, as it could read it. */
  readonly orders: readonly TaskOrder[];
  /** Adds a node with one slot that computes by this program. */
  addNode(nodeId: string, executor: Executor): Promise<void>;
  /** Ends everything and answers the whole log; the files are gone afterwards. */
  close(): Promise<readonly RecordedEvent[]>;
}

export const openProbedNetwork = async (): Promise<ProbedNetwork> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-probes-"));
  const closing: (() => Promise<unknown>)[] = [];
  const log: string[] = [];
  const orders: TaskOrder[] = [];
  const close = async (): Promise<readonly RecordedEvent[]> => {
    for (const shut of closing.splice(0).reverse()) await shut();
    const store = await openEmbeddedStore({ directory: join(directory, "events") });
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll("start")) events.push(event);
    await store.close();
    await rm(directory, { recursive: true, force: true });
    return events;
  };
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
      probes: true,
      onLog: (line) => log.push(line),
    });
    closing.push(() => coordinator.close());
    const gateway = coordinator.url ?? "";
    const client = connect({ gateway, client: "client:ada" });
    closing.push(() => client.close());
    const addNode = async (nodeId: string, executor: Executor): Promise<void> => {
      const worker = await runWorkerHost({
        gateway,
        nodeId,
        owner: nodeId,
        apps: [...executor.apps],
        engines: ["ort-node"],
        executors: [executor],
        throughQueue: (source) => ({
          ...source,
          consumeTasks: (wanted, handle) =>
            source.consumeTasks(wanted, (delivery) => {
              orders.push(...delivery.tasks);
              handle(delivery);
            }),
        }),
        slots: 1,
        backlog: 8,
        version: "0.0.0",
        notify: (notice) => {
          if (notice.type === "trouble") log.push(`${nodeId}: ${notice.what}: ${notice.error}`);
        },
        onLog: () => undefined,
      });
      closing.push(() => worker.close());
    };
    return { gateway, client, log, orders, addNode, close };
  } catch (error) {
    await close();
    throw error;
  }
};
