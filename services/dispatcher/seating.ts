/**
 * Where each node stands among those that may be chosen: puts it into the index of ordinary nodes or
 * of arbiters by what the log says of it (`roster.ts`), what its quotas leave open, whether it is
 * heard, and what was set aside for it.
 */
import type { Millis } from "../../domain/decider.ts";
import { createNodeIndex, type NodeIndex } from "../../domain/dispatch/node-index.ts";
import { groupOf, isArbiter, type Roster, type RosterNode } from "../../domain/dispatch/roster.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import { replicaName } from "../../domain/job/hash.ts";
import type { Capabilities } from "../../domain/node/node.ts";
import { leaseFor, leaseSlackMs, leaseTurnsMax, type Maintenance } from "./maintenance.ts";
import type { Presence } from "./presence.ts";
import type { Quotas } from "./quotas.ts";

export interface Seating {
  /** Of ordinary nodes. */
  readonly index: NodeIndex;
  /** Of the nodes that compute again what others computed, and nothing else. */
  readonly arbiters: NodeIndex;
  /** Whether an arbiter that is heard computes the app in this class, with room or without. */
  isJudged(app: string, executionClass: string): boolean;
  /** Something has changed about the node: it is seated anew by `settle`. */
  seat(told: RosterNode): void;
  /** The same for a node that is known; any other is passed over. */
  seatAgain(nodeId: NodeId): void;
  /**
   * Puts each node that has changed where its standing, load and health say: once, whatever happened
   * to it since. Call it before anybody is chosen.
   */
  settle(): void;
  /** The same for one node, at once; one that is not known is passed over. */
  seatNow(nodeId: NodeId): void;
  /** Sets room aside for a task that is about to be assigned. */
  reserve(nodeId: NodeId, jobHash: JobHash, replica: number): void;
  /** Gives it back, or it is now held: seats nobody. */
  unreserve(nodeId: NodeId, jobHash: JobHash, replica: number): void;
  /** Tasks given to the node that are not in the log yet. */
  reservedOf(nodeId: NodeId): number;
  /** How long a task with such a limit may be on the node; undefined if there is no such node. */
  leaseOf(nodeId: NodeId, wallMs: Millis): Millis | undefined;
  /** Nodes that stop before a task with such a limit must be done there. */
  stopping(wallMs: Millis): readonly NodeId[];
  /** Whether an ordinary node is active, heard, takes tasks, and has none. */
  isIdle(nodeId: NodeId): boolean;
  /** How many nodes are active, heard and take tasks. */
  live(): number;
}

interface Seat {
  /** What the log says of it. */
  readonly told: RosterNode;
  listed: boolean;
  /** Room set aside for plans that are not yet facts, by `<job hash>/<replica>`. */
  readonly reserved: Set<string>;
  /** What it declares but for some apps, as long as neither changes. */
  offered:
    | { readonly of: Capabilities; readonly closed: string; readonly offers: Capabilities }
    | undefined;
  /** What is counted in `judged`: what it declares, if it is a listed arbiter. */
  judges: Capabilities | undefined;
}

