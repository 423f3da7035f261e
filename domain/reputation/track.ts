/**
 * What a node has done, folded from the events that name it, in the order of the log. The same
 * events give the same track to the last bit, wherever and whenever they are folded.
 *
 * Three things are kept apart: wrong answers (`accepted`, `rejected`), tasks that it had to answer
 * and did not (`answered`, `broken`), and silence (`outages`), of which some is forgiven.
 */
import type { Instant } from "../decider.ts";
import type { NodeId } from "../ids.ts";
import type { JobEvent } from "../job/events.ts";
import { keptAfter, tickOf } from "./decay.ts";
import { type ReputationParameters, reputationDefaults } from "./parameters.ts";
import { addTurnaround, fadeTurnaround, noTurnaround, type Turnaround } from "./turnaround.ts";

export interface Track {
  readonly nodeId: NodeId;
  /** Tasks given to the node. This and the next six are whole counts of all times. */
  readonly assigned: number;
  /** Results received from it in time. */
  readonly answered: number;
  /** Tasks that expired or failed for its own fault, outside an outage. */
  readonly broken: number;
  /** Tasks that came to nothing because it was silent or had started anew. */
  readonly silent: number;
  /** Tasks that it gave back when it was about to stop. */
  readonly drained: number;
  readonly accepted: number;
  readonly rejected: number;
  /** The latest instant of an event that counts; 0 before the first. */
  readonly at: Instant;
  readonly kept: Kept;
  /** When the last outage began; null if there was none. */
  readonly silentAt: Instant | null;
  /** Days (UTC) on which a result was accepted. */
  readonly acceptedDays: number;
  /** The last of them, in days since the Unix epoch; -1 for none. */
  readonly acceptedDay: number;
  /** When it had done what the vetting stage asks for; null before. */
  readonly vettedAt: Instant | null;
  /** By app; as many as the catalogue has at most. */
  readonly turnaround: Readonly<Record<string, Turnaround>>;
}

/** Outcomes as they count at `Track.at`: old ones in part. */
export interface Kept {
  readonly answered: number;
  /** With the outages beyond those that are forgiven. */
  readonly broken: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Also those that are forgiven. */
  readonly outages: number;
}

export const blankTrack = (nodeId: NodeId): Track => ({
  nodeId,
  assigned: 0,
  answered: 0,
  broken: 0,
  silent: 0,
  drained: 0,
  accepted: 0,
  rejected: 0,
  at: 0,
  kept: { answered: 0, broken: 0, accepted: 0, rejected: 0, outages: 0 },
  silentAt: null,
  acceptedDays: 0,
  acceptedDay: -1,
  vettedAt: null,
  turnaround: {},
});

/** What counts for a node's track. */
export type TrackEvent = Extract<JobEvent, { nodeId: string }>;

/**
 * @param parameters - Those in force where the event stands in the log. What is forgotten since the
 *   event before is forgotten at their rate.
 */
export const evolveTrack = (
  track: Track,
  event: TrackEvent,
  parameters: ReputationParameters = reputationDefaults,
): Track => {
  switch (event.type) {
    case "TaskAssigned":
      return { ...track, assigned: track.assigned + 1 };
    case "ResultCommitted":
      return learnPace(track, event, parameters); // The result counts when it is shown.
    case "ResultReceived": {
      const older = aged(track, event.at, parameters);
      const kept = { ...older.kept, answered: older.kept.answered + 1 };
      const turnaround = turnaroundAfter(older.turnaround, event);
      return { ...older, answered: track.answered + 1, kept, turnaround };
    }
    case "TaskExpired":
      if (event.excused) return { ...track, silent: track.silent + 1 };
      return isInOutage(track, event.at, parameters)
        ? goSilent(track, event.at, parameters)
        : breakTask(track, event.at, parameters);
    case "TaskStopped":
      // It was not let to answer: all that is known is that it had not until then.
      return learnPace(track, event, parameters);
    case "TaskFailed":
      return fail(track, event, parameters);
    case "ResultAccepted":
      return acceptResult(track, event.at, parameters);
    case "ResultRejected": {
      const older = aged(track, event.at, parameters);
      const kept = { ...older.kept, rejected: older.kept.rejected + 1 };
      return { ...older, rejected: track.rejected + 1, kept };
    }
  }
};

