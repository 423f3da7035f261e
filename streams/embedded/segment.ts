/**
 * A segment file: a header of 32 bytes, then records. Its name is the log position of its first
 * byte, so the position of an event is that number plus the record's offset in the file.
 */

import { join } from "node:path";
import { EventStoreError } from "../event-store.ts";
import type { Files, LogFile } from "./files.ts";
import {
  flagBatchStart,
  flagMore,
  flagTombstone,
  frameStart,
  headerBytes,
  isIntact,
  readHead,
  recordEnd,
} from "./record.ts";

export const segmentHeaderBytes = 32;
const magic = Buffer.from("CNCTSEG1", "latin1");

export interface Segment {
  /** Log position of the file's first byte. */
  readonly base: number;
  /** Sequence number of its first event. */
  readonly firstSeq: number;
  readonly path: string;
  readonly file: LogFile;
  /** Bytes that are valid and durable. */
  end: number;
  sealed: boolean;
}

export const segmentName = (base: number): string => `${String(base).padStart(16, "0")}.log`;
export const segmentPath = (directory: string, base: number): string =>
  join(directory, segmentName(base));

export const encodeSegmentHeader = (base: number): Buffer => {
  const header = Buffer.alloc(segmentHeaderBytes);
  magic.copy(header);
  header.writeBigUInt64LE(BigInt(base), 8);
  return header;
};

const isHeaderOf = (content: Buffer, base: number): boolean =>
  content.length >= segmentHeaderBytes &&
  content.subarray(0, segmentHeaderBytes).equals(encodeSegmentHeader(base));

/**
 * Checks that a segment whose records are known is what its index says, in length and header.
 *
 * @throws {EventStoreError} `corrupt`
 */
export const checkSealed = async (segment: Segment): Promise<void> => {
  const { path, base, file, end } = segment;
  const header = Buffer.alloc(segmentHeaderBytes);
  await file.read(header, 0);
  if (!isHeaderOf(header, base)) throw corrupt(path, 0, "the segment header is damaged");
  const size = await file.size();
  if (size !== end)
    throw corrupt(path, Math.min(size, end), `it has ${size} bytes, expected ${end}`);
};

/** What a scan learns about one record. */
export interface ScannedRecord {
  readonly offset: number;
  readonly id: string;
  readonly stream: string;
  readonly type: string;
  readonly tombstone: boolean;
}

export interface Scan {
  readonly records: readonly ScannedRecord[];
  /** Where the last whole append ends. */
  readonly end: number;
  /** Bytes in the file. */
  readonly size: number;
}

/** Where the record that begins here ends, if it is whole, intact and meant for this place. */
const wholeRecordEnd = (content: Buffer, offset: number): number | undefined => {
  if (offset + headerBytes > content.length) return undefined;
  const end = recordEnd(content, offset);
  if (end > content.length || end < offset + headerBytes + 64) return undefined;
  if (content[offset + frameStart] !== 0 || !isIntact(content, offset, end)) return undefined;
  return end;
};

/** A record further on that was written only after everything before it had been durable. */
const laterBatch = (content: Buffer, from: number, base: number): number | undefined => {
  for (let at = from; at + headerBytes <= content.length; at++) {
    if (content[at + frameStart] !== 0) continue;
    if (((content[at + 4] as number) & flagBatchStart) === 0) continue;
    if (wholeRecordEnd(content, at) === undefined) continue;
    if (readHead(content, at).position === base + at) return at;
  }
  return undefined;
};

/**
 * Reads a segment from its beginning.
 *
 * In the last segment what follows the last whole append is the trace of a write that was never
 * acknowledged, and is left out. Anywhere else, or where a later write proves that the damaged
 * bytes had been durable, it is damage, and guessing would lose facts.
 *
 * @throws {EventStoreError} `corrupt`, naming the file and the offset.
 */
export const scanSegment = async (segment: {
  readonly path: string;
  readonly base: number;
  readonly file: LogFile;
  readonly last: boolean;
}): Promise<Scan> => {
  const { path, base, file, last } = segment;
  const size = await file.size();
  const content = Buffer.allocUnsafe(size);
  await file.read(content, 0);
  if (!isHeaderOf(content, base)) {
    if (last && laterBatch(content, 0, base) === undefined) return { records: [], end: 0, size };
    throw corrupt(path, 0, "the segment header is damaged");
  }
  const records: ScannedRecord[] = [];
  let whole = 0;
  let end = segmentHeaderBytes;
  for (let at = segmentHeaderBytes; at < size; ) {
    const next = wholeRecordEnd(content, at);
    const head = next === undefined ? undefined : readHead(content, at);
    if (next === undefined || head?.position !== base + at) {
      if (!last) throw corrupt(path, at, "a record fails its checksum");
      const later = laterBatch(content, at + 1, base);
      if (later !== undefined)
        throw corrupt(path, at, `a record fails its checksum before durable data at ${later}`);
      break;
    }
    const { id, stream, type } = head;
    const flags = content[at + 4] as number;
    records.push({ offset: at, id, stream, type, tombstone: (flags & flagTombstone) !== 0 });
    at = next;
    if ((flags & flagMore) === 0) {
      whole = records.length;
      end = at;
    }
  }
  if (!last && end !== size) throw corrupt(path, end, "the last append is not whole");
  records.length = whole;
  return { records, end, size };
};

export const corrupt = (path: string, offset: number, why: string): EventStoreError =>
  new EventStoreError("corrupt", `${path} is damaged at byte ${offset}: ${why}`);

/** Makes the file of a new segment, durable in name and header. */
export const createSegment = async (
  files: Files,
  place: { readonly directory: string; readonly base: number; readonly firstSeq: number },
  durable: boolean,
): Promise<Segment> => {
  const { directory, base, firstSeq } = place;
  const path = segmentPath(directory, base);
  const file = await files.open(path, { durable });
  try {
    await file.truncate(0);
    await file.write(encodeSegmentHeader(base), 0);
    await files.syncDirectory(directory);
  } catch (error) {
    await file.close();
    await files.remove(path);
    throw error;
  }
  return { base, firstSeq, path, file, end: segmentHeaderBytes, sealed: false };
};
