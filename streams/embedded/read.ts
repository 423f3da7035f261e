/** Reading back: one stream, or everything. */

import {
  EventStoreError,
  type Position,
  type ReadOptions,
  type RecordedEvent,
  type Revision,
} from "../event-store.ts";
import type { Log } from "./log.ts";
import { recordEnd } from "./record.ts";

/** Events a stream read asks the disk for at a time. */
const pageEvents = 256;

/** Decodes events that follow each other: recent ones from memory, others from disk. */
export const eventsFrom = async (
  log: Log,
  seq: number,
  endSeq: number,
  accept?: (seq: number) => boolean,
): Promise<{ readonly events: RecordedEvent[]; readonly endSeq: number }> => {
  const events: RecordedEvent[] = [];
  const block = log.block(seq, endSeq);
  const { buffer, endSeq: end } = block instanceof Promise ? await block : block;
  let at = 0;
  for (let current = seq; current < end; current++) {
    if (accept === undefined || accept(current))
      events.push(log.tail.event(current) ?? log.tail.decode(buffer, at).event);
    at = recordEnd(buffer, at);
  }
  return { events, endSeq: end };
};

const checkCount = ({ maxCount = Number.POSITIVE_INFINITY }: ReadOptions): number => {
  if (maxCount !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(maxCount) && maxCount > 0))
    throw new EventStoreError("bad-request", `a read cannot have at most ${maxCount} events`);
  return maxCount;
};

/** The revisions of a stream that can still be read, `from` to `to`, or none if `from` > `to`. */
export const readableRevisions = (
  log: Log,
  stream: number,
): { readonly from: number; readonly to: number; readonly maxAgeMs: number | undefined } => {
  const to = log.lastCommittedRevision(stream);
  const { truncateBefore, maxCount, maxAgeMs } = log.limitsForReading(stream);
  const first = maxCount === undefined ? 0 : to - maxCount + 1;
  const hidden = log.index.isTombstoned(stream) ? Number.POSITIVE_INFINITY : 0;
  return { from: Math.max(0, first, truncateBefore, hidden), to, maxAgeMs };
};

/** The events with these sequence numbers, in that order. */
const pick = async (log: Log, seqs: readonly number[]): Promise<RecordedEvent[]> =>
  Promise.all(
    seqs.map(async (seq) => {
      const recent = log.tail.event(seq);
      if (recent !== undefined) return recent;
      const { buffer } = await log.block(seq, seq + 1);
      return log.tail.decode(buffer, 0).event;
    }),
  );

export async function* readStream(
  log: Log,
  now: () => number,
  name: string,
  from: Revision | "start" | "end",
  options: ReadOptions = {},
): AsyncGenerator<RecordedEvent> {
  let left = checkCount(options);
  const backwards = options.direction === "backwards";
  const stream = log.index.findStream(name);
  if (stream === undefined) return;
  const range = readableRevisions(log, stream);
  const oldest = range.maxAgeMs === undefined ? undefined : now() - range.maxAgeMs;
  const step = backwards ? -1 : 1;
  if (from === "end" && !backwards) return;
  let at = from === "start" ? 0 : from === "end" ? range.to : Number(from);
  at = backwards ? Math.min(at, range.to) : Math.max(at, range.from);
  while (left > 0 && at >= range.from && at <= range.to) {
    const seqs: number[] = [];
    for (
      const page = Math.min(left, pageEvents);
      seqs.length < page && at >= range.from && at <= range.to;
      at += step
    )
      seqs.push(log.index.seqOf(stream, at) as number);
    for (const event of await pick(log, seqs)) {
      if (oldest !== undefined && event.recordedAt < oldest) {
        if (backwards) return;
        continue;
      }
      left--;
      yield event;
    }
  }
}

export async function* readAll(
  log: Log,
  from: Position | "start" | "end",
  options: ReadOptions = {},
): AsyncGenerator<RecordedEvent> {
  let left = checkCount(options);
  const end = log.committed;
  if (options.direction === "backwards") {
    let at = from === "end" ? end : from === "start" ? 0 : log.seqAtOrAfter(from);
    while (left > 0 && at > 0) {
      const first = Math.max(0, at - Math.min(left, pageEvents));
      const page: RecordedEvent[] = [];
      for (let seq = first; seq < at; ) {
        const { events, endSeq } = await eventsFrom(log, seq, at);
        page.push(...events);
        seq = endSeq;
      }
      at = first;
      left -= page.length;
      yield* page.reverse();
    }
    return;
  }
  let at = from === "end" ? end : from === "start" ? 0 : log.seqAtOrAfter(from);
  while (left > 0 && at < end) {
    const { events, endSeq } = await eventsFrom(log, at, Math.min(end, at + left));
    at = endSeq;
    left -= events.length;
    yield* events;
  }
}
