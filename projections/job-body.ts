/** What changes of a job's row, as JSON without the names of its fields: it is written at each stage. */
import { packingOf } from "./packing.ts";
import type { JobRow, PaidAward, TaskRow } from "./views.ts";

/** The rest of a row stands in columns of its own, or follows from the spec. */
type Body = Pick<
  JobRow,
  | "reason"
  | "submittedAt"
  | "deadlineAt"
  | "endedAt"
  | "endedPosition"
  | "output"
  | "tasks"
  | "disagreement"
  | "paid"
  | "escrow"
  | "awaitingKeys"
  | "provisional"
>;

/** As JSON can say it. */
type Stored = Omit<Body, "endedPosition" | "tasks" | "paid" | "escrow"> & {
  readonly endedPosition: number | null;
  readonly tasks: readonly (readonly unknown[])[];
  readonly paid: readonly (readonly unknown[])[];
  readonly escrow: StoredEscrow | null;
};
type StoredEscrow = Omit<NonNullable<JobRow["escrow"]>, "positions"> & {
  readonly positions: readonly number[];
};

const tasks = packingOf<TaskRow>({
  replica: "always",
  attempt: "always",
  nodeId: "always",
  arbiter: "optional",
  status: "always",
  executionClass: "always",
  assignedAt: "always",
  expiresAt: "always",
  endedAt: "always",
  outputDigest: "always",
  outputSize: "always",
  resultTag: "always",
  elapsedMs: "always",
  code: "always",
  verdict: "always",
  comparator: "always",
  distance: "always",
  reason: "always",
});

const awards = packingOf<PaidAward>({
  awardId: "always",
  replica: "always",
  nodeId: "always",
  amount: "always",
  heldUntil: "always",
  voided: "always",
  settled: "optional",
});

const body = packingOf<Stored>({
  reason: "always",
  submittedAt: "always",
  deadlineAt: "always",
  endedAt: "always",
  endedPosition: "always",
  output: "always",
  tasks: "always",
  disagreement: "always",
  paid: "always",
  escrow: "always",
  awaitingKeys: "always",
  provisional: "optional",
});

export const bodyText = (row: Body): string => {
  const { reason, submittedAt, deadlineAt, endedAt, endedPosition, output } = row;
  const { disagreement, paid, escrow, awaitingKeys, provisional } = row;
  const stored: Stored = {
    reason,
    submittedAt,
    deadlineAt,
    endedAt,
    endedPosition: endedPosition === null ? null : Number(endedPosition),
    output,
    tasks: row.tasks.map(tasks.pack),
    disagreement,
    paid: paid.map(awards.pack),
    escrow: escrow && { ...escrow, positions: escrow.positions.map(Number) },
    awaitingKeys,
    ...(provisional ? { provisional } : {}),
  };
  return JSON.stringify(body.pack(stored));
};

/** @param text - As `bodyText` gave it. */
export const bodyOf = (text: string): Body => {
  const stored = body.unpack(JSON.parse(text) as readonly unknown[]);
  const { endedPosition, escrow } = stored;
  return {
    ...stored,
    endedPosition: endedPosition === null ? null : BigInt(endedPosition),
    tasks: stored.tasks.map(tasks.unpack),
    paid: stored.paid.map(awards.unpack),
    escrow: escrow && { ...escrow, positions: escrow.positions.map(BigInt) },
  };
};
