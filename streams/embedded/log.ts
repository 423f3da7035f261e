/**
 * The log: one writer, many readers.
 *
 * An append is decided and encoded at once, into the batch that is being filled. A batch is written
 * when the one before it is durable: at once when the disk is idle, and while it is busy everything
 * that arrives shares the next write. Answers come after durability, conflicts included, because a
 * conflict with what is not yet durable would be a rumour.
 *
 *     append -> filling batch --disk idle--> in flight --durable--> committed: answers, readers
 *                                                \--failed--> cut off, forgotten, refused
 */

import { EventStoreError, type RecordedEvent } from "../event-store.ts";
import { diskErrorCode } from "./disk-errors.ts";
import type { Files } from "./files.ts";
import { hashOfId, type IdCache } from "./id-cache.ts";
import type { LogIndex } from "./log-index.ts";
import { limitsOf, noLimits, type StreamLimits } from "./metadata.ts";
import {
  encodeRecord,
  flagBatchStart,
  flagMore,
  flagTombstone,
  headerBytes,
  idOf,
  isIntact,
  type RecordPlace,
  recordBytesMax,
  recordEnd,
} from "./record.ts";
import { jsonAt } from "./recorded.ts";
import { corrupt, createSegment, type Segment, segmentHeaderBytes } from "./segment.ts";
import { saveSegmentIndex } from "./segment-index.ts";
import { type Block, Tail } from "./tail.ts";

export type FsyncPolicy = "always" | "interval" | "none";

/** One event, ready for the log. */
export interface LogEvent {
  readonly id: string;
  readonly type: string;
  readonly json: boolean;
  /** JSON text, or bytes as they came over the wire. */
  readonly data: string | Uint8Array;
  readonly metadata: string | Uint8Array;
  /** What readers in this process get by reference; undefined if it must be parsed for them. */
  readonly value: { readonly data: unknown; readonly metadata?: unknown } | undefined;
}

interface Batch {
  /** The open segment, or undefined if this batch begins a new one. */
  readonly segment: Segment | undefined;
  readonly base: number;
  readonly start: number;
  readonly firstSeq: number;
  buffer: Buffer;
  length: number;
  readonly hashes: number[];
  readonly events: (RecordedEvent | undefined)[];
  readonly limits: Map<number, StreamLimits>;
  /** Who waits for this batch: the same places belong together. */
  readonly answers: unknown[];
  readonly resolves: ((answer: unknown) => void)[];
  readonly rejects: ((error: EventStoreError) => void)[];
}

export interface LogParts {
  readonly files: Files;
  readonly directory: string;
  readonly fsync: FsyncPolicy;
  readonly segmentBytes: number;
  readonly now: () => number;
  readonly index: LogIndex;
  readonly ids: IdCache;
  readonly segments: Segment[];
  /** Id hashes of the open segment's events, for its index file. */
  readonly openHashes: number[];
}

const firstBufferBytes = 1 << 18;
const blockBytes = 1 << 19;
const intervalMs = 100;

export class Log {
  readonly index: LogIndex;
  readonly ids: IdCache;
  readonly tail = new Tail();
  readonly #parts: LogParts;
  readonly #segments: Segment[];
  readonly #limits = new Map<number, StreamLimits>();
  readonly #listeners = new Set<() => void>();
  readonly #place: RecordPlace = { stream: "", revision: 0, position: 0, recordedAt: 0, flags: 0 };
  #openHashes: number[];
  #filling: Batch | undefined;
  #inFlight: Batch | undefined;
  #scheduled = false;
  /** A failed write left bytes behind that must be cut off before the next one. */
  #leftover = false;
  #spare: Buffer | undefined;
  #committed: number;
  #indexing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #lastSync: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.index = parts.index;
    this.ids = parts.ids;
    this.#segments = parts.segments;
    this.#openHashes = parts.openHashes;
    this.#committed = parts.index.length;
    this.tail.reset(this.#committed);
  }

