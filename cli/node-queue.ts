/** A node's side of the queue: with credentials of its own, where NATS asks for them. */

import type { Millis } from "../domain/decider.ts";
import type { NodeId } from "../domain/ids.ts";
import { openHttp } from "../sdk/http.ts";
import type { Fetch } from "../sdk/identity/authority.ts";
import { defaultRetryPolicy } from "../sdk/index.ts";
import { sleep } from "../sdk/retry.ts";
import { wallClock } from "../streams/clock.ts";
import { inboxPrefix } from "../streams/names.ts";
import { connectNats } from "../streams/nats/connection.ts";
import { openTaskSource } from "../streams/nats/task-source.ts";
import type { TaskSource } from "../streams/task-queue.ts";
import { openNatsPass } from "./nats-pass.ts";
import type { WorkerIdentity } from "./worker-identity.ts";

export interface NodeQueueOptions {
  readonly nodeId: NodeId;
  /** Without a slash at the end. */
  readonly gateway: string;
  /** Proves to the gateway who asks, where it wants to know. */
  readonly fetch: Fetch;
  readonly natsUrl: string;
  readonly identity?: WorkerIdentity;
  readonly onLog: (line: string) => void;
}

const requestMs: Millis = 30_000;
/** As long as a gateway takes to start again. */
const patience = { policy: defaultRetryPolicy, random: Math.random, sleep };

/**
 * @throws {CnctRefusal} When the gateway gives the node no credentials.
 * @throws {TaskQueueError} `unavailable` or `denied`.
 */
export const openNodeQueue = async (
  options: NodeQueueOptions,
): Promise<{ readonly source: TaskSource; close(): Promise<void> }> => {
  const { nodeId, gateway, fetch, natsUrl, identity, onLog } = options;
  const unwatch = identity?.watch?.();
  const http = openHttp({ gateway, fetch, patience, timeoutMs: requestMs });
  const pass =
    identity &&
    (await openNatsPass({
      ask: (query, variables) => http.graphql(JSON.stringify({ query, variables })),
      nodeId,
      identity: identity.current,
      clock: wallClock,
      onTrouble: (error) =>
        onLog(`no credentials for NATS: ${error instanceof Error ? error.message : String(error)}`),
    }));
  const stop = (): void => {
    pass?.close();
    unwatch?.();
  };
  try {
    const link = await connectNats({
      url: natsUrl,
      name: `node ${nodeId}`,
      inboxPrefix: inboxPrefix(nodeId),
      ...(pass && { credentials: pass.credentials }),
      ...(pass?.ca !== undefined && { tls: { ca: pass.ca } }),
    });
    if (pass) link.listen({ onRefused: pass.refused });
    const source = await openTaskSource({
      link,
      nodeId,
      onMalformed: (reason) => onLog(`a message was not understood: ${reason}`),
      onConnected: (connected) => onLog(connected ? "nats is there" : "nats is gone"),
    });
    return {
      source,
      close: async () => {
        stop();
        await source.close();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
};
