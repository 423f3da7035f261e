/**
 * Jobs that wait for a node, so that no client and no priority keeps the others waiting: self-clocked
 * fair queueing (S. J. Golestani, INFOCOM 1994). Who is served moves back by what the job costs,
 * divided by his weight; who comes when others wait stands where they stand now, so that a single job
 * waits for one turn of each of the others, however many jobs they have here.
 *
 * Jobs with the same kind of need stand in one lane, so that a kind for which no node has room costs
 * one look however many wait; a job that no node with room fits lets the others of its kind pass. In
 * a lane clients and priorities take turns; which lane is next is decided among those who are first
 * in them, by what each was given in all lanes: a client that makes up kinds gets no more for it.
 */
import type { AccountId, JobHash } from "../../domain/ids.ts";
import { createHeap, type Heap } from "./heap.ts";
import { createJobQueue, type JobQueue } from "./job-queue.ts";

export interface Place {
  readonly client: AccountId;
  /** 1 to 5. */
  readonly priority: number;
  /** What a node must be able to do. */
  readonly kind: string;
  /** What the job takes from the network, above 0: how far its client moves back when it is served. */
  readonly cost: number;
}

/** It was given to a node; it needs none any more; no node has room for its kind; none with room fits it. */
export type Offered = "served" | "gone" | "no-room" | "unfit";

export interface WaitingLine {
  join(jobHash: JobHash, place: Place): void;
  leave(jobHash: JobHash): void;
  /** Offers jobs in turn, until all that can be served now are. */
  serve(offer: (jobHash: JobHash) => Offered): void;
  size(): number;
}

/** Hears who waits, and says how much of what is given out is due to him beside the others. */
export interface Weights {
  /** Above 0; 1 for an equal share. */
  weightOf(client: AccountId): number;
  /** The client has a job in the line, and had none before; or has none any more. */
  waits(client: AccountId, isWaiting: boolean): void;
}

/** A client's jobs of one priority weigh twice those of the next lower one. */
export const priorityWeight = (priority: number): number => 2 ** (priority - 1);

/** So many jobs that nobody fits are looked at in one kind; they then stand behind the others. */
const unfitMax = 64;

/** Seats that were left are cleared away when there are this many more than those that are taken. */
const leftMax = 64;

const alike: Weights = { weightOf: () => 1, waits: () => undefined };

