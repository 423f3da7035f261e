/** Records as readers see them: the events in a run of whole records. */

import type { RecordedEvent } from "../event-store.ts";
import { decodeRecord, recordEnd } from "./record.ts";

/** The JSON value; the text itself where a client sent something else as JSON. */
export const parseOrText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const metadataOf = new Map<string, unknown>();
const metadataKept = 1_000;
/** Longer ones hardly come twice. */
const shortMetadata = 256;

/** What metadata say. Few writers share theirs among all their events, so that one value will do. */
export const sharedMetadata = (text: string): unknown => {
  if (text.length > shortMetadata) return parseOrText(text);
  let metadata = metadataOf.get(text);
  if (metadata === undefined) {
    metadata = parseOrText(text);
    if (metadataOf.size >= metadataKept) metadataOf.clear();
    metadataOf.set(text, metadata);
  }
  return metadata;
};

/** The event at a place in a buffer; the record there is intact. */
export const eventAt = (buffer: Buffer, at: number): RecordedEvent => {
  const record = decodeRecord(buffer, at);
  const { id, stream, revision, type, recordedAt } = record;
  const data = record.json
    ? parseOrText(buffer.toString("utf8", record.dataStart, record.dataEnd))
    : new Uint8Array(buffer.subarray(record.dataStart, record.dataEnd));
  const base = { id, stream, revision, position: BigInt(record.position), type };
  if (record.metadataEnd === record.metadataStart) return { ...base, data, recordedAt };
  const metadata = sharedMetadata(
    buffer.toString("utf8", record.metadataStart, record.metadataEnd),
  );
  return { ...base, data, metadata, recordedAt };
};

/** The JSON text of the event at a place in a buffer; empty if its data are other bytes. */
export const jsonAt = (buffer: Buffer, at: number): string => {
  const { json, dataStart, dataEnd } = decodeRecord(buffer, at);
  return json ? buffer.toString("utf8", dataStart, dataEnd) : "";
};

/** The events of whole records that follow each other. */
export const eventsIn = (records: Buffer): readonly RecordedEvent[] => {
  const events: RecordedEvent[] = [];
  for (let at = 0; at < records.length; at = recordEnd(records, at))
    events.push(eventAt(records, at));
  return events;
};
