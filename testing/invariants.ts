/**
 * What must hold in any log of CNCT, whatever was killed, lost, doubled or delayed while it was
 * written. Reads facts alone and shares no code with the deciders but the event types and the
 * meaning of a journal entry, so that a wrong rule there is seen here.
 */
import type { JobEvent, JobReopened, ResultReceived, TaskRef } from "../domain/job/events.ts";
import type { JobSpec } from "../domain/job/spec.ts";
import type { LedgerEvent } from "../domain/ledger/events.ts";
import { commitOf } from "../domain/receipts/commit.ts";
import { decode } from "../streams/codec.ts";
import type { RecordedEvent } from "../streams/event-store.ts";
import { checkEntry, checkSums, emptyBooks } from "./ledger-invariants.ts";

export interface InvariantReport {
  /** One sentence each; empty when all holds. */
  readonly violations: readonly string[];
  readonly events: number;
  readonly jobs: number;
  readonly completed: number;
  readonly failed: number;
  readonly awards: number;
  /** Micro-points. */
  readonly awarded: bigint;
}

type TaskTrace = TaskRef & {
  status: "assigned" | "committed" | "received" | "over";
  commit: string;
  readonly role: "arbiter" | undefined;
};

interface JobTrace {
  readonly spec: JobSpec;
  ended: string | undefined;
  funded: boolean;
  released: boolean;
  /** By replica: the attempt that is live or answered. */
  readonly tasks: Map<number, TaskTrace>;
  /** `replica node` of each accepted result. */
  readonly accepted: Set<string>;
  /** What each task that was stopped is to be paid, by the same. */
  readonly stopped: Map<string, string>;
  /** Whether it was given a backup. */
  backedUp: boolean;
  /** The same of each result that took part in the lottery of audits. */
  readonly drawn: Set<string>;
}

const sentencesMax = 50;

/**
 * @param quiet - The network came to rest: every job must have ended and every escrow be released.
 */
export const checkInvariants = async (
  log: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  { quiet }: { readonly quiet: boolean },
): Promise<InvariantReport> => {
  const violations: string[] = [];
  const blame = (sentence: string) => {
    if (violations.length < sentencesMax) violations.push(sentence);
  };
  const revisions = new Map<string, bigint>();
  const ids = new Set<string>();
  const jobs = new Map<string, JobTrace>();
  const books = emptyBooks();
  let position = -1n;
  let events = 0;

  for await (const recorded of log) {
    const event = decode(recorded);
    if (!event) continue;
    events++;
    if (recorded.position <= position) blame(`position ${recorded.position} follows ${position}`);
    position = recorded.position;
    const last = revisions.get(recorded.stream) ?? -1n;
    if (recorded.revision !== last + 1n)
      blame(`${recorded.stream} goes from revision ${last} to ${recorded.revision}`);
    revisions.set(recorded.stream, recorded.revision);
    if (ids.has(recorded.id)) blame(`event id ${recorded.id} stands twice in the log`);
    ids.add(recorded.id);

    if (recorded.stream === "ledger") checkEntry(event as LedgerEvent, books, jobs, blame);
    else if (recorded.stream.startsWith("job-")) checkJob(event as JobEvent, jobs, blame);
  }

  checkSums(books, blame);
  let completed = 0;
  let failed = 0;
  for (const [hash, job] of jobs) {
    if (job.ended === "JobCompleted") completed++;
    else if (job.ended !== undefined) failed++;
    if (!quiet) continue;
    const name = hash.slice(0, 12);
    if (job.ended === undefined) blame(`job ${name} was accepted and never ended`);
    if (job.funded && !job.released) blame(`the escrow of job ${name} was never released`);
    if (job.ended === "JobCompleted" && !job.released) blame(`job ${name} was completed, not paid`);
    const escrow = books.balances.get(`escrow:${hash}`) ?? 0n;
    if (job.released && escrow !== 0n) blame(`${escrow} micro-points are left in job ${name}`);
  }
  const { awarded } = books;
  const awards = books.awardIds.size;
  return { violations, events, jobs: jobs.size, completed, failed, awards, awarded };
};

