/**
 * Awards that are held: what is pending for nodes until their hold windows end.
 *
 *     pending --settle--> settled    (its window is over)
 *        '------void----> voided     (its node was convicted)
 *
 * One queue for each length of window that a policy ever gave: in it the windows end in the order in
 * which they began, so that to find what is due takes one look at each queue's head.
 */
import type { Instant, Millis } from "../decider.ts";
import type { Digest, JobHash, NodeId } from "../ids.ts";

export interface HeldAward {
  readonly awardId: Digest;
  readonly jobHash: JobHash;
  readonly replica: number;
  readonly nodeId: NodeId;
  /** Micro-points. */
  readonly amount: bigint;
  readonly audited: boolean;
  /** Whether its job is opened again if it is voided, and with it all others. */
  readonly reopens: boolean;
  /** Whether that is so of this one alone, since nobody else vouches for the job. */
  readonly sole: boolean;
  state: "pending" | "settled" | "voided";
  /** When its window ends. */
  readonly end: WindowEnd;
}

/** At a count of jobs with held awards, or at an instant, whichever is first. */
interface WindowEnd {
  readonly atJob: number;
  readonly until: Instant;
}

interface Queue {
  awards: HeldAward[];
  /** Those before it are behind us. */
  head: number;
}

export interface Holds {
  /** Pending ones. */
  readonly awards: Map<Digest, HeldAward>;
  readonly byNode: Map<NodeId, Set<HeldAward>>;
  readonly queues: Map<string, Queue>;
  /** Jobs paid so far that had a held award. */
  jobs: number;
}

export const noHolds = (): Holds => ({
  awards: new Map(),
  byNode: new Map(),
  queues: new Map(),
  jobs: 0,
});

/** Begins a window of this length for an award that was made now. */
export const hold = (
  holds: Holds,
  made: Omit<HeldAward, "state" | "end">,
  window: { readonly jobs: number; readonly ms: Millis },
  now: Instant,
): HeldAward => {
  const end = { atJob: holds.jobs + window.jobs, until: now + window.ms };
  const award: HeldAward = { ...made, state: "pending", end };
  holds.awards.set(award.awardId, award);
  const own = holds.byNode.get(award.nodeId);
  if (own) own.add(award);
  else holds.byNode.set(award.nodeId, new Set([award]));
  const key = `${window.jobs}/${window.ms}`;
  const queue = holds.queues.get(key);
  if (queue) queue.awards.push(award);
  else holds.queues.set(key, { awards: [award], head: 0 });
  return award;
};

/** It is settled or voided. */
export const release = (holds: Holds, award: HeldAward, state: "settled" | "voided"): void => {
  award.state = state;
  holds.awards.delete(award.awardId);
  const own = holds.byNode.get(award.nodeId);
  own?.delete(award);
  if (own?.size === 0) holds.byNode.delete(award.nodeId);
};

/** Leaves behind what stands at the heads of the queues and is over. */
export const advance = (holds: Holds): void => {
  for (const [key, queue] of holds.queues) {
    while ((queue.awards[queue.head]?.state ?? "pending") !== "pending") queue.head++;
    if (queue.head === queue.awards.length) holds.queues.delete(key);
    else if (queue.head >= tidyAt && queue.head * 2 >= queue.awards.length) {
      queue.awards = queue.awards.slice(queue.head);
      queue.head = 0;
    }
  }
};
const tidyAt = 1_024;

/** Whether a window is over. */
export const isDue = ({ jobs }: Holds, { end }: HeldAward, now: Instant): boolean =>
  jobs >= end.atJob || now >= end.until;

/** Awards whose window is over, at most so many, the oldest of each queue first. */
export const dueAwards = (holds: Holds, now: Instant, most: number): readonly Digest[] => {
  const due: Digest[] = [];
  for (const { awards, head } of holds.queues.values())
    for (let at = head; at < awards.length && due.length < most; at++) {
      const award = awards[at] as HeldAward;
      if (award.state !== "pending") continue;
      if (!isDue(holds, award, now)) break;
      due.push(award.awardId);
    }
  return due;
};

/** When the next window ends by time alone; undefined if none is open. */
export const nextDueAt = (holds: Holds): Instant | undefined => {
  let next: Instant | undefined;
  for (const { awards, head } of holds.queues.values()) {
    const until = awards[head]?.end.until;
    if (until !== undefined && (next === undefined || until < next)) next = until;
  }
  return next;
};

/** The awards pending for a node. */
export const heldOf = (holds: Holds, nodeId: NodeId): Iterable<HeldAward> =>
  holds.byNode.get(nodeId) ?? [];
