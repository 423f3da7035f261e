/**
 * Where every event is, in memory: 16 bytes for each event, and about 150 for each stream with a
 * name of 68 characters. Events are numbered by sequence from 0 over the whole log.
 *
 * The events of a stream are a chain of sequence numbers, newest first, so a stream costs nothing
 * but its name; a stream that was walked far gets an array of its own.
 */

import { type Column8, type Column32, column8, column32, none } from "./columns.ts";

const tombstonedFlag = 1;
const hasMetadataFlag = 2;
const walkMax = 512;
const tombstoneBit = 0x80000000;

interface SeqList {
  seqs: Uint32Array;
  length: number;
}

export class LogIndex {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #lastSeq: Column32 = column32(none);
  /** Number of events, so last revision + 1. */
  readonly #counts: Column32 = column32();
  readonly #flags: Column8 = column8();
  readonly #lists = new Map<number, SeqList>();

  readonly #typeIds = new Map<string, number>();
  readonly #types: string[] = [];

  readonly #previous: Column32 = column32(none);
  readonly #streamOf: Column32 = column32();
  readonly #typeOf: Column32 = column32();
  readonly #offset: Column32 = column32();
  #length = 0;

  /** How many events there are, those included that are not yet durable. */
  get length(): number {
    return this.#length;
  }
  get streamCount(): number {
    return this.#names.length;
  }

  /** The number of a stream, given out at first sight. */
  streamId(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#names.length;
    this.#names.push(name);
    this.#ids.set(name, id);
    if (name.startsWith("$$") && name.length > 2) {
      const target = this.streamId(name.slice(2));
      this.#flags.set(target, this.#flags.get(target) | hasMetadataFlag);
    }
    return id;
  }
  findStream(name: string): number | undefined {
    return this.#ids.get(name);
  }
  streamName(stream: number): string {
    return this.#names[stream] as string;
  }

  typeId(name: string): number {
    const known = this.#typeIds.get(name);
    if (known !== undefined) return known;
    const id = this.#types.length;
    this.#types.push(name);
    this.#typeIds.set(name, id);
    return id;
  }
  typeName(type: number): string {
    return this.#types[type] as string;
  }

  /** The stream's last revision; -1 if nothing was ever written to it. */
  lastRevision(stream: number): number {
    return this.#counts.get(stream) - 1;
  }
  isTombstoned(stream: number): boolean {
    return (this.#flags.get(stream) & tombstonedFlag) !== 0;
  }
  /** Whether a metadata stream of it was ever named: most have none, and need no look-up. */
  mayHaveMetadata(stream: number): boolean {
    return (this.#flags.get(stream) & hasMetadataFlag) !== 0;
  }

  /** Takes in the next event and returns its sequence number. */
  add(stream: number, type: number, offset: number): number {
    const seq = this.#length++;
    this.#previous.set(seq, this.#lastSeq.get(stream));
    this.#streamOf.set(seq, stream);
    this.#typeOf.set(seq, type);
    this.#offset.set(seq, offset);
    this.#lastSeq.set(stream, seq);
    this.#counts.set(stream, this.#counts.get(stream) + 1);
    const list = this.#lists.size === 0 ? undefined : this.#lists.get(stream);
    if (list !== undefined) {
      if (list.length === list.seqs.length) {
        const grown = new Uint32Array(list.length * 2);
        grown.set(list.seqs);
        list.seqs = grown;
      }
      list.seqs[list.length++] = seq;
    }
    return seq;
  }

  /** Takes in a tombstone: it has a place in the log but no revision in its stream. */
  addTombstone(stream: number, type: number, offset: number): number {
    const seq = this.#length++;
    this.#previous.set(seq, none);
    this.#streamOf.set(seq, stream);
    this.#typeOf.set(seq, (type | tombstoneBit) >>> 0);
    this.#offset.set(seq, offset);
    this.#flags.set(stream, this.#flags.get(stream) | tombstonedFlag);
    return seq;
  }

  /** Forgets all events from this sequence number on. */
  rollBack(length: number): void {
    for (let seq = this.#length - 1; seq >= length; seq--) {
      const stream = this.#streamOf.get(seq);
      if (this.isTombstone(seq)) {
        this.#flags.set(stream, this.#flags.get(stream) & ~tombstonedFlag);
        continue;
      }
      this.#lastSeq.set(stream, this.#previous.get(seq));
      this.#counts.set(stream, this.#counts.get(stream) - 1);
      const list = this.#lists.get(stream);
      if (list !== undefined) list.length--;
    }
    this.#length = length;
  }

  streamOf(seq: number): number {
    return this.#streamOf.get(seq);
  }
  typeOf(seq: number): number {
    return this.#typeOf.get(seq) & ~tombstoneBit;
  }
  /** Whether this event is the end of its stream. */
  isTombstone(seq: number): boolean {
    return this.#typeOf.get(seq) >= tombstoneBit;
  }
  /** Where the event's record begins in its segment file. */
  offset(seq: number): number {
    return this.#offset.get(seq);
  }

  /** The sequence number of an event of a stream, or undefined if it has no such revision. */
  seqOf(stream: number, revision: number): number | undefined {
    const count = this.#counts.get(stream);
    if (revision < 0 || revision >= count) return undefined;
    const list = this.#lists.get(stream);
    if (list !== undefined) return list.seqs[revision];
    const steps = count - 1 - revision;
    if (steps > walkMax) return this.#makeList(stream, count).seqs[revision];
    let seq = this.#lastSeq.get(stream);
    for (let step = 0; step < steps; step++) seq = this.#previous.get(seq);
    return seq;
  }

  #makeList(stream: number, count: number): SeqList {
    const seqs = new Uint32Array(count * 2);
    let seq = this.#lastSeq.get(stream);
    for (let at = count - 1; at >= 0; at--) {
      seqs[at] = seq;
      seq = this.#previous.get(seq);
    }
    const list = { seqs, length: count };
    this.#lists.set(stream, list);
    return list;
  }
}
