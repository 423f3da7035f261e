/** What clients ask, read from EventStoreDB's messages. */

import type { LogExpected } from "../decide.ts";
import type { LogEvent } from "../log.ts";
import type { Message } from "./frames.ts";
import { bigVarint, eachField, ProtoError } from "./proto.ts";

const text = (buffer: Buffer, start: number, end: number): string =>
  buffer.toString("utf8", start, end);

const hex = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, "0");

const readUuid = (buffer: Buffer, start: number, end: number): string => {
  let uuid = "";
  eachField(buffer, start, end, (field, _, from, to) => {
    if (field === 2) uuid = text(buffer, from, to).toLowerCase();
    if (field !== 1) return;
    let most = 0n;
    let least = 0n;
    eachField(buffer, from, to, (part, _value, a, b) => {
      if (part === 1) most = bigVarint(buffer, a, b);
      if (part === 2) least = bigVarint(buffer, a, b);
    });
    const digits = hex(most) + hex(least);
    uuid = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  });
  return uuid;
};

const readStreamName = (buffer: Buffer, start: number, end: number): string => {
  let name = "";
  eachField(buffer, start, end, (field, _, from, to) => {
    if (field === 3) name = text(buffer, from, to);
  });
  return name;
};

/** Where a write goes, and what its writer believes. */
export interface WriteTarget {
  readonly stream: string;
  readonly expected: LogExpected;
  /** Milliseconds since the Unix epoch, Infinity for none. */
  readonly deadlineMs: number;
}

const readTimestamp = (buffer: Buffer, start: number, end: number): number => {
  let seconds = 0;
  let nanos = 0;
  eachField(buffer, start, end, (field, value) => {
    if (field === 1) seconds = value;
    if (field === 2) nanos = value;
  });
  return seconds * 1_000 + nanos / 1_000_000;
};

/** The options of Append, BatchAppend, Delete and Tombstone, which are numbered alike. */
export const readWriteTarget = ({ buffer, start, end }: Message): WriteTarget => {
  let stream = "";
  let expected: LogExpected | undefined;
  let deadlineMs = Number.POSITIVE_INFINITY;
  eachField(buffer, start, end, (field, value, from, to) => {
    if (field === 1) stream = readStreamName(buffer, from, to);
    else if (field === 2) expected = value;
    else if (field === 3) expected = -1;
    else if (field === 4) expected = "any";
    else if (field === 5) expected = "stream-exists";
    else if (field === 6) deadlineMs = readTimestamp(buffer, from, to);
  });
  if (expected === undefined) throw new ProtoError("a write says no expected revision");
  return { stream, expected, deadlineMs };
};

/** An event to be written; `type` is empty where the request names none. */
export const readProposed = ({ buffer, start, end }: Message): LogEvent => {
  let id = "";
  let type = "";
  let json = false;
  let data: Uint8Array = Buffer.alloc(0);
  let metadata: Uint8Array = Buffer.alloc(0);
  eachField(buffer, start, end, (field, _, from, to) => {
    if (field === 1) id = readUuid(buffer, from, to);
    else if (field === 3) metadata = buffer.subarray(from, to);
    else if (field === 4) data = buffer.subarray(from, to);
    else if (field === 2) {
      let key = "";
      let value = "";
      eachField(buffer, from, to, (part, _value, a, b) => {
        if (part === 1) key = text(buffer, a, b);
        if (part === 2) value = text(buffer, a, b);
      });
      if (key === "type") type = value;
      if (key === "content-type") json = value === "application/json";
    }
  });
  return { id, type, json, data, metadata, value: undefined };
};

export interface BatchPart {
  /** The encoded UUID message, which the answer repeats. */
  readonly correlation: Buffer;
  readonly target: WriteTarget | undefined;
  readonly events: readonly LogEvent[];
  readonly bytes: number;
  readonly isFinal: boolean;
}

export const readBatchPart = ({ buffer, start, end }: Message): BatchPart => {
  let correlation: Buffer = Buffer.alloc(0);
  let target: WriteTarget | undefined;
  const events: LogEvent[] = [];
  let isFinal = false;
  eachField(buffer, start, end, (field, value, from, to) => {
    if (field === 1) correlation = Buffer.from(buffer.subarray(from, to));
    else if (field === 2) target = readWriteTarget({ buffer, start: from, end: to });
    else if (field === 3) events.push(readProposed({ buffer, start: from, end: to }));
    else if (field === 4) isFinal = value !== 0;
  });
  return { correlation, target, events, bytes: end - start, isFinal };
};

