/** The log as lines of JSON, for moving it from one event store to another. */

import {
  beforeFirst,
  type EventStore,
  type NewEvent,
  type RecordedEvent,
} from "../streams/event-store.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

/** A line of an export; undefined for the store's own bookkeeping. */
export const exportedLine = (event: RecordedEvent): string | undefined => {
  const { id, stream, revision, type, data, metadata, recordedAt } = event;
  if (stream.startsWith("$")) return undefined;
  return JSON.stringify({
    stream,
    revision: revision.toString(),
    id,
    type,
    data,
    metadata,
    recordedAt,
  });
};

interface Line extends NewEvent {
  readonly stream: string;
  readonly revision: bigint;
}

/** Events of one stream are appended together as long as they follow each other. */
const batchMax = 200;

export interface Imported {
  readonly added: number;
  readonly alreadyThere: number;
}

/**
 * Appends every line at the revision that it had. Doing it again writes nothing, so an import that
 * was interrupted is simply repeated.
 *
 * @throws {CliFailure} `bad-export` for a line that is none, `store-differs` if the store holds
 *   other events there.
 */
export const importLines = async (
  store: EventStore,
  lines: AsyncIterable<string>,
): Promise<Imported> => {
  let events = 0;
  let alreadyThere = 0;
  const isEmpty = (await store.head()) === beforeFirst;
  /** How many events each stream had before. */
  const lengths = new Map<string, bigint>();
  const lengthOf = async (stream: string): Promise<bigint> => {
    const known = isEmpty ? 0n : lengths.get(stream);
    if (known !== undefined) return known;
    let length = 0n;
    const last = { direction: "backwards", maxCount: 1 } as const;
    for await (const { revision } of store.readStream(stream, "end", last)) length = revision + 1n;
    lengths.set(stream, length);
    return length;
  };
  let batch: Line[] = [];
  const flush = async () => {
    const first = batch[0];
    if (first === undefined) return;
    const facts = batch.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
    batch = [];
    const { stream, revision } = first;
    const ahead = (await lengthOf(stream)) - revision;
    const there = Math.min(facts.length, Math.max(0, Number(ahead)));
    alreadyThere += there;
    events += facts.length;
    // What is there is said again by itself: half of an append that is known is a conflict.
    for (const from of new Set([0, there])) {
      const part = facts.slice(from, from < there ? there : undefined);
      if (part.length === 0) continue;
      const next = revision + BigInt(from);
      const answer = await store.append(stream, part, next === 0n ? "no-stream" : next - 1n);
      if (!answer.ok)
        throw new CliFailure(
          "store-differs",
          `stream ${stream} holds other events than the export at revision ${next}; import into an empty store`,
          exitCodes.refused,
        );
    }
  };
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (text === "") continue;
    const line = parseLine(text, number);
    const last = batch.at(-1);
    const follows =
      last !== undefined && last.stream === line.stream && last.revision + 1n === line.revision;
    if (!follows || batch.length === batchMax) await flush();
    batch.push(line);
  }
  await flush();
  return { added: events - alreadyThere, alreadyThere };
};

const parseLine = (text: string, number: number): Line => {
  try {
    const { stream, revision, id, type, data, metadata } = JSON.parse(text) as Line;
    if ([stream, id, type].every((value) => typeof value === "string"))
      return { stream, revision: BigInt(revision), id, type, data, metadata };
  } catch {
    // Said below.
  }
  throw new CliFailure(
    "bad-export",
    `line ${number} is no event of cnct store export`,
    exitCodes.badInput,
  );
};
