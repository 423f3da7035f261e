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
/** Classes looked at for one task. Honest nodes have a few; but a node may name its class as it likes. */
const classesMax = 32;

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
  /**
   * So many nodes are wanted, 1 if not given. Where all must be of one class and none is pinned yet,
   * it is one that has so many, if there is any.
   */
  readonly replicas?: number;
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
  /** Where it stands: shelf to [bucket, place in bucket]. Empty while it has no room. */
  readonly places: Map<Shelf, [bucket: number, place: number]>;
}

/** The nodes that compute one app in one class and have room. */
interface Shelf {
  readonly app: string;
  readonly executionClass: string;
  readonly rows: readonly Seat[][];
  /** In all rows. */
  count: number;
}

export interface NodeIndex {
  /** Adds or changes a node. One that has no room is left out until it has. */
  put(candidate: Candidate): void;
  remove(nodeId: NodeId): void;
  /** A node with room that meets the need; undefined when there is none (or none was found). */
  choose(need: Need, random: () => number): Choice | undefined;
  /** As `choose`, but among these nodes alone; looks at all of them. */
  chooseAmong(
    nodeIds: Iterable<NodeId>,
    need: Need,
    random: () => number,
  ): Choice | "no-room" | undefined;
  /** Whether any node at all has room for the app in such an engine. */
  hasRoom(need: Pick<Need, "app" | "engine">): boolean;
  readonly size: number;
}

export const roomOf = ({ capabilities, load }: Candidate): number =>
  capabilities.slots + capabilities.backlog - load;

