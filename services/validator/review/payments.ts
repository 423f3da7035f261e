/** Whether points moved as the verdicts say: awards for accepted results, penalties for convicts. */
import type { JobHash, NodeId } from "../../../domain/ids.ts";
import type { Accepted, JobEvent } from "../../../domain/job/events.ts";
import type { MicroPointsText } from "../../../domain/points.ts";
import type { Fact } from "../../facts.ts";
import type { VerdictFault } from "./faults.ts";

export interface Payments {
  /** Folds a fact. */
  hear(fact: Fact): readonly VerdictFault[];
  /** Whether the ledger took back what a job had paid, at that revision of its stream. */
  reopens(jobHash: JobHash, revision: number): boolean;
  isConvicted(nodeId: NodeId): boolean;
}

interface Ended {
  readonly accepted: readonly Accepted[];
  readonly isCompleted: boolean;
}

/** @param onFinal - Hears of each job that is over for good. */
export const createPayments = (onFinal: (jobHash: JobHash) => void): Payments => {
  /** Of each job that was not paid for yet. */
  const prices = new Map<JobHash, MicroPointsText>();
  const ended = new Map<JobHash, Ended>();
  /** Tasks that nobody needed any more, which are paid in part. */
  const stopped = new Map<JobHash, Extract<JobEvent, { type: "TaskStopped" }>[]>();
  /** Held awards whose job may be opened again. */
  const held = new Map<string, JobHash>();
  const heldOf = new Map<JobHash, number>();
  const voided = new Map<JobHash, number>();
  /** Jobs that were opened again: of what was taken back not all can be paid that are accepted then. */
  const again = new Set<JobHash>();
  const convicts = new Set<NodeId>();

  const end = (jobHash: JobHash, accepted: readonly Accepted[], isCompleted: boolean) =>
    ended.set(jobHash, { accepted, isCompleted });

  /** Unless it comes back. */
  const close = (jobHash: JobHash) => {
    if (ended.has(jobHash) || heldOf.has(jobHash) || voided.has(jobHash)) return;
    prices.delete(jobHash);
    stopped.delete(jobHash);
    again.delete(jobHash);
    onFinal(jobHash);
  };

  const letGo = (awardId: string) => {
    const jobHash = held.get(awardId);
    if (jobHash === undefined) return;
    held.delete(awardId);
    const left = (heldOf.get(jobHash) ?? 1) - 1;
    if (left > 0) heldOf.set(jobHash, left);
    else heldOf.delete(jobHash);
    if (left <= 0) close(jobHash);
  };

  return {
    reopens: (jobHash, revision) => voided.get(jobHash) === revision,
    isConvicted: (nodeId) => convicts.has(nodeId),
    hear: ({ event, position, revision }) => {
      const fault = (code: VerdictFault["code"], more: Partial<VerdictFault>): VerdictFault => ({
        ...{ code, position },
        ...more,
      });
      switch (event.type) {
        case "JobSubmitted":
          prices.set(event.jobHash, event.spec.price);
          return [];
        case "TaskStopped":
          stopped.set(event.jobHash, [...(stopped.get(event.jobHash) ?? []), event]);
          return [];
        case "JobCompleted":
          end(event.jobHash, event.accepted, true);
          return [];
        case "JobCancelled":
          if (event.accepted?.length) end(event.jobHash, event.accepted, false);
          else close(event.jobHash);
          return [];
        case "JobFailed":
        case "JobRejected":
          close(event.jobHash);
          return [];
        case "JobReopened":
          ended.delete((event as JobEvent).jobHash);
          voided.delete(event.jobHash);
          again.add(event.jobHash);
          return [];
        case "NodeConvicted":
          convicts.add(event.nodeId);
          return [];

        case "PointsAwarded": {
          const { jobHash, awards, hold } = event;
          const price = prices.get(jobHash);
          const { accepted = [] } = ended.get(jobHash) ?? {};
          const faults = awards.flatMap(({ replica, nodeId, amount, stopped: isPart }) => {
            const among = isPart ? (stopped.get(jobHash) ?? []) : accepted;
            const of = among.find((one) => one.replica === replica);
            const due = of && "amount" in of ? of.amount : price;
            if (of?.nodeId === nodeId && amount === due) return [];
            const detail = of ? `${amount} micro-points instead of ${due}` : "not accepted";
            return [fault("award-unfounded", { jobHash, nodeId, replica, detail })];
          });
          const parts = (stopped.get(jobHash) ?? []).filter((one) => one.amount !== "0");
          for (const { replica, nodeId } of again.has(jobHash) ? [] : [...accepted, ...parts])
            if (!awards.some((award) => award.replica === replica))
              faults.push(fault("award-missing", { jobHash, nodeId, replica, detail: "left out" }));
          if (hold)
            for (const award of awards)
              if (award.held && (hold.reopens || award.sole)) {
                held.set(award.awardId, jobHash);
                heldOf.set(jobHash, (heldOf.get(jobHash) ?? 0) + 1);
              }
          ended.delete(jobHash);
          close(jobHash);
          return faults;
        }
        case "JobRefunded": {
          const { jobHash, reason } = event;
          const { accepted = [], isCompleted = false } = ended.get(jobHash) ?? {};
          ended.delete(jobHash);
          close(jobHash);
          if (!isCompleted || accepted.length === 0) return [];
          return [fault("award-missing", { jobHash, detail: `refunded as ${reason}` })];
        }
        case "AwardsSettled":
          for (const { awardId } of event.settled) letGo(awardId);
          return [];
        case "AwardsVoided": {
          const { nodeId } = event;
          for (const { awardId, jobHash, reopens } of event.voided) {
            if (reopens) voided.set(jobHash, Number(revision));
            letGo(awardId);
          }
          return convicts.has(nodeId) ? [] : [fault("penalty-unfounded", { nodeId })];
        }
        case "BondSlashed": {
          const { nodeId } = event;
          return convicts.has(nodeId) ? [] : [fault("penalty-unfounded", { nodeId })];
        }
        default:
          return [];
      }
    },
  };
};
