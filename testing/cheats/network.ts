/** A network of strangers in this process on a real NATS server: honest workers, cheats and arbiters. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativeSha256 } from "../../cli/native-proofs.ts";
import { roles, serve } from "../../cli/serve.ts";
import { runWorkerHost } from "../../cli/worker.ts";
import { native } from "../../crypto/primitives-native.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import { type CnctClient, connect, newIdentity, type OwnIdentity } from "../../sdk/index.ts";
import { encode } from "../../streams/codec.ts";
import { openEmbeddedStore } from "../../streams/embedded/store.ts";
import { eventIds } from "../../streams/event-ids.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { policyStream } from "../../streams/names.ts";
import { startNatsServer } from "../../streams/nats/server.ts";
import type { TaskSource } from "../../streams/task-queue.ts";
import { openEcho } from "../../worker/executors/plain.ts";
import { colluding, copying, type Lies } from "./cheaters.ts";

export interface Cast {
  readonly honest: readonly NodeId[];
  /** Lie from their first task on. */
  readonly liars: readonly NodeId[];
  /** Earn trust first. */
  readonly sleepers: readonly NodeId[];
  readonly copiers: readonly NodeId[];
  readonly arbiters: readonly NodeId[];
}

export interface CheatedNetwork {
  readonly client: CnctClient;
  readonly lies: Lies;
  /** What went wrong in it, in words. */
  readonly log: readonly string[];
  /** Ends everything and answers the whole log; the files are gone afterwards. */
  close(): Promise<readonly RecordedEvent[]>;
}

/** Tasks that a sleeper computes before its first lie. */
const sleepTasks = 3;

export const openCheatedNetwork = async ({
  cast,
  policy,
  lieShare,
  identities,
}: {
  readonly cast: Cast;
  /** Adopted as it is, whatever its bounds; the arbiters are put in. */
  readonly policy: Policy;
  /** Of the jobs that cheats get, 0 to 1. */
  readonly lieShare: number;
  /** Whether everybody has one, so that results are signed and jobs can be sealed. */
  readonly identities: boolean;
}): Promise<CheatedNetwork> => {
  const directory = await mkdtemp(join(tmpdir(), "cnct-cheats-"));
  const closing: (() => Promise<unknown>)[] = [];
  const log: string[] = [];
  const lies: Lies = new Set();
  const end = async (): Promise<readonly RecordedEvent[]> => {
    for (const shut of closing.splice(0).reverse()) await shut();
    const store = await openEmbeddedStore({ directory: join(directory, "events") });
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll("start")) events.push(event);
    await store.close();
    await rm(directory, { recursive: true, force: true });
    return events;
  };
  try {
    const owners = new Map<NodeId, OwnIdentity | undefined>();
    for (const nodeId of Object.values(cast).flat())
      owners.set(nodeId, identities ? newIdentity({ roles: ["worker"] }, native) : undefined);
    const ownerOf = (nodeId: NodeId) => owners.get(nodeId)?.id ?? `owner-of-${nodeId}`;
    await adoptUnchecked(directory, {
      ...policy,
      version: 2,
      verification: {
        ...policy.verification,
        arbiters: cast.arbiters.map(ownerOf),
      },
    });
    const nats = await startNatsServer({ directory: join(directory, "nats") });
    closing.push(() => nats.stop());
    const coordinator = await serve({
      roles,
      dataDirectory: directory,
      host: "127.0.0.1",
      port: 0,
      natsUrl: nats.url,
      grant: "1000000000000",
      access: identities ? "identities" : "open",
      budget: 1_000_000_000,
      onLog: (line) => log.push(line),
    });
    closing.push(() => coordinator.close());
    const gateway = coordinator.url ?? "";
    const client = identities
      ? connect({ gateway, identity: newIdentity({}, native), primitives: native })
      : connect({ gateway, client: "client:ada" });
    closing.push(() => client.close());

    const addNode = async (nodeId: NodeId): Promise<void> => {
      const own = owners.get(nodeId);
      const honest = openEcho();
      let executor = honest;
      let throughQueue: ((source: TaskSource) => TaskSource) | undefined;
      const isSleeper = cast.sleepers.includes(nodeId);
      if (isSleeper || cast.liars.includes(nodeId)) {
        const honestAtFirst = isSleeper ? sleepTasks : 0;
        executor = colluding(honest, { nodeId, honestAtFirst, share: lieShare, lies });
      }
      if (cast.copiers.includes(nodeId)) {
        const peek = peekThrough(client);
        const copier = { nodeId, digestOf: nativeSha256, peek, patienceMs: 200, lies };
        ({ executor, throughQueue } = copying(honest, copier));
      }
      const worker = await runWorkerHost({
        gateway,
        nodeId,
        owner: ownerOf(nodeId),
        ...(own ? { identity: { latest: () => own, current: async () => own } } : {}),
        apps: ["echo"],
        engines: ["ort-node"],
        executors: [executor],
        ...(throughQueue ? { throughQueue } : {}),
        slots: 2,
        backlog: 8,
        version: "0.0.0",
        notify: (notice) => {
          if (notice.type === "trouble") log.push(`${nodeId}: ${notice.what}: ${notice.error}`);
        },
        onLog: () => undefined,
      });
      closing.push(() => worker.close());
    };
    for (const nodeId of owners.keys()) await addNode(nodeId);
    await allLive(client, owners.size);
    return { client, lies, log, close: end };
  } catch (error) {
    await end();
    throw error;
  }
};

/** A gateway refuses jobs that nobody could compute, as long as it has not heard of the nodes. */
const allLive = async (client: CnctClient, count: number): Promise<void> => {
  for (const deadline = performance.now() + 30_000; ; ) {
    const { app } = await client.ask<{ app: { offers: readonly { live: number }[] } }>(
      '{ app(name: "echo") { offers { live } } }',
    );
    const live = app.offers[0]?.live ?? 0;
    if (live >= count) return;
    if (performance.now() > deadline) throw new Error(`${live} of ${count} nodes are live`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Before anything starts, so that also a policy can be tried that no operator could adopt. */
const adoptUnchecked = async (directory: string, policy: Policy): Promise<void> => {
  const store = await openEmbeddedStore({ directory: join(directory, "events") });
  const event = { type: "PolicyAdopted", policy, at: Date.now() } as const;
  const id = eventIds("c4ea70000000").next();
  await store.append(policyStream, [encode(event, id, "operator")], "no-stream");
  await store.close();
};

/** Reads what nodes have shown, as anybody may. */
const peekThrough =
  (client: CnctClient) =>
  async (hash: string): Promise<readonly Uint8Array[]> => {
    const { job } = await client.ask<{
      job: { tasks: readonly { output: { digest: string } | null }[] } | null;
    }>("query ($hash: Digest!) { job(hash: $hash) { tasks { output { digest } } } }", { hash });
    const shown = (job?.tasks ?? []).flatMap(({ output }) => (output ? [output.digest] : []));
    return Promise.all(shown.map((digest) => client.download(digest)));
  };