export const createSeating = ({
  roster,
  presence,
  quotas,
  maintenance,
}: {
  readonly roster: Pick<Roster, "policy" | "standing" | "isNew">;
  readonly presence: Presence;
  readonly quotas: Pick<Quotas, "closedApps">;
  readonly maintenance: Maintenance;
}): Seating => {
  const seats = new Map<NodeId, Seat>();
  const index = createNodeIndex();
  const arbiters = createNodeIndex();
  /** To be seated anew. */
  const changed = new Set<RosterNode>();
  /** How many arbiters compute an app in an execution class, by `<app> <class>`. */
  const judged = new Map<string, number>();

  const seatOf = (told: RosterNode): Seat => {
    const known = seats.get(told.nodeId);
    if (known) return known;
    const blank = { offered: undefined, judges: undefined };
    const seat: Seat = { told, listed: false, reserved: new Set<string>(), ...blank };
    seats.set(told.nodeId, seat);
    return seat;
  };

  /** What it declares, without the apps of which its quota gives it no more now. */
  const offeredBy = (seat: Seat): Capabilities => {
    const { nodeId, capabilities } = seat.told;
    const closed = quotas.closedApps(nodeId, presence.now()).join(" ");
    if (closed === "") return capabilities;
    const known = seat.offered;
    if (known?.of === capabilities && known.closed === closed) return known.offers;
    const names = new Set(closed.split(" "));
    const offers = {
      ...capabilities,
      apps: capabilities.apps.filter(({ app }) => !names.has(app)),
    };
    seat.offered = { of: capabilities, closed, offers };
    return offers;
  };

  const noteJudge = (seat: Seat, judges: Capabilities | undefined) => {
    if (seat.judges === judges) return;
    const count = (capabilities: Capabilities | undefined, one: 1 | -1) => {
      for (const { app, executionClass } of capabilities?.apps ?? []) {
        const name = `${app} ${executionClass}`;
        judged.set(name, (judged.get(name) ?? 0) + one);
        if (judged.get(name) === 0) judged.delete(name);
      }
    };
    count(seat.judges, -1);
    count(judges, 1);
    seat.judges = judges;
  };

  const isListed = ({ nodeId, status }: RosterNode): boolean =>
    status === "active" &&
    presence.isReady(nodeId) &&
    !maintenance.isOrdered(nodeId, presence.now());

  const seatNode = (told: RosterNode): void => {
    const { nodeId } = told;
    const seat = seatOf(told);
    seat.listed = isListed(told);
    const judges = isArbiter(told, roster.policy);
    noteJudge(seat, judges && seat.listed ? told.capabilities : undefined);
    (judges ? index : arbiters).remove(nodeId);
    const own = judges ? arbiters : index;
    if (!seat.listed) {
      own.remove(nodeId);
      return;
    }
    own.put({
      nodeId,
      group: groupOf(told, roster.policy),
      capabilities: offeredBy(seat),
      speeds: told.speeds,
      standing: roster.standing(told),
      load: loadOf(seat),
      isNew: roster.isNew(told),
    });
  };

  const settle = (): void => {
    for (const told of changed) seatNode(told);
    changed.clear();
  };

  return {
    index,
    arbiters,
    isJudged: (app, executionClass) => judged.has(`${app} ${executionClass}`),

    seat: (told) => void changed.add(told),
    seatAgain: (nodeId) => {
      const seat = seats.get(nodeId);
      if (seat) changed.add(seat.told);
    },
    settle,
    seatNow: (nodeId) => {
      const seat = seats.get(nodeId);
      if (seat) seatNode(seat.told);
    },

    reserve: (nodeId, jobHash, replica) => {
      seats.get(nodeId)?.reserved.add(replicaName(jobHash, replica));
    },
    unreserve: (nodeId, jobHash, replica) => {
      seats.get(nodeId)?.reserved.delete(replicaName(jobHash, replica));
    },
    reservedOf: (nodeId) => seats.get(nodeId)?.reserved.size ?? 0,

    leaseOf: (nodeId, wallMs) => {
      const seat = seats.get(nodeId);
      if (!seat) return undefined;
      return leaseFor({ wallMs, load: loadOf(seat), slots: seat.told.capabilities.slots });
    },

    stopping: (wallMs) => {
      const found: NodeId[] = [];
      const now = presence.now();
      for (const nodeId of maintenance.before(now + wallMs * leaseTurnsMax + leaseSlackMs)) {
        const seat = seats.get(nodeId);
        if (!seat) continue;
        const { slots } = seat.told.capabilities;
        const untilMs = (maintenance.stopsAt(nodeId) ?? 0) - now;
        if (leaseFor({ wallMs, load: loadOf(seat) + 1, slots }) > untilMs) found.push(nodeId);
      }
      return found;
    },

    isIdle: (nodeId) => {
      const seat = seats.get(nodeId);
      if (!seat || loadOf(seat) > 0) return false;
      return isListed(seat.told) && !isArbiter(seat.told, roster.policy);
    },

    live: () => {
      settle();
      let live = 0;
      for (const { listed } of seats.values()) if (listed) live++;
      return live;
    },
  };
};

const loadOf = ({ told, reserved }: Seat): number => told.held.size + reserved.size;
