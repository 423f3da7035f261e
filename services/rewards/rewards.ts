/**
 * What the rewards service owes: state is the debt. A job that was submitted is owed its funding, a
 * job that ended is owed the release of its escrow; a fact of the ledger or a rejection clears it.
 */
import type { Instant } from "../../domain/decider.ts";
import type { AccountId, JobHash } from "../../domain/ids.ts";
import { budgetOf } from "../../domain/job/spec.ts";
import type { Accepted, Stopped } from "../../domain/ledger/ledger.ts";
import { type MicroPointsText, toText } from "../../domain/points.ts";
import type { AnyEvent } from "../../streams/codec.ts";

export type Debt =
  | {
      readonly due: "funding";
      readonly client: AccountId;
      /** The job's whole budget. */
      readonly amount: MicroPointsText;
      readonly deadlineAt: Instant;
    }
  | {
      readonly due: "awards";
      readonly price: MicroPointsText;
      readonly accepted: readonly Accepted[];
      /** Tasks that were not needed any more, and are paid in part. */
      readonly stopped?: readonly Stopped[];
      /** How often the job was opened again before this end. */
      readonly round: number;
      /** Ordinary awards are held. */
      readonly hold?: DebtHold;
    }
  | { readonly due: "refund"; readonly reason: string; readonly round: number };

interface DebtHold {
  /** Whether a conviction opens the job again. */
  readonly reopens: boolean;
  /** The job was called off: nothing opens it again. */
  readonly final?: true;
}

export interface Debts {
  /** Nothing is owed after all: the job ended before it was funded. */
  clear(jobHash: JobHash): void;
  /** Folds a fact and answers the job whose debt is new, if one is. */
  hear(event: AnyEvent): JobHash | undefined;
  get(jobHash: JobHash): Debt | undefined;
  all(): Iterable<JobHash>;
  readonly size: number;
}

export const createDebts = (): Debts => {
  const debts = new Map<JobHash, Debt>();
  /** Price of each job that is not settled. */
  const prices = new Map<JobHash, MicroPointsText>();
  /** Jobs whose escrow is open. */
  const escrows = new Set<JobHash>();
  /** Open jobs with an assurance. */
  const assured = new Set<JobHash>();
  /** Replicas of each such job of which an arbiter computed the same. */
  const audited = new Map<JobHash, Set<number>>();
  /** Tasks that were stopped, of jobs that are about to complete. */
  const stops = new Map<JobHash, Stopped[]>();
  /** How often each job was opened again, if it was and has not ended since. */
  const rounds = new Map<JobHash, number>();

  const clear = (jobHash: JobHash) => {
    debts.delete(jobHash);
    prices.delete(jobHash);
    escrows.delete(jobHash);
    stops.delete(jobHash);
    if (!assured.delete(jobHash)) return;
    audited.delete(jobHash);
    rounds.delete(jobHash);
  };

  const owe = (jobHash: JobHash, debt: Debt): JobHash => {
    debts.set(jobHash, debt);
    return jobHash;
  };

  const refund = (jobHash: JobHash, reason: string): JobHash =>
    owe(jobHash, { due: "refund", reason, round: rounds.get(jobHash) ?? 0 });

  /** Awards for the work that counts; if none does, all of the escrow goes back. */
  const oweFor = (
    jobHash: JobHash,
    said: readonly Accepted[],
    reason: string,
    hold: DebtHold | undefined,
  ): JobHash => {
    const price = prices.get(jobHash);
    if (price === undefined || said.length === 0) return refund(jobHash, reason);
    const right = audited.get(jobHash);
    const accepted = right
      ? said.map((one) => (right.has(one.replica) ? { ...one, audited: true as const } : one))
      : said;
    const round = rounds.get(jobHash) ?? 0;
    const stopped = stops.get(jobHash);
    const also = { ...(stopped ? { stopped } : {}), ...(hold ? { hold } : {}) };
    return owe(jobHash, { due: "awards", price, accepted, round, ...also });
  };

  return {
    clear,
    hear: (event) => {
      switch (event.type) {
        case "JobSubmitted": {
          const { jobHash, spec, deadlineAt } = event;
          const { client, price } = spec;
          const amount = toText(budgetOf(spec));
          prices.set(jobHash, price);
          if (spec.assurance) assured.add(jobHash);
          return owe(jobHash, { due: "funding", client, amount, deadlineAt });
        }
        case "JobFunded": {
          const { jobHash } = event;
          escrows.add(jobHash);
          // A funding that was on its way when the job ended, and when nothing seemed to be owed.
          if (!prices.has(jobHash)) return refund(jobHash, "funded-late");
          if (debts.get(jobHash)?.due === "funding") debts.delete(jobHash);
          return undefined;
        }
        case "ResultAccepted": {
          if (!event.audited) return undefined;
          const { jobHash, replica } = event;
          const right = audited.get(jobHash);
          if (right) right.add(replica);
          else if (assured.has(jobHash)) audited.set(jobHash, new Set([replica]));
          return undefined;
        }
        case "TaskStopped": {
          const { jobHash, replica, nodeId, amount } = event;
          if (!prices.has(jobHash)) return undefined; // Nothing is owed for it.
          stops.set(jobHash, [...(stops.get(jobHash) ?? []), { replica, nodeId, amount }]);
          return undefined;
        }
        case "JobCompleted": {
          const { jobHash, accepted, held, assurance } = event;
          const isConfirmed = assurance?.audited || accepted.some(({ arbiter }) => arbiter);
          const hold = held ? { reopens: !isConfirmed } : undefined;
          return oweFor(jobHash, accepted, "completed", hold);
        }
        case "JobFailed":
          return refund(event.jobHash, event.reason);
        case "JobCancelled": {
          // Nobody looked at these results, and nobody will: they are held, and the job stays closed.
          const { jobHash, accepted = [] } = event;
          const hold = assured.has(jobHash)
            ? ({ reopens: false, final: true } as const)
            : undefined;
          return oweFor(jobHash, accepted, "cancelled", hold);
        }
        case "JobRejected":
          // Two services may have seen the client's balance at different times.
          if (escrows.has(event.jobHash)) return refund(event.jobHash, event.reason);
          clear(event.jobHash);
          return undefined;
        case "AwardsVoided":
          for (const { jobHash, amount, reopens } of event.voided)
            if (reopens) {
              // Each award is of the job's price.
              prices.set(jobHash, amount);
              escrows.add(jobHash);
              assured.add(jobHash);
              rounds.set(jobHash, 1);
            }
          return undefined;
        case "PointsAwarded":
        case "JobRefunded":
          clear(event.jobHash);
          return undefined;
        default:
          return undefined;
      }
    },
    get: (jobHash) => debts.get(jobHash),
    all: () => debts.keys(),
    get size() {
      return debts.size;
    },
  };
};
