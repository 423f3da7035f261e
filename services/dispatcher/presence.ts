/**
 * Which nodes are heard: folds heartbeats, and the silence between them. Keeps the time of the head,
 * which has no clock: that of the last heartbeat or tick.
 */
import type { Instant } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import type { Heartbeat } from "../../streams/task-queue.ts";

/** A node whose heartbeat is so old gets no new task, and its tasks go to others. */
export const lostAfterMs = 6_000;
/**
 * Since the first heartbeat after silence: until then a node may live and not have been heard yet, and
 * no client is asked to wrap for others. Nodes beat every two seconds.
 */
const settledAfterMs = 2_500;
/** Starts of a worker that are remembered, so that two workers under one name are not taken for restarts. */
const instancesKept = 8;

export interface Presence {
  /** A node whose registration is heard is silent since then. */
  register(nodeId: NodeId, at: Instant): void;
  /** Undefined for a node that is not registered. */
  beat(nodeId: NodeId, heartbeat: Heartbeat, now: Instant): PresenceBeat | undefined;
  tick(now: Instant): Silence;
  /** Whether the node is heard and takes tasks. */
  isReady(nodeId: NodeId): boolean;
  /** No node at all is heard: it is the line that is cut. */
  isCut(): boolean;
  /** Whether every node that lives must have been heard by now. */
  isSettled(): boolean;
  /** As of the last heartbeat or tick. */
  now(): Instant;
  nodeIds(): Iterable<NodeId>;
}

export interface PresenceBeat {
  /** Whether the node is ready, or the line is, and was not before; or the other way round. */
  readonly changed: boolean;
  /** Whether its worker has started anew and lost what it held. */
  readonly startedAnew: boolean;
}

export interface Silence {
  readonly isCut: boolean;
  /** The nodes that are not heard, while others are. */
  readonly silent: readonly NodeId[];
  /** Those of them that were heard until now. */
  readonly fell: readonly NodeId[];
}

interface Health {
  draining: boolean;
  /** Whether it has been heard since it was registered, lost or we started. */
  heard: boolean;
  /** Of the workers that were heard, the latest last. */
  instances: readonly string[];
  /** Since when it is silent. */
  lastSeen: Instant;
}

export const createPresence = (): Presence => {
  const nodes = new Map<NodeId, Health>();
  let clockAt: Instant = 0;
  let firstHeard = Number.NEGATIVE_INFINITY;
  let lastHeard = Number.NEGATIVE_INFINITY;
  let isCut = false;

  return {
    register: (nodeId, at) => {
      const known = nodes.get(nodeId);
      if (known) known.lastSeen = at;
      else nodes.set(nodeId, { draining: false, heard: false, instances: [], lastSeen: at });
    },

    beat: (nodeId, { instance, draining }, now) => {
      const node = nodes.get(nodeId);
      if (!node) return undefined;
      const changed = isCut || draining !== node.draining || !node.heard;
      isCut = false;
      if (now - lastHeard > lostAfterMs) {
        // We just started, or the line was cut: nobody is blamed for the silence before.
        for (const other of nodes.values()) other.lastSeen = now;
        firstHeard = now;
      }
      lastHeard = now;
      clockAt = now;
      node.heard = true;
      node.lastSeen = now;
      node.draining = draining;
      if (node.instances.includes(instance)) return { changed, startedAnew: false };
      const startedAnew = node.instances.length > 0;
      node.instances = [...node.instances, instance].slice(-instancesKept);
      return { changed, startedAnew };
    },

    tick: (now) => {
      clockAt = now;
      isCut = now - lastHeard > lostAfterMs;
      const silent: NodeId[] = [];
      const fell: NodeId[] = [];
      if (isCut) return { isCut, silent, fell };
      for (const [nodeId, node] of nodes) {
        if (now - node.lastSeen <= lostAfterMs) continue;
        silent.push(nodeId);
        if (!node.heard) continue;
        node.heard = false;
        fell.push(nodeId);
      }
      return { isCut, silent, fell };
    },

    isReady: (nodeId) => {
      const node = nodes.get(nodeId);
      return node?.heard === true && !node.draining;
    },
    isCut: () => isCut,
    isSettled: () => lastHeard - firstHeard >= settledAfterMs,
    now: () => clockAt,
    nodeIds: () => nodes.keys(),
  };
};