export const createNodeIndex = (): NodeIndex => {
  const seats = new Map<NodeId, Seat>();
  /** By app and execution class; those of classes that no node has any more are taken away. */
  const shelves = new Map<string, Map<string, Shelf>>();

  const shelfOf = (app: string, executionClass: string): Shelf => {
    const ofApp = shelves.get(app) ?? new Map<string, Shelf>();
    shelves.set(app, ofApp);
    const known = ofApp.get(executionClass);
    if (known) return known;
    const rows = Array.from({ length: bucketCount }, (): Seat[] => []);
    const made: Shelf = { app, executionClass, rows, count: 0 };
    ofApp.set(executionClass, made);
    return made;
  };

  const leave = (seat: Seat): void => {
    for (const [shelf, [bucket, place]] of seat.places) {
      const row = shelf.rows[bucket];
      const last = row?.pop();
      if (!row || !last) continue;
      shelf.count--;
      if (last === seat) continue;
      row[place] = last;
      last.places.set(shelf, [bucket, place]);
    }
    seat.places.clear();
  };

  const enter = (seat: Seat): void => {
    const bucket = bucketOf(seat.candidate.standing);
    for (const { app, executionClass } of seat.candidate.capabilities.apps) {
      const shelf = shelfOf(app, executionClass);
      const row = shelf.rows[bucket];
      if (!row || seat.places.has(shelf)) continue;
      seat.places.set(shelf, [bucket, row.length]);
      row.push(seat);
      shelf.count++;
    }
  };

  /** Of classes that a node had; one whose nodes are all busy comes again with the first that is not. */
  const clear = ({ apps }: Capabilities): void => {
    for (const { app, executionClass } of apps) {
      const ofApp = shelves.get(app);
      if (ofApp?.get(executionClass)?.count === 0) ofApp.delete(executionClass);
      if (ofApp?.size === 0) shelves.delete(app);
    }
  };

  /** With room, some of which may be excluded. */
  const shelvesFor = ({ app, engine, pinnedClass, exact }: Omit<Need, "exclude">): Shelf[] => {
    const ofApp = shelves.get(app);
    if (!ofApp) return [];
    if (pinnedClass !== undefined) {
      const pinned = ofApp.get(pinnedClass);
      return pinned ? [pinned] : [];
    }
    const fitting: Shelf[] = [];
    for (const shelf of ofApp.values()) {
      const { executionClass, count } = shelf;
      if (count === 0 || !executionClass.startsWith(engine)) continue;
      if (!(exact && executionClass.includes("unmeasured"))) fitting.push(shelf);
    }
    return fitting;
  };

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
      const { capabilities: before } = seat.candidate;
      seat.candidate = candidate;
      if (!stays && roomOf(candidate) > 0) enter(seat);
      if (before !== candidate.capabilities) clear(before);
    },

    remove: (nodeId) => {
      const seat = seats.get(nodeId);
      if (!seat) return;
      leave(seat);
      seats.delete(nodeId);
      clear(seat.candidate.capabilities);
    },

    choose: (need, random) => {
      const excluded = excludes(need.exclude);
      const explores = random() < explorationShare;
      const fit = shelvesFor(need);
      const shared = need.exact && need.pinnedClass === undefined;
      const wide = shared ? widest(fit, need.replicas ?? 1) : fit;
      const looked = wide.length > classesMax ? drawn(wide, random) : wide;
      let candidates = 0;
      for (let step = 0; step < bucketCount; step++) {
        const bucket = explores ? step : bucketCount - 1 - step;
        let best: { seat: Seat; executionClass: string } | undefined;
        let fitting = 0;
        for (const { executionClass, rows } of looked) {
          const row = rows[bucket] ?? [];
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

    chooseAmong: (nodeIds, need, random) => {
      const excluded = excludes(need.exclude);
      const byClass = new Map<string, Seat[]>();
      let candidates = 0;
      for (const nodeId of nodeIds) {
        candidates++;
        const seat = seats.get(nodeId);
        if (!seat || excluded(nodeId)) continue;
        for (const { app, executionClass } of seat.candidate.capabilities.apps)
          if (app === need.app && fitsClass(need, executionClass)) {
            const row = byClass.get(executionClass) ?? [];
            byClass.set(executionClass, row);
            if (row.at(-1) !== seat) row.push(seat);
          }
      }
      if (byClass.size === 0) return undefined;
      const classes = need.exact ? fullest(byClass, need.replicas ?? 1) : [...byClass.keys()];
      const free = classes.flatMap((executionClass) =>
        (byClass.get(executionClass) ?? [])
          .filter(({ candidate }) => roomOf(candidate) > 0)
          .map((seat) => ({ seat, executionClass })),
      );
      if (free.length === 0) return "no-room";
      const explores = random() < explorationShare;
      const best = Math.max(...free.map(({ seat }) => bucketOf(seat.candidate.standing)));
      const fitting = explores
        ? free
        : free.filter(({ seat }) => bucketOf(seat.candidate.standing) === best);
      const start = Math.floor(random() * fitting.length);
      let chosen = fitting[start];
      for (let i = 1; i < fitting.length && i < choicesMax; i++) {
        const other = fitting[(start + i) % fitting.length];
        if (other && chosen && relativeLoad(other.seat) < relativeLoad(chosen.seat)) chosen = other;
      }
      if (!chosen) return "no-room";
      const { seat, executionClass } = chosen;
      const { nodeId, standing } = seat.candidate;
      return { nodeId, executionClass, score: standing, candidates };
    },

    hasRoom: ({ app, engine }) =>
      shelvesFor({ app, engine, pinnedClass: undefined, exact: false }).length > 0,
  };
};

/** The classes that have so many nodes with room; if none has, those with the most. */
const widest = (shelves: readonly Shelf[], replicas: number): readonly Shelf[] => {
  let most = 0;
  for (const { count } of shelves) most = Math.max(most, count);
  return shelves.filter(({ count }) => count >= Math.min(most, replicas));
};

/** At most `classesMax` of them, drawn by how many nodes they have: classes that are made up weigh little. */
const drawn = (shelves: readonly Shelf[], random: () => number): readonly Shelf[] => {
  const ends: number[] = [];
  let all = 0;
  for (const { count } of shelves) {
    all += count;
    ends.push(all);
  }
  const chosen = new Set<Shelf>();
  for (let draw = 0; draw < classesMax; draw++) {
    const place = random() * all;
    let low = 0;
    let high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) > place) high = middle;
      else low = middle + 1;
    }
    const shelf = shelves[low];
    if (shelf) chosen.add(shelf);
  }
  return [...chosen];
};

const excludes =
  (exclude: Need["exclude"]) =>
  (nodeId: NodeId): boolean =>
    exclude instanceof Set ? exclude.has(nodeId) : (exclude as readonly NodeId[]).includes(nodeId);

const fitsClass = ({ engine, pinnedClass, exact }: Need, executionClass: string): boolean =>
  pinnedClass === undefined
    ? executionClass.startsWith(engine) && !(exact && executionClass.includes("unmeasured"))
    : executionClass === pinnedClass;

/** The classes that have so many nodes; if none has, the one with the most. */
const fullest = (byClass: ReadonlyMap<string, readonly Seat[]>, replicas: number) => {
  const most = Math.max(...[...byClass.values()].map((row) => row.length));
  return [...byClass]
    .filter(([, row]) => row.length >= Math.min(most, replicas))
    .map(([name]) => name);
};

const bucketOf = (standing: number): number =>
  Math.max(0, Math.min(bucketCount - 1, Math.floor(standing * bucketCount)));

const relativeLoad = ({ candidate }: Seat): number => candidate.load / candidate.capabilities.slots;
