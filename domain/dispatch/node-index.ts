/**
 * Where to look for a node: an index by app and execution class of the nodes that have room now, in
 * rows by whether a slot is free and by standing. A look finds a few nodes, a *slate*, however many
 * are registered: a scan of 10,000 would cost 250 microseconds a task, this costs about one. Who of
 * the slate gets the task is decided in `decide.ts`.
 *
 * A row is drawn from by who answers for a node, then by node: a hundred nodes of one owner come up
 * as often as one, and those of an owner that has the job already hide nobody else's.
 *
 * Folded in place, like the ledger. It reads no clock and rolls no die: `random` comes in.
 */
import type { NodeId } from "../ids.ts";
import type { Capabilities } from "../node/node.ts";
import { createRow, groupCount, placeIn, type Row } from "./row.ts";
import { isFastEnough, type Speeds, speedName } from "./speeds.ts";

const bucketCount = 16;
/** Nodes with a free slot stand in the upper rows, those with room in their backlog in the lower. */
const rankedRows = 2 * bucketCount;
/** Behind the ranked rows: new nodes with a free slot, which stand in a ranked row as well. */
const newRow = rankedRows;
/** Groups looked at in one row: more than a job can have replicas, so that one that may have it is found. */
const probesMax = 32;
/** So many nodes are ranked for one task. */
export const slateMax = 3;
/** Classes looked at for one task. Honest nodes have a few; but a node may name its class as it likes. */
const classesMax = 32;

export interface Candidate {
  readonly nodeId: NodeId;
  /** Who answers for it: no two nodes of one group get one job. */
  readonly group: string;
  readonly capabilities: Capabilities;
  /** Left out as long as nothing was measured. */
  readonly speeds?: Speeds;
  /** 0 to 1, from reputation. */
  readonly standing: number;
  /** Tasks that it has now, running or waiting. */
  readonly load: number;
  /** Whether it has yet to show what it is worth: a share of the choices is among such nodes alone. */
  readonly isNew: boolean;
}

export interface Need {
  readonly app: string;
  /** The start of an execution class; empty for any. */
  readonly engine: string;
  /** The one execution class allowed; undefined for any. */
  readonly pinnedClass: string | undefined;
  /** What a node must have been measured at, WebAssembly instructions a second; undefined for anything. */
  readonly minSpeed?: number | undefined;
  /** Results are compared byte by byte: a class that could not be measured will not do. */
  readonly exact: boolean;
  /** Nodes that must not have it. */
  readonly exclude: ReadonlySet<NodeId>;
  /** Nor may any other node of those who answer for these. */
  readonly excludeGroups: ReadonlySet<string>;
  /**
   * So many nodes are wanted, 1 if not given. Where all must be of one class and none is pinned yet,
   * it is one that has so many, if there is any.
   */
  readonly replicas?: number;
  /** Where there are classes that it likes, no other will do. */
  readonly prefers?: (app: string, executionClass: string) => boolean;
  /** This share of the choices is among new nodes alone, 0 to 1. */
  readonly explorationShare: number;
}

/** A few nodes of which one gets the task. */
export interface Slate {
  /** At least one, at most `slateMax`; the first wins a tie. */
  readonly nodes: readonly { readonly nodeId: NodeId; readonly executionClass: string }[];
  /** Whether only new nodes were looked for. */
  readonly explores: boolean;
  /** Nodes that were looked at, also those that must not have it. */
  readonly candidates: number;
}

interface Seat {
  candidate: Candidate;
  /** Leaves each row where it stands. Empty while it has no room. */
  places: (() => void)[];
}

/** The nodes that compute one app in one class and have room. */
interface Shelf {
  readonly executionClass: string;
  readonly rows: readonly Row<Seat>[];
  /** Nodes in the ranked rows by who answers for them. */
  readonly groups: Map<string, number>;
}

export interface NodeIndex {
  /** Adds or changes a node. One that has no room is left out until it has. */
  put(candidate: Candidate): void;
  remove(nodeId: NodeId): void;
  /** Nodes with room that meet the need; undefined when there is none (or none was found). */
  look(need: Need, random: () => number): Slate | undefined;
  /** As `look`, but among these nodes alone; looks at all of them. */
  lookAmong(
    nodeIds: Iterable<NodeId>,
    need: Need,
    random: () => number,
  ): Slate | "no-room" | undefined;
  /** Whether any node at all has room for the app in such an engine. */
  hasRoom(need: Pick<Need, "app" | "engine" | "minSpeed">): boolean;
  readonly size: number;
}

