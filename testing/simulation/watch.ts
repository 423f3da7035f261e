/**
 * Knows what really happened, which no part of the network does, and holds the facts against it:
 * who computed what, what clients were told, what was ordered before it was a fact.
 */

import type { Digest, JobHash, NodeId } from "../../domain/ids.ts";
import type { JobCompleted, JobEvent } from "../../domain/job/events.ts";
import {
  type Job,
  needsJudgement,
  pinnedClass,
  job as rules,
  vacancies,
} from "../../domain/job/job.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { LedgerEvent } from "../../domain/ledger/events.ts";
import { emptyLedger, evolveLedger, faultOf } from "../../domain/ledger/ledger.ts";
import type { Capabilities } from "../../domain/node/node.ts";
import { decode } from "../../streams/codec.ts";
import type { RecordedEvent } from "../../streams/event-store.ts";
import { ledgerStream } from "../../streams/names.ts";
import type { ResultStatement, TaskOrder } from "../../streams/task-queue.ts";
import { type Puzzle, rightAnswers } from "./work.ts";

export interface Watch {
  readonly violations: readonly string[];
  blame(sentence: string): void;
  event(recorded: RecordedEvent): void;
  submitted(jobHash: JobHash, spec: JobSpec, puzzle: Puzzle): void;
  /** The client was told so; from now on the job may not be lost. */
  accepted(jobHash: JobHash): void;
  cancelled(jobHash: JobHash): void;
  /** A dispatcher sends these. */
  ordered(nodeId: NodeId, tasks: readonly TaskOrder[]): void;
  stated(nodeId: NodeId, result: ResultStatement): void;
  /** Accepted jobs that have not ended. */
  open(): number;
  /** Escrows that are not released. */
  unreleased(): number;
  ends(): Readonly<Record<string, number>>;
  isOver(jobHash: JobHash): string | undefined;
  /** Whether nothing is left to be done for any job. */
  isRestful(): boolean;
  /** In the calm: blames for what has been due since before this instant. */
  blameOverdue(before: number): void;
  /** What must hold when all is quiet. */
  conclude(): void;
}

interface JobView {
  spec: JobSpec | undefined;
  puzzle: Puzzle | undefined;
  accepted: boolean;
  cancelled: boolean;
  ended: JobEvent["type"] | undefined;
  /** `replica node`, as the verdicts say. */
  readonly verdicts: Set<string>;
  /** The same of each award that was not voided, by its id. */
  readonly paid: Map<Digest, string>;
  /** By replica: when its lease ends. */
  readonly leases: Map<number, number>;
  job: Job;
  escrow: "none" | "open" | "released";
  /** When it was last heard of. */
  touchedAt: number;
}

/** The nodes that lose a task by this event. */
const freedBy = (event: JobEvent, job: Job): readonly NodeId[] => {
  switch (event.type) {
    case "ResultCommitted":
      return [event.nodeId];
    case "ResultReceived":
    case "TaskFailed":
    case "TaskStopped":
    case "TaskExpired": {
      // A node that is bound to its result has room for others.
      const isBound = job.status === "open" && job.tasks[event.replica]?.status === "committed";
      return isBound ? [] : [event.nodeId];
    }
    case "JobCompleted":
    case "JobFailed":
    case "JobCancelled":
    case "JobRejected":
      if (job.status !== "open") return [];
      return job.tasks.filter(({ status }) => status === "assigned").map(({ nodeId }) => nodeId);
    default:
      return [];
  }
};

const violationsMax = 20;
/** A node that has been without a task for so long could have taken one. */
const idleMs = 3_000;
/** An order may wait so long for the queue to come back, and then be sent although nobody needs it. */
const staleMs = 30_000;

/**
 * @param textOf - The output of this digest; undefined where nobody stored one.
 * @param time - `calm`: Whether nothing has gone wrong for long enough that all must work.
 */
