/**
 * Which nodes are heard: folds heartbeats, and the silence between them. Keeps the time of the head,
 * which has no clock: that of the last heartbeat or tick.
 *
 * A node with tasks beats often, and its silence counts from when it was given the first of them. One
 * without beats seldom, as it has nothing that could be rescued; who wants to know sooner asks it.
 *
 *     heard --silent with tasks, or does not answer, or far too long--> silent --beat--> heard
 */
import type { Instant } from "../../domain/decider.ts";
import type { NodeId } from "../../domain/ids.ts";
import { busyBeatMs, type Heartbeat, idleBeatMs } from "../../streams/task-queue.ts";

/** A node with tasks that is silent for so long gets no new one, and its tasks go to others. */
export const lostAfterMs = 3 * busyBeatMs;
/** A node without tasks that is silent for so long gets none. */
export const idleLostAfterMs = 3 * idleBeatMs;
/** A node with tasks that is silent for so long is asked whether it lives, and with it those without. */
const doubtAfterMs = 3_000;
/** One of those without that has not answered within that gets no task: so both are known for lost at once. */
const answerWithinMs = lostAfterMs - doubtAfterMs - 500;
/** All nodes are asked at most so often. */
const rollCallEveryMs = 3_000;
/** When no node at all was heard for so long, some are asked: a line that is cut is found out by silence. */
const pulseAfterMs = 2_000;
const pulseNodes = 8;
/** With no node at all heard for so long, it may be the line: nobody is taken for lost. */
const lineDoubtAfterMs = 4_000;
/**
 * Since the first heartbeat after silence: until then a node may live and not have been heard yet, and
 * no client is asked to wrap for others. All are asked with that first heartbeat.
 */
const settledAfterMs = 2_500;
/** Starts of a worker that are remembered, so that two workers under one name are not taken for restarts. */
const instancesKept = 8;

export interface Presence {
  /** A node whose registration is heard is silent since then. */
  register(nodeId: NodeId, at: Instant): void;
  /** Undefined for a node that is not registered. */
  beat(nodeId: NodeId, heartbeat: Heartbeat, now: Instant): PresenceBeat | undefined;
  /** @param busySince - Since when a node has tasks; undefined if it has none. */
  tick(now: Instant, busySince: (nodeId: NodeId) => Instant | undefined): Silence;
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
  /** Of any node, since we started or since the line was cut. */
  readonly isFirst: boolean;
}

export interface Silence {
  readonly isCut: boolean;
  /** The nodes that are not heard, while others are. */
  readonly silent: readonly NodeId[];
  /** Those of them that were heard until now. */
  readonly fell: readonly NodeId[];
  /** The nodes to be asked whether they live. */
  readonly ask: readonly NodeId[];
}

interface Health {
  draining: boolean;
  /** Whether it has been heard since it was registered, lost or we started. */
  heard: boolean;
  /** Of the workers that were heard, the latest last. */
  instances: readonly string[];
  /** Since when it is silent. */
  lastSeen: Instant;
  /** When it was first asked since then, because another's silence made us doubt. */
  askedAt: Instant | undefined;
}

export const createPresence = (): Presence => {
  const nodes = new Map<NodeId, Health>();
  let clockAt: Instant = 0;
  let firstHeard = Number.NEGATIVE_INFINITY;
  let lastHeard = Number.NEGATIVE_INFINITY;
  let rollCallAt = Number.NEGATIVE_INFINITY;
  let isCut = false;
  /** Goes round and round, so that everybody is asked in turn. */
  let round = nodes.entries();

  /** Some nodes, for a word from any of them. */
  const pulse = (): readonly NodeId[] => {
    const asked: NodeId[] = [];
    for (let looks = 0; looks <= nodes.size && asked.length < pulseNodes; looks++) {
      const next = round.next();
      if (next.done) {
        round = nodes.entries();
        continue;
      }
      const [nodeId, node] = next.value;
      if (!node.heard && !isCut) continue;
      asked.push(nodeId);
    }
    return asked;
  };

  const isSilent = (
    { heard, lastSeen, askedAt }: Health,
    busySince: Instant | undefined,
    now: Instant,
  ): boolean => {
    if (busySince !== undefined) return now - Math.max(lastSeen, busySince) > lostAfterMs;
    if (!heard || now - lastSeen > idleLostAfterMs) return true;
    // Others were heard since it was asked: it is not the line.
    return askedAt !== undefined && now - askedAt > answerWithinMs && lastHeard > askedAt;
  };

  return {
    register: (nodeId, at) => {
      const known = nodes.get(nodeId);
      if (known) known.lastSeen = at;
      else {
        const health = { draining: false, heard: false, instances: [], askedAt: undefined };
        nodes.set(nodeId, { ...health, lastSeen: at });
      }
    },

    beat: (nodeId, { instance, draining }, now) => {
      const node = nodes.get(nodeId);
      if (!node) return undefined;
      const changed = isCut || draining !== node.draining || !node.heard;
      const isFirst = now - lastHeard > lostAfterMs;
      isCut = false;
      if (isFirst) {
        // We just started, or the line was cut: nobody is blamed for the silence before.
        for (const other of nodes.values()) {
          other.lastSeen = now;
          other.askedAt = undefined;
        }
        firstHeard = now;
        rollCallAt = now;
      }
      lastHeard = now;
      clockAt = now;
      node.heard = true;
      node.lastSeen = now;
      node.askedAt = undefined;
      node.draining = draining;
      if (node.instances.includes(instance)) return { changed, startedAnew: false, isFirst };
      const startedAnew = node.instances.length > 0;
      node.instances = [...node.instances, instance].slice(-instancesKept);
      return { changed, startedAnew, isFirst };
    },

    tick: (now, busySince) => {
      clockAt = now;
      isCut = now - lastHeard > lostAfterMs;
      if (now - lastHeard > lineDoubtAfterMs) return { isCut, silent: [], fell: [], ask: pulse() };
      const silent: NodeId[] = [];
      const fell: NodeId[] = [];
      const ask: NodeId[] = [];
      const idle: [NodeId, Health][] = [];
      for (const [nodeId, node] of nodes) {
        const busy = busySince(nodeId);
        if (isSilent(node, busy, now)) {
          silent.push(nodeId);
          if (node.heard) fell.push(nodeId);
          node.heard = false;
          continue;
        }
        if (!node.heard) continue;
        if (busy === undefined) idle.push([nodeId, node]);
        else if (now - Math.max(node.lastSeen, busy) > doubtAfterMs) ask.push(nodeId);
      }
      if (ask.length > 0 && now - rollCallAt >= rollCallEveryMs) {
        // Where one node went, others may have gone with it: a task that is given anew must not meet them.
        rollCallAt = now;
        for (const [nodeId, node] of idle)
          if (now - node.lastSeen > doubtAfterMs) {
            node.askedAt ??= now;
            ask.push(nodeId);
          }
      }
      if (now - lastHeard >= pulseAfterMs) ask.push(...pulse());
      // Once more: what one of them did not answer may have been lost with the line, for a moment.
      ask.push(...fell);
      return { isCut, silent, fell, ask };
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
