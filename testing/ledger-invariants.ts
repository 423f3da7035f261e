/**
 * What must hold of the ledger's entries in any log: see `invariants.ts`, of which this is a part. It
 * shares no code with the ledger but the event types and the meaning of a journal entry.
 */
import type {
  AwardsSettled,
  AwardsVoided,
  LedgerEvent,
  PointsAwarded,
} from "../domain/ledger/events.ts";
import { transfersOf } from "../domain/ledger/transfers.ts";

/** What the entries have to agree with of a job. */
export interface PaidJob {
  readonly spec: { readonly price: string };
  readonly ended: string | undefined;
  funded: boolean;
  released: boolean;
  /** `replica node` of each accepted result. */
  readonly accepted: ReadonlySet<string>;
  /** What each task that was stopped is to be paid, by `replica node`. */
  readonly stopped: ReadonlyMap<string, string>;
}

interface HeldTrace {
  readonly jobHash: string;
  readonly nodeId: string;
  readonly amount: string;
  readonly audited: boolean;
  readonly sole: boolean;
  readonly atJob: number;
  readonly until: number;
}

export interface BooksTrace {
  readonly balances: Map<string, bigint>;
  readonly awardIds: Set<string>;
  /** Micro-points. */
  awarded: bigint;
  /** Awards that are pending, by id. */
  readonly held: Map<string, HeldTrace>;
  readonly heldByJob: Map<string, Set<string>>;
  /** Jobs that were opened again since their arbiter was convicted. */
  readonly doubted: Set<string>;
  heldJobs: number;
  /** What stands in each node's bond. */
  readonly bonds: Map<string, bigint>;
}

export const emptyBooks = (): BooksTrace => ({
  balances: new Map(),
  awardIds: new Set(),
  awarded: 0n,
  held: new Map(),
  heldByJob: new Map(),
  doubted: new Set(),
  heldJobs: 0,
  bonds: new Map(),
});

type Blame = (sentence: string) => void;

export const checkEntry = (
  entry: LedgerEvent,
  books: BooksTrace,
  jobs: ReadonlyMap<string, PaidJob>,
  blame: Blame,
): void => {
  const { balances } = books;
  for (const { debit, credit, amount } of transfersOf(entry)) {
    if (amount <= 0n) blame(`a leg of ${entry.type} moves ${amount}`);
    const left = (balances.get(debit) ?? 0n) - amount;
    if (left < 0n && debit !== "issuance") blame(`${debit} went below zero, to ${left}`);
    balances.set(debit, left);
    balances.set(credit, (balances.get(credit) ?? 0n) + amount);
  }
  switch (entry.type) {
    case "PointsIssued":
      return;
    case "JobFunded":
    case "PointsAwarded":
    case "JobRefunded": {
      const job = jobs.get(entry.jobHash);
      if (job) checkOfJob(entry, job, books, blame);
      else blame(`${entry.type} for job ${entry.jobHash.slice(0, 12)}, which was never submitted`);
      return;
    }
    case "AwardsSettled":
      checkSettled(entry, books, jobs, blame);
      return;
    case "AwardsVoided":
      checkVoided(entry, books, jobs, blame);
      return;
    case "BondSlashed":
    case "BondReturned": {
      const { type, nodeId, amount } = entry;
      for (const { nodeId: holder } of books.held.values())
        if (holder === nodeId) blame(`${type} of ${nodeId}, which has awards pending`);
      if (`${books.bonds.get(nodeId) ?? 0n}` !== amount)
        blame(`${type} of ${amount}, and ${nodeId} has ${books.bonds.get(nodeId) ?? 0n} in bond`);
      books.bonds.delete(nodeId);
    }
  }
};

const checkOfJob = (
  entry: Extract<LedgerEvent, { type: "JobFunded" | "PointsAwarded" | "JobRefunded" }>,
  job: PaidJob,
  books: BooksTrace,
  blame: Blame,
): void => {
  const name = entry.jobHash.slice(0, 12);
  if (entry.type === "JobFunded") {
    if (job.funded) blame(`job ${name} was funded twice`);
    job.funded = true;
    return;
  }
  if (!job.funded) blame(`${entry.type} for job ${name}, which was never funded`);
  if (job.released) blame(`the escrow of job ${name} was released twice`);
  job.released = true;
  if ((books.balances.get(`escrow:${entry.jobHash}`) ?? 0n) !== 0n)
    blame(`${entry.type} leaves points in the escrow of job ${name}`);
  if (entry.type === "JobRefunded") {
    if (job.ended === "JobCompleted") blame(`job ${name} was completed and refunded`);
    return;
  }
  checkAwards(entry, job, books, blame);
};