const checkJob = (
  event: JobEvent,
  jobs: Map<string, JobTrace>,
  blame: (sentence: string) => void,
): void => {
  const name = event.jobHash.slice(0, 12);
  if (event.type === "JobSubmitted") {
    if (jobs.has(event.jobHash)) blame(`job ${name} was submitted twice`);
    const empty = { tasks: new Map(), accepted: new Set<string>(), drawn: new Set<string>() };
    const open = { ended: undefined, funded: false, released: false, backedUp: false };
    const stopped = new Map<string, string>();
    jobs.set(event.jobHash, { spec: event.spec, ...open, ...empty, stopped });
    return;
  }
  const job = jobs.get(event.jobHash);
  if (!job) {
    blame(`${event.type} of job ${name}, which was never submitted`);
    return;
  }
  if (event.type === "JobReopened") {
    reopen(event, job, blame);
    return;
  }
  if (job.ended !== undefined) blame(`${event.type} of job ${name} after its ${job.ended}`);
  switch (event.type) {
    case "TaskAssigned": {
      const task = job.tasks.get(event.replica);
      const where = `replica ${event.replica} of job ${name}`;
      if (!job.funded) blame(`${where} was assigned before the job was funded`);
      if (task && task.status !== "over") blame(`${where} was assigned while an attempt was live`);
      if (event.attempt !== (task?.attempt ?? 0) + 1)
        blame(`${where} went from attempt ${task?.attempt ?? 0} to ${event.attempt}`);
      for (const other of job.tasks.values())
        if (other.nodeId === event.nodeId && other.status !== "over")
          blame(`${event.nodeId} got job ${name} twice`);
      const arbiters = job.spec.assurance ? 3 : 0;
      if (event.role && arbiters === 0) blame(`${where} is an arbiter's, and nobody asked for one`);
      if (event.replica >= job.spec.replicasMax + arbiters) blame(`${where} is beyond replicasMax`);
      if (event.backs !== undefined) {
        if (job.backedUp) blame(`job ${name} was given a second backup`);
        if (job.spec.commit) blame(`job ${name} has commits, and was given a backup`);
        if (job.tasks.get(event.backs)?.status !== "assigned")
          blame(`${where} is a backup for a task that nobody has`);
        job.backedUp = true;
      }
      const { jobHash, replica, attempt, nodeId } = event;
      const named = { jobHash, replica, attempt, nodeId };
      job.tasks.set(replica, { ...named, status: "assigned", commit: "", role: event.role });
      return;
    }
    case "ResultCommitted":
    case "ResultReceived":
    case "TaskFailed":
    case "TaskExpired": {
      const task = job.tasks.get(event.replica);
      const isBound = task?.status === "committed" && event.type !== "ResultCommitted";
      if (
        (task?.status !== "assigned" && !isBound) ||
        task.attempt !== event.attempt ||
        task.nodeId !== event.nodeId
      )
        blame(`${event.type} of a task of job ${name} that ${event.nodeId} did not hold`);
      if (!task) return;
      if (event.type === "ResultCommitted") {
        if (!job.spec.commit) blame(`job ${name} asked for no commits and has one`);
        Object.assign(task, { status: "committed", commit: event.commit });
        return;
      }
      if (event.type === "ResultReceived" && job.spec.commit) checkReveal(event, job, blame);
      task.status = event.type === "ResultReceived" ? "received" : "over";
      return;
    }
    case "TaskStopped": {
      const task = job.tasks.get(event.replica);
      if (task?.status !== "assigned" || task.nodeId !== event.nodeId)
        blame(`a task of job ${name} was stopped that ${event.nodeId} did not hold`);
      if (!job.backedUp) blame(`a task of job ${name} was stopped, and it had no backup`);
      if (task) task.status = "over";
      if (BigInt(event.amount) > BigInt(job.spec.price))
        blame(`a task of job ${name} that was stopped is to get more than a result`);
      job.stopped.set(`${event.replica} ${event.nodeId}`, event.amount);
      return;
    }
    case "ResultAccepted":
    case "ResultRejected": {
      const task = job.tasks.get(event.replica);
      if (task?.status !== "received" || task.nodeId !== event.nodeId)
        blame(`a verdict on job ${name} about a result that was not received`);
      if (job.spec.assurance && task?.role === undefined)
        if (!job.drawn.has(`${event.replica} ${event.nodeId}`))
          blame(`a verdict on job ${name} about a result whose audit was not drawn`);
      if (event.type === "ResultAccepted") job.accepted.add(`${event.replica} ${event.nodeId}`);
      return;
    }
    case "AuditDrawn":
      for (const { replica, nodeId } of event.draws) {
        const task = job.tasks.get(replica);
        if (task?.status !== "received" || task.nodeId !== nodeId)
          blame(`replica ${replica} of job ${name} was drawn and is not shown`);
        job.drawn.add(`${replica} ${nodeId}`);
      }
      return;
    case "ReplicaWanted":
    case "ResultsDisagreed":
    case "KeysWrapped":
    case "KeysAwaited":
      return;
    case "JobCompleted": {
      const said = event.accepted.map(({ replica, nodeId }) => `${replica} ${nodeId}`);
      if (said.length < job.spec.quorum) blame(`job ${name} was completed without its quorum`);
      if (said.length !== job.accepted.size || said.some((one) => !job.accepted.has(one)))
        blame(`job ${name} was completed with other results than the accepted ones`);
      break;
    }
    case "JobCancelled":
      for (const { replica, nodeId } of event.accepted ?? []) {
        if (job.tasks.get(replica)?.status !== "received")
          blame(`cancelled job ${name} is to pay ${nodeId}, which had not answered`);
        job.accepted.add(`${replica} ${nodeId}`);
      }
      break;
    case "JobFailed":
    case "JobRejected":
      break;
  }
  job.ended = event.type;
};

/** Who was convicted is accepted no more, and the job is as before it ended. */
const reopen = (
  { jobHash, convicts }: JobReopened,
  job: JobTrace,
  blame: (sentence: string) => void,
): void => {
  const name = jobHash.slice(0, 12);
  if (job.ended !== "JobCompleted") blame(`job ${name} was opened again after ${job.ended}`);
  if (job.released) blame(`job ${name} was opened again, and nothing came back to its escrow`);
  job.ended = undefined;
  job.accepted.clear();
  for (const task of job.tasks.values()) if (convicts.includes(task.nodeId)) task.status = "over";
};

/** Nothing is shown before all are bound, and only what its node was bound to. */
const checkReveal = (
  event: ResultReceived,
  { spec, tasks }: JobTrace,
  blame: (sentence: string) => void,
): void => {
  const name = `replica ${event.replica} of job ${event.jobHash.slice(0, 12)}`;
  const live = [...tasks.values()].filter(({ status }) => status !== "over");
  if (live.length < spec.quorum || live.some(({ status }) => status === "assigned"))
    blame(`${name} was shown before all nodes were bound`);
  const { resultTag = "", salt = "", receipt, nodeId } = event;
  const commit = commitOf({ ...event, worker: receipt?.worker ?? nodeId, resultTag, salt });
  if (tasks.get(event.replica)?.commit !== commit)
    blame(`${name} shows what ${nodeId} was not bound to`);
};
