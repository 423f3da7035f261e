/**
 * Why an open job is not done yet, from what the log says of it and of the nodes, and, for the
 * present, from which nodes are heard.
 */
import type { NodeId } from "../ids.ts";
import { type OpenJob, pinnedClass, received, vacancies } from "../job/job.ts";
import { groupOf, isArbiter, type Roster, type RosterNode } from "./roster.ts";
import { isFastEnough } from "./speeds.ts";

export type WaitCode =
  /** Its points are not set aside yet. */
  | "not-funded"
  /** Its client must wrap its key for more nodes. */
  | "keys-awaited"
  /** Nodes compute it. */
  | "computing"
  /** Its nodes are asked to show what they are bound to. */
  | "revealing"
  /** Its results are compared. */
  | "judging"
  /** No node computes the app, or none in such an engine. */
  | "nobody-computes"
  /** Some do, but none in the execution class of the results that are there. */
  | "class-not-offered"
  /** Some do, but none was measured to be as fast as it asks. */
  | "too-slow"
  /** Some do, but they are silent. */
  | "nobody-heard"
  /** Those that are heard were told to take no tasks. */
  | "nodes-drained"
  /** Those that could have it have it already. */
  | "nodes-have-job"
  /** Those that could have it are of owners that have it already. */
  | "owners-have-job"
  /** Those that could have it have as many tasks as they take. */
  | "no-room"
  /** It wants an arbiter, and none computes this. */
  | "no-arbiter"
  /** It is about to be given to a node. */
  | "due";

export interface Wait {
  readonly code: WaitCode;
  /** Nodes that have a task of it now. */
  readonly computing: readonly NodeId[];
  /** Tasks that want a node. */
  readonly vacant: number;
  /** How many nodes there are at each step: with the app, in the class, fast enough, heard, of other owners, with room. */
  readonly nodes: {
    readonly offering: number;
    readonly inClass: number;
    readonly fast: number;
    readonly heard: number;
    readonly ofOthers: number;
    readonly withRoom: number;
  };
}

interface Circumstances {
  readonly funded: boolean;
  /** Whether a node is heard now; for a past position, which the log does not tell, left out. */
  readonly heard?: (nodeId: NodeId) => boolean;
}

/** Of a job that wants ordinary nodes and arbiters it tells what holds it up: where none of both, of nodes. */
export const whyWaiting = (job: OpenJob, roster: Roster, circumstances: Circumstances): Wait => {
  const vacant = vacancies(job);
  const arbiters = vacant.filter(({ by }) => by === "arbiter").length;
  if (arbiters > 0 && arbiters === vacant.length) return waitFor(true, job, roster, circumstances);
  const ofNodes = waitFor(false, job, roster, circumstances);
  if (arbiters === 0 || ofNodes.code !== "due") return ofNodes;
  const ofArbiters = waitFor(true, job, roster, circumstances);
  return ofArbiters.code === "due" ? ofNodes : ofArbiters;
};

const waitFor = (
  byArbiter: boolean,
  job: OpenJob,
  roster: Roster,
  { funded, heard = () => true }: Circumstances,
): Wait => {
  const { policy } = roster;
  const { app, engine } = job.spec;
  const vacant = vacancies(job);
  const pinned = pinnedClass(job);
  const groups = new Set<string>();
  for (const nodeId of job.nodes) {
    const node = roster.node(nodeId);
    if (node) groups.add(groupOf(node, policy));
  }
  const offers = (node: RosterNode, classOnly: boolean, fastOnly = false): boolean =>
    node.capabilities.apps.some(
      (offer) =>
        offer.app === app &&
        offer.executionClass.startsWith(engine) &&
        (!classOnly || pinned === undefined || offer.executionClass === pinned) &&
        (!fastOnly || isFastEnough(node, job.spec, offer.executionClass)),
    );
  const offering = [...roster.nodes()].filter(
    (node) =>
      node.status === "active" && isArbiter(node, policy) === byArbiter && offers(node, false),
  );
  const inClass = offering.filter((node) => offers(node, true));
  const fast = byArbiter ? inClass : inClass.filter((node) => offers(node, true, true));
  const live = fast.filter(({ nodeId }) => heard(nodeId));
  const takers = live.filter(({ drainFrom }) => drainFrom === undefined);
  const ofOthers = takers.filter((node) => !groups.has(groupOf(node, policy)));
  const withRoom = ofOthers.filter(
    ({ held, capabilities: { slots, backlog } }) => held.size < slots + backlog,
  );
  const computing = job.tasks.filter(({ status }) => status === "assigned");
  const code = (): WaitCode => {
    if (!funded) return "not-funded";
    if (vacant.length === 0) {
      if (computing.length > 0) return "computing";
      return received(job).length < job.tasks.filter(({ status }) => status !== "vacant").length
        ? "revealing"
        : "judging";
    }
    if (job.awaitingKeys) return "keys-awaited";
    if (offering.length === 0) return byArbiter ? "no-arbiter" : "nobody-computes";
    if (inClass.length === 0) return "class-not-offered";
    if (fast.length === 0) return "too-slow";
    if (live.length === 0) return "nobody-heard";
    if (takers.length === 0) return "nodes-drained";
    if (takers.every(({ nodeId }) => job.nodes.includes(nodeId))) return "nodes-have-job";
    if (ofOthers.length === 0) return "owners-have-job";
    return withRoom.length === 0 ? "no-room" : "due";
  };
  return {
    code: code(),
    computing: computing.map(({ nodeId }) => nodeId),
    vacant: vacant.length,
    nodes: {
      offering: offering.length,
      inClass: inClass.length,
      fast: fast.length,
      heard: live.length,
      ofOthers: ofOthers.length,
      withRoom: withRoom.length,
    },
  };
};
