/**
 * Which nodes stop, and when: by their own word in a heartbeat, or since their owner told them so, as
 * the log says. None gets a task that could last until then.
 */
import type { Instant, Millis } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";

export interface Maintenance {
  /** @param at - Undefined: it has announced nothing, or takes it back. */
  announce(nodeId: NodeId, at: Instant | undefined): void;
  /** Its owner told it to. @param at - Undefined: takes it back. */
  order(nodeId: NodeId, at: Instant | undefined): void;
  /** Whether its owner wants it to take no tasks now. */
  isOrdered(nodeId: NodeId, now: Instant): boolean;
  /** Whether its owner ever told it anything. */
  wasOrdered(nodeId: NodeId): boolean;
  /** Nodes whose orders have begun since the last call. */
  begun(now: Instant): readonly NodeId[];
  /** What it has announced itself. */
  announced(nodeId: NodeId): Instant | undefined;
  /** When the node stops; undefined if it has not said so. */
  stopsAt(nodeId: NodeId): Instant | undefined;
  /** The nodes that stop before that instant, the first to stop first. */
  before(at: Instant): Iterable<NodeId>;
}

export const createMaintenance = (): Maintenance => {
  const announced = new Map<NodeId, Instant>();
  const ordered = new Map<NodeId, Instant | undefined>();
  /** Orders that have not begun, or are not known to have. */
  const ahead = new Set<NodeId>();
  /** By time; made again after a change. Nodes stop rarely, and are asked for with each job. */
  let inOrder: readonly (readonly [NodeId, Instant])[] | undefined;

  const stopsAt = (nodeId: NodeId): Instant | undefined => {
    const [own, owners] = [announced.get(nodeId), ordered.get(nodeId)];
    return own === undefined || owners === undefined ? (own ?? owners) : Math.min(own, owners);
  };
  const all = (): (readonly [NodeId, Instant])[] =>
    [...new Set([...announced.keys(), ...ordered.keys()])].flatMap((nodeId) => {
      const at = stopsAt(nodeId);
      return at === undefined ? [] : [[nodeId, at] as const];
    });

  return {
    announce: (nodeId, at) => {
      if (announced.get(nodeId) === at) return;
      if (at === undefined) announced.delete(nodeId);
      else announced.set(nodeId, at);
      inOrder = undefined;
    },
    order: (nodeId, at) => {
      ordered.set(nodeId, at);
      if (at === undefined) ahead.delete(nodeId);
      else ahead.add(nodeId);
      inOrder = undefined;
    },
    isOrdered: (nodeId, now) => {
      const at = ordered.get(nodeId);
      return at !== undefined && at <= now;
    },
    wasOrdered: (nodeId) => ordered.has(nodeId),
    begun: (now) => {
      const nodeIds = [...ahead].filter((nodeId) => (ordered.get(nodeId) ?? now) <= now);
      for (const nodeId of nodeIds) ahead.delete(nodeId);
      return nodeIds;
    },
    announced: (nodeId) => announced.get(nodeId),
    stopsAt,
    before: function* (end) {
      inOrder ??= all().sort(([, a], [, b]) => a - b);
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
