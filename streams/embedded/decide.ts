/** Whether an append may be written: expectations, repeats, and the ends of streams. */

import { hashOfId } from "./id-cache.ts";
import type { Log } from "./log.ts";

/** What a writer believes; -1 and up are revisions, with -1 for a stream without events. */
export type LogExpected = number | "any" | "stream-exists";

export type Decision =
  | { readonly write: true; readonly softDeleted: boolean }
  /** It was written before, with this last event. */
  | { readonly write: false; readonly repeats: number }
  | { readonly write: false; readonly conflict: number }
  | { readonly write: false; readonly tombstoned: true };

/**
 * Decides as the real server does: a repeat is an append whose ids all stand where they would have
 * been written; a partial match is a conflict.
 */
export const decide = (
  log: Log,
  stream: number,
  events: readonly { readonly id: string }[],
  expected: LogExpected,
): Decision => {
  const { index } = log;
  if (index.isTombstoned(stream)) return { write: false, tombstoned: true };
  const last = index.lastRevision(stream);
  const limits = log.limitsForWriting(stream);
  const softDeleted = limits.truncateBefore > last + 1;

  if (expected === "any" || expected === "stream-exists") {
    const known = repeatAnywhere(log, stream, events);
    if (known === "partly") return { write: false, conflict: last };
    if (known !== undefined) return { write: false, repeats: known };
    if (expected === "stream-exists" && (last < 0 || softDeleted))
      return { write: false, conflict: softDeleted ? -1 : last };
    return { write: true, softDeleted };
  }
  if (expected === last) return { write: true, softDeleted };
  if (expected < last) {
    const repeated =
      repeatAt(log, stream, events, expected + 1) ??
      // A stream that began anew after a soft delete did so at its truncation.
      (expected === -1 && limits.truncateBefore > 0
        ? repeatAt(log, stream, events, limits.truncateBefore)
        : undefined);
    if (repeated !== undefined) return { write: false, repeats: repeated };
  }
  if (expected === -1 && softDeleted) return { write: true, softDeleted };
  return { write: false, conflict: last };
};

/** The last event of a repeat, if exactly these ids stand from this revision on. */
const repeatAt = (
  log: Log,
  stream: number,
  events: readonly { readonly id: string }[],
  from: number,
): number | undefined => {
  let last: number | undefined;
  for (const [at, { id }] of events.entries()) {
    const seq = log.index.seqOf(stream, from + at);
    if (seq === undefined || log.idAt(seq) !== id) return undefined;
    last = seq;
  }
  return last;
};

const repeatAnywhere = (
  log: Log,
  stream: number,
  events: readonly { readonly id: string }[],
): number | "partly" | undefined => {
  let found = 0;
  let last: number | undefined;
  let ordered = true;
  for (const { id } of events) {
    const seq = log.ids.find(
      hashOfId(id),
      (hint) => log.index.streamOf(hint) === stream && log.idAt(hint) === id,
    );
    if (seq === undefined) continue;
    found++;
    ordered &&= last === undefined || seq > last;
    last = seq;
  }
  if (found === 0) return undefined;
  return found === events.length && ordered && last !== undefined ? last : "partly";
};
