/**
 * The newest durable events, in memory: as objects for readers in this process, as bytes for the
 * wire. Bounded by bytes, so that a reader who keeps up never touches the disk.
 */

import type { RecordedEvent } from "../event-store.ts";
import type { LogIndex } from "./log-index.ts";
import { eventAt } from "./recorded.ts";

const eventsMax = 1 << 14;
const eventMask = eventsMax - 1;
const bytesMax = 16 << 20;
const reusableBytesMax = 4 << 20;

/** Whole records that follow each other, in a buffer. */
export interface Block {
  readonly buffer: Buffer;
  /** Offset in the segment file of the buffer's first byte. */
  readonly start: number;
  readonly firstSeq: number;
  readonly endSeq: number;
}

interface RecentBatch {
  readonly buffer: Buffer;
  /** Offset in the segment file of the buffer's first byte. */
  readonly start: number;
  readonly length: number;
  readonly firstSeq: number;
  readonly endSeq: number;
  readonly index: LogIndex;
}

export class Tail {
  readonly #events: (RecordedEvent | undefined)[] = new Array(eventsMax).fill(undefined);
  #batches: RecentBatch[] = [];
  #bytes = 0;
  #next = 0;

  reset(seq: number): void {
    this.#next = seq;
  }

  /** Takes in a committed batch; returns a buffer that nobody needs any more, if there is one. */
  add(batch: {
    readonly buffer: Buffer;
    readonly start: number;
    readonly length: number;
    readonly firstSeq: number;
    readonly events: readonly (RecordedEvent | undefined)[];
    readonly index: LogIndex;
  }): Buffer | undefined {
    const { buffer, start, length, firstSeq, events, index } = batch;
    this.#next = firstSeq + events.length;
    for (let at = Math.max(0, events.length - eventsMax); at < events.length; at++)
      this.#events[(firstSeq + at) & eventMask] = events[at];
    // A small batch is copied, so that it does not keep a large buffer alive.
    const copied = length * 2 < buffer.length;
    const kept = copied ? Buffer.from(buffer.subarray(0, length)) : buffer;
    this.#batches.push({ buffer: kept, start, length, firstSeq, endSeq: this.#next, index });
    this.#bytes += kept.length;
    let spare = copied ? buffer : undefined;
    while (
      this.#batches.length > 1 &&
      (this.#bytes > bytesMax || this.#firstSeq() + eventsMax < this.#next)
    ) {
      const dropped = this.#batches.shift() as RecentBatch;
      this.#bytes -= dropped.buffer.length;
      const first = Math.max(dropped.firstSeq, this.#next - eventsMax);
      for (let seq = first; seq < dropped.endSeq; seq++) this.#events[seq & eventMask] = undefined;
      if (!copied && dropped.buffer.length <= reusableBytesMax) spare = dropped.buffer;
    }
    return spare;
  }

  #firstSeq(): number {
    return this.#batches[0]?.firstSeq ?? this.#next;
  }

  /** A recent event, or undefined if it must be read. */
  event(seq: number): RecordedEvent | undefined {
    if (seq < this.#firstSeq() || seq >= this.#next || seq < this.#next - eventsMax)
      return undefined;
    const held = this.#events[seq & eventMask];
    if (held !== undefined) return held;
    const batch = this.#batchOf(seq);
    if (batch === undefined) return undefined;
    const event = eventAt(batch.buffer, batch.index.offset(seq) - batch.start);
    this.#events[seq & eventMask] = event;
    return event;
  }

  /** Recent records from `seq` on, or undefined if they must be read. */
  block(seq: number, endSeqMax: number): Block | undefined {
    const batch = this.#batchOf(seq);
    if (batch === undefined) return undefined;
    const start = batch.index.offset(seq);
    const endSeq = Math.min(endSeqMax, batch.endSeq);
    const end = endSeq === batch.endSeq ? batch.length : batch.index.offset(endSeq) - batch.start;
    return {
      buffer: batch.buffer.subarray(start - batch.start, end),
      start,
      firstSeq: seq,
      endSeq,
    };
  }

  #batchOf(seq: number): RecentBatch | undefined {
    if (seq < this.#firstSeq() || seq >= this.#next) return undefined;
    let low = 0;
    let high = this.#batches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#batches[middle] as RecentBatch).firstSeq <= seq) low = middle;
      else high = middle - 1;
    }
    return this.#batches[low];
  }
}
