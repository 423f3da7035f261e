/**
 * Checks the judging service from the log alone: what it took up, which checks it drew and had made,
 * how it judged, whom it convicted, and what was paid for that. Every decision is made again by the
 * rules themselves; where another one comes out, or one that was due is missing, it is a fault.
 *
 * What never reached the log, a result that was kept back, say, nobody can find here.
 */
import type { Instant, Millis } from "../../../domain/decider.ts";
import type { Sha256 } from "../../../domain/hashing.ts";
import type { KeyRules } from "../../../domain/identity/keys.ts";
import type { JobHash, NodeId } from "../../../domain/ids.ts";
import type { JobEvent } from "../../../domain/job/events.ts";
import { type Job, job as jobRules, needsJudgement, toDraw } from "../../../domain/job/job.ts";
import { decode } from "../../../streams/codec.ts";
import type { RecordedEvent } from "../../../streams/event-store.ts";
import { jobStreamPrefix } from "../../../streams/names.ts";
import type { Fact } from "../../facts.ts";
import type { KnownAnswers } from "../../prober/run-prober.ts";
import type { Proofs } from "../check-report.ts";
import type { Comparer } from "../comparer.ts";
import type { Outputs } from "../judge.ts";
import { createDrawReview } from "../recompute-draws.ts";
import type { VerdictFault } from "./faults.ts";
import { type Blame, type Counts, createJobChecks } from "./job-checks.ts";
import { knownAnswerFault } from "./known-answers.ts";
import { createPayments } from "./payments.ts";
import { createSigners } from "./signers.ts";
import { createStandings } from "./verdict.ts";

export interface Review extends Counts {
  readonly events: number;
  readonly beacons: number;
  readonly draws: number;
  readonly convictions: number;
  /** Lotteries, verdicts and convictions that were due at the end, for a short time only. */
  readonly waiting: number;
  /** In the order in which they were found; the first `faultsMax`. */
  readonly faults: readonly VerdictFault[];
  /** How many there are in all. */
  readonly faulty: number;
}

export const faultsMax = 1_000;
/** By the instants of later events: what is due and was not done for so long is missing. */
const overdueMs: Millis = 60_000;

interface Since {
  readonly at: Instant;
  readonly position: bigint;
}
interface Due extends Since {
  readonly what: "draw-missing" | "verdict-missing";
}

/**
 * @param log - All events in their order, at least those of jobs, nodes, identities, ledger, policy
 *   and beacon.
 * @param by.onPosition - Hears how far it is.
 * @throws {BlobError} `unavailable`: whoever has the outputs does not answer.
 */