export const createWaitingLine = ({ weightOf, waits }: Weights = alike): WaitingLine => {
  const lanes = new Map<string, Lane>();
  const claims = new Map<string, Claim>();
  const seatOf = new Map<JobHash, Seat>();
  /** By client: how many claims he has. */
  const clients = new Map<AccountId, number>();
  /** Where those stand who were served last, over all lanes. */
  let now = 0;
  let joined = 0;

  const weigh = ({ client, priority }: Claim): number =>
    weightOf(client) * priorityWeight(priority);

  const claimOf = (client: AccountId, priority: number, cost: number): Claim => {
    const name = `${priority} ${client}`;
    const known = claims.get(name);
    if (known) return known;
    const claim: Claim = { name, client, priority, seats: 0, since: joined++, standsAt: 0 };
    claims.set(name, claim);
    const before = clients.get(client) ?? 0;
    clients.set(client, before + 1);
    if (before === 0) waits(client, true);
    claim.standsAt = now + cost / weigh(claim);
    return claim;
  };

  const laneOf = (kind: string): Lane => {
    const known = lanes.get(kind);
    if (known) return known;
    const lane: Lane = { kind, now: 0, seats: new Map(), turns: createHeap(sitsBefore), left: 0 };
    lanes.set(kind, lane);
    return lane;
  };

  const sit = ({ client, priority, kind, cost }: Place): Seat => {
    const lane = laneOf(kind);
    const claim = claimOf(client, priority, cost);
    const known = lane.seats.get(claim);
    if (known) return known;
    const jobs = createJobQueue((jobHash) => seatOf.get(jobHash) === seat);
    const standsAt = lane.now + cost / weigh(claim);
    const seat: Seat = { claim, lane, cost, standsAt, since: joined++, jobs };
    lane.seats.set(claim, seat);
    lane.turns.add(seat);
    claim.seats++;
    return seat;
  };

  /** Nobody waits there any more. It is taken out of the lane's turns when it is its turn. */
  const rise = ({ claim, lane }: Seat): void => {
    lane.seats.delete(claim);
    if (lane.seats.size === 0) lanes.delete(lane.kind);
    else if (++lane.left > lane.seats.size + leftMax) {
      lane.turns.keep((seat) => lane.seats.get(seat.claim) === seat);
      lane.left = 0;
    }
    if (--claim.seats > 0) return;
    claims.delete(claim.name);
    const others = (clients.get(claim.client) ?? 0) - 1;
    if (others > 0) clients.set(claim.client, others);
    else {
      clients.delete(claim.client);
      waits(claim.client, false);
    }
  };

  const remove = (jobHash: JobHash, seat: Seat): void => {
    seatOf.delete(jobHash);
    seat.jobs.remove();
    if (seat.jobs.size === 0) rise(seat);
  };

  /** Whose turn it is in the lane: the first who has a job that was not looked at in this round. */
  const firstOf = ({ lane, out }: Round): Seat | undefined => {
    for (let seat = lane.turns.first(); seat; seat = lane.turns.first()) {
      if (seat.jobs.next() !== undefined) return seat;
      lane.turns.take();
      if (seat.jobs.size > 0) out.push(seat);
    }
    return undefined;
  };

  const charge = (seat: Seat): void => {
    const { claim, lane } = seat;
    const step = seat.cost / weigh(claim);
    // Who stood back while no node had room for his kind has nothing owing to him among the others.
    now = Math.max(now, claim.standsAt);
    claim.standsAt = now + step;
    lane.now = Math.max(lane.now, seat.standsAt);
    seat.standsAt = lane.now + step;
    lane.turns.sink();
  };

  return {
    join: (jobHash, place) => {
      if (seatOf.has(jobHash)) return;
      const seat = sit(place);
      seat.cost = place.cost;
      seatOf.set(jobHash, seat);
      seat.jobs.add(jobHash);
    },

    leave: (jobHash) => {
      const seat = seatOf.get(jobHash);
      if (seat) remove(jobHash, seat);
    },

    serve: (offer) => {
      const turns = createHeap<Turn>((a, b) => isNext(a.claim, b.claim));
      const turnOf = new Map<Claim, Turn>();
      const rounds: Round[] = [];
      /** Puts the lane behind the others in which the same one is first. */
      const enter = (round: Round): void => {
        const first = firstOf(round);
        if (!first) return;
        round.first = first;
        const turn = turnOf.get(first.claim) ?? { claim: first.claim, rounds: [], next: 0 };
        if (turn.next === turn.rounds.length) turns.add(turn);
        turn.rounds.push(round);
        turnOf.set(first.claim, turn);
      };
      for (const lane of lanes.values()) {
        const first = lane.turns.first();
        if (!first) continue;
        const round = { lane, first, out: [], passed: new Set<Seat>(), unfit: 0 };
        rounds.push(round);
        enter(round);
      }
      for (let turn = turns.first(); turn; turn = turns.first()) {
        const round = turn.rounds[turn.next++];
        const { first } = round ?? {};
        const jobHash = first?.jobs.next();
        const answer = jobHash === undefined ? "gone" : offer(jobHash);
        if (answer === "served" && first) charge(first);
        if (turn.next === turn.rounds.length) turns.take();
        else turns.sink();
        if (!round || !first || jobHash === undefined || answer === "no-room") continue;
        if (answer === "unfit") {
          first.jobs.pass();
          round.passed.add(first);
          if (++round.unfit === unfitMax) continue;
        } else if (seatOf.get(jobHash) === first) remove(jobHash, first);
        enter(round);
      }
      for (const { lane, out, passed, unfit } of rounds) {
        for (const seat of passed) seat.jobs.rewind(unfit === unfitMax);
        for (const seat of out) if (lane.seats.get(seat.claim) === seat) lane.turns.add(seat);
      }
    },

    size: () => seatOf.size,
  };
};

/** One client's jobs of one priority, of whatever kind. */
interface Claim {
  readonly name: string;
  readonly client: AccountId;
  readonly priority: number;
  /** In how many lanes he waits. */
  seats: number;
  /** Counts: who came first is first among equals. */
  readonly since: number;
  /** Among all claims: the least is next. */
  standsAt: number;
}

/** Where the jobs of a claim wait that are of one kind. */
interface Seat {
  readonly claim: Claim;
  readonly lane: Lane;
  readonly jobs: JobQueue;
  /** As that of a claim. */
  readonly since: number;
  /** Of a job, as it was told last. */
  cost: number;
  /** Among those in the lane. */
  standsAt: number;
}

/** Those who wait for the same kind of node. */
interface Lane {
  readonly kind: string;
  readonly seats: Map<Claim, Seat>;
  /** The seats, and some that were left. */
  readonly turns: Heap<Seat>;
  left: number;
  /** Where those stand who were served last here. */
  now: number;
}

/** One lane while jobs are offered. */
interface Round {
  readonly lane: Lane;
  /** Whose turn it is. */
  first: Seat;
  /** Those of whose jobs all were looked at. */
  readonly out: Seat[];
  readonly passed: Set<Seat>;
  unfit: number;
}

/** The lanes in which a claim is first, while jobs are offered. */
interface Turn {
  readonly claim: Claim;
  readonly rounds: Round[];
  next: number;
}

const isNext = (a: Claim, b: Claim): boolean => {
  if (a.standsAt !== b.standsAt) return a.standsAt < b.standsAt;
  return a.priority === b.priority ? a.since < b.since : a.priority > b.priority;
};

const sitsBefore = (a: Seat, b: Seat): boolean => {
  if (a.standsAt !== b.standsAt) return a.standsAt < b.standsAt;
  const [{ priority }, { priority: other }] = [a.claim, b.claim];
  return priority === other ? a.since < b.since : priority > other;
};
