/** Which nodes have announced that they stop, and when: none gets a task that could last until then. */
import type { Instant, Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";

export interface Maintenance {
  /** @param at - Undefined: it has announced nothing, or takes it back. */
  announce(nodeId: NodeId, at: Instant | undefined): void;
  /** When the node stops; undefined if it has not said so. */
  stopsAt(nodeId: NodeId): Instant | undefined;
  /** The nodes that stop before that instant, the first to stop first. */
  before(at: Instant): Iterable<NodeId>;
}

export const createMaintenance = (): Maintenance => {
  const announced = new Map<NodeId, Instant>();
  /** By time; made again after a change. Nodes announce rarely, and are asked for with each job. */
  let inOrder: readonly (readonly [NodeId, Instant])[] | undefined;

  return {
    announce: (nodeId, at) => {
      if (announced.get(nodeId) === at) return;
      if (at === undefined) announced.delete(nodeId);
      else announced.set(nodeId, at);
      inOrder = undefined;
    },
    stopsAt: (nodeId) => announced.get(nodeId),
    before: function* (end) {
      inOrder ??= [...announced].sort(([, a], [, b]) => a - b);
      for (const [nodeId, at] of inOrder) {
        if (at >= end) return;
        yield nodeId;
      }
    },
  };
};

/** How long a task may be on a node: the limit for each turn that it may wait for, and the way there. */
export const leaseFor = ({
  wallMs,
  load,
  slots,
}: {
  readonly wallMs: Millis;
  readonly load: number;
  readonly slots: number;
}): Millis => wallMs * Math.max(1, Math.min(Math.ceil(load / slots), leaseTurnsMax)) + leaseSlackMs;

/** A node that is offered more at once than it can run gets so many turns of the limit as lease. */
export const leaseTurnsMax = 10;
/** Beyond the limit of the computation: for the order's way, the inputs and the output. */
export const leaseSlackMs: Millis = 5_000;
