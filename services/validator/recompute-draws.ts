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

/** @param log - All events in their order, at least those of jobs, nodes, ledger, policy and beacon. */
export const recomputeDraws = async (
  log: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  sha256: Sha256,
): Promise<RecomputedDraws> => {
  const jobs = new Map<JobHash, Job>();
  const jobOf = (jobHash: JobHash): Job => jobs.get(jobHash) ?? jobRules.initial;
  const policy = createPolicyBook();
  const credibility = createCredibility();
  const { survived } = credibility;
  const points = createPointsAtRisk();
  const lottery = createLottery({
    jobOf,
    policy: policy.current,
    survived,
    atRisk: points.of,
    sha256,
  });
  const gathered = createGathering();
  let last: Beacon = beacon.initial;
  let [beacons, draws] = [0, 0];
  const faults: RecomputedDraws["faults"][number][] = [];

  for await (const recorded of log) {
    const event = decode(recorded);
    if (!event) continue;
    const { id, stream, revision, position } = recorded;
    const fact = { event, id, stream, revision, position };
    policy.hear(fact);
    credibility.hear(event);
    points.hear(event);
    if (event.type === "AuditDrawn") {
      draws++;
      const { jobHash, beacon, from, to, policy, draws: said } = event;
      const job = jobOf(jobHash);
      const drawn = job.status === "open" ? lottery.drawOf(job) : undefined;
      if (!drawn) faults.push({ position, fault: "draw-unfounded", jobHash });
      else if (canonicalJson(drawn) !== canonicalJson({ beacon, from, to, policy, draws: said }))
        faults.push({ position, fault: "draw-differs", jobHash });
    }
    if (stream.startsWith(jobStreamPrefix)) {
      const { jobHash } = event as JobEvent;
      const next = jobRules.evolve(jobOf(jobHash), event as JobEvent);
      // What cannot come back need not be kept.
      if (next.status === "open" || (next.status === "completed" && next.before))
        jobs.set(jobHash, next);
      else jobs.delete(jobHash);
      gathered.add(
        { id, event: recorded.data as typeof event, position },
        lottery.hear(fact, next),
      );
    } else lottery.hear(fact, jobRules.initial);
    if (event.type === "BeaconDrawn") {
      beacons++;
      const { from, to, digest } = event;
      const inputs = gathered
        .events()
        .filter((one) => one.position <= BigInt(to))
        .map(({ id, event }) => ({ id, data: event }));
      const [first] = gathered.events();
      const begins = first !== undefined && Number(first.position) === from;
      if (!begins || from <= last.to || beaconOf(last.digest, inputs, sha256) !== digest)
        faults.push({ position, fault: "beacon-differs" });
      last = beacon.evolve(last, event);
      gathered.drop(to);
    }
  }
  return { beacons, draws, faults };
};
