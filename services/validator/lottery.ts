/**
 * The lottery of audits: which results take part in it with which beacon, and how it comes out. A fold
 * of facts: the validator draws by it, and whoever reads the log can draw again and compare. An arbiter
 * that would decide alone takes part in it as well, with a beacon that is later than its result.
 *
 * A job is drawn with the first beacon that covers all of its results, by the policy, the audits
 * that each node had survived and what it had to lose when that beacon was written.
 */
import type { BeaconDrawn } from "../../domain/beacon/beacon.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { AuditDraw, JobEvent } from "../../domain/job/events.ts";
import { taskName } from "../../domain/job/hash.ts";
import { type Job, type OpenJob, toDraw } from "../../domain/job/job.ts";
import { toText } from "../../domain/points.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import {
  areArbitersChecked,
  auditShare,
  checkShare,
  isAudited,
} from "../../domain/verification/lottery.ts";
import { runtimeOf } from "../../domain/verification/runtime.ts";
import type { Fact } from "../facts.ts";

/** What a draw is made of. */
export interface Draw {
  readonly beacon: string;
  readonly from: number;
  readonly to: number;
  readonly policy: number;
  readonly draws: readonly AuditDraw[];
  readonly checks?: true;
}

export interface Lottery {
  /** Folds a fact. `job` is the state after it, or newer. @returns Whether a result begins to wait. */
  hear(fact: Fact, job: Job): boolean;
  /**
   * The jobs that can perhaps be drawn now and could not at the last call: they have their beacon, and
   * it or something else was heard of them since. So those that wait long for others cost nothing.
   */
  takeDue(): readonly JobHash[];
  /** How it comes out; undefined as long as the job has no beacon, or nothing to be drawn. */
  drawOf(job: OpenJob): Draw | undefined;
}

/** The counts as they stood when the beacon was written. */
interface Ticket {
  readonly beacon: BeaconDrawn;
  readonly policy: Policy;
  /** Of each node of the job. */
  readonly standings: ReadonlyMap<NodeId, Standing>;
}

interface Standing {
  readonly survived: number;
  /** Micro-points. */
  readonly atRisk: bigint;
}

interface Entry {
  /** Where the last result stands. */
  readonly position: bigint;
  /** Of which results facts told: a beacon that is older than a result says nothing about it. */
  readonly heard: ReadonlySet<string>;
  ticket: Ticket | undefined;
}

const newcomer: Standing = { survived: 0, atRisk: 0n };