export const roomOf = ({ capabilities, load }: Candidate): number =>
  capabilities.slots + capabilities.backlog - load;

export const createNodeIndex = (): NodeIndex => {
  const seats = new Map<NodeId, Seat>();
  /**
   * By app and execution class; those of classes that no node has any more are taken away. Nodes of
   * measured speed stand a second time under `<app> <power of two>`, for jobs that ask for one.
   */
  const shelves = new Map<string, Map<string, Shelf>>();

  const shelfOf = (app: string, executionClass: string): Shelf => {
    const ofApp = shelves.get(app) ?? new Map<string, Shelf>();
    shelves.set(app, ofApp);
    const known = ofApp.get(executionClass);
    if (known) return known;
    const rows = Array.from({ length: rankedRows + 1 }, () => createRow<Seat>());
    const made: Shelf = { executionClass, rows, groups: new Map() };
    ofApp.set(executionClass, made);
    return made;
  };

  const leave = (seat: Seat): void => {
    for (const leaveRow of seat.places) leaveRow();
    seat.places = [];
  };

  const enter = (seat: Seat): void => {
    const { candidate } = seat;
    const { group, isNew } = candidate;
    if (roomOf(candidate) <= 0) return;
    const rowNumber = rowOf(candidate);
    const isExplored = isNew && hasFreeSlot(candidate);
    const entered = new Set<Shelf>();
    for (const [name, executionClass] of namesOf(candidate)) {
      const shelf = shelfOf(name, executionClass);
      if (entered.has(shelf)) continue;
      entered.add(shelf);
      const leaveRow = placeIn(shelf.rows[rowNumber], group, seat);
      shelf.groups.set(group, (shelf.groups.get(group) ?? 0) + 1);
      seat.places.push(() => {
        leaveRow();
        const left = (shelf.groups.get(group) ?? 0) - 1;
        if (left > 0) shelf.groups.set(group, left);
        else shelf.groups.delete(group);
      });
      if (isExplored) seat.places.push(placeIn(shelf.rows[newRow], group, seat));
    }
  };

  /** Of classes that a node had; one whose nodes are all busy comes again with the first that is not. */
  const clear = (candidate: Candidate): void => {
    for (const [name, executionClass] of namesOf(candidate)) {
      const ofApp = shelves.get(name);
      if (ofApp?.get(executionClass)?.groups.size === 0) ofApp.delete(executionClass);
      if (ofApp?.size === 0) shelves.delete(name);
    }
  };

  /** With room, some of which may be excluded. */
  const shelvesFor = ({
    app,
    engine,
    pinnedClass,
    minSpeed,
    exact,
  }: Pick<Need, "app" | "engine" | "pinnedClass" | "exact" | "minSpeed">): readonly Shelf[] => {
    if (minSpeed !== undefined) {
      const fast: Shelf[] = [];
      for (let power = powerOf(minSpeed); power <= powerMax; power++) {
        const name = fastName(app, power);
        if (!shelves.has(name)) continue;
        for (const one of shelvesFor({ app: name, engine, pinnedClass, exact })) fast.push(one);
      }
      return fast;
    }
    const ofApp = shelves.get(app);
    if (!ofApp) return [];
    if (pinnedClass !== undefined) {
      const pinned = ofApp.get(pinnedClass);
      return pinned ? [pinned] : [];
    }
    const fitting: Shelf[] = [];
    for (const shelf of ofApp.values()) {
      const { executionClass, groups } = shelf;
      if (groups.size === 0 || !executionClass.startsWith(engine)) continue;
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
        const fresh: Seat = { candidate, places: [] };
        seats.set(candidate.nodeId, fresh);
        enter(fresh);
        return;
      }
      const { candidate: before } = seat;
      const stays = seat.places.length > 0 && standsAlike(before, candidate);
      if (!stays) leave(seat);
      seat.candidate = candidate;
      if (!stays) enter(seat);
      if (before.capabilities !== candidate.capabilities || before.speeds !== candidate.speeds)
        clear(before);
    },

    remove: (nodeId) => {
      const seat = seats.get(nodeId);
      if (!seat) return;
      leave(seat);
      seats.delete(nodeId);
      clear(seat.candidate);
    },

    look: (need, random) => {
      const explores = random() < need.explorationShare;
      const fit = preferred(shelvesFor(need), need);
      const shared = need.exact && need.pinnedClass === undefined;
      const wide = shared ? widest(fit, need.replicas ?? 1) : fit;
      const looked = wide.length > classesMax ? drawn(wide, random) : wide;
      const nodes: Slate["nodes"][number][] = [];
      let candidates = 0;

      const lookIn = (row: number): void => {
        let all = 0;
        for (const shelf of looked) all += groupCount(shelf.rows[row]);
        if (all === 0) return;
        const start = Math.floor(random() * all);
        // Where a row has fewer groups than that, each may show several of its nodes.
        const most = Math.min(probesMax, all * slateMax);
        for (let i = 0; i < most && nodes.length < slateMax; i++) {
          let place = (start + i) % all;
          let from: Shelf | undefined;
          for (const shelf of looked) {
            from = shelf;
            const count = groupCount(shelf.rows[row]);
            if (place < count) break;
            place -= count;
          }
          const group = from?.rows[row]?.groups[place];
          if (!from || !group) continue;
          candidates++;
          if (need.excludeGroups.has(group.name)) continue;
          const first = Math.floor(random() * group.members.length);
          for (let j = 0; j < group.members.length && j < probesMax; j++) {
            const member = group.members[(first + j) % group.members.length];
            if (!member) continue;
            const { nodeId } = member.seat.candidate;
            if (j > 0) candidates++;
            if (!isFastEnough(member.seat.candidate, need, from.executionClass)) continue;
            if (need.exclude.has(nodeId) || nodes.some((other) => other.nodeId === nodeId))
              continue;
            nodes.push({ nodeId, executionClass: from.executionClass });
            break;
          }
        }
      };

      if (explores) lookIn(newRow);
      if (nodes.length > 0) return { nodes, explores, candidates };
      for (let row = rankedRows - 1; row >= 0 && nodes.length < slateMax; row--) {
        // What is free goes before what is queued, whatever its standing.
        if (row === bucketCount - 1 && nodes.length > 0) break;
        lookIn(row);
      }
      return nodes.length === 0 ? undefined : { nodes, explores: false, candidates };
    },

    lookAmong: (nodeIds, need, random) => {
      const byClass = new Map<string, Candidate[]>();
      let candidates = 0;
      for (const nodeId of nodeIds) {
        candidates++;
        const candidate = seats.get(nodeId)?.candidate;
        if (!candidate || need.exclude.has(nodeId)) continue;
        if (need.excludeGroups.has(candidate.group)) continue;
        for (const { app, executionClass } of candidate.capabilities.apps)
          if (
            app === need.app &&
            fitsClass(need, executionClass) &&
            isFastEnough(candidate, need, executionClass)
          ) {
            const row = byClass.get(executionClass) ?? [];
            byClass.set(executionClass, row);
            if (row.at(-1) !== candidate) row.push(candidate);
          }
      }
      if (byClass.size === 0) return undefined;
      const liked = preferred(
        [...byClass.keys()].map((executionClass) => ({ executionClass })),
        need,
      );
      const fit = new Map(
        liked.map(({ executionClass }) => [executionClass, byClass.get(executionClass) ?? []]),
      );
      const classes = need.exact ? fullest(fit, need.replicas ?? 1) : [...fit.keys()];
      const withRoom = classes.flatMap((executionClass) =>
        (byClass.get(executionClass) ?? [])
          .filter((candidate) => roomOf(candidate) > 0)
          .map((candidate) => ({ candidate, executionClass })),
      );
      if (withRoom.length === 0) return "no-room";
      const isNew = random() < need.explorationShare;
      const found = isNew
        ? withRoom.filter(({ candidate }) => candidate.isNew && hasFreeSlot(candidate))
        : [];
      const explores = found.length > 0;
      const fitting = explores ? found : withRoom;
      const start = Math.floor(random() * fitting.length);
      const turned = [...fitting.slice(start), ...fitting.slice(0, start)];
      if (!explores) turned.sort((a, b) => rowOf(b.candidate) - rowOf(a.candidate));
      const best = turned[0];
      const isFree = best !== undefined && hasFreeSlot(best.candidate);
      const nodes = new Map<NodeId, Slate["nodes"][number]>();
      for (const { candidate, executionClass } of turned) {
        if (nodes.size === slateMax || hasFreeSlot(candidate) !== isFree) break;
        const { nodeId } = candidate;
        if (!nodes.has(nodeId)) nodes.set(nodeId, { nodeId, executionClass });
      }
      return { nodes: [...nodes.values()], explores, candidates };
    },

    hasRoom: ({ app, engine, minSpeed }) =>
      shelvesFor({ app, engine, minSpeed, pinnedClass: undefined, exact: false }).length > 0,
  };
};

