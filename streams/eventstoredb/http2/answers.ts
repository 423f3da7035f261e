/** What a server answers, read from EventStoreDB's messages. */

import type { Message } from "../../embedded/grpc/frames.ts";
import { bigVarint, eachField, ProtoError } from "../../embedded/grpc/proto.ts";
import { parseOrText, sharedMetadata } from "../../embedded/recorded.ts";
import { type AppendResult, beforeFirst, type RecordedEvent } from "../../event-store.ts";
import { toStoreError } from "../errors.ts";

/** Walks over a message; nested ones are walked by the same reader, so that it costs no objects. */
class Reader {
  readonly buffer: Buffer;
  readonly #end: number;
  at: number;

  constructor({ buffer, start, end }: Message) {
    this.buffer = buffer;
    this.at = start;
    this.#end = end;
  }

  /** Exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1, bytes = 0; ; scale *= 128) {
      if (this.at >= this.#end || bytes++ === 10)
        throw new ProtoError("a number is cut off or too long");
      const byte = this.buffer[this.at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  bigint(): bigint {
    const start = this.at;
    const value = this.varint();
    return value <= Number.MAX_SAFE_INTEGER
      ? BigInt(value)
      : BigInt.asUintN(64, bigVarint(this.buffer, start, this.at));
  }
  /** Reads a length and answers where the content ends. */
  content(): number {
    const end = this.varint() + this.at;
    if (end > this.#end) throw new ProtoError("a field is cut off");
    return end;
  }
  text(): string {
    const end = this.content();
    const text = this.buffer.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }
  skip(tag: number): void {
    const wire = tag % 8;
    if (wire === 0) this.varint();
    else if (wire === 2) this.at = this.content();
    else if (wire === 1 || wire === 5) this.at += wire === 1 ? 8 : 4;
    else throw new ProtoError(`wire type ${wire} is not supported`);
    if (this.at > this.#end) throw new ProtoError("a field is cut off");
  }
}

const uuidText = (most: bigint, least: bigint): string => {
  const hex = (half: bigint): string => BigInt.asUintN(64, half).toString(16).padStart(16, "0");
  const digits = hex(most) + hex(least);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

const readUuid = (reader: Reader): string => {
  const end = reader.content();
  let text = "";
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x12) text = reader.text();
    else if (tag === 0x0a) {
      let most = 0n;
      let least = 0n;
      for (const to = reader.content(); reader.at < to; ) {
        const part = reader.varint();
        if (part === 0x08) most = reader.bigint();
        else if (part === 0x10) least = reader.bigint();
        else reader.skip(part);
      }
      text = uuidText(most, least);
    } else reader.skip(tag);
  }
  return text;
};

const readStream = (reader: Reader): string => {
  const end = reader.content();
  let name = "";
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x1a) name = reader.text();
    else reader.skip(tag);
  }
  return name;
};

/** `{ commit_position, prepare_position }`: the first one. */
const readPosition = (reader: Reader): bigint => {
  const end = reader.content();
  let commit = 0n;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x08) commit = reader.bigint();
    else reader.skip(tag);
  }
  return commit;
};

const ticksPerMs = 10_000;

const readRecorded = (reader: Reader): RecordedEvent => {
  const { buffer } = reader;
  const end = reader.content();
  let id = "";
  let stream = "";
  let revision = 0n;
  let position = beforeFirst;
  let type = "";
  let isJson = false;
  let recordedAt = 0;
  let [metadataStart, metadataEnd] = [0, 0];
  let [dataStart, dataEnd] = [0, 0];
  while (reader.at < end) {
    const tag = reader.varint();
    switch (tag) {
      case 0x0a:
        id = readUuid(reader);
        break;
      case 0x12:
        stream = readStream(reader);
        break;
      case 0x18:
        revision = reader.bigint();
        break;
      case 0x28:
        position = reader.bigint();
        break;
      case 0x32: {
        let key = "";
        let value = "";
        for (const to = reader.content(); reader.at < to; ) {
          const part = reader.varint();
          if (part === 0x0a) key = reader.text();
          else if (part === 0x12) value = reader.text();
          else reader.skip(part);
        }
        if (key === "type") type = value;
        else if (key === "content-type") isJson = value === "application/json";
        else if (key === "created") recordedAt = Math.floor(Number(value) / ticksPerMs);
        break;
      }
      case 0x3a:
        metadataEnd = reader.content();
        metadataStart = reader.at;
        reader.at = metadataEnd;
        break;
      case 0x42:
        dataEnd = reader.content();
        dataStart = reader.at;
        reader.at = dataEnd;
        break;
      default:
        reader.skip(tag);
    }
  }
  const data = isJson
    ? parseOrText(buffer.toString("utf8", dataStart, dataEnd))
    : new Uint8Array(buffer.subarray(dataStart, dataEnd));
  const base = { id, stream, revision, position, type, data };
  if (metadataEnd === metadataStart) return { ...base, recordedAt };
  const metadata = sharedMetadata(buffer.toString("utf8", metadataStart, metadataEnd));
  return { ...base, metadata, recordedAt };
};

