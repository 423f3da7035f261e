/** One row for everything: how much of what there is. */
import type { AnyEvent } from "../streams/codec.ts";
import type { Projection, Step } from "./projection.ts";
import type { JobStatus } from "./views.ts";

export interface TotalsRow {
  readonly events: number;
  readonly open: number;
  readonly completed: number;
  readonly failed: number;
  readonly rejected: number;
  readonly cancelled: number;
  readonly active: number;
  readonly suspended: number;
  /** Micro-points. */
  readonly issued: bigint;
  readonly funded: bigint;
  readonly awarded: bigint;
  readonly refunded: bigint;
  readonly voided: bigint;
  readonly slashed: bigint;
}

export const totalsKey = "totals";

export const noTotals: TotalsRow = {
  events: 0,
  open: 0,
  completed: 0,
  failed: 0,
  rejected: 0,
  cancelled: 0,
  active: 0,
  suspended: 0,
  issued: 0n,
  funded: 0n,
  awarded: 0n,
  refunded: 0n,
  voided: 0n,
  slashed: 0n,
};

const keys = [totalsKey] as const;
const keysOf = (): readonly string[] => keys;

const add = <Event extends AnyEvent>(
  changes: (row: TotalsRow, event: Event) => Partial<TotalsRow>,
): Step<TotalsRow, Event> => ({
  keysOf,
  evolve: (row = noTotals, event) => ({
    ...row,
    ...changes(row, event),
    events: row.events + 1,
  }),
});

const seen: Step<TotalsRow, AnyEvent> = {
  keysOf,
  evolve: (row = noTotals) => ({ ...row, events: row.events + 1 }),
};

const end = (status: Exclude<JobStatus, "open">): Step<TotalsRow, AnyEvent> =>
  add((row) => ({ open: row.open - 1, [status]: row[status] + 1 }));

export const totals: Projection<TotalsRow> = {
  name: "totals",
  version: 2,
  on: {
    JobSubmitted: add(({ open }) => ({ open: open + 1 })),
    JobRejected: end("rejected"),
    JobCompleted: end("completed"),
    JobFailed: end("failed"),
    JobCancelled: end("cancelled"),
    JobReopened: add(({ open, completed }) => ({ open: open + 1, completed: completed - 1 })),
    PointsIssued: add(({ issued }, { amount }) => ({ issued: issued + BigInt(amount) })),
    JobFunded: add(({ funded }, { amount }) => ({ funded: funded + BigInt(amount) })),
    PointsAwarded: add(({ awarded, refunded }, { awards, refund }) => ({
      awarded: awards.reduce((sum, { amount }) => sum + BigInt(amount), awarded),
      refunded: refunded + BigInt(refund),
    })),
    AwardsVoided: add(({ voided, refunded }, event) => {
      const sum = (to: (account: string) => boolean) =>
        event.voided.reduce((all, one) => (to(one.to) ? all + BigInt(one.amount) : all), 0n);
      const back = sum((account) => account.startsWith("client:"));
      return { voided: voided + sum(() => true), refunded: refunded + back };
    }),
    BondSlashed: add(({ slashed }, { amount }) => ({ slashed: slashed + BigInt(amount) })),
    JobRefunded: add(({ refunded }, { amount }) => ({ refunded: refunded + BigInt(amount) })),
    NodeRegistered: add(({ active }) => ({ active: active + 1 })),
    NodeSuspended: add(({ active, suspended }) => ({
      active: active - 1,
      suspended: suspended + 1,
    })),
    NodeResumed: add(({ active, suspended }) => ({
      active: active + 1,
      suspended: suspended - 1,
    })),

    NodeConvicted: add(({ active, suspended }, { wasSuspended }) =>
      wasSuspended ? { suspended: suspended - 1 } : { active: active - 1 },
    ),
  },
  otherwise: seen,
};
