/**
 * How a node fared in the assignments of a log: what it was given, what it was weighed for and lost,
 * and why it was not weighed for the rest. It rests on what the log says of the node at the position
 * that each decision knew. Whether the node was heard then, and was not about to stop, the log does
 * not hold: "not-drawn" means that it was chance, or that.
 */
import type { NodeId } from "../ids.ts";
import type { Policy } from "../policy/policy.ts";
import { scoresOf } from "./decide.ts";
import type { Gathered } from "./gather.ts";
import { groupOf, isArbiter, isNew, type Roster, type RosterNode } from "./roster.ts";
import { isFastEnough } from "./speeds.ts";

/** What became of one assignment, as one node sees it. */
export type Fate =
  | "given"
  /** Weighed; another had the better standing, less to do, or was faster: what made the most of it. */
  | "lost-by-standing"
  | "lost-by-load"
  | "lost-by-turnaround"
  /** Weighed; another was drawn before it, and nothing else was between them. */
  | "lost-by-draw"
  | "not-registered"
  | "suspended"
  | "expelled"
  /** Arbiters get no ordinary tasks. */
  | "is-arbiter"
  /** The job was a test of the node that got it. */
  | "test-of-another"
  /** It was the task of an arbiter. */
  | "for-arbiters"
  /** It does not compute the app, or not in the class that was needed. */
  | "class-not-offered"
  /** It was not measured to be as fast as the job asks. */
  | "too-slow"
  | "has-job"
  | "owner-has-job"
  /** It had as many tasks as it takes. */
  | "no-room"
  /** Its quota gave it no more tasks of the app then. */
  | "quota"
  /** It had all slots taken, and who was weighed had one free. */
  | "no-free-slot"
  /** Only new nodes were looked for. */
  | "for-new-nodes"
  | "not-drawn";

export interface Fared {
  /** Assignments that were looked at. */
  readonly assignments: number;
  readonly fates: Readonly<Partial<Record<Fate, number>>>;
  /** Those that it could have been given, by the log. */
  readonly eligible: number;
  /** What it would have got of those, had each been given to any of the nodes that could: by chance alone. */
  readonly evenShare: number;
}

export interface Share {
  visit(one: Gathered, roster: Roster): void;
  fared(): Fared;
}

/** @param hasQuota - Whether its quota gives the node another task of the app at that time. */
export const createShare = (
  nodeId: NodeId,
  hasQuota: (one: Gathered) => boolean = () => true,
): Share => {
  const fates: Partial<Record<Fate, number>> = {};
  let assignments = 0;
  let eligible = 0;
  let evenShare = 0;
  return {
    visit: (one, roster) => {
      const found = fateOf(nodeId, one, roster);
      const isHeld = couldHave.has(found) && !weighed.has(found) && !hasQuota(one);
      const fate = isHeld ? "quota" : found;
      fates[fate] = (fates[fate] ?? 0) + 1;
      assignments++;
      if (!couldHave.has(fate)) return;
      eligible++;
      let others = 0;
      for (const node of roster.nodes()) if (hindrance(node, one, roster) === undefined) others++;
      evenShare += 1 / Math.max(1, others);
    },
    fared: () => ({ assignments, fates, eligible, evenShare }),
  };
};

const couldHave: ReadonlySet<Fate> = new Set<Fate>([
  "given",
  "lost-by-standing",
  "lost-by-load",
  "lost-by-turnaround",
  "lost-by-draw",
  "no-free-slot",
  "for-new-nodes",
  "not-drawn",
]);

/** Then its quota was not in the way. */
const weighed: ReadonlySet<Fate> = new Set<Fate>([
  "given",
  "lost-by-standing",
  "lost-by-load",
  "lost-by-turnaround",
  "lost-by-draw",
]);

const fateOf = (nodeId: NodeId, one: Gathered, roster: Roster): Fate => {
  const { task } = one;
  const { looked = [], explores } = task.reason;
  const { policy } = roster;
  if (task.nodeId === nodeId) return "given";
  if (one.isTest) return "test-of-another";
  const weighed = looked.findIndex(([name]) => name === nodeId);
  if (weighed !== -1) return lossOf(weighed, one, policy);
  const node = roster.node(nodeId);
  if (!node) return "not-registered";
  const hindered = hindrance(node, one, roster);
  if (hindered) return hindered;
  if (explores && !isNew(node, policy)) return "for-new-nodes";
  const isFull = node.held.size >= node.capabilities.slots;
  const othersFree = looked.some(([, , held, reserved, slots]) => held + reserved < slots);
  return isFull && othersFree ? "no-free-slot" : "not-drawn";
};

/** Why the log says that it could not be given to the node; undefined if it could. */
const hindrance = (node: RosterNode, one: Gathered, roster: Roster): Fate | undefined => {
  const { policy } = roster;
  const { task, app, engine, pinnedClass, minSpeed, nodes } = one;
  const { capabilities, status, held } = node;
  if (status !== "active") return status;
  const judges = isArbiter(node, policy);
  if (judges && task.role !== "arbiter") return "is-arbiter";
  if (!judges && task.role === "arbiter") return "for-arbiters";
  const offers = capabilities.apps.filter(
    (offer) =>
      offer.app === app &&
      offer.executionClass.startsWith(engine) &&
      (pinnedClass === undefined || offer.executionClass === pinnedClass),
  );
  if (offers.length === 0) return "class-not-offered";
  const isFast = ({ executionClass }: (typeof offers)[number]) =>
    isFastEnough(node, { app, minSpeed }, executionClass);
  if (!judges && !offers.some(isFast)) return "too-slow";
  if (nodes.includes(node.nodeId)) return "has-job";
  const group = groupOf(node, policy);
  const hasIt = (nodeId: NodeId): boolean => {
    const other = roster.node(nodeId);
    return other !== undefined && groupOf(other, policy) === group;
  };
  if (nodes.some(hasIt)) return "owner-has-job";
  return held.size >= capabilities.slots + capabilities.backlog ? "no-room" : undefined;
};

/** What made the most of the difference to the node that was given it. */
export const lossOf = (weighed: number, { task }: Pick<Gathered, "task">, policy: Policy): Fate => {
  const { looked = [] } = task.reason;
  const given = looked.findIndex(([name]) => name === task.nodeId);
  const score = scoresOf(looked, policy.dispatch);
  // Scores with one weight at a time: their quotient is that term's part.
  const free = scoresOf(looked, { ...policy.dispatch, turnaroundWeight: 0 });
  const standing = looked.map(([, ten]) => ten);
  const ratio = (of: readonly number[]) => (of[given] ?? 0) / Math.max(of[weighed] ?? 0, 1e-9);
  if (ratio(score) <= 1) return "lost-by-draw";
  const parts: readonly (readonly [Fate, number])[] = [
    ["lost-by-standing", ratio(standing)],
    ["lost-by-load", ratio(free) / Math.max(ratio(standing), 1e-9)],
    ["lost-by-turnaround", ratio(score) / Math.max(ratio(free), 1e-9)],
  ];
  return parts.reduce((most, part) => (part[1] > most[1] ? part : most))[0];
};
