/**
 * What the log says of each node that dispatch weighs: who answers for it, what it declares, how far
 * it can be relied on, and what it has now. A pure function of the events up to a
 * position, so that whoever has the log can look at a decision again (`explain.ts`); what is not in
 * the log, which nodes are heard and what is set aside, the dispatcher adds.
 *
 * Folded in place, like the ledger.
 */
import type { Instant } from "../decider.ts";
import { isCnctId } from "../identity/inception.ts";
import type { JobHash, NodeId } from "../ids.ts";
import type { JobEvent, TaskRef } from "../job/events.ts";
import { replicaName } from "../job/hash.ts";
import type { Capabilities, NodeEvent } from "../node/node.ts";
import type { PolicyEvent } from "../policy/adoption.ts";
import { adoption } from "../policy/adoption.ts";
import type { Policy } from "../policy/policy.ts";
import { surelyAtLeast } from "../probe/speed.ts";
import { isLow, standing } from "../reputation/standing.ts";
import { blankTrack, evolveTrack, type Track } from "../reputation/track.ts";
import { type Batches, createBatches } from "./batches.ts";
import { noSpeeds, type Speeds, speedName } from "./speeds.ts";

export interface RosterNode {
  readonly nodeId: NodeId;
  readonly owner: string;
  capabilities: Capabilities;
  status: "active" | "suspended" | "expelled";
  /** What it surely computes in a second, by `<app> <execution class>`; another map when it changes. */
  speeds: Speeds;
  /** It was told to take no task from then on. */
  drainFrom?: Instant | undefined;
  track: Track;
  /** What it has been given and has not answered: `<job hash>/<replica>`. */
  readonly held: Set<string>;
  /** What was worked out of its track last. */
  worth: Worth | undefined;
}

/** What outcomes are worth under a policy: asked for far more often than either changes. */
interface Worth {
  readonly of: Track["kept"];
  readonly under: Policy;
  readonly standing: number;
  readonly isLow: boolean;
}

export type RosterEvent = JobEvent | NodeEvent | PolicyEvent;

export interface Roster {
  hear(event: RosterEvent): void;
  node(nodeId: NodeId): RosterNode | undefined;
  nodes(): Iterable<RosterNode>;
  /** What dispatch ranks a node by, 0 to 1. */
  standing(node: RosterNode): number;
  /** As the function of this name, below. */
  isNew(node: RosterNode): boolean;
  /** Mean time from an assignment to the answer, ms; undefined as long as it answered no such task. */
  turnaroundMs(node: RosterNode, app: string): number | undefined;
  readonly policy: Policy;
  readonly batches: Pick<Batches, "tails" | "tailOf">;
}

