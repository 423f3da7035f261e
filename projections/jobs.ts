/** One row a job: its spec, how far it is, each attempt of each replica, and what it cost. */
import type { Instant } from "../domain/decider.ts";
import type { JobHash } from "../domain/ids.ts";
import { mayBeReopened } from "../domain/job/assurance.ts";
import type { AwardsSettled, AwardsVoided } from "../domain/ledger/events.ts";
import { type MicroPointsText, toText } from "../domain/points.ts";
import type { Position } from "../streams/event-store.ts";
import { beginsStream, type Place, type Projection, type Step } from "./projection.ts";
import type { JobRow, JobStatus, TaskRow } from "./views.ts";

type OfJob = { readonly jobHash: JobHash; readonly at: Instant };
type OfTask = OfJob & { readonly replica: number; readonly attempt: number };

const keysOf = ({ jobHash }: OfJob): readonly string[] => [jobHash];

/** Changes a job that is known; one that is not stays so. */
const change = <Event extends OfJob>(
  changes: (event: Event, row: JobRow, place: Place) => Partial<JobRow>,
): Step<JobRow, Event> => ({
  keysOf,
  evolve: (row, event, place) =>
    row && { ...row, ...changes(event, row, place), lastPosition: place.position },
});

const changeTask = <Event extends OfTask>(
  changes: (event: Event) => Partial<TaskRow>,
): Step<JobRow, Event> =>
  change((event, { tasks }) => {
    const { replica, attempt } = event;
    const at = tasks.findIndex((task) => task.replica === replica && task.attempt === attempt);
    const task = tasks[at];
    return task ? { tasks: tasks.with(at, { ...task, ...changes(event) }) } : {};
  });

const end = <Event extends OfJob>(
  status: JobStatus,
  rest: (event: Event) => Partial<JobRow>,
): Step<JobRow, Event> =>
  change((event, { tasks }, { position }) => ({
    status,
    endedAt: event.at,
    endedPosition: position,
    awaitingKeys: false,
    tasks: tasks.some(isUnderWay) ? tasks.map((task) => dropped(task, event.at)) : tasks,
    ...rest(event),
  }));

const isUnderWay = ({ status }: TaskRow): boolean =>
  status === "assigned" || status === "committed";

const dropped = (task: TaskRow, endedAt: Instant): TaskRow =>
  isUnderWay(task) ? { ...task, status: "dropped", endedAt } : task;

const closed = (
  escrow: JobRow["escrow"],
  amount: MicroPointsText,
  position: Position,
): JobRow["escrow"] => {
  if (!escrow) return escrow;
  const refunded = toText(BigInt(escrow.refundedBefore) + BigInt(amount));
  return { ...escrow, refunded, positions: [...escrow.positions, position] };
};

/** Marks awards that their nodes have; entries of the first rules do not say of which job they are. */
const settleAwards: Step<JobRow, AwardsSettled> = {
  keysOf: ({ settled }) => [
    ...new Set(settled.map(({ jobHash }) => jobHash).filter((hash) => hash !== undefined)),
  ],
  evolve: (row, { settled }, { position }) => {
    if (!row) return row;
    const own = new Set(
      settled.filter(({ jobHash }) => jobHash === row.jobHash).map(({ awardId }) => awardId),
    );
    const paid = row.paid.map((award) =>
      own.has(award.awardId) ? { ...award, settled: true as const } : award,
    );
    return { ...row, paid, provisional: false, lastPosition: position };
  },
};

/** Takes awards back: to the client, or into the escrow, which is open again. */
const voidAwards: Step<JobRow, AwardsVoided> = {
  keysOf: ({ voided }) => voided.map(({ jobHash }) => jobHash),
  evolve: (row, { voided }, { position }, key) => {
    const mine = voided.find(({ jobHash }) => jobHash === key);
    if (!row || !mine) return row;
    const paid = row.paid.map((award) =>
      award.awardId === mine.awardId ? { ...award, voided: true } : award,
    );
    const { escrow } = row;
    if (!escrow) return { ...row, paid, lastPosition: position };
    const before = BigInt(escrow.refunded ?? "0");
    const back = toText(before + (mine.reopens ? 0n : BigInt(mine.amount)));
    const now = mine.reopens
      ? { refunded: null, refundedBefore: back, positions: [...escrow.positions, position] }
      : { refunded: back };
    return { ...row, paid, escrow: { ...escrow, ...now }, lastPosition: position };
  },
};

