/**
 * Recomputes a node's reputation from the log by the rules of the domain, and compares it with what a
 * gateway says: every figure, warning and line of history, to the last digit.
 */
import { canonicalJson } from "../../domain/canonical-json.ts";
import type { NodeId } from "../../domain/ids.ts";
import { type Policy, policyDefaults, withDefaults } from "../../domain/policy/policy.ts";
import type { ScoreChange } from "../../domain/reputation/changes.ts";
import {
  blankRecord,
  evolveRecord,
  type RecordEvent,
  type ReputationRecord,
} from "../../domain/reputation/record.ts";
import {
  correctness,
  meanTurnaroundMs,
  reliability,
  standing,
  turnaroundsOf,
  vettingOf,
} from "../../domain/reputation/standing.ts";
import { warningMessage } from "../../domain/reputation/warnings.ts";
import type { Event, ReputationView } from "../../sdk/index.ts";

/** What a reputation rests on. */
export const reputationEventTypes = [
  "TaskAssigned",
  "ResultCommitted",
  "ResultReceived",
  "TaskFailed",
  "TaskExpired",
  "TaskStopped",
  "ResultAccepted",
  "ResultRejected",
  "NodeConvicted",
  "PolicyAdopted",
] as const;

const ofNodes: ReadonlySet<string> = new Set(reputationEventTypes);

export interface Recomputed {
  readonly record: ReputationRecord;
  /** The whole history, oldest first. */
  readonly changes: readonly ScoreChange[];
  readonly policy: Policy;
  /** Events of the node that were folded. */
  readonly events: number;
}

type Logged = Pick<Event, "type" | "position" | "data">;

/**
 * Folds events as they come. Those of the node count up to `upTo`, policies all.
 *
 * @param upTo - The position that the gateway's answer rests on.
 */
export const recomputation = (nodeId: NodeId, upTo: bigint) => {
  let record = blankRecord(nodeId);
  let policy = policyDefaults;
  let events = 0;
  const changes: ScoreChange[] = [];
  return {
    hear: ({ type, position, data }: Logged): void => {
      if (type === "PolicyAdopted") {
        policy = withDefaults((data as { readonly policy: unknown }).policy);
        return;
      }
      if (!ofNodes.has(type)) return;
      const event = data as RecordEvent;
      const at = BigInt(position);
      if (event.nodeId !== nodeId || at > upTo) return;
      record = evolveRecord(record, event, { position: at, parameters: policy.reputation });
      changes.push(...record.latest);
      events++;
    },
    answer: (): Recomputed => ({ record, changes, policy, events }),
  };
};

/** In the form of the gateway. */
export const shown = ({ record, changes, policy }: Recomputed): ReputationView => {
  const { track, warnings, convictedAt, position } = record;
  const parameters = policy.reputation;
  const { assigned, answered, broken, accepted, rejected, silent, drained } = track;
  return {
    reliability: reliability(track),
    correctness: correctness(track),
    standing: convictedAt === null ? standing(track, parameters) : 0,
    turnaroundMs: meanTurnaroundMs(track),
    assigned,
    answered,
    broken,
    accepted,
    rejected,
    silent,
    drained,
    vetting: vettingOf(track, parameters),
    warnings: warnings.map((warning) => ({
      ...warning,
      position: String(warning.position),
      message: warningMessage(warning.code, track, parameters),
    })),
    turnarounds: turnaroundsOf(track),
    position: position === null ? null : String(position),
    history: changes.toReversed().map(({ score, nodeId: _, serial: __, ...line }) => ({
      ...line,
      position: String(line.position),
      score: score === "reliability" ? "RELIABILITY" : "CORRECTNESS",
    })),
  };
};

export interface Difference {
  /** Such as `reliability`, or `history[3]`. */
  readonly what: string;
  readonly gateway: unknown;
  readonly log: unknown;
}

/** Where the two differ. Of the history the gateway keeps the last lines; those are compared. */
export const differencesBetween = (
  gateway: ReputationView,
  log: ReputationView,
): readonly Difference[] => {
  const differences: Difference[] = [];
  const compare = (what: string, said: unknown, is: unknown): void => {
    if (canonicalJson(said ?? null) !== canonicalJson(is ?? null))
      differences.push({ what, gateway: said ?? null, log: is ?? null });
  };
  for (const name of Object.keys(log) as (keyof ReputationView)[])
    if (name !== "history") compare(name, gateway[name], log[name]);
  const upTo = BigInt(gateway.position ?? -1);
  const kept = gateway.history.filter(({ position }) => BigInt(position) <= upTo);
  for (const [at, line] of kept.entries()) compare(`history[${at}]`, line, log.history[at]);
  if (kept.length === 0 && log.history.length > 0)
    differences.push({ what: "history", gateway: [], log: log.history });
  return differences;
};
