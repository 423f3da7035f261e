/** Filters by the beginning of a name, answered from the index without touching an event. */

import type { EventFilter } from "../event-store.ts";
import { type Column8, column8 } from "./columns.ts";
import type { LogIndex } from "./log-index.ts";

const unknown = 0;
const yes = 1;
const no = 2;

/** Asks a question about a name once, and remembers the answer by the name's number. */
const remembered = (
  nameOf: (id: number) => string,
  matches: (name: string) => boolean,
): ((id: number) => boolean) => {
  const answers: Column8 = column8();
  return (id) => {
    const known = answers.get(id);
    if (known !== unknown) return known === yes;
    const matched = matches(nameOf(id));
    answers.set(id, matched ? yes : no);
    return matched;
  };
};

/** Whether an event passes, by what its stream or type is called. */
export const matcher = (
  index: LogIndex,
  by: "stream" | "type",
  matches: (name: string) => boolean,
): ((seq: number) => boolean) => {
  if (by === "type") {
    const type = remembered((id) => index.typeName(id), matches);
    return (seq) => type(index.typeOf(seq));
  }
  const stream = remembered((id) => index.streamName(id), matches);
  return (seq) => stream(index.streamOf(seq));
};

export const matcherOf = (
  index: LogIndex,
  filter: EventFilter | undefined,
): ((seq: number) => boolean) | undefined => {
  if (filter === undefined) return undefined;
  const beginsWith = (prefixes: readonly string[]) => (name: string) =>
    prefixes.some((prefix) => name.startsWith(prefix));
  return "streamPrefixes" in filter
    ? matcher(index, "stream", beginsWith(filter.streamPrefixes))
    : matcher(index, "type", beginsWith(filter.typePrefixes));
};
