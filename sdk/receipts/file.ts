/**
 * A file of receipts: what the log has of one job, and of the identities that signed its results. It
 * holds digests, keys and signatures, never a payload or a secret, so it may be given to anybody.
 */
import { isCnctId } from "../../domain/identity/inception.ts";
import { isDigest, type JobHash } from "../../domain/ids.ts";

export interface ReceiptsFile {
  readonly version: 1;
  readonly jobHash: JobHash;
  /** Its hash is the job's. */
  readonly spec: unknown;
  /** Of the job, in the log's order; whom its key is wrapped for is left out. */
  readonly events: readonly LoggedEvent[];
  /** All that each identity said about itself, by its id. */
  readonly identities: Readonly<Record<string, readonly LoggedEvent[]>>;
}

export interface LoggedEvent {
  /** In the log: a whole number in decimal. */
  readonly position: string;
  readonly type: string;
  readonly data: unknown;
}

/** Events that say nothing about results, and are many for a sealed job. */
export const leftOut: ReadonlySet<string> = new Set(["KeysWrapped", "KeysAwaited"]);

/** Many more than a job with all its replicas and attempts can have. */
const eventsMax = 1_000;
const identitiesMax = 100;
const positionForm = /^(0|[1-9]\d{0,18})$/;

/** The file, if it has the form of one; whether it is true, `verifyReceipts` says. */
export const receiptsFileIn = (value: unknown): ReceiptsFile | undefined => {
  if (!isObject(value)) return undefined;
  const { version, jobHash, spec, events, identities } = value as Partial<ReceiptsFile>;
  if (version !== 1 || !isDigest(jobHash) || !isObject(spec)) return undefined;
  if (!isEvents(events) || !isObject(identities)) return undefined;
  const own = Object.entries(identities);
  if (own.length > identitiesMax) return undefined;
  if (!own.every(([id, its]) => isCnctId(id) && isEvents(its))) return undefined;
  return value as unknown as ReceiptsFile;
};

const isEvents = (value: unknown): value is readonly LoggedEvent[] =>
  Array.isArray(value) && value.length <= eventsMax && value.every(isEvent);

const isEvent = (value: unknown): boolean => {
  if (!isObject(value)) return false;
  const { position, type, data } = value;
  if (typeof position !== "string" || !positionForm.test(position)) return false;
  return typeof type === "string" && isObject(data) && data["type"] === type;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
