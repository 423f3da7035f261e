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
import { eventAt } from "./recorded.ts";
import type { Block } from "./tail.ts";

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
      events.push(log.tail.event(current) ?? eventAt(buffer, at));
    at = recordEnd(buffer, at);
  }
  return { events, endSeq: end };
};

/** The parts of a block that hold events which pass. */
const runsOf = (
  { buffer, firstSeq, endSeq }: Block,
  accept: ((seq: number) => boolean) | undefined,
): readonly Uint8Array[] => {
  if (accept === undefined) return [buffer];
  const runs: Uint8Array[] = [];
  let start = 0;
  let at = 0;
  for (let seq = firstSeq; seq < endSeq; seq++) {
    const end = recordEnd(buffer, at);
    if (!accept(seq)) {
      if (at > start) runs.push(buffer.subarray(start, at));
      start = end;
    }
    at = end;
  }
  if (at > start) runs.push(buffer.subarray(start, at));
  return runs;
};

/** A copy of the records of events that follow each other, the undecoded form of `eventsFrom`. */
export const recordsFrom = async (
  log: Log,
  seq: number,
  endSeq: number,
  accept?: (seq: number) => boolean,
): Promise<{ readonly records: Uint8Array<ArrayBuffer>; readonly endSeq: number }> => {
  const first = log.block(seq, endSeq);
  let block: Block | undefined = first instanceof Promise ? await first : first;
  let reached = seq;
  const runs: Uint8Array[] = [];
  // Recent blocks are as small as their appends were: they go together.
  for (; block !== undefined; block = log.tail.block(reached, endSeq)) {
    runs.push(...runsOf(block, accept));
    reached = block.endSeq;
    if (reached === endSeq) break;
  }
  const records = new Uint8Array(runs.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const run of runs) {
    records.set(run, at);
    at += run.length;
  }
  return { records, endSeq: reached };
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
      return eventAt(buffer, 0);
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
