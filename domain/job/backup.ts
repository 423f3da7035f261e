/**
 * A backup: one more node for a job of which a task hangs. Whoever answers first counts, as with any
 * other replica; the task that is still open when the job completes is stopped, and paid in part.
 *
 *     assigned --hangs--> a spare replica is assigned
 *         |                       |
 *         '--- the first answer that makes the quorum ends the job; the other task is stopped
 *
 * It takes one of the replicas that the job may have anyway (`replicasMax`), so that all of them paid
 * in full cost no more than the escrow.
 */
import type { Instant, Millis } from "../decider.ts";
import { type MicroPointsText, toText } from "../points.ts";
import type { TaskStopped } from "./events.ts";
import { attemptsMax, type Vacancy, vacancies } from "./needs.ts";
import { type OpenJob, refOf, type Task } from "./state.ts";

/**
 * The replica that a backup would be; undefined where there can be none: the job had one, waits for a
 * node anyway, or has no replica left. Nor has a job with commits, and so none with an assurance:
 * what is bound must not be shown while another node is still at it.
 */
export const spareReplica = (job: OpenJob): Vacancy | undefined => {
  const { spec, tasks, backedUp } = job;
  if (backedUp || spec.commit || spec.assurance) return undefined;
  if (vacancies(job).length > 0) return undefined;
  const vacant = tasks.findIndex(({ status }) => status === "vacant");
  const replica = vacant < 0 ? tasks.length : vacant;
  const attempt = (tasks[replica]?.attempt ?? 0) + 1;
  return replica < spec.replicasMax && attempt <= attemptsMax ? { replica, attempt } : undefined;
};

/** The task that was assigned first and is not answered. */
export const oldestAssigned = ({ tasks }: OpenJob): Assigned | undefined => {
  let oldest: Assigned | undefined;
  for (const task of tasks)
    if (task.status === "assigned" && (!oldest || task.assignedAt < oldest.assignedAt))
      oldest = task;
  return oldest;
};

/**
 * The tasks that nobody needs any more when these results are accepted, and what each is paid.
 *
 * @param accepted - Received, with the time that each took.
 */
export const stopsOf = (
  { tasks, spec, backedUp }: OpenJob,
  accepted: readonly Received[],
  at: Instant,
): readonly TaskStopped[] => {
  if (!backedUp) return []; // Else no more tasks are under way than are needed.
  const winnerMs = Math.max(0, ...accepted.map(({ turnaroundMs = 0 }) => turnaroundMs));
  return tasks.filter(isAssigned).map((task) => {
    const ranMs = Math.max(0, at - task.assignedAt);
    const amount = partOf(spec.price, ranMs, winnerMs);
    // A backup was stopped early for no fault of its own: what it ran says nothing of its pace.
    const pace = task.backs === undefined ? { app: spec.app, turnaroundMs: ranMs } : {};
    return { type: "TaskStopped", ...refOf(task), ranMs, amount, ...pace, at };
  });
};

/**
 * What a stopped task is paid: the price, times the shorter of both times through the longer. Who ran
 * as long as the winner did about as much; who ran shorter did a part of it; and who ran longer without
 * an answer worked the slower the longer it was. Rounded down.
 */
export const partOf = (
  price: MicroPointsText,
  ranMs: Millis,
  winnerMs: Millis,
): MicroPointsText => {
  const [shorter, longer] = ranMs < winnerMs ? [ranMs, winnerMs] : [winnerMs, ranMs];
  const whole = BigInt(Math.max(1, Math.round(longer)));
  const part = BigInt(Math.max(0, Math.round(shorter)));
  return toText((BigInt(price) * part) / whole);
};

type Assigned = Extract<Task, { status: "assigned" }>;
type Received = Extract<Task, { status: "received" }>;

const isAssigned = (task: Task): task is Assigned => task.status === "assigned";
