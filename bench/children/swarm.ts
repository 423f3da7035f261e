/**
 * Many nodes in one process, each with a connection, a heartbeat and a consumer of its own, one task
 * at a time: the worker's real core, of which only the executors are shared.
 */
import { randomBytes } from "node:crypto";
import { openWorkerBlobs } from "../../cli/worker-blobs.ts";
import { native } from "../../crypto/primitives-native.ts";
import type { Capabilities } from "../../domain/node/node.ts";
import { wallClock } from "../../streams/clock.ts";
import { openTaskSource } from "../../streams/nats/task-source.ts";
import { openNoop } from "../../worker/executors/plain.ts";
import { runWorker } from "../../worker/worker.ts";
import { runChild } from "../link.ts";

interface Options {
  readonly gateway: string;
  readonly name: string;
  readonly nodes: number;
}

/** One task at a time, so that no bundle holds two. */
const backlog = 0;
/** Nodes that register at a time. */
const atOnce = 16;

const mutation = `mutation Register($input: RegisterNodeInput!) {
  registerNode(input: $input) {
    __typename
    ... on RegisteredNode { natsUrl }
    ... on Refusal { code message }
  }
}`;

await runChild<Options>(async ({ gateway, name, nodes }) => {
  const executors = [openNoop()];
  const blobs = openWorkerBlobs({ gateway, fetch });
  const capabilities: Capabilities = {
    apps: executors.flatMap(({ apps, executionClass }) =>
      apps.map((app) => ({ app, executionClass })),
    ),
    slots: 1,
    backlog,
    cpus: 1,
    memoryMb: 512,
    platform: `${process.platform}-${process.arch}`,
    version: "bench",
  };

  const register = async (id: string): Promise<string> => {
    const response = await fetch(new URL("/graphql", gateway), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        query: mutation,
        variables: { input: { id, owner: id, capabilities } },
      }),
    });
    const answer = (await response.json()) as {
      readonly data?: { readonly registerNode: { readonly natsUrl?: string } };
    };
    const natsUrl = answer.data?.registerNode.natsUrl;
    if (natsUrl === undefined) throw new Error(`${id}: ${JSON.stringify(answer)}`);
    return natsUrl;
  };

  const start = async (nodeId: string) => {
    const url = await register(nodeId);
    const source = await openTaskSource({ url, nodeId });
    const worker = runWorker({
      source,
      nodeId,
      primitives: native,
      executors,
      blobs,
      clock: wallClock,
      slots: 1,
      backlog,
      instance: `${nodeId}-${randomBytes(6).toString("hex")}`,
      notify: (notice) => {
        if (notice.type === "trouble")
          process.stderr.write(`${nodeId}: ${notice.what}: ${String(notice.error)}\n`);
      },
    });
    return { source, worker };
  };

  const running: Awaited<ReturnType<typeof start>>[] = [];
  for (let n = 0; n < nodes; n += atOnce) {
    const names = Array.from({ length: Math.min(atOnce, nodes - n) }, (_, i) => `${name}-${n + i}`);
    running.push(...(await Promise.all(names.map(start))));
  }
  return {
    close: async () => {
      await Promise.all(running.map(({ worker }) => worker.drain()));
      await Promise.all(running.map(({ source }) => source.close()));
    },
  };
});
