/**
 * How far a node can be relied on, from counts of events alone. Two scores, never mixed:
 * *reliability* (tasks that it answered) and *correctness* (answers that were accepted).
 * Reputation steers dispatch and is shown to people; it never accepts a result.
 */
import type { JobEvent } from "./job/events.ts";

export interface Track {
  readonly nodeId: string;
  /** Tasks given to the node. */
  readonly assigned: number;
  /** Results received from it in time. */
  readonly answered: number;
  /** Tasks that expired or failed for its own fault. */
  readonly broken: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Sum of the elapsed time of its results, ms. */
  readonly elapsedMs: number;
}

export const blankTrack = (nodeId: string): Track => ({
  nodeId,
  assigned: 0,
  answered: 0,
  broken: 0,
  accepted: 0,
  rejected: 0,
  elapsedMs: 0,
});

/** Whether an event of a job counts for a node's track. */
export type TrackEvent = Extract<JobEvent, { nodeId: string }>;

export const evolveTrack = (track: Track, event: TrackEvent): Track => {
  switch (event.type) {
    case "TaskAssigned":
      return { ...track, assigned: track.assigned + 1 };
    case "ResultCommitted":
      return track; // It counts when it is shown.
    case "ResultReceived": {
      const elapsedMs = track.elapsedMs + event.elapsedMs;
      return { ...track, answered: track.answered + 1, elapsedMs };
    }
    case "TaskExpired":
      return { ...track, broken: track.broken + 1 };
    case "TaskFailed": {
      // A fault of the input says nothing against the node, nor does giving a task back in time.
      const blameless = !event.retryable || event.code === "node-draining";
      return blameless ? track : { ...track, broken: track.broken + 1 };
    }
    case "ResultAccepted":
      return { ...track, accepted: track.accepted + 1 };
    case "ResultRejected":
      return { ...track, rejected: track.rejected + 1 };
  }
};

export interface Score {
  /** Best estimate, 0 to 1; 0.5 for a new node. */
  readonly mean: number;
  /** Lower end of the 95 % interval, 0 to 1; 0 for a new node. */
  readonly lower: number;
  /** Events that the score rests on. */
  readonly weight: number;
}

export const reliability = ({ answered, broken }: Track): Score => score(answered, broken);
export const correctness = ({ accepted, rejected }: Track): Score => score(accepted, rejected);

/** 97.5th percentile of the normal distribution. */
const z = 1.959964;

/**
 * Scores a count of good and bad outcomes.
 *
 * @param good - Whole number of at least 0; so is `bad`.
 * @throws {RangeError} If a count is negative or not whole. That is our bug, not the node's.
 * @see Mean: Laplace's rule of succession (1814). Lower end: Wilson, "Probable inference", JASA 22
 *   (1927); for a spotless record it is n / (n + z^2).
 */
export const score = (good: number, bad: number): Score => {
  for (const count of [good, bad])
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`expected a whole count of at least 0, got ${count}`);
  const n = good + bad;
  const mean = (good + 1) / (n + 2);
  if (n === 0) return { mean, lower: 0, weight: 0 };
  const p = good / n;
  const centre = p + (z * z) / (2 * n);
  const spread = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const lower = Math.max(0, (centre - spread) / (1 + (z * z) / n));
  return { mean, lower, weight: n };
};

/** What dispatch ranks by: the two means multiplied, 0 to 1; 0.25 for a new node. */
export const standing = (track: Track): number => reliability(track).mean * correctness(track).mean;