type Failure = Extract<TrackEvent, { type: "TaskFailed" }>;

/** Failures that say: the node, or the line to it, was away. */
export const silenceCodes: ReadonlySet<string> = new Set(["node-lost", "reveal-lost"]);

const fail = (track: Track, { code, retryable, at }: Failure, parameters: ReputationParameters) => {
  if (!retryable) return track; // A fault of the input says nothing against the node.
  if (code === "node-draining") return { ...track, drained: track.drained + 1 };
  return silenceCodes.has(code)
    ? goSilent(track, at, parameters)
    : breakTask(track, at, parameters);
};

const breakTask = (track: Track, at: Instant, parameters: ReputationParameters): Track => {
  const older = aged(track, at, parameters);
  const kept = { ...older.kept, broken: older.kept.broken + 1 };
  return { ...older, broken: track.broken + 1, kept };
};

const isInOutage = (
  { silentAt }: Track,
  at: Instant,
  { outageMs }: ReputationParameters,
): boolean => silentAt !== null && at - silentAt <= outageMs;

/** All that is lost in one outage counts once, and not at all if there were few of late. */
const goSilent = (track: Track, at: Instant, parameters: ReputationParameters): Track => {
  const silent = track.silent + 1;
  if (isInOutage(track, at, parameters)) return { ...track, silent };
  const older = aged(track, at, parameters);
  const outages = older.kept.outages + 1;
  const broken = older.kept.broken + (outages > parameters.outagesForgiven ? 1 : 0);
  return { ...older, silent, silentAt: at, kept: { ...older.kept, outages, broken } };
};

const dayMs = 86_400_000;

const acceptResult = (track: Track, at: Instant, parameters: ReputationParameters): Track => {
  const older = aged(track, at, parameters);
  const accepted = track.accepted + 1;
  const day = Math.floor(older.at / dayMs);
  const acceptedDays = track.acceptedDays + (day > track.acceptedDay ? 1 : 0);
  const { vettingResults, vettingDays } = parameters;
  const isVetted = accepted >= vettingResults && acceptedDays >= vettingDays;
  return {
    ...older,
    accepted,
    acceptedDays,
    acceptedDay: Math.max(day, track.acceptedDay),
    vettedAt: track.vettedAt ?? (isVetted ? older.at : null),
    kept: { ...older.kept, accepted: older.kept.accepted + 1 },
  };
};

const learnPace = (
  track: Track,
  event: Extract<TrackEvent, { type: "ResultCommitted" | "TaskStopped" }>,
  parameters: ReputationParameters,
): Track => {
  const older = aged(track, event.at, parameters);
  const turnaround = turnaroundAfter(older.turnaround, event);
  return turnaround === older.turnaround ? older : { ...older, turnaround };
};

const turnaroundAfter = (
  turnaround: Track["turnaround"],
  {
    app,
    turnaroundMs,
  }: Extract<TrackEvent, { type: "ResultCommitted" | "ResultReceived" | "TaskStopped" }>,
): Track["turnaround"] => {
  if (app === undefined || turnaroundMs === undefined) return turnaround;
  const before = Object.hasOwn(turnaround, app) ? turnaround[app] : undefined;
  return { ...turnaround, [app]: addTurnaround(before ?? noTurnaround, turnaroundMs) };
};

/** As it counts at that instant. An event that claims to be older than one before it is as old as that. */
const aged = (track: Track, at: Instant, { keptPerDay }: ReputationParameters): Track => {
  if (at <= track.at) return track;
  const ticks = tickOf(at) - tickOf(track.at);
  if (ticks === 0 || track.at === 0) return { ...track, at };
  const share = keptAfter(ticks, keptPerDay);
  const { answered, broken, accepted, rejected, outages } = track.kept;
  const turnaround: Record<string, Turnaround> = {};
  for (const app of Object.keys(track.turnaround)) {
    const before = track.turnaround[app];
    if (before) turnaround[app] = fadeTurnaround(before, share);
  }
  return {
    ...track,
    at,
    kept: {
      answered: answered * share,
      broken: broken * share,
      accepted: accepted * share,
      rejected: rejected * share,
      outages: outages * share,
    },
    turnaround,
  };
};
