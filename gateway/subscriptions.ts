/** What can be listened to: the log in batches, whole or in part, from any position on. */
import { isDigest, type JobHash } from "../domain/ids.ts";
import { mayBeReopened } from "../domain/job/assurance.ts";
import type { JobEvent, JobReopened } from "../domain/job/events.ts";
import type { AwardsSettled } from "../domain/ledger/events.ts";
import { beforeFirst, type Position, type RecordedEvent } from "../streams/event-store.ts";
import { jobStream } from "../streams/names.ts";
import type { Context, Gateway } from "./context.ts";
import { GraphqlFault } from "./errors.ts";
import { jobStatus } from "./resolvers/jobs.ts";
import type { AwaitingJob, EndedJob, EndedJobBatch, Resolvers } from "./schema.types.ts";
import type { BatchSource, GatewaySources } from "./sources.ts";

type All = Resolvers<GatewaySources, Context>;

export const Subscription: All["Subscription"] = {
  jobEvents: {
    subscribe: (_, { hash, after }, { gateway }) =>
      iterator(async function* (signal) {
        for await (const jobEvents of eventsOfJob(gateway, hash, positionOf(after), signal))
          yield { jobEvents };
      }),
  },
  events: {
    subscribe: (_, { after, client, types, batchMax }, { gateway }) =>
      iterator(async function* (signal) {
        const wanted = types ? new Set(types) : undefined;
        const batches = gateway.tail.follow({
          after: startOf(after),
          batchMax: checkedBatchMax(batchMax),
          signal,
          ...(client ? { prepare: (event) => findClient(gateway, event) } : {}),
          pick: (event) => {
            if (wanted && !wanted.has(event.type)) return undefined;
            if (client && clientOf(gateway, event) !== client) return undefined;
            return event;
          },
        });
        for await (const { position, items } of batches)
          yield { events: { position, events: items } };
      }),
  },
  jobEnded: {
    subscribe: (_, { after, client, batchMax }, { gateway }) =>
      iterator(async function* (signal) {
        const batches = gateway.tail.follow({
          after: startOf(after),
          batchMax: checkedBatchMax(batchMax),
          signal,
          ...(client ? { prepare: (event) => findClients(gateway, event) } : {}),
          pick: (event) => newsOf(event, (hash) => !client || gateway.clients.of(hash) === client),
        });
        for await (const { position, items } of batches)
          yield { jobEnded: endedBatch(position, items) };
      }),
  },
  keysAwaited: {
    subscribe: (_, { after, client }, { gateway }) =>
      iterator(async function* (signal) {
        const isOne = ({ type }: RecordedEvent) => type === "KeysAwaited";
        const batches = gateway.tail.follow({
          after: startOf(after),
          batchMax: 500,
          signal,
          prepare: (event) => (isOne(event) ? findClient(gateway, event) : undefined),
          pick: (event) =>
            isOne(event) && clientOf(gateway, event) === client ? awaiting(event) : undefined,
        });
        for await (const { position, items } of batches)
          yield { keysAwaited: { position: position.toString(), jobs: items } };
      }),
  },
};

const awaiting = ({ type, data, position }: RecordedEvent): AwaitingJob | undefined =>
  type === "KeysAwaited"
    ? { hash: (data as { readonly jobHash: string }).jobHash, position: position.toString() }
    : undefined;

const endings: ReadonlySet<string> = new Set<JobEvent["type"]>([
  "JobCompleted",
  "JobFailed",
  "JobRejected",
  "JobCancelled",
]);

/** What a batch of `jobEnded` gets of one event. */
type News = Partial<Pick<EndedJobBatch, "jobs" | "reopened" | "settled">>;

const newsOf = (
  event: RecordedEvent,
  isWanted: (jobHash: JobHash) => boolean,
): News | undefined => {
  if (event.type === "AwardsSettled") {
    const settled = settledJobs(event).filter(isWanted);
    return settled.length === 0 ? undefined : { settled };
  }
  const isReopened = event.type === "JobReopened";
  if (!isReopened && !endings.has(event.type)) return undefined;
  const jobHash = jobHashOf(event);
  if (jobHash === undefined || !isWanted(jobHash)) return undefined;
  if (isReopened) {
    const { convicts, deadlineAt } = event.data as JobReopened;
    const position = event.position.toString();
    return { reopened: [{ hash: jobHash, convicts, deadlineAt, position }] };
  }
  const ended = endedJob(event);
  return ended && { jobs: [ended] };
};

const endedBatch = (position: Position, news: readonly News[]): EndedJobBatch => ({
  position: position.toString(),
  jobs: news.flatMap(({ jobs = [] }) => jobs),
  reopened: news.flatMap(({ reopened = [] }) => reopened),
  settled: news.flatMap(({ settled = [] }) => settled),
});