  /** How many events are durable and visible. */
  get committed(): number {
    return this.#committed;
  }
  get segments(): readonly Segment[] {
    return this.#segments;
  }
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Calls back after every commit, and when the log closes; returns how to stop that. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Puts one event into the filling batch. The caller has decided that it may be written, and calls
   * `settle` after the last event of the append.
   */
  put(stream: number, event: LogEvent, more: boolean, tombstone = false): number {
    const batch = this.#filling ?? this.#openBatch();
    const { index } = this;
    const name = index.streamName(stream);
    this.#ensureRoom(batch, recordBytesMax(name, event.type, event.data, event.metadata));
    const offset = batch.start + batch.length;
    const position = batch.base + offset;
    const revision = index.lastRevision(stream) + 1;
    const recordedAt = this.#parts.now();
    const flags =
      (more ? flagMore : 0) |
      (tombstone ? flagTombstone : 0) |
      (batch.length === 0 && this.#parts.fsync === "always" ? flagBatchStart : 0);
    const { id, type, value } = event;
    const place = this.#place;
    place.stream = name;
    place.revision = revision;
    place.position = position;
    place.recordedAt = recordedAt;
    place.flags = flags;
    batch.length = encodeRecord(batch.buffer, batch.length, event, place);
    const typeId = index.typeId(type);
    const seq = tombstone
      ? index.addTombstone(stream, typeId, offset)
      : index.add(stream, typeId, offset);
    const hash = hashOfId(id);
    batch.hashes.push(hash);
    this.ids.add(hash, seq);
    batch.events.push(
      value === undefined
        ? undefined
        : value.metadata === undefined
          ? {
              id,
              stream: name,
              revision: BigInt(revision),
              position: BigInt(position),
              type,
              data: value.data,
              recordedAt,
            }
          : {
              id,
              stream: name,
              revision: BigInt(revision),
              position: BigInt(position),
              type,
              data: value.data,
              metadata: value.metadata,
              recordedAt,
            },
    );
    return seq;
  }

  /** Notes what a metadata event of the filling batch says about its stream. */
  putLimits(stream: number, limits: StreamLimits): void {
    this.#filling?.limits.set(stream, limits);
  }

  /** Resolves with the answer when everything put so far is durable. */
  whenDurable<Answer>(answer: Answer): Promise<Answer> {
    const batch = this.#filling ?? this.#inFlight;
    if (batch === undefined) return Promise.resolve(answer);
    return new Promise((resolve, reject) => {
      batch.answers.push(answer);
      batch.resolves.push(resolve as (answer: unknown) => void);
      batch.rejects.push(reject);
    });
  }

  position(seq: number): number {
    const offset = this.index.offset(seq);
    for (const batch of [this.#filling, this.#inFlight])
      if (batch !== undefined && seq >= batch.firstSeq) return batch.base + offset;
    return this.#segmentOf(seq).base + offset;
  }

  /** The first sequence number whose position is at least this one; may be one past the last. */
  seqAtOrAfter(position: bigint): number {
    let low = 0;
    let high = this.#committed;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (BigInt(this.position(middle)) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The id of an event, also of one that is not yet durable. */
  idAt(seq: number): string {
    for (const batch of [this.#filling, this.#inFlight])
      if (batch !== undefined && seq >= batch.firstSeq)
        return idOf(batch.buffer, this.index.offset(seq) - batch.start);
    const recent = this.tail.event(seq);
    if (recent !== undefined) return recent.id;
    const head = Buffer.allocUnsafe(64);
    this.#segmentOf(seq).file.readSync(head, this.index.offset(seq));
    return idOf(head, 0);
  }

  /** Limits for deciding appends, with what is not yet durable. */
  limitsForWriting(stream: number): StreamLimits {
    if (!this.index.mayHaveMetadata(stream)) return noLimits;
    return (
      this.#filling?.limits.get(stream) ??
      this.#inFlight?.limits.get(stream) ??
      this.limitsForReading(stream)
    );
  }

  limitsForReading(stream: number): StreamLimits {
    if (!this.index.mayHaveMetadata(stream)) return noLimits;
    const known = this.#limits.get(stream);
    if (known !== undefined) return known;
    const json = this.lastMetadataJson(stream);
    const limits = json === undefined ? noLimits : limitsOf(json);
    this.#limits.set(stream, limits);
    return limits;
  }

  /** The stream's latest durable metadata as JSON text. */
  lastMetadataJson(stream: number): string | undefined {
    const metaStream = this.index.findStream(`$$${this.index.streamName(stream)}`);
    if (metaStream === undefined) return undefined;
    const revision = this.lastCommittedRevision(metaStream);
    const seq = this.index.seqOf(metaStream, revision);
    return seq === undefined ? undefined : jsonAt(this.readOne(seq), 0);
  }

  /** The stream's last durable revision, -1 for none. */
  lastCommittedRevision(stream: number): number {
    let revision = this.index.lastRevision(stream);
    for (; revision >= 0; revision--) {
      const seq = this.index.seqOf(stream, revision);
      if (seq !== undefined && seq < this.#committed) break;
    }
    return revision;
  }

  /** One durable record, read at once; for the few that a decision needs. */
  readOne(seq: number): Buffer {
    const segment = this.#segmentOf(seq);
    const offset = this.index.offset(seq);
    const record = Buffer.allocUnsafe(this.#endOf(seq, segment) - offset);
    segment.file.readSync(record, offset);
    if (!isIntact(record, 0, record.length))
      throw corrupt(segment.path, offset, "a record fails its checksum");
    return record;
  }

  /**
   * Durable records from `seq` on, all of one segment: from memory where they are recent.
   *
   * @param endSeq - Not further than this.
   * @throws {EventStoreError} `corrupt`
   */
  block(seq: number, endSeq: number, bytesMax = blockBytes): Block | Promise<Block> {
    return this.tail.block(seq, endSeq) ?? this.#readBlock(seq, endSeq, bytesMax);
  }

  async #readBlock(firstSeq: number, endSeqMax: number, bytesMax: number): Promise<Block> {
    const segment = this.#segmentOf(firstSeq);
    const start = this.index.offset(firstSeq);
    const limit = Math.min(endSeqMax, this.#committed, this.#endSeqOf(segment));
    let low = firstSeq + 1;
    let high = limit;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#endOf(middle - 1, segment) - start <= bytesMax) low = middle;
      else high = middle - 1;
    }
    const endSeq = low;
    const buffer = Buffer.allocUnsafe(this.#endOf(endSeq - 1, segment) - start);
    const count = await segment.file.read(buffer, start);
    if (count < buffer.length)
      throw corrupt(segment.path, start + count, "the file ends before its events do");
    for (let at = 0; at < buffer.length; ) {
      const end = recordEnd(buffer, at);
      if (end > buffer.length || end < at + headerBytes || !isIntact(buffer, at, end))
        throw corrupt(segment.path, start + at, "a record fails its checksum");
      at = end;
    }
    return { buffer, start, firstSeq, endSeq };
  }

  /** Ends the log after the last write; later appends are refused. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#filling !== undefined || this.#inFlight !== undefined)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    clearTimeout(this.#lastSync);
    for (const listener of [...this.#listeners]) listener();
    await this.#indexing;
    const open = this.#segments.at(-1);
    if (this.#parts.fsync !== "always") await open?.file.sync();
    for (const { file } of this.#segments) await file.close();
  }

  #segmentOf(seq: number): Segment {
    const segments = this.#segments;
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((segments[middle] as Segment).firstSeq <= seq) low = middle;
      else high = middle - 1;
    }
    return segments[low] as Segment;
  }
  #endSeqOf(segment: Segment): number {
    return this.#segments[this.#segments.indexOf(segment) + 1]?.firstSeq ?? this.#committed;
  }
  #endOf(seq: number, segment: Segment): number {
    const next = seq + 1;
    return next < this.#endSeqOf(segment) ? this.index.offset(next) : segment.end;
  }

  #openBatch(): Batch {
    const before = this.#inFlight;
    const last = this.#segments.at(-1);
    // Where the bytes of this batch will lie, if the one in flight succeeds; if not, both fail.
    const base = before?.base ?? last?.base ?? 0;
    const end = before === undefined ? (last?.end ?? 0) : before.start + before.length;
    const isFull = end >= this.#parts.segmentBytes;
    const rotate = isFull || (before === undefined && (last === undefined || last.sealed));
    const batch: Batch = {
      segment: undefined,
      base: rotate ? base + end : base,
      start: rotate ? segmentHeaderBytes : end,
      firstSeq: this.index.length,
      buffer: this.#spare ?? Buffer.allocUnsafe(firstBufferBytes),
      length: 0,
      hashes: [],
      events: [],
      limits: new Map(),
      answers: [],
      resolves: [],
      rejects: [],
    };
    this.#spare = undefined;
    this.#filling = batch;
    this.#schedule();
    return batch;
  }

  #ensureRoom(batch: Batch, bytes: number): void {
    const needed = batch.length + bytes;
    if (needed <= batch.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, batch.buffer.length * 2));
    batch.buffer.copy(grown, 0, 0, batch.length);
    batch.buffer = grown;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== undefined) return;
    this.#scheduled = true;
    // After this turn of the event loop, so that callers of the same turn share the write.
    setImmediate(() => {
      this.#scheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#filling;
    if (batch === undefined || this.#inFlight !== undefined) return;
    this.#filling = undefined;
    this.#inFlight = batch;
    try {
      const segment = await this.#write(batch);
      this.#commit(batch, segment);
    } catch (error) {
      await this.#abandon(batch, error);
    }
    if (this.#filling !== undefined) void this.#flush();
    else this.#idle?.();
  }

  async #write(batch: Batch): Promise<Segment> {
    if (this.#leftover) await this.#cutLeftover();
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.base !== batch.base) {
      segment = await this.#rotate(batch);
    }
    this.#leftover = true;
    await segment.file.write(batch.buffer.subarray(0, batch.length), batch.start);
    this.#leftover = false;
    return segment;
  }

  async #rotate({ base, firstSeq }: Batch): Promise<Segment> {
    const { files, directory, fsync } = this.#parts;
    const full = this.#segments.at(-1);
    if (full !== undefined && fsync !== "always") await full.file.sync();
    const segment = await createSegment(files, { directory, base, firstSeq }, fsync === "always");
    if (full !== undefined && !full.sealed) {
      full.sealed = true;
      const known = { index: this.index, hashes: this.#openHashes };
      // Beside the writing. If it fails or the process dies first, the next start scans the segment.
      this.#indexing = Promise.all([this.#indexing, saveSegmentIndex(files, full, known)]).then(
        () => undefined,
        () => undefined,
      );
    }
    this.#segments.push(segment);
    this.#openHashes = [];
    return segment;
  }

  #commit(batch: Batch, segment: Segment): void {
    segment.end = batch.start + batch.length;
    for (const hash of batch.hashes) this.#openHashes.push(hash);
    for (const [stream, limits] of batch.limits) this.#limits.set(stream, limits);
    this.#committed = batch.firstSeq + batch.events.length;
    const { buffer, start, length, firstSeq, events } = batch;
    this.#spare = this.tail.add({ buffer, start, length, firstSeq, events, index: this.index });
    this.#inFlight = undefined;
    if (this.#parts.fsync === "interval") this.#syncSoon(segment);
    const { answers, resolves } = batch;
    for (let at = 0; at < resolves.length; at++) resolves[at]?.(answers[at]);
    for (const listener of this.#listeners) listener();
  }

  #syncSoon(segment: Segment): void {
    this.#lastSync ??= setTimeout(() => {
      this.#lastSync = undefined;
      // A failure shows in the next write; the policy promises no more.
      segment.file.sync().catch(() => undefined);
    }, intervalMs);
  }

  /** Undoes what did not become durable: this batch, and the one that was built upon it. */
  async #abandon(batch: Batch, error: unknown): Promise<void> {
    let clean = true;
    try {
      await this.#cutLeftover();
    } catch {
      clean = false; // Tried again before the next write.
    }
    const later = this.#filling;
    this.#filling = undefined;
    this.#inFlight = undefined;
    this.index.rollBack(batch.firstSeq);
    for (const failed of [batch, later])
      if (failed !== undefined) this.ids.forgetFrom(batch.firstSeq, failed.hashes);
    const full = diskErrorCode(error) === "disk-full";
    const reason = clean
      ? new EventStoreError(
          full ? "disk-full" : "unavailable",
          full ? "the disk is full: nothing was written" : "the disk failed: nothing was written",
          error,
        )
      : new EventStoreError("unavailable", "the disk failed, and may hold a part", error);
    for (const failed of [batch, later]) for (const reject of failed?.rejects ?? []) reject(reason);
  }

  async #cutLeftover(): Promise<void> {
    if (!this.#leftover) return;
    const segment = this.#segments.at(-1);
    if (segment !== undefined) {
      await segment.file.truncate(segment.end);
      await segment.file.sync();
    }
    this.#leftover = false;
  }
}