/** Of a speed: the whole number of twos in it. No speed that a job may ask for has more than `powerMax`. */
const powerOf = (speed: number): number =>
  Math.min(powerMax, Math.max(0, Math.floor(Math.log2(speed))));
const powerMax = 39;
/** No name of an app. Made once for each: to put them together for each choice costs more than to look. */
const fastName = (app: string, power: number): string => {
  let names = fastNames.get(app);
  if (!names) {
    names = Array.from({ length: powerMax + 1 }, (_, power) => `${app} ${power}`);
    if (fastNames.size >= fastNamesMax) fastNames.clear();
    fastNames.set(app, names);
  }
  return names[power] ?? "";
};
const fastNames = new Map<string, readonly string[]>();
/** Nodes may name apps as they like. */
const fastNamesMax = 64;

/** Under which names it stands, each with the execution class. */
const namesOf = ({ capabilities, speeds }: Candidate): readonly (readonly [string, string])[] => {
  const names: (readonly [string, string])[] = [];
  for (const { app, executionClass } of capabilities.apps) {
    names.push([app, executionClass]);
    const speed = speeds?.get(speedName(app, executionClass));
    if (speed !== undefined && speed >= 1)
      names.push([fastName(app, powerOf(speed)), executionClass]);
  }
  return names;
};

