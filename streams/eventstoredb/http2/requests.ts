/** What a client says, in EventStoreDB's messages. */

import { bytesField, grpcFrame, numberField } from "../../embedded/grpc/proto.ts";
import { writeLength4 } from "../../embedded/record.ts";
import {
  type EventFilter,
  EventStoreError,
  type Expected,
  type Position,
  type Revision,
} from "../../event-store.ts";

/** An event whose content is JSON text already; no metadata for "". */
export interface EventText {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export interface AppendRequest {
  /** A UUID that the answer repeats. */
  readonly correlation: string;
  readonly stream: string;
  readonly events: readonly EventText[];
  readonly expected: Expected;
  /** Milliseconds since the Unix epoch; the server does not begin later. */
  readonly deadlineAt: number;
}

/** Larger appends go in parts: a server takes no message above 4 MiB unless it is told to. */
const partBytesMax = 3 << 20;

/** Bytes that grow. Numbers of nested lengths are padded to four bytes, so that one pass will do. */
export class Outgoing {
  #buffer: Buffer;
  #length = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#length;
  }
  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
  byte(value: number): void {
    this.#buffer[this.#length++] = value;
  }
  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128);
    this.byte(rest);
  }
  /** A string or bytes field; there is room for three bytes a character. */
  text(tag: number, value: string): void {
    this.byte(tag);
    const bytes = this.#buffer.write(value, this.#length + 4, "utf8");
    writeLength4(this.#buffer, this.#length, bytes);
    this.#length += 4 + bytes;
  }
  /** Begins a nested message, which `close` ends. */
  open(tag: number): number {
    this.byte(tag);
    this.#length += 4;
    return this.#length;
  }
  close(start: number): void {
    writeLength4(this.#buffer, start - 4, this.#length - start);
  }
  openFrame(): number {
    this.byte(0);
    this.#length += 4;
    return this.#length;
  }
  closeFrame(start: number): void {
    this.#buffer.writeUInt32BE(this.#length - start, start - 4);
  }
}

const writeExpected = (out: Outgoing, expected: Expected): void => {
  if (typeof expected === "bigint") {
    out.byte(0x10); // stream_position
    // Above 2^53 it is rounded; no stream has so many events, and a conflict is the answer anyway.
    out.varint(Number(expected));
    return;
  }
  out.byte(expected === "no-stream" ? 0x1a : 0x22); // no_stream or any, both empty
  out.byte(0);
};

const writeOptions = (out: Outgoing, request: AppendRequest): void => {
  const { stream, expected, deadlineAt } = request;
  const options = out.open(0x12);
  const identifier = out.open(0x0a);
  out.text(0x1a, stream);
  out.close(identifier);
  writeExpected(out, expected);
  const deadline = out.open(0x32);
  out.byte(0x08); // seconds
  out.varint(Math.floor(deadlineAt / 1_000));
  out.byte(0x10); // nanos
  out.varint(Math.floor(deadlineAt % 1_000) * 1_000_000);
  out.close(deadline);
  out.close(options);
};

const writePair = (out: Outgoing, key: string, value: string): void => {
  const pair = out.open(0x12);
  out.text(0x0a, key);
  out.text(0x12, value);
  out.close(pair);
};

const writeEvent = (out: Outgoing, { id, type, data, metadata }: EventText): void => {
  const event = out.open(0x1a);
  const uuid = out.open(0x0a);
  out.text(0x12, id);
  out.close(uuid);
  writePair(out, "type", type);
  writePair(out, "content-type", "application/json");
  out.text(0x1a, metadata); // custom_metadata
  out.text(0x22, data);
  out.close(event);
};

/** Bytes of an event's fixed parts, and of a request's, at most. */
const overheadBytes = 256;

/** Writes an append as one or more `BatchAppendReq` in frames. */
export const writeAppend = (out: Outgoing, request: AppendRequest): void => {
  const { correlation, stream, events } = request;
  let at = 0;
  do {
    out.room(2 * overheadBytes + 3 * stream.length);
    const frame = out.openFrame();
    const uuid = out.open(0x0a); // correlation_id
    out.text(0x12, correlation);
    out.close(uuid);
    if (at === 0) writeOptions(out, request);
    for (; at < events.length && out.length - frame < partBytesMax; at++) {
      const event = events[at] as EventText;
      const { type, data, metadata } = event;
      out.room(2 * overheadBytes + 3 * (type.length + data.length + metadata.length));
      writeEvent(out, event);
    }
    out.byte(0x20); // is_final
    out.byte(at === events.length ? 1 : 0);
    out.closeFrame(frame);
  } while (at < events.length);
};

const empty = (field: number): Buffer => bytesField(field);

const allFrom = (from: Position | "start" | "end"): Buffer =>
  bytesField(
    2,
    from === "end"
      ? empty(3)
      : from === "start" || from < 0n
        ? empty(2)
        : bytesField(1, numberField(1, from), numberField(2, from)),
  );

/** Events looked at between two checkpoints of the server: window times multiplier. */
const searchWindow = 32;
const checkpointMultiplier = 8;

const filterField = (filter: EventFilter | undefined): Buffer => {
  if (filter === undefined) return empty(8);
  const byStream = "streamPrefixes" in filter;
  const prefixes = byStream ? filter.streamPrefixes : filter.typePrefixes;
  return bytesField(
    7,
    bytesField(byStream ? 1 : 2, ...prefixes.map((prefix) => bytesField(2, prefix))),
    numberField(3, searchWindow),
    numberField(5, checkpointMultiplier),
  );
};

/** Ids as text. */
const uuidOption = bytesField(9, empty(2));

const readFrame = (...options: readonly Buffer[]): Buffer =>
  grpcFrame(bytesField(1, ...options, uuidOption));

export interface ReadLimits {
  readonly backwards: boolean;
  readonly count: number;
}

const limits = ({ backwards, count }: ReadLimits): readonly Buffer[] => [
  numberField(3, backwards ? 1 : 0),
  numberField(5, count),
  filterField(undefined),
];

export const readStreamRequest = (
  stream: string,
  from: Revision | "start" | "end",
  how: ReadLimits,
): Buffer =>
  readFrame(
    bytesField(
      1,
      bytesField(1, bytesField(3, stream)),
      from === "start" ? empty(3) : from === "end" ? empty(4) : numberField(2, from),
    ),
    ...limits(how),
  );

export const readAllRequest = (from: Position | "start" | "end", how: ReadLimits): Buffer =>
  readFrame(allFrom(from), ...limits(how));

export const subscribeRequest = (
  after: Position | "end",
  filter: EventFilter | undefined,
): Buffer => readFrame(allFrom(after), empty(6), filterField(filter));

const bad = (message: string, cause?: unknown): EventStoreError =>
  new EventStoreError("bad-request", message, cause);

/**
 * The JSON text of a value.
 *
 * @throws {EventStoreError} `bad-request` if there is none.
 */
export const jsonText = (what: string, value: unknown): string => {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw bad(`${what} cannot be said in JSON`, error);
  }
  if (text === undefined) throw bad(`${what} is no JSON value`);
  return text;
};
