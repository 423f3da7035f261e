/**
 * What a track is worth: two scores that are never mixed, the place in dispatch that follows from
 * them, and how far a new node has come. Reputation steers dispatch and is shown to people; it never
 * accepts a result.
 *
 * Everything is as of the track's last event. What is forgotten since then would widen the intervals
 * and move no mean by much; left out, a score is a function of events alone.
 */
import type { Instant, Millis } from "../decider.ts";
import { type ReputationParameters, reputationDefaults } from "./parameters.ts";
import { isBelow, type Score, score } from "./score.ts";
import type { Track } from "./track.ts";
import { deviationMs, type Turnaround } from "./turnaround.ts";

/** Tasks that it answered in time, of those that it had to. */
export const reliability = ({ kept }: Track): Score => score(kept.answered, kept.broken);

/** Answers that were accepted, of those that were judged. */
export const correctness = ({ kept }: Track): Score => score(kept.accepted, kept.rejected);

/** Whether a score is surely below its floor: then the node gets exploration work alone. */
export const isLow = (
  track: Track,
  { reliabilityFloor, correctnessFloor }: ReputationParameters = reputationDefaults,
): boolean =>
  isBelow(reliability(track), reliabilityFloor) || isBelow(correctness(track), correctnessFloor);

/**
 * What dispatch ranks by, 0 to 1: the lower ends of both scores multiplied, so that little evidence
 * ranks below much. A node of which nothing is known stands at `newcomerStanding`, one that began
 * badly below that, one that is surely below a floor at 0.
 */
export const standing = (
  track: Track,
  parameters: ReputationParameters = reputationDefaults,
): number => {
  const reliable = reliability(track);
  const correct = correctness(track);
  const { reliabilityFloor, correctnessFloor, newcomerStanding } = parameters;
  if (isBelow(reliable, reliabilityFloor) || isBelow(correct, correctnessFloor)) return 0;
  // Four times the means' product is 1 for a newcomer.
  const start = newcomerStanding * Math.min(1, 4 * reliable.mean * correct.mean);
  return Math.max(start, reliable.lower * correct.lower);
};

export interface Vetting {
  /** When the stage ended; null while it lasts. */
  readonly endedAt: Instant | null;
  readonly accepted: number;
  readonly acceptedWanted: number;
  readonly days: number;
  readonly daysWanted: number;
}

/**
 * How far a new node has come. Both counts only rise, whatever happens in between, and each accepted
 * result raises the first: a node whose results are accepted always gets to the end.
 */
export const vettingOf = (
  { accepted, acceptedDays, vettedAt }: Track,
  { vettingResults, vettingDays }: ReputationParameters = reputationDefaults,
): Vetting => ({
  endedAt: vettedAt,
  accepted: Math.min(accepted, vettingResults),
  acceptedWanted: vettingResults,
  days: Math.min(acceptedDays, vettingDays),
  daysWanted: vettingDays,
});

/** Mean over all apps, each by its weight, ms; null before the first answer that was measured. */
export const meanTurnaroundMs = ({ turnaround }: Track): Millis | null => {
  let weight = 0;
  let sum = 0;
  for (const app of Object.keys(turnaround).sort()) {
    const { weight: more, meanMs } = turnaround[app] as Turnaround;
    weight += more;
    sum += more * meanMs;
  }
  return weight > 0 ? sum / weight : null;
};

export interface AppTurnaround {
  readonly app: string;
  readonly weight: number;
  readonly meanMs: Millis;
  readonly deviationMs: Millis;
}

/** By app name. */
export const turnaroundsOf = ({ turnaround }: Track): readonly AppTurnaround[] =>
  Object.keys(turnaround)
    .sort()
    .map((app) => {
      const known = turnaround[app] as Turnaround;
      const { weight, meanMs } = known;
      return { app, weight, meanMs, deviationMs: deviationMs(known) };
    });
