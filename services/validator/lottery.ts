/**
 * The lottery of audits: which commits take part in it with which beacon, and how it comes out. A fold
 * of facts: the validator draws by it, and whoever reads the log can draw again and compare.
 *
 * A job is drawn with the first beacon that covers all of its commits, by the policy and the audits
 * that each node had survived when that beacon was written.
 */
import type { BeaconDrawn } from "../../domain/beacon/beacon.ts";
import type { Sha256 } from "../../domain/hashing.ts";
import type { JobHash, NodeId } from "../../domain/ids.ts";
import type { AuditDraw, JobEvent } from "../../domain/job/events.ts";
import { taskName } from "../../domain/job/hash.ts";
import { type Job, type OpenJob, toDraw } from "../../domain/job/job.ts";
import type { Policy } from "../../domain/policy/policy.ts";
import { auditShare, isAudited } from "../../domain/verification/lottery.ts";
import { runtimeOf } from "../../domain/verification/runtime.ts";
import type { Fact } from "../facts.ts";

/** What a draw is made of. */
export interface Draw {
  readonly beacon: string;
  readonly from: number;
  readonly to: number;
  readonly policy: number;
  readonly draws: readonly AuditDraw[];
}

export interface Lottery {
  /** Folds a fact. `job` is the state after it, or newer. @returns Whether a commit begins to wait. */
  hear(fact: Fact, job: Job): boolean;
  /** The jobs that have their beacon and were not drawn yet. */
  due(): Iterable<JobHash>;
  /** How it comes out; undefined as long as the job has no beacon, or nothing to be drawn. */
  drawOf(job: OpenJob): Draw | undefined;
}

/** The counts as they stood when the beacon was written. */
interface Ticket {
  readonly beacon: BeaconDrawn;
  readonly policy: Policy;
  /** Of each ordinary node of the job. */
  readonly survived: ReadonlyMap<NodeId, number>;
}

interface Entry {
  /** Where the last commit stands. */
  position: bigint;
  ticket: Ticket | undefined;
}

export const createLottery = ({
  jobOf,
  policy,
  survived,
  sha256,
}: {
  readonly jobOf: (jobHash: JobHash) => Job;
  /** In force as far as facts were told; so is `survived`. */
  readonly policy: () => Policy;
  readonly survived: (nodeId: NodeId, runtime: string) => number;
  readonly sha256: Sha256;
}): Lottery => {
  const entries = new Map<JobHash, Entry>();
  const ready = new Set<JobHash>();

  const countsOf = ({ spec, tasks }: OpenJob): ReadonlyMap<NodeId, number> =>
    new Map(
      tasks
        .filter(({ role }) => role === undefined)
        .map(({ nodeId, executionClass }) => [
          nodeId,
          survived(nodeId, runtimeOf(spec.app, executionClass)),
        ]),
    );

  const hearBeacon = (beacon: BeaconDrawn) => {
    for (const [jobHash, entry] of entries) {
      if (entry.ticket || entry.position > BigInt(beacon.to)) continue;
      const job = jobOf(jobHash);
      if (job.status !== "open") continue;
      entry.ticket = { beacon, policy: policy(), survived: countsOf(job) };
      ready.add(jobHash);
    }
  };

  const forget = (jobHash: JobHash) => {
    entries.delete(jobHash);
    ready.delete(jobHash);
  };

  return {
    hear: ({ event, position }, job) => {
      switch ((event as JobEvent | BeaconDrawn).type) {
        case "BeaconDrawn":
          hearBeacon(event as BeaconDrawn);
          return false;
        case "ResultCommitted": {
          const { jobHash, replica } = event as Extract<JobEvent, { type: "ResultCommitted" }>;
          if (job.status !== "open" || !job.spec.assurance || job.tasks[replica]?.role)
            return false;
          entries.set(jobHash, { position, ticket: undefined });
          ready.delete(jobHash);
          return true;
        }
        case "AuditDrawn":
        case "JobCompleted":
        case "JobFailed":
        case "JobCancelled":
          forget((event as JobEvent).jobHash);
          return false;
        default:
          return false;
      }
    },
    due: () => ready,
    drawOf: (job) => {
      const ticket = entries.get(job.jobHash)?.ticket;
      const tasks = toDraw(job);
      if (!ticket || tasks.length === 0) return undefined;
      const { beacon, policy, survived } = ticket;
      const { assurance = "standard", app } = job.spec;
      const rates = policy.verification[assurance];
      const draws = tasks.map((task): AuditDraw => {
        const { replica, attempt, nodeId, executionClass } = task;
        const count = survived.get(nodeId) ?? 0;
        const share = auditShare(count, rates);
        const audited = isAudited({ beacon: beacon.digest, task: taskName(task), share }, sha256);
        const runtime = runtimeOf(app, executionClass);
        return { replica, attempt, nodeId, runtime, survived: count, share, audited };
      });
      const { digest, from, to } = beacon;
      return { beacon: digest, from, to, policy: policy.version, draws };
    },
  };
};
