/**
 * Asks each node that becomes known whether it lives, for a process that hears heartbeats and has just
 * started, or hears of the node later than its first heartbeats came.
 */
import type { NodeId } from "../domain/ids.ts";
import type { TaskDesk } from "../streams/task-queue.ts";
import type { Listener } from "./facts.ts";

export const createRollCaller = (desk: Pick<TaskDesk, "callRoll">): Listener => {
  let known: NodeId[] = [];
  return {
    hear: ({ event }) => {
      if (event.type === "NodeRegistered") known.push(event.nodeId);
    },
    act: () => {
      if (known.length === 0) return;
      desk.callRoll(known);
      known = [];
    },
  };
};
