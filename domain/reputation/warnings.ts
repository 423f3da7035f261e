/**
 * Warnings: what will cost a node work, said before it does. Nobody falls below a floor who was not
 * warned by an event before.
 */
import type { Instant } from "../decider.ts";
import { type Cause, scoreOf } from "./changes.ts";
import type { ReputationParameters } from "./parameters.ts";
import { badOnesToFloor } from "./score.ts";
import type { Track } from "./track.ts";

export const warningCodes = [
  "reliability-near-floor",
  "reliability-below-floor",
  "correctness-near-floor",
  "correctness-below-floor",
  "outages-used-up",
  "convicted",
] as const;
export type WarningCode = (typeof warningCodes)[number];

export interface Warning {
  readonly code: WarningCode;
  readonly since: Instant;
  /** Where the event that it began with stands in the log, and what it was. */
  readonly position: bigint;
  readonly event: Cause;
}

/** Less of a bad outcome than this is as good as forgotten. */
const forgotten = 0.05;

const sumsOf = {
  reliability: ({ kept }: Track) => ({ good: kept.answered, bad: kept.broken }),
  correctness: ({ kept }: Track) => ({ good: kept.accepted, bad: kept.rejected }),
} as const;

/** How many more bad outcomes lead below the floor: 0 if it is missed; undefined if it is far. */
const toFloor = (
  name: keyof typeof sumsOf,
  track: Track,
  parameters: ReputationParameters,
): number | undefined => {
  const sums = sumsOf[name](track);
  if (sums.bad < forgotten) return undefined;
  return badOnesToFloor(sums, parameters[`${name}Floor`], parameters.warnedAhead);
};

/** The warnings that a track is under. */
export const warningsFor = (
  track: Track,
  parameters: ReputationParameters,
): readonly WarningCode[] => {
  const codes: WarningCode[] = [];
  for (const name of ["reliability", "correctness"] as const) {
    const left = toFloor(name, track, parameters);
    if (left !== undefined) codes.push(left === 0 ? `${name}-below-floor` : `${name}-near-floor`);
  }
  const { outages } = track.kept;
  if (outages >= forgotten && outages + 1 > parameters.outagesForgiven)
    codes.push("outages-used-up");
  return codes;
};

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;

const badOutcome = {
  reliability: "tasks that fail or run out",
  correctness: "results that are rejected",
} as const;
const goodOutcome = {
  reliability: "tasks are answered in time",
  correctness: "results are accepted",
} as const;

/** A sentence or two for the node's owner: how it stands, what comes next, and how it ends. */
export const warningMessage = (
  code: WarningCode,
  track: Track,
  parameters: ReputationParameters,
): string => {
  if (code === "convicted")
    return "arbiters proved a result of the node wrong: it gets no more work";
  if (code === "outages-used-up")
    return `${Math.round(track.kept.outages * 10) / 10} outages of late: each further one counts as a task that failed; ${percent(parameters.keptPerDay)} of an outage is left the day after`;
  const name = code.startsWith("reliability") ? "reliability" : "correctness";
  const floor = percent(parameters[`${name}Floor`]);
  const { mean, upper } = scoreOf[name](track);
  if (code.endsWith("below-floor"))
    return `surely fewer than ${floor} of its ${goodOutcome[name]} (${percent(mean)}, at most ${percent(upper)}): it gets exploration work alone until that is better`;
  const left = toFloor(name, track, parameters) ?? parameters.warnedAhead;
  return `${percent(mean)} of its ${goodOutcome[name]}: ${left} more ${badOutcome[name]}, and it is surely below ${floor} and gets exploration work alone`;
};
