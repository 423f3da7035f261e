/**
 * How one event lies in a segment file, and on the wire.
 *
 *     crc32 (4, LE, over all that follows) | flags (1) | 0 (1) | length (4, BE) | message
 *
 * The message is EventStoreDB's `ReadResp { event: ReadEvent }`, encoded once when it is written;
 * the last 5 bytes of the header and the message together are a gRPC frame, so serving is copying.
 * Inner lengths are written as padded varints of fixed width, which every protobuf reader accepts,
 * so that encoding needs one pass and fields lie at known places.
 */

import { crc32 } from "node:zlib";

export const headerBytes = 10;
/** Where the gRPC frame begins inside a record. */
export const frameStart = 5;
/** More events of the same append follow: a crash between them leaves none of them. */
export const flagMore = 1;
/** The first record of a write; all bytes before it were durable when it was written. */
export const flagBatchStart = 2;
/** The stream ends here for good. */
export const flagTombstone = 4;

/** Bytes of names in UTF-8 that a record can hold, the limit of its two-byte lengths. */
export const nameBytesMax = 8_192;

const idStart = 24;
const streamLengthStart = 64;
const streamStart = 66;
/** The real server's last event number, also its revision of a tombstone: 2^63 - 1. */
export const revisionMax = 9_223_372_036_854_775_807n;

const jsonType = "application/json";
const binaryType = "application/octet-stream";

/** What happened; strings of `data` and `metadata` are JSON. */
export interface RecordContent {
  readonly id: string;
  readonly type: string;
  readonly json: boolean;
  readonly data: string | Uint8Array;
  readonly metadata: string | Uint8Array;
}

/** Where and when; the log fills in one object again and again. */
export interface RecordPlace {
  stream: string;
  /** From 0; ignored for a tombstone. */
  revision: number;
  position: number;
  /** Milliseconds since the Unix epoch. */
  recordedAt: number;
  flags: number;
}

export interface DecodedRecord {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: number;
  readonly type: string;
  readonly json: boolean;
  readonly recordedAt: number;
  readonly metadataStart: number;
  readonly metadataEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
}

/** At most so many bytes does the record of this event need. */
export const recordBytesMax = (
  stream: string,
  type: string,
  data: string | Uint8Array,
  metadata: string | Uint8Array,
): number =>
  256 +
  3 * (stream.length + type.length) +
  (typeof data === "string" ? 3 * data.length : data.length) +
  (typeof metadata === "string" ? 3 * metadata.length : metadata.length);