/** Undefined for a link whose event is gone. */
const readEvent = (reader: Reader): RecordedEvent | undefined => {
  const end = reader.content();
  let event: RecordedEvent | undefined;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x0a) event = readRecorded(reader);
    else reader.skip(tag);
  }
  return event;
};

export type ReadAnswer =
  | { readonly kind: "event"; readonly event: RecordedEvent }
  | { readonly kind: "checkpoint"; readonly position: bigint }
  | { readonly kind: "caught-up" | "not-found" | "other" };

const caughtUp: ReadAnswer = { kind: "caught-up" };
const notFound: ReadAnswer = { kind: "not-found" };
const other: ReadAnswer = { kind: "other" };

/** @throws {ProtoError} */
export const readAnswer = (message: Message): ReadAnswer => {
  const reader = new Reader(message);
  let answer: ReadAnswer = other;
  while (reader.at < message.end) {
    const tag = reader.varint();
    if (tag === 0x0a) {
      const event = readEvent(reader);
      if (event !== undefined) answer = { kind: "event", event };
    } else if (tag === 0x1a) answer = { kind: "checkpoint", position: readPosition(reader) };
    else {
      if (tag === 0x22) answer = notFound;
      else if (tag === 0x42) answer = caughtUp;
      reader.skip(tag);
    }
  }
  return answer;
};

export interface AppendAnswer {
  readonly correlation: string;
  readonly outcome: AppendResult | Error;
}

const readSuccess = (reader: Reader): AppendResult => {
  const end = reader.content();
  let revision = -1n;
  let position = beforeFirst;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x08) revision = reader.bigint();
    else if (tag === 0x1a) position = readPosition(reader);
    else reader.skip(tag);
  }
  return { ok: true, revision, position };
};

/** Details of a failed append, in the words of a failed call's `exception`. */
const exceptions: Readonly<Record<string, string>> = {
  StreamDeleted: "stream-deleted",
  AccessDenied: "access-denied",
  Timeout: "timeout",
  MaximumAppendSizeExceeded: "maximum-append-size-exceeded",
};

/** `google.rpc.Status`, whose one detail says what happened. Failures are rare: closures will do. */
const readFailure = ({ buffer, start, end }: Message): AppendResult | Error => {
  let code = 0;
  let message = "";
  let detail = "";
  let actual: bigint | "no-stream" = "no-stream";
  eachField(buffer, start, end, (field, value, from, to) => {
    if (field === 1) code = value;
    if (field === 2) message = buffer.toString("utf8", from, to);
    if (field !== 3) return;
    eachField(buffer, from, to, (part, _, a, b) => {
      if (part === 1) detail = buffer.toString("utf8", a, b).replace(/^.*\./, "");
      if (part !== 2 || detail !== "WrongExpectedVersion") return;
      eachField(buffer, a, b, (what, _value, c, d) => {
        if (what === 1) actual = bigVarint(buffer, c, d);
      });
    });
  });
  if (detail === "WrongExpectedVersion") return { ok: false, actual };
  return toStoreError({ type: exceptions[detail], code, message });
};

/** @throws {ProtoError} */
export const readAppendAnswer = (message: Message): AppendAnswer => {
  const reader = new Reader(message);
  const { buffer, end } = message;
  let correlation = "";
  let outcome: AppendResult | Error | undefined;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === 0x0a) correlation = readUuid(reader);
    else if (tag === 0x12) {
      const to = reader.content();
      outcome = readFailure({ buffer, start: reader.at, end: to });
      reader.at = to;
    } else if (tag === 0x1a) outcome = readSuccess(reader);
    else reader.skip(tag);
  }
  outcome ??= new ProtoError("an answer to an append says nothing");
  return { correlation, outcome };
};
