/** What each node was told to compute and has not answered: from its assignment until it was answered, failed or expired. */
import { catalogue, isAppName } from "../../domain/catalogue.ts";
import type { Instant } from "../../domain/decider.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { TaskAssigned } from "../../domain/job/events.ts";
import { replicaName } from "../../domain/job/hash.ts";
import type { OpenJob } from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { SealedOrder, TaskOrder } from "../../streams/task-queue.ts";

export interface Orders {
  add(nodeId: NodeId, order: Order): void;
  /** The order that the node has to answer no more; undefined if there is none. */
  release(jobHash: JobHash, replica: number, nodeId: NodeId): Order | undefined;
  /** Unanswered. */
  of(nodeId: NodeId): Iterable<Order>;
  /** When the node was given something to answer, having had nothing; undefined if it has nothing now. */
  since(nodeId: NodeId): Instant | undefined;
  /** Whether the node's answer to this order is still awaited. */
  isAwaited(nodeId: NodeId, order: Order): boolean;
  /** Those to be sent since the last call, by node. */
  take(): ReadonlyMap<NodeId, readonly Order[]>;
  /** Unanswered, of all nodes. */
  size(): number;
}

export interface Order {
  /** The event that assigned it: names the message. */
  readonly eventId: string;
  readonly assignedAt: Instant;
  readonly task: TaskOrder;
}

export const createOrders = (): Orders => {
  /** By node, and by `<job hash>/<replica>`. */
  const unanswered = new Map<NodeId, Map<string, Order>>();
  const since = new Map<NodeId, Instant>();
  let outbox = new Map<NodeId, Map<string, Order>>();
  let size = 0;

  return {
    add: (nodeId, order) => {
      const key = replicaName(order.task.jobHash, order.task.replica);
      const ofNode = unanswered.get(nodeId);
      if (!ofNode?.has(key)) size++;
      if (!ofNode?.size) since.set(nodeId, order.assignedAt);
      if (ofNode) ofNode.set(key, order);
      else unanswered.set(nodeId, new Map([[key, order]]));
      const toSend = outbox.get(nodeId);
      if (toSend) toSend.set(key, order);
      else outbox.set(nodeId, new Map([[key, order]]));
    },

    release: (jobHash, replica, nodeId) => {
      const ofNode = unanswered.get(nodeId);
      if (!ofNode) return undefined;
      const key = replicaName(jobHash, replica);
      const order = ofNode.get(key);
      if (!order) return undefined;
      ofNode.delete(key);
      if (ofNode.size === 0) since.delete(nodeId);
      size--;
      // Most of what history orders is long over when it has been told.
      outbox.get(nodeId)?.delete(key);
      return order;
    },

    since: (nodeId) => since.get(nodeId),

    of: (nodeId) => unanswered.get(nodeId)?.values() ?? [],

    isAwaited: (nodeId, order) => {
      const { jobHash, replica } = order.task;
      return unanswered.get(nodeId)?.get(replicaName(jobHash, replica)) === order;
    },

    take: () => {
      const taken = new Map<NodeId, readonly Order[]>();
      for (const [nodeId, orders] of outbox)
        if (orders.size > 0) taken.set(nodeId, [...orders.values()]);
      outbox = new Map();
      return taken;
    },

    size: () => size,
  };
};

/** @param sealed - What the node is handed beside, if the job is sealed. */
export const orderFor = (
  event: TaskAssigned,
  job: OpenJob,
  { eventId, sealed }: { readonly eventId: string; readonly sealed: SealedOrder | undefined },
): Order => {
  const { jobHash, replica, attempt, executionClass, expiresAt, at } = event;
  const { app, params, inputs, wallMs, commit } = job.spec;
  const whose = sealed ? { sealed } : clientFor(job.spec);
  const also = { ...(commit ? { commit } : {}), ...whose };
  const what = { app, params, inputs, executionClass, wallMs, expiresAt, ...also };
  return { eventId, assignedAt: at, task: { jobHash, replica, attempt, ...what } };
};

/** A node that keeps clients apart must know whose task it is; the others need not. */
const clientFor = ({ app, client }: JobSpec): Pick<TaskOrder, "client"> =>
  isAppName(app) && catalogue[app].process === "client" ? { client } : {};