const checkAwards = (entry: PointsAwarded, job: PaidJob, books: BooksTrace, blame: Blame): void => {
  const { jobHash, awards, hold } = entry;
  const name = jobHash.slice(0, 12);
  if (job.ended !== "JobCompleted" && job.ended !== "JobCancelled")
    blame(`awards for job ${name}, which was not completed`);
  const own = books.heldByJob.get(jobHash) ?? new Set();
  if (hold) books.heldJobs++;
  for (const { awardId, replica, nodeId, amount, held, audited, stopped, sole } of awards) {
    if (books.awardIds.has(awardId)) blame(`award ${awardId.slice(0, 12)} was paid twice`);
    books.awardIds.add(awardId);
    books.awarded += BigInt(amount);
    const part = stopped && job.stopped.get(`${replica} ${nodeId}`);
    if (stopped ? part === undefined : !job.accepted.has(`${replica} ${nodeId}`))
      blame(`${nodeId} was paid for job ${name} without an accepted result`);
    if (amount !== (stopped ? part : job.spec.price))
      blame(`${nodeId} was paid ${amount} for job ${name}`);
    if (!held) continue;
    if (!hold) {
      blame(`the award of ${nodeId} for job ${name} is held, and nothing says how long`);
      continue;
    }
    const { until } = hold;
    const trace = {
      jobHash,
      nodeId,
      amount,
      audited: audited === true,
      sole: sole === true,
      until,
    };
    books.held.set(awardId, { ...trace, atJob: books.heldJobs + hold.jobs });
    own.add(awardId);
  }
  if (own.size > 0) books.heldByJob.set(jobHash, own);
};

const checkSettled = (
  { settled, at }: AwardsSettled,
  books: BooksTrace,
  jobs: ReadonlyMap<string, PaidJob>,
  blame: Blame,
): void => {
  for (const { awardId, nodeId, amount, bond } of settled) {
    const name = `award ${awardId.slice(0, 12)}`;
    const award = takeHeld(awardId, books);
    if (!award) {
      blame(`${name} was settled and is not pending`);
      continue;
    }
    if (award.nodeId !== nodeId || award.amount !== amount)
      blame(`${name} was settled as ${amount} of ${nodeId}`);
    if (books.heldJobs < award.atJob && at < award.until)
      blame(`${name} was settled inside its hold window`);
    // Who was not convicted keeps what it has, also while others decide about the job anew.
    if (jobs.get(award.jobHash)?.released === false && !books.doubted.has(award.jobHash))
      blame(`${name} was settled while its job was open again`);
    if (bond !== "0" && bond !== amount) blame(`${name} was settled in parts`);
    if (bond !== "0" && !award.audited) blame(`${name} went to a bond, and was not audited`);
    books.bonds.set(nodeId, (books.bonds.get(nodeId) ?? 0n) + BigInt(bond));
  }
};

const checkVoided = (
  { nodeId, voided }: AwardsVoided,
  books: BooksTrace,
  jobs: ReadonlyMap<string, PaidJob>,
  blame: Blame,
): void => {
  for (const { awardId, jobHash, amount, to, reopens } of voided) {
    const name = `award ${awardId.slice(0, 12)}`;
    const award = takeHeld(awardId, books);
    if (!award) blame(`${name} was voided and is not pending`);
    else if (award.nodeId !== nodeId || award.amount !== amount || award.jobHash !== jobHash)
      blame(`${name} was voided as ${amount} of ${nodeId}`);
    const job = jobs.get(jobHash);
    if (!job) continue;
    if (to === `escrow:${jobHash}` && job.released && !reopens)
      blame(`${name} went into an escrow that is closed`);
    if (reopens && !job.released) blame(`${name} opens a job that is open`);
    if (reopens && award?.sole) books.doubted.add(jobHash);
    if (reopens && !award?.sole && books.heldByJob.has(jobHash))
      blame(`${name} opens a job that another award stands for`);
    if (reopens) job.released = false;
  }
};

const takeHeld = (awardId: string, { held, heldByJob }: BooksTrace): HeldTrace | undefined => {
  const award = held.get(awardId);
  if (!award) return undefined;
  held.delete(awardId);
  const own = heldByJob.get(award.jobHash);
  own?.delete(awardId);
  if (own?.size === 0) heldByJob.delete(award.jobHash);
  return award;
};

/** What must hold of the books when the log is at its end. */
export const checkSums = ({ balances, held, bonds }: BooksTrace, blame: Blame): void => {
  let sum = 0n;
  for (const balance of balances.values()) sum += balance;
  if (sum !== 0n) blame(`all balances sum to ${sum} and not to zero`);
  const pending = new Map<string, bigint>();
  for (const { nodeId, amount } of held.values())
    pending.set(nodeId, (pending.get(nodeId) ?? 0n) + BigInt(amount));
  for (const [account, balance] of balances) {
    const nodeId = account.slice(account.indexOf(":") + 1);
    if (account.startsWith("pending:") && balance !== (pending.get(nodeId) ?? 0n))
      blame(`${account} is at ${balance}, and ${pending.get(nodeId) ?? 0n} are pending`);
    if (account.startsWith("bond:") && balance !== (bonds.get(nodeId) ?? 0n))
      blame(`${account} is at ${balance} and not at ${bonds.get(nodeId) ?? 0n}`);
  }
};
