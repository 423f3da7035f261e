/** What can be listened to: the log in batches, whole or in part, from any position on. */
import { isDigest } from "../domain/ids.ts";
import type { JobEvent } from "../domain/job/events.ts";
import { beforeFirst, type Position, type RecordedEvent } from "../streams/event-store.ts";
import { jobStream } from "../streams/names.ts";
import type { Context, Gateway } from "./context.ts";
import { GraphqlFault } from "./errors.ts";
import { jobStatus } from "./resolvers/jobs.ts";
import type { AwaitingJob, EndedJob, Resolvers } from "./schema.types.ts";
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
          ...(client
            ? {
                prepare: (event) =>
                  endings.has(event.type) ? findClient(gateway, event) : undefined,
              }
            : {}),
          pick: (event) => {
            if (!endings.has(event.type)) return undefined;
            if (client && clientOf(gateway, event) !== client) return undefined;
            return endedJob(event);
          },
        });
        for await (const { position, items } of batches)
          yield { jobEnded: { position: position.toString(), jobs: items } };
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

const endedJob = ({ data, position }: RecordedEvent): EndedJob | undefined => {
  const event = data as JobEvent;
  const at = position.toString();
  const none = { reason: null, outputDigest: null, outputSize: null, sealed: null, position: at };
  switch (event.type) {
    case "JobCompleted": {
      const { jobHash: hash, outputDigest, outputSize, sealed = null } = event;
      return { ...none, hash, status: jobStatus.completed, outputDigest, outputSize, sealed };
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

const jobHashOf = ({ data }: RecordedEvent): string | undefined => {
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
