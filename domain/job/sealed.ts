/** What is particular about jobs whose inputs and outputs are sealed: whom their key is wrapped for. */
import { accept, type Decision, type Instant, refuse } from "../decider.ts";
import type { AccountId, Digest } from "../ids.ts";
import type { JobCompleted, JobEvent } from "./events.ts";
import { vacancies } from "./needs.ts";
import type { JobSpec } from "./spec.ts";
import type { Job, Task } from "./state.ts";
import { jobRecipientsMax, type Wrap } from "./wraps.ts";

export type SealingRefusal =
  | "NotSealed"
  | "ResultTagMissing"
  | "TooManyRecipients"
  | "WrapsOutdated";

type Known = Exclude<Job, { status: "unknown" }>;
type Received = Extract<Task, { status: "received" }>;

export const clientOf = (job: Known): AccountId =>
  job.status === "open" ? job.spec.client : job.client;

/** The client's key for more recipients, or once more for the same. */
export const wrapKeys = (
  { client, wraps, now: at }: { client: AccountId; wraps: readonly Wrap[]; now: Instant },
  job: Known,
): Decision<JobEvent, SealingRefusal | "NotTheClient" | "JobEnded"> => {
  if (client !== clientOf(job)) return refuse("NotTheClient");
  if (job.status !== "open") return refuse("JobEnded");
  if (job.spec.sealed !== true) return refuse("NotSealed");
  if (wraps.every((wrap) => sameWrap(wrap, job.wraps.get(wrap.keyId)))) return accept();
  const fresh = wraps.filter(({ keyId }) => !job.wraps.has(keyId)).length;
  if (job.wraps.size + fresh > jobRecipientsMax) return refuse("TooManyRecipients");
  return accept({ type: "KeysWrapped", jobHash: job.jobHash, wraps, at });
};

const sameWrap = (a: Wrap, b: Wrap | undefined): boolean =>
  a.enc === b?.enc && a.seq === b.seq && a.wrapped === b.wrapped;

/**
 * Asks the client for more recipients.
 *
 * @param command.recipients - For how many the job was wrapped when no node was found among them.
 */
export const awaitKeys = (
  { recipients, now: at }: { readonly recipients: number; readonly now: Instant },
  job: Known,
): Decision<JobEvent, SealingRefusal> => {
  if (job.status !== "open" || job.awaitingKeys) return accept();
  if (job.spec.sealed !== true) return refuse("NotSealed");
  if (recipients !== job.wraps.size) return refuse("WrapsOutdated");
  if (vacancies(job).length === 0) return accept();
  return accept({ type: "KeysAwaited", jobHash: job.jobHash, at });
};

/** Whether a node said this before. One that computes a sealed task anew seals into another body. */
export const sameResult = (
  task: Received,
  { outputDigest, resultTag }: { readonly outputDigest: Digest; readonly resultTag?: Digest },
): boolean =>
  task.outputDigest === outputDigest ||
  (task.resultTag !== undefined && task.resultTag === resultTag);

/** What a reader needs to open the output, and to check that it is what was agreed on. */
export const sealedOutput = (
  { sealed }: JobSpec,
  { replica, attempt, resultTag }: Received,
): Pick<JobCompleted, "sealed"> =>
  sealed === undefined || resultTag === undefined
    ? {}
    : { sealed: { replica, attempt, resultTag } };
