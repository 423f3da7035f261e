/**
 * The index file of a sealed segment: what the log keeps in memory about its events, so that a cold
 * start reads this instead of the events.
 *
 *     "CNCTIDX1" | crc32 of the rest | base | end | events | streams | types | names | columns
 */

import { setImmediate } from "node:timers/promises";
import { crc32 } from "node:zlib";
import type { Files } from "./files.ts";
import type { LogIndex } from "./log-index.ts";
import type { ScannedRecord, Segment } from "./segment.ts";

const magic = Buffer.from("CNCTIDX1", "latin1");
const fixedBytes = 12 + 8 + 4 + 4 + 4 + 4;
const tombstoneBit = 0x80000000;

/** What is known about the events of a segment without reading it. */
export interface SegmentIndex {
  /** Bytes of the segment file. */
  readonly end: number;
  readonly streams: readonly string[];
  readonly types: readonly string[];
  /** Four numbers for each event: offset, stream, type (with the tombstone bit), hash of its id. */
  readonly events: Uint32Array;
}

export const indexPath = (segmentPath: string): string => segmentPath.replace(/\.log$/, ".idx");
export const isTombstoneEntry = (type: number): boolean => type >= tombstoneBit;
export const typeOfEntry = (type: number): number => type & ~tombstoneBit;

const numbering = (): { readonly names: string[]; readonly of: (name: string) => number } => {
  const names: string[] = [];
  const ids = new Map<string, number>();
  return {
    names,
    of: (name) => {
      const known = ids.get(name);
      if (known !== undefined) return known;
      ids.set(name, names.length);
      return names.push(name) - 1;
    },
  };
};

/** The index of records that a scan found. */
export const indexOfScan = (
  records: readonly ScannedRecord[],
  end: number,
  hashOf: (id: string) => number,
): SegmentIndex => {
  const streams = numbering();
  const types = numbering();
  const events = new Uint32Array(records.length * 4);
  for (const [at, { offset, id, stream, type, tombstone }] of records.entries())
    events.set(
      [
        offset,
        streams.of(stream),
        (types.of(type) | (tombstone ? tombstoneBit : 0)) >>> 0,
        hashOf(id),
      ],
      at * 4,
    );
  return { end, streams: streams.names, types: types.names, events };
};

/** Events indexed before the rest of the process gets a turn: a millisecond or two. */
const eventsPerTurn = 4_096;

/** Writes the index file of a segment that is full, without holding up the process. */
export const saveSegmentIndex = async (
  files: Files,
  segment: Segment,
  known: { readonly index: LogIndex; readonly hashes: readonly number[] },
): Promise<void> => {
  const { index, hashes } = known;
  const streams = numbering();
  const types = numbering();
  const events = new Uint32Array(hashes.length * 4);
  for (const [at, hash] of hashes.entries()) {
    if (at % eventsPerTurn === eventsPerTurn - 1) await setImmediate();
    const seq = segment.firstSeq + at;
    const type = types.of(index.typeName(index.typeOf(seq)));
    events[at * 4] = index.offset(seq);
    events[at * 4 + 1] = streams.of(index.streamName(index.streamOf(seq)));
    events[at * 4 + 2] = (type | (index.isTombstone(seq) ? tombstoneBit : 0)) >>> 0;
    events[at * 4 + 3] = hash;
  }
  const content = { end: segment.end, streams: streams.names, types: types.names, events };
  await files.save(indexPath(segment.path), encodeIndex(segment.base, content));
};

export const encodeIndex = (base: number, content: SegmentIndex): Buffer => {
  const { end, streams, types, events } = content;
  const texts = [...streams, ...types].map((name) => Buffer.from(name, "utf8"));
  const textBytes = texts.reduce((sum, text) => sum + 2 + text.length, 0);
  const buffer = Buffer.allocUnsafe(fixedBytes + textBytes + events.byteLength);
  magic.copy(buffer);
  buffer.writeBigUInt64LE(BigInt(base), 12);
  buffer.writeUInt32LE(end, 20);
  buffer.writeUInt32LE(events.length / 4, 24);
  buffer.writeUInt32LE(streams.length, 28);
  buffer.writeUInt32LE(types.length, 32);
  let at = fixedBytes;
  for (const text of texts) {
    buffer.writeUInt16LE(text.length, at);
    text.copy(buffer, at + 2);
    at += 2 + text.length;
  }
  // In the machine's byte order, which is little-endian wherever Node runs by default.
  buffer.set(new Uint8Array(events.buffer, events.byteOffset, events.byteLength), at);
  buffer.writeUInt32LE(crc32(buffer.subarray(12)), 8);
  return buffer;
};

/** Reads an index file; undefined if it is not there or not whole, so that a scan must do. */
export const loadSegmentIndex = async (
  files: Files,
  segment: { readonly path: string; readonly base: number },
): Promise<SegmentIndex | undefined> => {
  const buffer = await files.load(indexPath(segment.path));
  if (buffer === undefined || buffer.length < fixedBytes) return undefined;
  if (!buffer.subarray(0, 8).equals(magic)) return undefined;
  if (crc32(buffer.subarray(12)) !== buffer.readUInt32LE(8)) return undefined;
  if (buffer.readBigUInt64LE(12) !== BigInt(segment.base)) return undefined;
  const count = buffer.readUInt32LE(24);
  let at = fixedBytes;
  const names = (length: number): string[] =>
    Array.from({ length }, () => {
      const bytes = buffer.readUInt16LE(at);
      const name = buffer.toString("utf8", at + 2, at + 2 + bytes);
      at += 2 + bytes;
      return name;
    });
  const streams = names(buffer.readUInt32LE(28));
  const types = names(buffer.readUInt32LE(32));
  const events = new Uint32Array(count * 4);
  new Uint8Array(events.buffer).set(buffer.subarray(at, at + events.byteLength));
  return { end: buffer.readUInt32LE(20), streams, types, events };
};
