/** Nodes that are at work on what nobody needs any more, and are to be told so. */
import type { Instant } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { TaskKey } from "../../streams/task-queue.ts";
import type { Order } from "./orders.ts";

export interface Stops {
  /** The job of this order ended, and the order was not answered. */
  add(nodeId: NodeId, order: Order): void;
  /** Those that were added since the last call and may still run, by node. */
  take(now: Instant): ReadonlyMap<NodeId, readonly TaskKey[]>;
}

/** While history is told nobody takes them: of so many the older half is left out. */
const stopsMax = 10_000;

export const createStops = (): Stops => {
  let stops: { readonly nodeId: NodeId; readonly order: Order }[] = [];

  return {
    add: (nodeId, order) => {
      stops.push({ nodeId, order });
      if (stops.length > stopsMax) stops = stops.slice(-stopsMax / 2);
    },

    take: (now) => {
      const byNode = new Map<NodeId, TaskKey[]>();
      for (const { nodeId, order } of stops) {
        const { jobHash, replica, attempt, expiresAt } = order.task;
        if (expiresAt <= now) continue;
        const task = { jobHash, replica, attempt };
        const tasks = byNode.get(nodeId);
        if (tasks) tasks.push(task);
        else byNode.set(nodeId, [task]);
      }
      stops = [];
      return byNode;
    },
  };
};