const writeVarint = (buffer: Buffer, start: number, value: number): number => {
  let at = start;
  let rest = value;
  while (rest >= 0x80000000) {
    buffer[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    buffer[at++] = (rest & 127) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
};

const length2Of = (length: number): [number, number] => [(length & 127) | 0x80, length >>> 7];

const writeLength2 = (buffer: Buffer, at: number, length: number): void => {
  buffer[at] = (length & 127) | 0x80;
  buffer[at + 1] = length >>> 7;
};

/** Writes a length below 2^28 as a varint of four bytes. */
export const writeLength4 = (buffer: Buffer, at: number, length: number): void => {
  buffer[at] = (length & 127) | 0x80;
  buffer[at + 1] = ((length >>> 7) & 127) | 0x80;
  buffer[at + 2] = ((length >>> 14) & 127) | 0x80;
  buffer[at + 3] = length >>> 21;
};

const length2 = (buffer: Buffer, at: number): number =>
  ((buffer[at] as number) & 127) | ((buffer[at + 1] as number) << 7);

const length4 = (buffer: Buffer, at: number): number =>
  ((buffer[at] as number) & 127) |
  (((buffer[at + 1] as number) & 127) << 7) |
  (((buffer[at + 2] as number) & 127) << 14) |
  ((buffer[at + 3] as number) << 21);

const put = (buffer: Buffer, at: number, bytes: Buffer): number => {
  buffer.set(bytes, at);
  return at + bytes.length;
};

const writeBytes = (buffer: Buffer, at: number, value: string | Uint8Array): number => {
  if (typeof value === "string") return value === "" ? 0 : buffer.write(value, at, "utf8");
  buffer.set(value, at);
  return value.length;
};

/** Keeps what was made last for each key; few keys come again and again. */
const kept = <Made>(make: (key: string) => Made, most: number): ((key: string) => Made) => {
  const known = new Map<string, Made>();
  return (key) => {
    let made = known.get(key);
    if (made === undefined) {
      made = make(key);
      if (known.size >= most) known.clear();
      known.set(key, made);
    }
    return made;
  };
};

/** A pair of the metadata map; a two-byte length is padded, a one-byte length is not. */
const pair = (key: string, value: string, lengthBytes: 1 | 2): Buffer => {
  const text = Buffer.from(value, "utf8");
  const width = lengthBytes === 2 ? length2Of : (length: number) => [length];
  const content = [0x0a, key.length, ...Buffer.from(key, "latin1"), 0x12, ...width(text.length)];
  return Buffer.from([0x32, ...width(content.length + text.length), ...content, ...text]);
};

const typePair = kept((type) => pair("type", type, 2), 1_000);
const jsonPair = pair("content-type", jsonType, 1);
const binaryPair = pair("content-type", binaryType, 1);

/** The content type of JSON and short metadata, which few writers share among all their events. */
const jsonWithMetadata = kept((metadata) => {
  const text = Buffer.from(metadata, "utf8");
  const head = Buffer.alloc(5, 0x3a); // custom_metadata
  writeLength4(head, 1, text.length);
  return Buffer.concat([jsonPair, head, text]);
}, 1_000);
const shortMetadata = 256;

/** When it was written, in ticks of 100 ns since the Unix epoch; that of one millisecond is kept. */
let createdAt = -1;
let createdPair: Buffer = Buffer.alloc(0);
const created = (recordedAt: number): Buffer => {
  if (recordedAt !== createdAt) {
    createdAt = recordedAt;
    createdPair = pair("created", `${recordedAt}0000`, 1);
  }
  return createdPair;
};

/** Writes a record and returns where it ends. The buffer has room for `recordBytesMax`. */
export const encodeRecord = (
  buffer: Buffer,
  start: number,
  content: RecordContent,
  place: RecordPlace,
): number => {
  buffer[start + 4] = place.flags;
  buffer[start + 5] = 0;
  buffer[start + 10] = 0x0a; // ReadResp.event
  buffer[start + 15] = 0x0a; // ReadEvent.event
  buffer[start + 20] = 0x0a; // RecordedEvent.id, a UUID message with a string of 36 characters
  buffer[start + 21] = 38;
  buffer[start + 22] = 0x12;
  buffer[start + 23] = 36;
  buffer.write(content.id, start + idStart, "latin1");
  const nameBytes = buffer.write(place.stream, start + streamStart, "utf8");
  buffer[start + 60] = 0x12; // RecordedEvent.stream_identifier
  writeLength2(buffer, start + 61, nameBytes + 3);
  buffer[start + 63] = 0x1a;
  writeLength2(buffer, start + streamLengthStart, nameBytes);
  let at = start + streamStart + nameBytes;
  buffer[at++] = 0x18; // stream_revision
  if ((place.flags & flagTombstone) !== 0) {
    buffer.fill(0xff, at, at + 8);
    buffer[at + 8] = 0x7f;
    at += 9;
  } else at = writeVarint(buffer, at, place.revision);
  buffer[at++] = 0x20; // prepare_position
  at = writeVarint(buffer, at, place.position);
  buffer[at++] = 0x28; // commit_position
  at = writeVarint(buffer, at, place.position);

  at = put(buffer, at, typePair(content.type));
  at = put(buffer, at, created(place.recordedAt));
  const { json, metadata } = content;
  if (json && typeof metadata === "string" && metadata.length <= shortMetadata)
    at = put(buffer, at, jsonWithMetadata(metadata));
  else {
    at = put(buffer, at, json ? jsonPair : binaryPair);
    buffer[at] = 0x3a; // custom_metadata
    const metadataBytes = writeBytes(buffer, at + 5, metadata);
    writeLength4(buffer, at + 1, metadataBytes);
    at += 5 + metadataBytes;
  }
  buffer[at] = 0x42; // data
  const dataBytes = writeBytes(buffer, at + 5, content.data);
  writeLength4(buffer, at + 1, dataBytes);
  at += 5 + dataBytes;

  writeLength4(buffer, start + 16, at - start - 20);
  buffer[at++] = 0x18; // ReadEvent.commit_position
  at = writeVarint(buffer, at, place.position);
  writeLength4(buffer, start + 11, at - start - 15);
  buffer.writeUInt32BE(at - start - headerBytes, start + 6);
  sealRecord(buffer, start, at);
  return at;
};

/** Writes the checksum of a record whose other bytes are in place. */
export const sealRecord = (buffer: Buffer, start: number, end: number): void => {
  buffer.writeUInt32LE(crc32(buffer.subarray(start + 4, end)), start);
};

/** Where the record that starts here ends, by its own word; `end` may lie beyond the buffer. */
export const recordEnd = (buffer: Buffer, start: number): number =>
  start + headerBytes + buffer.readUInt32BE(start + 6);

/** Whether these bytes are one whole record as it was written. */
export const isIntact = (buffer: Buffer, start: number, end: number): boolean =>
  crc32(buffer.subarray(start + 4, end)) === buffer.readUInt32LE(start);

export const idOf = (buffer: Buffer, start: number): string =>
  buffer.toString("latin1", start + idStart, start + idStart + 36);

/** What the index needs of a record; a third of the cost of decoding it. */
export interface RecordHead {
  readonly id: string;
  readonly stream: string;
  readonly position: number;
  readonly type: string;
}

/** Skips the number at a place and returns where the next field's content begins. */
const skipVarint = (buffer: Buffer, start: number): number => {
  let at = start;
  while ((buffer[at++] as number) > 127);
  return at + 1;
};

export const readHead = (buffer: Buffer, start: number): RecordHead => {
  const nameBytes = length2(buffer, start + streamLengthStart);
  const name = start + streamStart;
  let at = skipVarint(buffer, name + nameBytes + 1);
  let position = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = buffer[at++] as number;
    position += (byte & 127) * scale;
    if (byte < 128) break;
  }
  at = skipVarint(buffer, at + 1) - 1;
  return {
    id: idOf(buffer, start),
    stream: buffer.toString("utf8", name, name + nameBytes),
    position,
    type: buffer.toString("utf8", at + 12, at + 12 + length2(buffer, at + 10)),
  };
};

/** The event a record holds; the caller has checked that the record is intact. */
export const decodeRecord = (buffer: Buffer, start: number): DecodedRecord => {
  const nameBytes = length2(buffer, start + streamLengthStart);
  let at = start + streamStart + nameBytes + 1;
  const stream = buffer.toString("utf8", start + streamStart, start + streamStart + nameBytes);
  let revision: bigint;
  if (((buffer[start + 4] as number) & flagTombstone) !== 0) {
    revision = revisionMax;
    at += 9;
  } else {
    let value = 0;
    let scale = 1;
    while ((buffer[at] as number) > 127) {
      value += ((buffer[at++] as number) & 127) * scale;
      scale *= 128;
    }
    revision = BigInt(value + (buffer[at++] as number) * scale);
  }
  at++;
  let position = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = buffer[at++] as number;
    position += (byte & 127) * scale;
    if (byte < 128) break;
  }
  at++;
  while ((buffer[at++] as number) > 127);
  const typeBytes = length2(buffer, at + 10);
  const type = buffer.toString("utf8", at + 12, at + 12 + typeBytes);
  at += 12 + typeBytes;
  const createdBytes = buffer[at + 12] as number;
  // The last four digits are below a millisecond, and always zero.
  const recordedAt = Number(buffer.toString("latin1", at + 13, at + 13 + createdBytes - 4));
  at += 13 + createdBytes;
  const contentBytes = buffer[at + 17] as number;
  const json = contentBytes === jsonType.length;
  at += 18 + contentBytes;
  const metadataStart = at + 5;
  const metadataEnd = metadataStart + length4(buffer, at + 1);
  const dataStart = metadataEnd + 5;
  const dataEnd = dataStart + length4(buffer, metadataEnd + 1);
  return {
    id: idOf(buffer, start),
    stream,
    revision,
    position,
    type,
    json,
    recordedAt,
    metadataStart,
    metadataEnd,
    dataStart,
    dataEnd,
  };
};
