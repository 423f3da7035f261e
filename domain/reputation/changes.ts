/**
 * Why a score is what it is: each change worth a line, with the event behind it. A line is made for
 * whatever speaks against a node, and for each rise (or forgetting) of a hundredth.
 */
import type { Instant } from "../decider.ts";
import type { JobHash, NodeId } from "../ids.ts";
import type { ReputationParameters } from "./parameters.ts";
import { correctness, reliability } from "./standing.ts";
import type { Track, TrackEvent } from "./track.ts";

export type ScoreName = "reliability" | "correctness";

/** The event of a job that a change or a warning came from. */
export interface Cause {
  readonly type: string;
  readonly jobHash: JobHash;
  readonly replica: number;
}

export interface ScoreChange {
  readonly nodeId: NodeId;
  /** Counts the lines of the node, from 0. */
  readonly serial: number;
  readonly score: ScoreName;
  /** Lower ends of the 95 % interval. `old` is that before the event, or of the line before for a rise. */
  readonly old: number;
  readonly new: number;
  readonly reason: string;
  readonly at: Instant;
  /** Of the event in the log. */
  readonly position: bigint;
  readonly event: Cause;
}

/** What the last line of a score said, and the good outcomes since. */
export interface Mark {
  readonly value: number;
  readonly events: number;
}

/** Smaller rises than this wait for more of them. */
const leastStep = 0.01;
const reasonMax = 160;

export const scoreOf = { reliability, correctness } as const;

export const causeOf = ({ type, jobHash, replica }: Cause): Cause => ({ type, jobHash, replica });

type Line = Pick<ScoreChange, "old" | "new" | "reason">;

/** What an event did to one score: its new mark, and a line if it is worth one. */
export const markAfter = (
  name: ScoreName,
  mark: Mark,
  {
    before,
    after,
    event,
    parameters,
  }: {
    readonly before: Track;
    readonly after: Track;
    readonly event: TrackEvent;
    readonly parameters: ReputationParameters;
  },
): { readonly mark: Mark; readonly line?: Line } => {
  const value = scoreOf[name](after).lower;
  const against = whatSpeaksAgainst(name, { before, after, event, parameters });
  if (against !== undefined) {
    const old = scoreOf[name](before).lower;
    const reason = against.length > reasonMax ? `${against.slice(0, reasonMax - 1)}…` : against;
    return { mark: { value, events: 0 }, line: { old, new: value, reason } };
  }
  const isGood =
    name === "reliability" ? after.answered > before.answered : after.accepted > before.accepted;
  const events = mark.events + (isGood ? 1 : 0);
  if (Math.abs(value - mark.value) < leastStep) return { mark: { value: mark.value, events } };
  const reason =
    value < mark.value
      ? `what is long ago counts less (${parameters.keptPerDay * 100} % of it the day after)`
      : `${events} ${events === 1 ? "result" : "results"} ${name === "reliability" ? "in time" : "accepted"} since the line before`;
  return { mark: { value, events: 0 }, line: { old: mark.value, new: value, reason } };
};

const whatSpeaksAgainst = (
  name: ScoreName,
  {
    before,
    after,
    event,
    parameters,
  }: {
    readonly before: Track;
    readonly after: Track;
    readonly event: TrackEvent;
    readonly parameters: ReputationParameters;
  },
): string | undefined => {
  if (name === "correctness")
    return event.type === "ResultRejected" ? `result rejected: ${event.reason}` : undefined;
  if (after.silentAt !== before.silentAt) {
    const forgiven = after.kept.outages <= parameters.outagesForgiven;
    const outages = Math.round(after.kept.outages * 100) / 100;
    return `an outage began, ${forgiven ? "forgiven" : "not forgiven"}: ${outages} of late, ${parameters.outagesForgiven} cost nothing`;
  }
  if (after.broken === before.broken) return undefined;
  return event.type === "TaskFailed"
    ? `task failed: ${event.code}`
    : "no answer before its lease ended";
};
