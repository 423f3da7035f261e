/** Gives a verdict once more: from the results, and from what was known of their nodes at the time. */
import { canonicalJson } from "../../../domain/canonical-json.ts";
import { emptyDigest } from "../../../domain/hashing.ts";
import type { Digest, NodeId } from "../../../domain/ids.ts";
import type { JobEvent } from "../../../domain/job/events.ts";
import {
  type AssuranceTerms,
  type Job,
  job as jobRules,
  type OpenJob,
  toDraw,
  vacancies,
} from "../../../domain/job/job.ts";
import { type Policy, policyDefaults, withDefaults } from "../../../domain/policy/policy.ts";
import { BlobError } from "../../../streams/blob-store.ts";
import { createCredibility } from "../../credibility.ts";
import type { Fact } from "../../facts.ts";
import type { Comparer } from "../comparer.ts";
import { judgeResults, type Outputs } from "../judge.ts";
import { termsOf } from "../terms.ts";
import type { VerdictFaultCode } from "./faults.ts";
import { createHistory, type History } from "./history.ts";

/** The events by which a judgement is told; those about single results come first. */
export type Closing = Extract<
  JobEvent,
  { type: "JobCompleted" | "ReplicaWanted" | "ResultsDisagreed" | "JobFailed" }
>;

export type Outcome =
  | { readonly kind: "matches" }
  /** An output that the comparison needs cannot be read any more. */
  | { readonly kind: "unread" }
  /** It does not say up to where its nodes were counted, as none did at first. */
  | { readonly kind: "untold" }
  | { readonly kind: "differs"; readonly code: VerdictFaultCode; readonly detail: string };

/** What was known of nodes at any position, as the validator counts. */
export interface Standings {
  hear(fact: Fact): void;
  policyAt(position: number): Policy;
  termsAt(job: OpenJob, position: number): AssuranceTerms | undefined;
}

export const createStandings = (): Standings => {
  const policies = createHistory<Policy>(policyDefaults);
  const counts = new Map<string, History<number>>();
  const convictedAt = new Map<NodeId, number>();
  let position = -1;
  const credibility = createCredibility((nodeId, runtime, survived) => {
    const name = `${nodeId} ${runtime}`;
    const history = counts.get(name) ?? createHistory(0);
    counts.set(name, history);
    history.set(position, survived);
  });

  return {
    hear: ({ event, position: at }) => {
      position = Number(at);
      credibility.hear(event);
      if (event.type === "PolicyAdopted") policies.set(position, withDefaults(event.policy));
      else if (event.type === "NodeConvicted" && !convictedAt.has(event.nodeId))
        convictedAt.set(event.nodeId, position);
    },
    policyAt: policies.at,
    termsAt: (job, asOf) =>
      termsOf(job, {
        asOf,
        policy: policies.at(asOf),
        survived: (nodeId, runtime) => counts.get(`${nodeId} ${runtime}`)?.at(asOf) ?? 0,
        isConvicted: (nodeId) => (convictedAt.get(nodeId) ?? Number.POSITIVE_INFINITY) <= asOf,
      }),
  };
};

/**
 * A verdict that does not say up to where its nodes were counted is held against what is known now;
 * it is `untold` if that makes another one.
 *
 * @param said - The verdicts on single results and what closed them, as they stand in the log.
 * @param job - As it was before.
 * @throws {BlobError} `unavailable`: whoever has the outputs does not answer.
 */
