/**
 * Awards that are held: what is pending for nodes until their hold windows end.
 *
 *     pending --settle--> settled           (the window is over and the job is closed)
 *        |------void----> voided            (its node was convicted, or its result fell)
 *        '---job reopens---> in dispute --job ends again--> pending, with a new window
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
  /** Whether its job is opened again if it is voided. */
  readonly reopens: boolean;
  /** The length of its window. */
  readonly window: HoldWindow;
  state: "pending" | "settled" | "voided";
  /** Its place in a queue; none while its job is open again, nor when it is over. */
  slot: Slot | undefined;
}

/** It ends after so many jobs with held awards, or after this time. */
export interface HoldWindow {
  readonly jobs: number;
  readonly ms: Millis;
}

/** A place in a queue, and when the window ends. */
interface Slot {
  readonly award: HeldAward;
  /** The count of jobs with held awards at which the window ends. */
  readonly atJob: number;
  readonly until: Instant;
}

interface Queue {
  slots: Slot[];
  /** Slots before it are behind us. */
  head: number;
}

export interface Holds {
  /** Pending ones, also in dispute. */
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

/** Begins the window of a pending award, now or anew. */
export const enqueue = (holds: Holds, award: HeldAward, now: Instant): void => {
  const { jobs, ms } = award.window;
  const slot = { award, atJob: holds.jobs + jobs, until: now + ms };
  award.slot = slot;
  const key = `${jobs}/${ms}`;
  const queue = holds.queues.get(key);
  if (queue) queue.slots.push(slot);
  else holds.queues.set(key, { slots: [slot], head: 0 });
};

export const hold = (holds: Holds, award: HeldAward, now: Instant): void => {
  holds.awards.set(award.awardId, award);
  const own = holds.byNode.get(award.nodeId);
  if (own) own.add(award);
  else holds.byNode.set(award.nodeId, new Set([award]));
  enqueue(holds, award, now);
};

/** It is settled or voided. */
export const release = (holds: Holds, award: HeldAward, state: "settled" | "voided"): void => {
  award.state = state;
  award.slot = undefined;
  holds.awards.delete(award.awardId);
  const own = holds.byNode.get(award.nodeId);
  own?.delete(award);
  if (own?.size === 0) holds.byNode.delete(award.nodeId);
};

/** Leaves behind what stands at the heads of the queues and is over, or is in another place. */
export const advance = (holds: Holds): void => {
  for (const [key, queue] of holds.queues) {
    while (isLeft(queue.slots[queue.head])) queue.head++;
    if (queue.head === queue.slots.length) holds.queues.delete(key);
    else if (queue.head >= tidyAt && queue.head * 2 >= queue.slots.length) {
      queue.slots = queue.slots.slice(queue.head);
      queue.head = 0;
    }
  }
};
const tidyAt = 1_024;

const isLeft = (slot: Slot | undefined): boolean => slot !== undefined && slot.award.slot !== slot;

/** Whether a window is over; false for an award in dispute. */
export const isDue = (holds: Holds, { slot }: HeldAward, now: Instant): boolean =>
  slot !== undefined && (holds.jobs >= slot.atJob || now >= slot.until);

/** Awards whose window is over, at most so many, the oldest of each queue first. */
export const dueAwards = (holds: Holds, now: Instant, most: number): readonly Digest[] => {
  const due: Digest[] = [];
  for (const { slots, head } of holds.queues.values())
    for (let at = head; at < slots.length && due.length < most; at++) {
      const slot = slots[at] as Slot;
      if (isLeft(slot)) continue;
      if (!isDue(holds, slot.award, now)) break;
      due.push(slot.award.awardId);
    }
  return due;
};

/** When the next window ends by time alone; undefined if none is open. */
export const nextDueAt = (holds: Holds): Instant | undefined => {
  let next: Instant | undefined;
  for (const { slots, head } of holds.queues.values()) {
    const until = slots[head]?.until;
    if (until !== undefined && (next === undefined || until < next)) next = until;
  }
  return next;
};

/** The awards pending for a node. */
export const heldOf = (holds: Holds, nodeId: NodeId): Iterable<HeldAward> =>
  holds.byNode.get(nodeId) ?? [];