/** The message in a message's field 1, where Append, Delete, Tombstone and Read have options. */
export const inner = ({ buffer, start, end }: Message, wanted: number): Message | undefined => {
  let found: Message | undefined;
  eachField(buffer, start, end, (field, _, from, to) => {
    if (field === wanted) found = { buffer, start: from, end: to };
  });
  return found;
};

export interface ReadFilter {
  readonly by: "stream" | "type";
  readonly regex: string | undefined;
  readonly prefixes: readonly string[];
  /** Events looked at between two checkpoints. */
  readonly window: number;
}

export interface ReadRequest {
  /** Undefined for everything. */
  readonly stream: string | undefined;
  readonly from: number | "start" | "end";
  readonly backwards: boolean;
  /** Undefined for a subscription. */
  readonly count: number | undefined;
  readonly filter: ReadFilter | undefined;
}

const defaultWindow = 32;

const readFilter = (buffer: Buffer, start: number, end: number): ReadFilter => {
  let by: "stream" | "type" = "stream";
  let regex: string | undefined;
  const prefixes: string[] = [];
  let max = defaultWindow;
  let multiplier = 1;
  eachField(buffer, start, end, (field, value, from, to) => {
    if (field === 1 || field === 2) {
      by = field === 1 ? "stream" : "type";
      eachField(buffer, from, to, (part, _, a, b) => {
        if (part === 1) regex = text(buffer, a, b);
        if (part === 2) prefixes.push(text(buffer, a, b));
      });
    } else if (field === 3) max = value;
    else if (field === 5) multiplier = value;
  });
  if (max < 1 || multiplier < 1) throw new ProtoError("a filter's window must be at least 1");
  return { by, regex, prefixes, window: max * multiplier };
};

const readFrom = (
  { buffer, start, end }: Message,
  fields: {
    readonly start: number;
    readonly end: number;
    readonly at: (m: Message, field: number, value: number) => number | undefined;
  },
): number | "start" | "end" => {
  let from: number | "start" | "end" = "start";
  eachField(buffer, start, end, (field, value, a, b) => {
    if (field === fields.start) from = "start";
    else if (field === fields.end) from = "end";
    else from = fields.at({ buffer, start: a, end: b }, field, value) ?? from;
  });
  return from;
};

export const readReadRequest = ({ buffer, start, end }: Message): ReadRequest => {
  let stream: string | undefined;
  let from: number | "start" | "end" = "start";
  let named = false;
  let backwards = false;
  let count: number | undefined;
  let subscription = false;
  let filter: ReadFilter | undefined;
  eachField(buffer, start, end, (field, value, a, b) => {
    const part = { buffer, start: a, end: b };
    if (field === 1) {
      named = true;
      stream = readStreamName(...identifierOf(part));
      from = readFrom(part, { start: 3, end: 4, at: (_, at, v) => (at === 2 ? v : undefined) });
    } else if (field === 2) {
      named = true;
      stream = undefined;
      from = readFrom(part, {
        start: 2,
        end: 3,
        at: (m, at) => (at === 1 ? commitOf(m) : undefined),
      });
    } else if (field === 3) backwards = value === 1;
    else if (field === 5) count = value;
    else if (field === 6) subscription = true;
    else if (field === 7) filter = readFilter(buffer, a, b);
  });
  if (!named) throw new ProtoError("a read names neither a stream nor all");
  if (!subscription && count === undefined) throw new ProtoError("a read says no count");
  if (subscription && backwards) throw new ProtoError("a subscription cannot go backwards");
  return { stream, from, backwards, count: subscription ? undefined : count, filter };
};

const identifierOf = (part: Message): [Buffer, number, number] => {
  const found = inner(part, 1);
  if (found === undefined) throw new ProtoError("a read names no stream");
  return [found.buffer, found.start, found.end];
};

const commitOf = ({ buffer, start, end }: Message): number => {
  let commit = 0;
  eachField(buffer, start, end, (field, value) => {
    if (field === 1) commit = value;
  });
  return commit;
};