/** @param onChange - Hears of each node that an event has changed. */
export const createRoster = (onChange: (node: RosterNode) => void = () => undefined): Roster => {
  const nodes = new Map<NodeId, RosterNode>();
  /** Who has each replica of the open jobs; undefined where nobody has. */
  const holders = new Map<JobHash, (NodeId | undefined)[]>();
  const batches = createBatches();
  let policy = adoption.initial;

  const giveBack = ({ jobHash, replica, nodeId }: TaskRef): void => {
    const tasks = holders.get(jobHash);
    if (tasks?.[replica] === nodeId) tasks[replica] = undefined;
    nodes.get(nodeId)?.held.delete(replicaName(jobHash, replica));
  };

  const hearJob = (event: JobEvent): void => {
    const { jobHash } = event;
    batches.hear(event);
    const node = "nodeId" in event ? nodes.get(event.nodeId) : undefined;
    if (node && "nodeId" in event) node.track = evolveTrack(node.track, event, policy.reputation);
    switch (event.type) {
      case "TaskAssigned": {
        const tasks = holders.get(jobHash) ?? [];
        holders.set(jobHash, tasks);
        tasks[event.replica] = event.nodeId;
        node?.held.add(replicaName(jobHash, event.replica));
        break;
      }
      case "ResultCommitted":
      case "ResultReceived":
      case "TaskFailed":
      case "TaskExpired":
      case "TaskStopped":
        giveBack(event);
        break;
      case "JobCompleted":
      case "JobFailed":
      case "JobRejected":
      case "JobCancelled":
        for (const [replica, nodeId] of holders.get(jobHash)?.entries() ?? []) {
          const holder = nodeId === undefined ? undefined : nodes.get(nodeId);
          if (holder?.held.delete(replicaName(jobHash, replica))) onChange(holder);
        }
        holders.delete(jobHash);
        return;
      case "JobSubmitted":
      case "JobReopened":
      case "KeysWrapped":
      case "KeysAwaited":
      case "ResultsDisagreed":
      case "AuditDrawn":
      case "ReplicaWanted":
        return;
      case "ResultAccepted":
      case "ResultRejected":
        break;
    }
    if (node) onChange(node);
  };

  const hearNode = (event: NodeEvent): void => {
    const { nodeId } = event;
    if (event.type === "NodeRegistered") {
      const { owner, capabilities } = event;
      const none = {
        speeds: noSpeeds,
        track: blankTrack(nodeId),
        held: new Set<string>(),
        worth: undefined,
      };
      nodes.set(nodeId, { nodeId, owner, capabilities, status: "active", ...none });
    }
    const node = nodes.get(nodeId);
    if (!node) return;
    switch (event.type) {
      case "NodeRegistered":
        break;
      case "NodeCapabilitiesChanged":
        node.capabilities = event.capabilities;
        break;
      case "NodeSuspended":
        node.status = "suspended";
        break;
      case "NodeResumed":
        node.status = "active";
        break;
      case "NodeMeasured": {
        const surely = surelyAtLeast(event);
        if (surely === undefined) return;
        const name = speedName(event.app, event.executionClass);
        node.speeds = new Map([...node.speeds, [name, surely]]);
        break;
      }
      case "NodeDrainOrdered":
        node.drainFrom = event.from;
        break;
      case "NodeDrainLifted":
        node.drainFrom = undefined;
        break;
      case "NodeConvicted":
        node.status = "expelled";
        break;
    }
    onChange(node);
  };

  return {
    hear: (event) => {
      if (isOfNode(event)) hearNode(event);
      else if (event.type !== "PolicyAdopted") hearJob(event);
      else {
        policy = adoption.evolve(policy, event);
        for (const node of nodes.values()) onChange(node);
      }
    },
    node: (nodeId) => nodes.get(nodeId),
    nodes: () => nodes.values(),
    standing: (node) => worthOf(node, policy).standing,
    isNew: (node) => node.track.vettedAt === null || worthOf(node, policy).isLow,
    turnaroundMs: ({ track }, app) =>
      Object.hasOwn(track.turnaround, app) ? track.turnaround[app]?.meanMs : undefined,
    batches,
    get policy() {
      return policy;
    },
  };
};

const worthOf = (node: RosterNode, policy: Policy): Worth => {
  const { track, worth } = node;
  if (worth && worth.of === track.kept && worth.under === policy) return worth;
  const { reputation } = policy;
  const made = { standing: standing(track, reputation), isLow: isLow(track, reputation) };
  node.worth = { of: track.kept, under: policy, ...made };
  return node.worth;
};

export const nodeEvents: Readonly<Record<NodeEvent["type"], true>> = {
  NodeRegistered: true,
  NodeCapabilitiesChanged: true,
  NodeSuspended: true,
  NodeResumed: true,
  NodeDrainOrdered: true,
  NodeDrainLifted: true,
  NodeMeasured: true,
  NodeConvicted: true,
};
export const isOfNode = (event: RosterEvent): event is NodeEvent =>
  Object.hasOwn(nodeEvents, event.type);

/**
 * Who answers for a node. An owner that is an identity has proven to be itself; any other is a name
 * that whoever runs the network gave its own nodes, and says nothing of who stands behind them.
 */
export const groupOf = (
  { nodeId, owner }: Pick<RosterNode, "nodeId" | "owner">,
  { dispatch, verification }: Policy,
): string => {
  const isApart = dispatch.ownersApart && isCnctId(owner);
  // Arbiters agree as owners: two nodes of one are one voice.
  return isApart || verification.arbiters.includes(owner) ? owner : nodeId;
};

/** Whether a node computes again for the network what others computed, and nothing else. */
export const isArbiter = ({ owner }: RosterNode, { verification }: Policy): boolean =>
  verification.arbiters.includes(owner);

/** Whether a node has yet to show what it is worth, or has lost what it was believed. */
export const isNew = ({ track }: RosterNode, policy: Policy): boolean =>
  track.vettedAt === null || isLow(track, policy.reputation);
