/** The log as lines of JSON, for moving it from one event store to another. */

import type { EventStore, NewEvent, RecordedEvent } from "../streams/event-store.ts";
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

/**
 * Appends every line at the revision that it had, and answers how many there were. Doing it again
 * writes nothing, so an import that was interrupted is simply repeated.
 *
 * @throws {CliFailure} `bad-export` for a line that is none, `store-differs` if the store holds
 *   other events there.
 */
export const importLines = async (
  store: EventStore,
  lines: AsyncIterable<string>,
): Promise<number> => {
  let events = 0;
  let batch: Line[] = [];
  const flush = async () => {
    const first = batch[0];
    if (first === undefined) return;
    const facts = batch.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }));
    batch = [];
    const expected = first.revision === 0n ? "no-stream" : first.revision - 1n;
    const answer = await store.append(first.stream, facts, expected);
    if (!answer.ok)
      throw new CliFailure(
        "store-differs",
        `stream ${first.stream} holds other events than the export at revision ${first.revision}; import into an empty store`,
        exitCodes.refused,
      );
    events += facts.length;
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
  return events;
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
