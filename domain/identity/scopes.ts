/** What a token may do: an operation, or an operation on one job. */
import { isDigest, type JobHash } from "../ids.ts";

/** `jobs:submit`, or with a job hash `jobs:read:<hash>`. */
export type Scope = string & { readonly __brand?: "Scope" };

const operationForm = /^[a-z]{1,32}:[a-z-]{1,32}$/;

export const isScope = (value: unknown): value is Scope => {
  if (typeof value !== "string") return false;
  const [noun, verb, job, ...more] = value.split(":");
  if (verb === undefined || more.length > 0) return false;
  return operationForm.test(`${noun}:${verb}`) && (job === undefined || isDigest(job));
};

/** Whether a grant covers an operation, if it is about one job on that job. */
export const allows = (granted: readonly Scope[], operation: Scope, jobHash?: JobHash): boolean =>
  granted.includes(operation) ||
  (jobHash !== undefined && granted.includes(`${operation}:${jobHash}`));

/** What tokens and service keys can be granted; those about a job can be limited to one. */
export const operations = [
  "blobs:write",
  "jobs:cancel",
  "jobs:keys",
  "jobs:submit",
  "keys:manage",
  "nodes:register",
  "nodes:work",
] as const;
export type Operation = (typeof operations)[number];

/** Whether there is such an operation, and a job behind it only where it is about jobs. */
export const isGrantable = (value: unknown): value is Scope => {
  if (!isScope(value)) return false;
  const [noun, verb, job] = value.split(":");
  const isKnown = operations.some((operation) => operation === `${noun}:${verb}`);
  return isKnown && (job === undefined || noun === "jobs");
};