const hasFreeSlot = ({ capabilities, load }: Candidate): boolean => load < capabilities.slots;

/** One that is believed nothing is asked when there is nobody else, free or not. */
const rowOf = (candidate: Candidate): number =>
  bucketOf(candidate.standing) +
  (hasFreeSlot(candidate) && candidate.standing > 0 ? bucketCount : 0);

/** Whether a node that has room stands in the same rows as before. */
const standsAlike = (before: Candidate, now: Candidate): boolean =>
  roomOf(now) > 0 &&
  before.capabilities === now.capabilities &&
  before.speeds === now.speeds &&
  before.group === now.group &&
  before.isNew === now.isNew &&
  rowOf(before) === rowOf(now);

const preferred = <Of extends { readonly executionClass: string }>(
  all: readonly Of[],
  { app, pinnedClass, prefers }: Need,
): readonly Of[] => {
  if (!prefers || pinnedClass !== undefined) return all;
  const liked = all.filter(({ executionClass }) => prefers(app, executionClass));
  return liked.length > 0 ? liked : all;
};

/** The classes that have room with so many groups; if none has, those with the most. */
const widest = (shelves: readonly Shelf[], replicas: number): readonly Shelf[] => {
  // A class has several shelves where speed is asked for.
  const counts = new Map<string, number>();
  let most = 0;
  for (const { executionClass, groups } of shelves) {
    const count = (counts.get(executionClass) ?? 0) + groups.size;
    counts.set(executionClass, count);
    most = Math.max(most, count);
  }
  const enough = Math.min(most, replicas);
  return shelves.filter(({ executionClass }) => (counts.get(executionClass) ?? 0) >= enough);
};

/** At most `classesMax` of them, drawn by how many groups they have: classes that are made up weigh little. */
const drawn = (shelves: readonly Shelf[], random: () => number): readonly Shelf[] => {
  const ends: number[] = [];
  let all = 0;
  for (const { groups } of shelves) {
    all += groups.size;
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

const fitsClass = ({ engine, pinnedClass, exact }: Need, executionClass: string): boolean =>
  pinnedClass === undefined
    ? executionClass.startsWith(engine) && !(exact && executionClass.includes("unmeasured"))
    : executionClass === pinnedClass;

/** The classes with nodes of so many groups; if none has, those with the most. */
const fullest = (
  byClass: ReadonlyMap<string, readonly Candidate[]>,
  replicas: number,
): readonly string[] => {
  const groups = [...byClass].map(
    ([name, row]) => [name, new Set(row.map(({ group }) => group)).size] as const,
  );
  const most = Math.max(...groups.map(([, count]) => count));
  return groups.filter(([, count]) => count >= Math.min(most, replicas)).map(([name]) => name);
};

const bucketOf = (standing: number): number =>
  Math.max(0, Math.min(bucketCount - 1, Math.floor(standing * bucketCount)));
