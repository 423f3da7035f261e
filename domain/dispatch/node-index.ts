/**
 * Which node gets a task: an index by app and execution class, in buckets by standing, of the nodes
 * that have room now. Choosing looks at a few nodes, however many are registered: a scan of 10,000
 * would cost 250 microseconds a task, this costs about one.
 *
 * Folded in place, like the ledger. It reads no clock and rolls no die: `random` comes in.
 */
import type { NodeId } from "../ids.ts";
import type { Capabilities } from "../node/node.ts";

/** Version of the rules below; recorded with each assignment. */
export const dispatchPolicy = 1;
/** This share of the choices ignores standing, so that new nodes get work (features DI-6). */
export const explorationShare = 0.01;
const bucketCount = 16;
/** Nodes looked at in one bucket before the next one down is tried. */
const probesMax = 32;
/** Among so many that fit, the least loaded is taken. */
const choicesMax = 3;

export interface Candidate {
  readonly nodeId: NodeId;
  readonly capabilities: Capabilities;
  /** 0 to 1, from reputation. */
  readonly standing: number;
  /** Tasks that it has now, running or waiting. */
  readonly load: number;
}

export interface Need {
  readonly app: string;
  /** The start of an execution class; empty for any. */
  readonly engine: string;
  /** The one execution class allowed; undefined for any. */
  readonly pinnedClass: string | undefined;
  /** Results are compared byte by byte: a class that could not be measured will not do. */
  readonly exact: boolean;
  readonly exclude: ReadonlySet<NodeId> | readonly NodeId[];
}

export interface Choice {
  readonly nodeId: NodeId;
  readonly executionClass: string;
  /** Standing of the chosen node, 0 to 1. */
  readonly score: number;
  /** Nodes that were looked at. */
  readonly candidates: number;
}

interface Seat {
  candidate: Candidate;
  /** Where it stands: key to [bucket, place in bucket]. Empty while it has no room. */
  readonly places: Map<string, [bucket: number, place: number]>;
}

export interface NodeIndex {
  /** Adds or changes a node. One that has no room is left out until it has. */
  put(candidate: Candidate): void;
  remove(nodeId: NodeId): void;
  /** A node with room that meets the need; undefined when there is none (or none was found). */
  choose(need: Need, random: () => number): Choice | undefined;
  /** Whether any node at all has room for the app in such an engine. */
  hasRoom(need: Pick<Need, "app" | "engine">): boolean;
  readonly size: number;
}

export const roomOf = ({ capabilities, load }: Candidate): number =>
  capabilities.slots + capabilities.backlog - load;

export const createNodeIndex = (): NodeIndex => {
  const seats = new Map<NodeId, Seat>();
  /** `app` to its execution classes; `app class` to buckets of seats. */
  const classesOf = new Map<string, Set<string>>();
  const shelves = new Map<string, Seat[][]>();

  const shelfOf = (app: string, executionClass: string): Seat[][] => {
    const key = `${app} ${executionClass}`;
    let shelf = shelves.get(key);
    if (!shelf) {
      shelf = Array.from({ length: bucketCount }, () => []);
      shelves.set(key, shelf);
      const classes = classesOf.get(app) ?? new Set();
      classesOf.set(app, classes.add(executionClass));
    }
    return shelf;
  };

  const leave = (seat: Seat): void => {
    for (const [key, [bucket, place]] of seat.places) {
      const row = shelves.get(key)?.[bucket];
      const last = row?.pop();
      if (!row || !last || last === seat) continue;
      row[place] = last;
      last.places.set(key, [bucket, place]);
    }
    seat.places.clear();
  };

  const enter = (seat: Seat): void => {
    const bucket = bucketOf(seat.candidate.standing);
    for (const { app, executionClass } of seat.candidate.capabilities.apps) {
      const key = `${app} ${executionClass}`;
      if (seat.places.has(key)) continue;
      const row = shelfOf(app, executionClass)[bucket];
      if (!row) continue;
      seat.places.set(key, [bucket, row.length]);
      row.push(seat);
    }
  };

  const classesFor = (app: string, engine: string): readonly string[] =>
    [...(classesOf.get(app) ?? [])].filter((name) => name.startsWith(engine));

  return {
    get size() {
      return seats.size;
    },

    put: (candidate) => {
      const seat = seats.get(candidate.nodeId);
      if (!seat) {
        const fresh: Seat = { candidate, places: new Map() };
        seats.set(candidate.nodeId, fresh);
        if (roomOf(candidate) > 0) enter(fresh);
        return;
      }
      const stays =
        seat.places.size > 0 &&
        roomOf(candidate) > 0 &&
        seat.candidate.capabilities === candidate.capabilities &&
        bucketOf(seat.candidate.standing) === bucketOf(candidate.standing);
      if (!stays) leave(seat);
      seat.candidate = candidate;
      if (!stays && roomOf(candidate) > 0) enter(seat);
    },

    remove: (nodeId) => {
      const seat = seats.get(nodeId);
      if (!seat) return;
      leave(seat);
      seats.delete(nodeId);
    },

    choose: ({ app, engine, pinnedClass, exact, exclude }, random) => {
      const excluded = (nodeId: NodeId) =>
        exclude instanceof Set
          ? exclude.has(nodeId)
          : (exclude as readonly NodeId[]).includes(nodeId);
      const explores = random() < explorationShare;
      const classes =
        pinnedClass === undefined
          ? classesFor(app, engine).filter((name) => !(exact && name.includes("unmeasured")))
          : [pinnedClass];
      let candidates = 0;
      for (let step = 0; step < bucketCount; step++) {
        const bucket = explores ? step : bucketCount - 1 - step;
        let best: { seat: Seat; executionClass: string } | undefined;
        let fitting = 0;
        for (const executionClass of classes) {
          const row = shelves.get(`${app} ${executionClass}`)?.[bucket] ?? [];
          const start = Math.floor(random() * row.length);
          for (let i = 0; i < row.length && i < probesMax && fitting < choicesMax; i++) {
            const seat = row[(start + i) % row.length];
            if (!seat) continue;
            candidates++;
            if (excluded(seat.candidate.nodeId)) continue;
            fitting++;
            if (!best || relativeLoad(seat) < relativeLoad(best.seat))
              best = { seat, executionClass };
          }
        }
        if (best) {
          const { nodeId, standing } = best.seat.candidate;
          return { nodeId, executionClass: best.executionClass, score: standing, candidates };
        }
      }
      return undefined;
    },

    hasRoom: ({ app, engine }) =>
      classesFor(app, engine).some((name) =>
        shelves.get(`${app} ${name}`)?.some((row) => row.length > 0),
      ),
  };
};

const bucketOf = (standing: number): number =>
  Math.max(0, Math.min(bucketCount - 1, Math.floor(standing * bucketCount)));

const relativeLoad = ({ candidate }: Seat): number => candidate.load / candidate.capabilities.slots;