export const createLottery = ({
  jobOf,
  policy,
  survived,
  atRisk,
  sha256,
}: {
  readonly jobOf: (jobHash: JobHash) => Job;
  /** In force as far as facts were told; so are `survived` and `atRisk`. */
  readonly policy: () => Policy;
  readonly survived: (nodeId: NodeId, runtime: string) => number;
  /** Micro-points that a conviction would take from the node. */
  readonly atRisk: (nodeId: NodeId) => bigint;
  readonly sha256: Sha256;
}): Lottery => {
  const entries = new Map<JobHash, Entry>();
  /** Those that no beacon covers, in the order of their last results. */
  const uncovered = new Map<JobHash, Entry>();
  let due = new Set<JobHash>();
  /** Jobs with an assurance that have not ended, as far as facts were told: the state that comes with one may be newer. */
  const assured = new Set<JobHash>();
  /** Those of them whose arbiters take part; the first of each that was heard of, and how it said. */
  const checked = new Map<JobHash, string | undefined>();

  const standingsOf = ({ spec, tasks }: OpenJob): ReadonlyMap<NodeId, Standing> =>
    new Map(
      tasks.map(({ nodeId, executionClass, role }) => {
        const count = survived(nodeId, runtimeOf(spec.app, executionClass));
        return [nodeId, { survived: count, atRisk: role ? 0n : atRisk(nodeId) }];
      }),
    );

  const hearBeacon = (beacon: BeaconDrawn) => {
    for (const [jobHash, entry] of uncovered) {
      if (entry.position > BigInt(beacon.to)) return;
      uncovered.delete(jobHash);
      const job = jobOf(jobHash);
      if (job.status !== "open") continue; // Its end is about to be heard.
      entry.ticket = { beacon, policy: policy(), standings: standingsOf(job) };
      due.add(jobHash);
    }
  };

  const forget = (jobHash: JobHash) => {
    entries.delete(jobHash);
    uncovered.delete(jobHash);
    due.delete(jobHash);
  };

  /** What happens to a job may make it ready to be drawn. */
  const lookAgain = (jobHash: JobHash) => {
    if (entries.get(jobHash)?.ticket) due.add(jobHash);
  };

  return {
    hear: ({ event, position }, job) => {
      switch ((event as JobEvent | BeaconDrawn).type) {
        case "BeaconDrawn":
          hearBeacon(event as BeaconDrawn);
          return false;
        case "ResultReceived": {
          const result = event as Extract<JobEvent, { type: "ResultReceived" }>;
          const { jobHash, replica } = result;
          const role = job.status === "unknown" ? undefined : job.tasks[replica]?.role;
          if (!assured.has(jobHash)) return false;
          if (role) {
            if (!checked.has(jobHash) || checked.get(jobHash) !== undefined) {
              lookAgain(jobHash);
              return false;
            }
            checked.set(jobHash, taskName(result));
          }
          const heard = new Set(entries.get(jobHash)?.heard).add(taskName(result));
          const entry: Entry = { position, heard, ticket: undefined };
          entries.set(jobHash, entry);
          uncovered.delete(jobHash); // It stands behind all others now.
          uncovered.set(jobHash, entry);
          due.delete(jobHash);
          return true;
        }
        case "JobSubmitted":
        case "JobReopened": {
          const { jobHash } = event as JobEvent;
          const { spec } = event as Partial<Extract<JobEvent, { type: "JobSubmitted" }>>;
          const { checks } = event as Partial<Extract<JobEvent, { type: "JobReopened" }>>;
          if (spec === undefined || spec.assurance) assured.add(jobHash);
          if (checks) checked.set(jobHash, undefined);
          lookAgain(jobHash);
          return false;
        }
        case "AuditDrawn": {
          const { jobHash, checks } = event as Extract<JobEvent, { type: "AuditDrawn" }>;
          if (checks && !checked.has(jobHash)) checked.set(jobHash, undefined);
          forget(jobHash);
          return false;
        }
        case "JobCompleted":
        case "JobFailed":
        case "JobCancelled":
        case "JobRejected":
          assured.delete((event as JobEvent).jobHash);
          checked.delete((event as JobEvent).jobHash);
          forget((event as JobEvent).jobHash);
          return false;
        default:
          if ("jobHash" in event) lookAgain(event.jobHash);
          return false;
      }
    },
    takeDue: () => {
      const taken = [...due];
      due = new Set();
      return taken;
    },
    drawOf: (job) => {
      const { ticket, heard } = entries.get(job.jobHash) ?? {};
      const tasks = toDraw(job);
      if (!ticket || tasks.length === 0) return undefined;
      if (!tasks.every((task) => heard?.has(taskName(task)))) return undefined;
      const { beacon, policy, standings } = ticket;
      const { assurance = "standard", app, price } = job.spec;
      const rates = policy.verification[assurance];
      const isChecked = areArbitersChecked(policy.verification);
      let isOfNodes = false;
      const draws = tasks.map((task): AuditDraw => {
        const { replica, attempt, nodeId, executionClass, role } = task;
        const { survived, atRisk } = standings.get(nodeId) ?? newcomer;
        isOfNodes ||= role === undefined;
        const share = role
          ? checkShare(survived, policy.verification)
          : auditShare(survived, rates, { award: BigInt(price), atRisk });
        const audited = isAudited({ beacon: beacon.digest, task: taskName(task), share }, sha256);
        const runtime = runtimeOf(app, executionClass);
        const whose = { replica, attempt, nodeId, runtime };
        return { ...whose, survived, atRisk: toText(atRisk), share, audited };
      });
      const { digest, from, to } = beacon;
      const draw = { beacon: digest, from, to, policy: policy.version, draws };
      return isOfNodes && isChecked ? { ...draw, checks: true } : draw;
    },
  };
};