export const reviewVerdicts = async (
  log: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  by: {
    readonly keyRules: KeyRules;
    readonly sha256: Sha256;
    readonly openResultTag: Proofs["openResultTag"];
    readonly blobs: Outputs;
    readonly comparer: Comparer;
    readonly onPosition?: (position: bigint) => void;
    /** Makes and computes known-answer tasks; without it no conviction by one is founded. */
    readonly knownAnswer?: KnownAnswers["make"];
  },
): Promise<Review> => {
  const faults: VerdictFault[] = [];
  let faulty = 0;
  const blame: Blame = (code, where) => {
    faulty++;
    if (faults.length < faultsMax) faults.push({ code, ...where });
  };
  const jobs = new Map<JobHash, Job>();
  const jobOf = (jobHash: JobHash): Job => jobs.get(jobHash) ?? jobRules.initial;
  const draws = createDrawReview(jobOf, by.sha256);
  const signers = createSigners(by);
  const standings = createStandings();
  const payments = createPayments((jobHash) => {
    checks.forget(jobOf(jobHash));
    jobs.delete(jobHash);
  });
  const due = new Map<JobHash, Due>();
  /** Of nodes that are not convicted yet: the results that verdicts prove wrong. */
  const proofs = new Map<NodeId, Since & { readonly what: Set<string> }>();
  const checks = createJobChecks({
    ...by,
    ...{ blame, signers, standings, payments },
    onProof: ({ jobHash, nodeId, replica, at }, position) => {
      const known = proofs.get(nodeId) ?? { what: new Set(), at, position };
      known.what.add(`${jobHash}/${replica}`);
      if (!payments.isConvicted(nodeId)) proofs.set(nodeId, known);
    },
  });
  let [events, convictions, waiting] = [0, 0, 0];
  let now: Instant = 0;
  const isOverdue = ({ at }: Since): boolean => now - at > overdueMs;

  const noteDue = (next: Job, { jobHash, at }: JobEvent, position: bigint) => {
    const was = due.get(jobHash);
    // By its deadline, say, for which whoever does not judge has only to wait.
    if (was && next.status === "failed" && isOverdue(was))
      blame(was.what, { position: was.position, jobHash });
    const what = dueOf(next);
    if (what === undefined) due.delete(jobHash);
    else if (was?.what !== what) due.set(jobHash, { what, at, position });
  };

  const hearConviction = async ({ event, position }: Fact) => {
    if (event.type !== "NodeConvicted") return;
    convictions++;
    const { nodeId, jobHash, replica } = event;
    if (event.known) {
      const how = { make: by.knownAnswer, sha256: by.sha256 };
      const detail = await knownAnswerFault(event, jobOf(jobHash), how);
      if (detail) blame("conviction-unfounded", { position, jobHash, nodeId, replica, detail });
      else due.delete(jobHash); // Nobody accepts or rejects what is proven wrong: it ends by its deadline.
      proofs.delete(nodeId);
      return;
    }
    const isProven = proofs.get(nodeId)?.what.has(`${jobHash}/${replica}`);
    if (!isProven) blame("conviction-unfounded", { position, jobHash, nodeId, replica });
    proofs.delete(nodeId);
  };

  for await (const recorded of log) {
    const event = decode(recorded);
    if (!event) continue;
    events++;
    now = Math.max(now, event.at);
    const { id, stream, revision, position } = recorded;
    const fact: Fact = { event, id, stream, revision, position };
    const ofJob = stream.startsWith(jobStreamPrefix) ? (event as JobEvent) : undefined;
    const job = ofJob ? jobOf(ofJob.jobHash) : jobRules.initial;
    const where = { position, ...(ofJob ? { jobHash: ofJob.jobHash } : {}) };
    const drawn = draws.before(fact, job);
    if (drawn) blame(drawn, where);
    let next = job;
    if (ofJob) {
      await checks.check(ofJob, job, position);
      next = jobRules.evolve(job, ofJob);
      jobs.set(ofJob.jobHash, next);
      noteDue(next, ofJob, position);
    } else {
      const fault = signers.hear(fact);
      if (fault) blame(fault, { position, detail: stream });
      checks.hearNode(fact);
      await hearConviction(fact);
    }
    standings.hear(fact);
    const chained = draws.after(fact, next, recorded.data);
    if (chained) blame(chained, where);
    for (const { code, ...paid } of payments.hear(fact)) blame(code, paid);
    by.onPosition?.(position);
  }

  const settle = (since: Since, ...fault: Parameters<Blame>) => {
    if (isOverdue(since)) blame(...fault);
    else waiting++;
  };
  for (const [jobHash, one] of due) settle(one, one.what, { position: one.position, jobHash });
  for (const [nodeId, one] of proofs)
    settle(one, "conviction-missing", { position: one.position, nodeId });
  const counts = { ...checks.counts(), ...draws.counts(), events, convictions, waiting };
  return { ...counts, faults, faulty };
};

const dueOf = (job: Job): Due["what"] | undefined => {
  if (job.status !== "open") return undefined;
  if (toDraw(job).length > 0) return "draw-missing";
  return needsJudgement(job) ? "verdict-missing" : undefined;
};