export const recomputeVerdict = async (
  said: readonly JobEvent[],
  job: Job,
  by: {
    readonly standings: Standings;
    readonly blobs: Outputs;
    readonly comparer: Comparer;
    /** Where the verdict stands, and the last result of an ordinary node before it. */
    readonly position: bigint;
    readonly resultAt: bigint;
  },
): Promise<Outcome> => {
  const closing = said.at(-1) as Closing;
  if (job.status !== "open") return differs("verdict-unfounded", `the job is ${job.status}`);
  const asOf = asOfIn(closing);
  // Its beacon was heard, and that is later than the result: else who had survived less could be
  // chosen, or who was not convicted yet.
  if (asOf !== undefined && (asOf >= by.position || asOf < by.resultAt))
    return differs("verdict-differs", `its nodes were counted up to position ${asOf}`);
  const terms = by.standings.termsAt(job, asOf ?? Number(by.position));
  const missing = new Set<Digest>();
  const judgement = await judgeResults(job, { ...by, blobs: noting(by.blobs, missing) });
  if (missing.size > 0) return { kind: "unread" };
  const assurance = terms ? { assurance: asOf === undefined ? unplaced(terms) : terms } : {};
  const again = { actor: "audit", now: closing.at } as const;
  const command = { type: "JudgeResults", ...judgement, ...assurance, ...again } as const;
  const decision = jobRules.decide(command, job);
  if (!decision.ok) return unfounded(decision.reason, job);
  if (decision.events.length === 0) return unfounded("NothingNew", job);
  const detail = firstDifference(said, decision.events);
  if (detail === undefined) return { kind: "matches" };
  return terms && asOf === undefined ? { kind: "untold" } : differs("verdict-differs", detail);
};

const unplaced = ({ asOf: _, ...terms }: AssuranceTerms): AssuranceTerms => terms;

export const asOfIn = (event: Closing): number | undefined => {
  if (event.type === "JobCompleted") return event.assurance?.asOf;
  return event.type === "ResultsDisagreed" ? undefined : event.asOf;
};

const differs = (code: VerdictFaultCode, detail: string): Outcome => ({
  kind: "differs",
  code,
  detail,
});

/** Why nothing was to be judged yet: a lottery, or somebody's result, was still due. */
const unfounded = (refusal: string, job: OpenJob): Outcome => {
  if (toDraw(job).length > 0) return differs("draw-missing", "judged before it was drawn");
  const open = vacancies(job);
  const arbiters = open.filter(({ by }) => by === "arbiter").length;
  if (arbiters > 0) return differs("check-missing", `${arbiters} arbiters had not been asked`);
  const waiting = job.tasks.filter(({ status }) => status === "assigned" || status === "committed");
  const checks = waiting.filter(({ role }) => role === "arbiter").length;
  if (checks > 0) return differs("check-missing", `${checks} arbiters had not answered`);
  return differs("verdict-unfounded", refusal);
};

/** Notes what is not there (any more). The empty output is nowhere, and never was. */
const noting = (blobs: Outputs, missing: Set<Digest>): Outputs => {
  const { stat } = blobs;
  return {
    get: async (digest) => {
      try {
        return await blobs.get(digest);
      } catch (error) {
        if (error instanceof BlobError && error.code !== "unavailable" && digest !== emptyDigest)
          missing.add(digest);
        throw error;
      }
    },
    ...(stat === undefined ? {} : { stat: (digest: Digest) => stat(digest) }),
  };
};

/** Where two lists of events part, in words; undefined if they are the same. */
const firstDifference = (
  said: readonly JobEvent[],
  expected: readonly JobEvent[],
): string | undefined => {
  for (let i = 0; i < Math.max(said.length, expected.length); i++) {
    const [one, other] = [said[i], expected[i]];
    if (one === undefined) return `${other?.type} is missing`;
    if (other === undefined) return `${one.type} is too much`;
    if (one.type !== other.type) return `${one.type}${replicaOf(one)} instead of ${other.type}`;
    const field = differingField(one, other);
    if (field !== undefined) return `${field} of ${one.type}${replicaOf(one)}`;
  }
  return undefined;
};

const replicaOf = (event: JobEvent): string =>
  "replica" in event ? ` of replica ${event.replica}` : "";

/** What the first rules left out. They explain a verdict, and decide nothing. */
const laterFields: ReadonlySet<string> = new Set(["bounds", "why", "groups", "distance"]);

const differingField = (a: object, b: object): string | undefined => {
  const [one, other] = [a, b] as readonly Readonly<Record<string, unknown>>[];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const name of names) {
    const [left, right] = [one?.[name], other?.[name]];
    if (left === undefined && laterFields.has(name)) continue;
    if ((left === undefined) !== (right === undefined)) return name;
    if (left !== undefined && canonicalJson(left) !== canonicalJson(right)) return name;
  }
  return undefined;
};