/** Entries of the first rules do not say of which jobs their awards are. */
const settledJobs = ({ data }: RecordedEvent): readonly JobHash[] => {
  const { settled } = data as AwardsSettled;
  return [...new Set(settled.map(({ jobHash }) => jobHash).filter((hash) => hash !== undefined))];
};

/** Makes the clients known of all jobs that `jobEnded` tells of. */
const findClients = (gateway: Gateway, event: RecordedEvent): Promise<unknown> | undefined => {
  if (event.type !== "AwardsSettled") {
    const isOne = endings.has(event.type) || event.type === "JobReopened";
    return isOne ? findClient(gateway, event) : undefined;
  }
  const unknown = settledJobs(event).filter((hash) => gateway.clients.of(hash) === undefined);
  if (unknown.length === 0) return undefined;
  return Promise.all(unknown.map((hash) => gateway.clients.find(hash)));
};

const endedJob = ({ data, position }: RecordedEvent): EndedJob | undefined => {
  const event = data as JobEvent;
  const at = position.toString();
  const none = {
    ...{ reason: null, outputDigest: null, outputSize: null, sealed: null },
    ...{ position: at, final: true },
  };
  switch (event.type) {
    case "JobCompleted": {
      const { jobHash: hash, outputDigest, outputSize, sealed = null } = event;
      const output = { outputDigest, outputSize, sealed };
      const final = !mayBeReopened(event);
      return { ...none, hash, status: jobStatus.completed, ...output, final };
    }
    case "JobFailed":
      return { ...none, hash: event.jobHash, status: jobStatus.failed, reason: event.reason };
    case "JobRejected":
      return { ...none, hash: event.jobHash, status: jobStatus.rejected, reason: event.reason };
    case "JobCancelled":
      return { ...none, hash: event.jobHash, status: jobStatus.cancelled };
    default:
      return undefined;
  }
};

const jobHashOf = ({ data }: RecordedEvent): JobHash | undefined => {
  const { jobHash } = data as { readonly jobHash?: unknown };
  return isDigest(jobHash) ? jobHash : undefined;
};

const clientOf = ({ clients }: Gateway, event: RecordedEvent): string | undefined => {
  const jobHash = jobHashOf(event);
  return jobHash === undefined ? undefined : clients.of(jobHash);
};

/** Makes the client of an event's job known; undefined when there is nothing to wait for. */
const findClient = ({ clients }: Gateway, event: RecordedEvent): Promise<unknown> | undefined => {
  clients.learn(event);
  const jobHash = jobHashOf(event);
  if (jobHash === undefined || clients.of(jobHash) !== undefined) return undefined;
  return clients.find(jobHash);
};

/** What the job's stream holds, and then what is added to it until the job has ended. */
async function* eventsOfJob(
  { store, tail }: Gateway,
  hash: string,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<BatchSource> {
  const head = await store.head();
  const stream = jobStream(hash);
  let position = head > after ? head : after;
  const past: RecordedEvent[] = [];
  let hasEnded = false;
  for await (const event of store.readStream(stream, "start")) {
    if (event.position > position) position = event.position;
    if (event.position > after) past.push(event);
    hasEnded = endings.has(event.type) || (hasEnded && event.type !== "JobReopened");
  }
  if (past.length > 0) yield { position, events: past };
  if (hasEnded) return;
  const pick = (event: RecordedEvent): RecordedEvent | undefined =>
    event.stream === stream ? event : undefined;
  for await (const batch of tail.follow({ after: position, batchMax: 500, pick, signal })) {
    yield { position: batch.position, events: batch.items };
    if (batch.items.some(({ type }) => endings.has(type))) return;
  }
}

/**
 * An iterator whose `return` ends the generator also while that waits for the next event, which a
 * generator's own does not.
 */
const iterator = <Item>(
  generate: (signal: AbortSignal) => AsyncGenerator<Item>,
): AsyncIterableIterator<Item> => {
  const stop = new AbortController();
  const generator = generate(stop.signal);
  const self: AsyncIterableIterator<Item> = {
    next: () => generator.next(),
    return: () => {
      stop.abort();
      return generator.return(undefined);
    },
    [Symbol.asyncIterator]: () => self,
  };
  return self;
};

const positionOf = (text: string | null | undefined): Position =>
  text === undefined || text === null ? beforeFirst : BigInt(text);
const startOf = (text: string | null | undefined): Position | "end" =>
  text === undefined || text === null ? "end" : BigInt(text);

const checkedBatchMax = (batchMax = 500): number => {
  if (batchMax >= 1 && batchMax <= 1000) return batchMax;
  throw new GraphqlFault("BAD_USER_INPUT", "batchMax must be 1 to 1000");
};