const unanswered = {
  endedAt: null,
  outputDigest: null,
  outputSize: null,
  resultTag: null,
  elapsedMs: null,
  code: null,
  verdict: null,
  comparator: null,
  distance: null,
  reason: null,
} as const;

export const jobs: Projection<JobRow> = {
  name: "jobs",
  version: 7,
  on: {
    JobSubmitted: {
      keysOf,
      begins: beginsStream,
      // The hash names the spec, so a second submission says nothing new.
      evolve: (row, { jobHash, spec, deadlineAt, at }, { position }) =>
        row ?? {
          jobHash,
          client: spec.client,
          app: spec.app,
          status: "open",
          reason: null,
          spec,
          quorum: spec.quorum,
          replicasMax: spec.replicasMax,
          submittedAt: at,
          deadlineAt,
          endedAt: null,
          submittedPosition: position,
          endedPosition: null,
          lastPosition: position,
          reopenedPosition: null,
          output: null,
          tasks: [],
          disagreement: null,
          paid: [],
          escrow: null,
          awaitingKeys: false,
        },
    },
    KeysWrapped: change(() => ({ awaitingKeys: false })),
    KeysAwaited: change(() => ({ awaitingKeys: true })),
    JobRejected: end("rejected", ({ reason }) => ({ reason })),
    TaskAssigned: change((event, row) => {
      const { replica, attempt, nodeId, role, executionClass, at, expiresAt } = event;
      const lease = { executionClass, assignedAt: at, expiresAt };
      const node = { nodeId, ...(role ? { arbiter: true as const } : {}) };
      const status = "assigned";
      const task: TaskRow = { replica, attempt, ...node, status, ...lease, ...unanswered };
      return { tasks: [...row.tasks, task], awaitingKeys: false };
    }),
    ResultCommitted: changeTask(() => ({ status: "committed" })),
    ResultReceived: changeTask(({ outputDigest, outputSize, resultTag, elapsedMs, at }) => ({
      status: "received",
      outputDigest,
      outputSize,
      resultTag: resultTag ?? null,
      elapsedMs,
      endedAt: at,
    })),
    TaskFailed: changeTask(({ code, at }) => ({ status: "failed", code, endedAt: at })),
    TaskExpired: changeTask(({ at }) => ({ status: "expired", endedAt: at })),
    TaskStopped: changeTask(({ at }) => ({ status: "dropped", endedAt: at })),
    ResultsDisagreed: change(({ comparator, groups, distance, reason }) => ({
      disagreement: { comparator, groups, distance, reason },
    })),
    ResultAccepted: changeTask(({ comparator, distance }) => ({
      verdict: "accepted",
      comparator,
      distance,
    })),
    ResultRejected: changeTask(({ comparator, distance, reason }) => ({
      verdict: "rejected",
      comparator,
      distance,
      reason,
    })),
    JobCompleted: end("completed", (event) => ({
      output: { digest: event.outputDigest, size: event.outputSize },
      ...(mayBeReopened(event) ? { provisional: true } : {}),
    })),
    JobFailed: end("failed", ({ reason }) => ({ reason })),
    JobCancelled: end("cancelled", () => ({})),
    // What it rested on is not believed any more: it has no output until it completes again.
    JobReopened: change(({ deadlineAt, convicts }, { tasks }, { position }) => ({
      status: "open",
      reopenedPosition: position,
      provisional: false,
      deadlineAt,
      endedAt: null,
      endedPosition: null,
      output: null,
      tasks: tasks.map((task) =>
        task.verdict === "accepted" && convicts.includes(task.nodeId)
          ? { ...task, verdict: "rejected", reason: "node-convicted" }
          : task,
      ),
    })),

    JobFunded: change(({ amount }, _, { position }) => ({
      escrow: { funded: amount, refunded: null, refundedBefore: "0", positions: [position] },
    })),
    PointsAwarded: change(({ awards, refund, hold }, { paid, escrow }, { position }) => ({
      paid: [
        ...paid,
        ...awards.map(({ awardId, replica, nodeId, amount, held }) => ({
          ...{ awardId, replica, nodeId, amount, voided: false },
          heldUntil: held && hold ? hold.until : null,
        })),
      ],
      escrow: closed(escrow, refund, position),
    })),
    AwardsSettled: settleAwards,
    AwardsVoided: voidAwards,
    JobRefunded: change(({ amount }, { escrow }, { position }) => ({
      escrow: closed(escrow, amount, position),
    })),
  },
};