export const createWatch = (
  textOf: (digest: Digest) => string | undefined,
  { now, calm }: { readonly now: () => number; readonly calm: () => boolean },
): Watch => {
  const violations: string[] = [];
  const jobs = new Map<JobHash, JobView>();
  const nodes = new Map<NodeId, Capabilities>();
  const assigned = new Set<string>();
  const statements = new Set<string>();
  const ledger = emptyLedger();
  const ends: Record<string, number> = {};
  let open = 0;
  let unreleased = 0;

  const blame = (sentence: string): void => {
    if (violations.length < violationsMax) violations.push(sentence);
  };
  const viewOf = (jobHash: JobHash): JobView => {
    const known = jobs.get(jobHash);
    if (known) return known;
    const view: JobView = {
      spec: undefined,
      puzzle: undefined,
      accepted: false,
      cancelled: false,
      ended: undefined,
      verdicts: new Set(),
      paid: new Map(),
      leases: new Map(),
      job: rules.initial,
      escrow: "none",
      touchedAt: 0,
    };
    jobs.set(jobHash, view);
    return view;
  };

  const checkCompleted = ({ jobHash, outputDigest, accepted }: JobCompleted): void => {
    const { spec, puzzle } = viewOf(jobHash);
    const name = jobHash.slice(0, 8);
    if (!spec || !puzzle) {
      blame(`job ${name} was completed, and nobody submitted it`);
      return;
    }
    const text = textOf(outputDigest);
    if (text !== undefined && rightAnswers(puzzle, spec).includes(text)) return;
    if (spec.assurance)
      blame(`job ${name} was completed with a wrong output, whatever was assured`);
    // A wrong answer may only win where as many liars as the quorum agreed on it.
    const same = accepted.filter(({ replica, nodeId }) =>
      statements.has(`${jobHash}/${replica} ${nodeId} ${outputDigest}`),
    );
    if (same.length < spec.quorum)
      blame(`job ${name} was completed with the wrong output of ${same.length} liars`);
  };

  const owners = new Map<NodeId, string>();
  /** Owners of arbiters. */
  const judges = new Set<string>();
  const arbiters = { has: (nodeId: NodeId) => judges.has(owners.get(nodeId) ?? "") };
  /** Tasks that each node has, and since when it has none. */
  const loads = new Map<NodeId, { tasks: number; idleSince: number }>();
  const load = (nodeId: NodeId, change: number): void => {
    const known = loads.get(nodeId) ?? { tasks: 0, idleSince: 0 };
    known.tasks += change;
    known.idleSince = now();
    loads.set(nodeId, known);
  };
  const isIdle = (nodeId: NodeId): boolean => {
    const { tasks, idleSince } = loads.get(nodeId) ?? { tasks: 0, idleSince: 0 };
    return tasks === 0 && now() - idleSince > idleMs;
  };

  /** In the calm nobody may wait for a node that could have taken the job. */
  const checkInVain = (job: Job): void => {
    if (job.status !== "open" || !calm() || vacancies(job).length === 0) return;
    if (job.tasks.some(({ status }) => status === "assigned")) return;
    if (job.revealBy !== undefined) return;
    const pinned = pinnedClass(job);
    const roles = new Set(vacancies(job).map(({ by }) => by === "arbiter"));
    for (const [nodeId, { apps }] of nodes)
      if (
        !job.nodes.includes(nodeId) &&
        roles.has(arbiters.has(nodeId)) &&
        isIdle(nodeId) &&
        apps.some(({ executionClass }) =>
          pinned ? executionClass === pinned : executionClass.startsWith(job.spec.engine),
        )
      )
        blame(`job ${job.jobHash.slice(0, 8)} waited to its end, and never had ${nodeId}`);
  };

  const jobEvent = (event: JobEvent): void => {
    const view = viewOf(event.jobHash);
    if (event.type === "JobFailed" && event.reason === "deadline-passed") checkInVain(view.job);
    if (event.type === "TaskAssigned") load(event.nodeId, 1);
    for (const nodeId of freedBy(event, view.job)) load(nodeId, -1);
    view.job = rules.evolve(view.job, event);
    view.touchedAt = now();
    switch (event.type) {
      case "JobSubmitted":
        open++;
        if (!view.spec) blame(`job ${event.jobHash} was submitted by nobody`);
        return;
      case "TaskAssigned":
        assigned.add(`${event.jobHash}/${event.replica}/${event.attempt} ${event.nodeId}`);
        view.leases.set(event.replica, event.expiresAt);
        return;
      case "ResultReceived": {
        const { jobHash, replica, attempt, nodeId, outputDigest } = event;
        view.leases.delete(replica);
        if (!statements.has(`${jobHash}/${replica}/${attempt} ${nodeId} ${outputDigest}`))
          blame(`${nodeId} never said what job ${jobHash.slice(0, 8)} received from it`);
        return;
      }
      case "ResultCommitted":
      case "TaskFailed":
      case "TaskExpired":
      case "TaskStopped":
        view.leases.delete(event.replica);
        return;
      case "ResultAccepted":
        view.verdicts.add(`${event.replica} ${event.nodeId}`);
        return;
      case "JobReopened":
        open++;
        view.ended = undefined;
        return;
      case "ResultRejected":
      case "ResultsDisagreed":
      case "AuditDrawn":
      case "ReplicaWanted":
      case "KeysWrapped":
      case "KeysAwaited":
        return;
      case "JobCompleted":
        checkCompleted(event);
        break;
      case "JobCancelled":
        for (const { replica, nodeId } of event.accepted ?? [])
          view.verdicts.add(`${replica} ${nodeId}`);
        break;
      default:
        break;
    }
    open--;
    view.ended = event.type;
    view.leases.clear();
    const reason = "reason" in event ? ` ${event.reason}` : "";
    ends[`${event.type}${reason}`] = (ends[`${event.type}${reason}`] ?? 0) + 1;
  };

  const entry = (event: LedgerEvent): void => {
    evolveLedger(ledger, event);
    if (event.type === "AwardsVoided") {
      for (const { awardId, jobHash, reopens } of event.voided)
        loseAward(jobHash, awardId, reopens);
      return;
    }
    if (!("jobHash" in event)) return;
    const view = viewOf(event.jobHash);
    view.touchedAt = now();
    view.escrow = event.type === "JobFunded" ? "open" : "released";
    unreleased += event.type === "JobFunded" ? 1 : -1;
    if (event.type !== "PointsAwarded") return;
    for (const { awardId, replica, nodeId, stopped } of event.awards)
      if (!stopped) view.paid.set(awardId, `${replica} ${nodeId}`);
  };

  /** It counts neither as paid nor as earned any more. */
  const loseAward = (jobHash: JobHash, awardId: Digest, reopens = false): void => {
    const view = viewOf(jobHash);
    view.verdicts.delete(view.paid.get(awardId) ?? "");
    view.paid.delete(awardId);
    view.touchedAt = now();
    if (!reopens) return;
    view.escrow = "open";
    unreleased++;
  };

  return {
    violations,
    blame,
    event: (recorded) => {
      const event = decode(recorded);
      if (!event) return;
      if (recorded.stream === ledgerStream) entry(event as LedgerEvent);
      else if (recorded.stream.startsWith("job-")) jobEvent(event as JobEvent);
      else if (event.type === "NodeRegistered") {
        nodes.set(event.nodeId, event.capabilities);
        owners.set(event.nodeId, event.owner);
      } else if (event.type === "NodeConvicted") nodes.delete(event.nodeId);
      else if (event.type === "PolicyAdopted")
        for (const owner of event.policy.verification.arbiters) judges.add(owner);
    },
    submitted: (jobHash, spec, puzzle) => {
      Object.assign(viewOf(jobHash), { spec, puzzle });
    },
    accepted: (jobHash) => {
      viewOf(jobHash).accepted = true;
    },
    cancelled: (jobHash) => {
      viewOf(jobHash).cancelled = true;
    },
    ordered: (nodeId, tasks) => {
      for (const { jobHash, replica, attempt } of tasks) {
        const name = `${jobHash.slice(0, 8)}/${replica}/${attempt}`;
        if (!assigned.has(`${jobHash}/${replica}/${attempt} ${nodeId}`))
          blame(`${name} was sent before it was a fact`);
        const { ended, touchedAt } = viewOf(jobHash);
        if (ended !== undefined && now() - touchedAt > staleMs)
          blame(`${name} was sent ${Math.round(now() - touchedAt)} ms after its job had ended`);
      }
    },
    stated: (nodeId, result) => {
      if (result.outcome !== "done") return;
      const { jobHash, replica, attempt, outputDigest } = result;
      statements.add(`${jobHash}/${replica}/${attempt} ${nodeId} ${outputDigest}`);
      statements.add(`${jobHash}/${replica} ${nodeId} ${outputDigest}`);
    },
    open: () => open,
    unreleased: () => unreleased,
    ends: () => ends,
    isOver: (jobHash) => jobs.get(jobHash)?.ended,
    isRestful: () => open === 0 && unreleased === 0,
    blameOverdue: (before) => {
      for (const [jobHash, { leases, job, touchedAt, escrow, ended }] of jobs) {
        const name = jobHash.slice(0, 8);
        for (const [replica, at] of leases)
          if (at < before) blame(`the lease of ${name}/${replica} ended and nobody noticed`);
        if (job.status === "open" && job.revealBy !== undefined && job.revealBy < before)
          blame(`job ${name} was to be shown by then, and nobody noticed`);
        if (touchedAt >= before) continue;
        if (job.status === "open" && escrow === "none")
          blame(`job ${name} is neither funded nor rejected`);
        if (job.status === "open" && needsJudgement(job))
          blame(`job ${name} has its results and is not judged`);
        if (ended !== undefined && escrow === "open")
          blame(`job ${name} has ended and its escrow is not released`);
      }
    },
    conclude: () => {
      for (const [jobHash, { accepted, cancelled, ended, verdicts, paid }] of jobs) {
        const name = jobHash.slice(0, 8);
        if (accepted && ended === undefined) blame(`job ${name} was accepted and has no end`);
        if (cancelled && ended !== "JobCancelled")
          blame(`job ${name} was cancelled for its client, and is ${ended}`);
        const pays = ended === "JobCompleted" || ended === "JobCancelled";
        if (!pays && paid.size > 0) blame(`job ${name} was paid and is ${ended}`);
        if (
          pays &&
          verdicts.size > 0 &&
          (verdicts.size !== paid.size || [...paid.values()].some((one) => !verdicts.has(one)))
        )
          blame(`job ${name} has ${verdicts.size} accepted results and ${paid.size} awards`);
      }
      const fault = faultOf(ledger);
      if (fault) blame(`the books are wrong: ${fault}`);
    },
  };
};
