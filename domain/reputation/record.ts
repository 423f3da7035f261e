/**
 * All that is kept of a node's reputation for people to read: its track, the warnings that it is
 * under, and the lines of its history. Folded from the log like the track; whoever folds the same
 * events under the same policies gets the same record.
 */
import type { Instant } from "../decider.ts";
import type { NodeId } from "../ids.ts";
import type { NodeConvicted } from "../node/node.ts";
import {
  causeOf,
  type Mark,
  markAfter,
  type ScoreChange,
  type ScoreName,
  scoreOf,
} from "./changes.ts";
import type { ReputationParameters } from "./parameters.ts";
import { blankTrack, evolveTrack, type Track, type TrackEvent } from "./track.ts";
import { type Warning, type WarningCode, warningsFor } from "./warnings.ts";

export interface ReputationRecord {
  readonly track: Track;
  readonly convictedAt: Instant | null;
  /** Of the last event that counted for anything; null before the first. */
  readonly position: bigint | null;
  readonly warnings: readonly Warning[];
  readonly marks: { readonly reliability: Mark; readonly correctness: Mark };
  /** Lines of history so far, also those that are no longer kept. */
  readonly changes: number;
  /** Lines that the last event made; they are kept apart from the record. */
  readonly latest: readonly ScoreChange[];
}

const noMark: Mark = { value: 0, events: 0 };
const none: readonly ScoreChange[] = [];

export const blankRecord = (nodeId: NodeId): ReputationRecord => ({
  track: blankTrack(nodeId),
  convictedAt: null,
  position: null,
  warnings: [],
  marks: { reliability: noMark, correctness: noMark },
  changes: 0,
  latest: none,
});

export type RecordEvent = TrackEvent | NodeConvicted;

export interface RecordPlace {
  readonly position: bigint;
  /** In force at that position. */
  readonly parameters: ReputationParameters;
}

export const evolveRecord = (
  record: ReputationRecord,
  event: RecordEvent,
  { position, parameters }: RecordPlace,
): ReputationRecord => {
  if (event.type === "NodeConvicted") return convict(record, event, position);
  const before = record.track;
  const track = evolveTrack(before, event, parameters);
  if (track.kept === before.kept) return { ...record, track, position, latest: none };

  const change = { before, after: track, event, parameters };
  const { nodeId } = track;
  const source = { at: event.at, position, event: causeOf(event) };
  const latest: ScoreChange[] = [];
  const marks = { ...record.marks };
  for (const score of ["reliability", "correctness"] as const) {
    if (isUntouched(score, before, track)) continue;
    const { mark, line } = markAfter(score, record.marks[score], change);
    marks[score] = mark;
    const serial = record.changes + latest.length;
    if (line) latest.push({ nodeId, serial, score, ...line, ...source });
  }
  const codes: readonly WarningCode[] = [
    ...warningsFor(track, parameters),
    ...(record.convictedAt === null ? [] : (["convicted"] as const)),
  ];
  const warnings = sameCodes(record.warnings, codes)
    ? record.warnings
    : codes.map(
        (code): Warning =>
          record.warnings.find((earlier) => earlier.code === code) ?? {
            code,
            since: event.at,
            position,
            event: source.event,
          },
      );
  const changes = record.changes + latest.length;
  const lines = latest.length > 0 ? latest : none;
  return { ...record, track, position, marks, warnings, changes, latest: lines };
};

/** Whether an event said nothing about a score: its mark stays, and no line is due. */
const isUntouched = (score: ScoreName, before: Track, after: Track): boolean =>
  score === "reliability"
    ? before.kept.answered === after.kept.answered &&
      before.kept.broken === after.kept.broken &&
      before.silentAt === after.silentAt
    : before.kept.accepted === after.kept.accepted && before.kept.rejected === after.kept.rejected;

const convict = (
  record: ReputationRecord,
  event: NodeConvicted,
  position: bigint,
): ReputationRecord => {
  if (record.convictedAt !== null) return { ...record, position, latest: none };
  const { nodeId, reason, at } = event;
  const cause = causeOf(event);
  const { lower } = scoreOf.correctness(record.track);
  const line = {
    score: "correctness",
    old: lower,
    new: 0,
    reason: `convicted: ${reason}`,
  } as const;
  const change = { nodeId, serial: record.changes, ...line, at, position, event: cause };
  const warning: Warning = { code: "convicted", since: at, position, event: cause };
  return {
    ...record,
    convictedAt: at,
    position,
    warnings: [...record.warnings, warning],
    changes: record.changes + 1,
    latest: [change],
  };
};

const sameCodes = (warnings: readonly Warning[], codes: readonly WarningCode[]): boolean =>
  warnings.length === codes.length && warnings.every(({ code }, at) => code === codes[at]);
