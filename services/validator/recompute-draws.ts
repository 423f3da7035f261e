/**
 * Draws every audit of a log once more, from the log alone: that each beacon is the digest of what it
 * says it covers, and that each lottery came out as its beacon, the policy and the audits that nodes
 * had survived make it. A validator that favours a node is found out by it.
 */
import { type Beacon, beacon, beaconOf } from "../../domain/beacon/beacon.ts";
import { canonicalJson } from "../../domain/canonical-json.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash } from "../../domain/ids.ts";
import type { JobEvent } from "../../domain/job/events.ts";
import { type Job, job as jobRules } from "../../domain/job/job.ts";
import { decode } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { jobStreamPrefix } from "../../streams/names.ts";
import { createCredibility } from "../credibility.ts";
import type { Fact } from "../facts.ts";
import { createPointsAtRisk } from "../points-at-risk.ts";
import { createPolicyBook } from "../policy.ts";
import { createGathering } from "./beacons.ts";
import { createLottery } from "./lottery.ts";

export type DrawFault =
  /** The beacon does not hang on the one before, or is not the digest of what it covers. */
  | "beacon-differs"
  /** There was nothing to be drawn, or no beacon covers it. */
  | "draw-unfounded"
  /** Another beacon, policy, count, share or outcome than the log makes it. */
  | "draw-differs";

export interface RecomputedDraws {
  readonly beacons: number;
  readonly draws: number;
  readonly faults: readonly {
    readonly position: bigint;
    readonly fault: DrawFault;
    readonly jobHash?: JobHash;
  }[];
}

/** Hears a log fact by fact. Whoever folds the jobs says what they are. */
export interface DrawReview {
  /** With the job as it was before the fact, if it is of one. */
  before(fact: Fact, job: Job): DrawFault | undefined;
  /** With the job as it is after it; `data` as it is recorded. */
  after(fact: Fact, job: Job, data: unknown): DrawFault | undefined;
  counts(): { readonly beacons: number; readonly draws: number };
}

export const createDrawReview = (jobOf: (jobHash: JobHash) => Job, sha256: Sha256): DrawReview => {
  const policies = createPolicyBook();
  const { hear, survived } = createCredibility();
  const points = createPointsAtRisk();
  const lottery = createLottery({
    ...{ jobOf, policy: policies.current, survived, atRisk: points.of, sha256 },
  });
  const gathered = createGathering();
  let last: Beacon = beacon.initial;
  let [beacons, draws] = [0, 0];

  return {
    before: (fact, job) => {
      const { event } = fact;
      policies.hear(fact);
      hear(event);
      points.hear(event);
      if (event.type !== "AuditDrawn") return undefined;
      draws++;
      const { beacon, from, to, policy, draws: said, checks } = event;
      const drawn = job.status === "open" ? lottery.drawOf(job) : undefined;
      if (!drawn) return "draw-unfounded";
      const isSame =
        canonicalJson(drawn) === canonicalJson({ beacon, from, to, policy, draws: said, checks });
      return isSame ? undefined : "draw-differs";
    },
    after: (fact, job, data) => {
      const { event, id, position, stream } = fact;
      const opens = lottery.hear(fact, job);
      if (stream.startsWith(jobStreamPrefix))
        gathered.add({ id, event: data as typeof event, position }, opens);
      if (event.type !== "BeaconDrawn") return undefined;
      beacons++;
      const { from, to, digest } = event;
      const inputs = gathered
        .events()
        .filter((one) => one.position <= BigInt(to))
        .map(({ id, event }) => ({ id, data: event }));
      const [first] = gathered.events();
      const begins = first !== undefined && Number(first.position) === from;
      const isSame = begins && from > last.to && beaconOf(last.digest, inputs, sha256) === digest;
      last = beacon.evolve(last, event);
      gathered.drop(to);
      return isSame ? undefined : "beacon-differs";
    },
    counts: () => ({ beacons, draws }),
  };
};

/** @param log - All events in their order, at least those of jobs, nodes, ledger, policy and beacon. */
export const recomputeDraws = async (
  log: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  sha256: Sha256,
): Promise<RecomputedDraws> => {
  const jobs = new Map<JobHash, Job>();
  const jobOf = (jobHash: JobHash): Job => jobs.get(jobHash) ?? jobRules.initial;
  const review = createDrawReview(jobOf, sha256);
  const faults: RecomputedDraws["faults"][number][] = [];

  for await (const recorded of log) {
    const event = decode(recorded);
    if (!event) continue;
    const { id, stream, revision, position } = recorded;
    const fact = { event, id, stream, revision, position };
    const jobHash = stream.startsWith(jobStreamPrefix) ? (event as JobEvent).jobHash : undefined;
    const job = jobHash === undefined ? jobRules.initial : jobOf(jobHash);
    const next = jobHash === undefined ? job : jobRules.evolve(job, event as JobEvent);
    const found = [review.before(fact, job)];
    if (jobHash !== undefined) {
      // What cannot come back need not be kept.
      if (next.status === "open" || (next.status === "completed" && next.before))
        jobs.set(jobHash, next);
      else jobs.delete(jobHash);
    }
    found.push(review.after(fact, next, recorded.data));
    const where = { position, ...(jobHash === undefined ? {} : { jobHash }) };
    for (const fault of found) if (fault) faults.push({ ...where, fault });
  }
  return { ...review.counts(), faults };
};
