/**
 * What the rewards service owes: state is the debt. A job that was submitted is owed its funding, a
 * job that ended is owed the release of its escrow; a fact of the ledger or a rejection clears it.
 */
import type { Instant } from "../../domain/decider.ts";
import type { AccountId, JobHash, NodeId } from "../../domain/ids.ts";
import { budgetOf } from "../../domain/job/spec.ts";
import { type MicroPointsText, toText } from "../../domain/points.ts";
import type { AnyEvent } from "../../streams/codec.ts";

type Accepted = readonly { readonly replica: number; readonly nodeId: NodeId }[];

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
      readonly accepted: Accepted;
    }
  | { readonly due: "refund"; readonly reason: string };

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

  const clear = (jobHash: JobHash) => {
    debts.delete(jobHash);
    prices.delete(jobHash);
    escrows.delete(jobHash);
  };

  const owe = (jobHash: JobHash, debt: Debt): JobHash => {
    debts.set(jobHash, debt);
    return jobHash;
  };

  /** Awards for the work that counts; if none does, all of the escrow goes back. */
  const oweFor = (jobHash: JobHash, accepted: Accepted, reason: string): JobHash => {
    const price = prices.get(jobHash);
    if (price === undefined || accepted.length === 0)
      return owe(jobHash, { due: "refund", reason });
    return owe(jobHash, { due: "awards", price, accepted });
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
          return owe(jobHash, { due: "funding", client, amount, deadlineAt });
        }
        case "JobFunded": {
          const { jobHash } = event;
          escrows.add(jobHash);
          // A funding that was on its way when the job ended, and when nothing seemed to be owed.
          if (!prices.has(jobHash)) return owe(jobHash, { due: "refund", reason: "funded-late" });
          if (debts.get(jobHash)?.due === "funding") debts.delete(jobHash);
          return undefined;
        }
        case "JobCompleted":
          return oweFor(event.jobHash, event.accepted, "completed");
        case "JobFailed":
          return owe(event.jobHash, { due: "refund", reason: event.reason });
        case "JobCancelled":
          return oweFor(event.jobHash, event.accepted ?? [], "cancelled");
        case "JobRejected":
          // Two services may have seen the client's balance at different times.
          if (escrows.has(event.jobHash))
            return owe(event.jobHash, { due: "refund", reason: event.reason });
          clear(event.jobHash);
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
