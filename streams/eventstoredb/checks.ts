/** What a caller may not say, whichever client would send it. */

import { EventStoreError, type Expected, type NewEvent, type ReadOptions } from "../event-store.ts";

export const bad = (message: string): EventStoreError =>
  new EventStoreError("bad-request", message);

/** @throws {EventStoreError} `bad-request` */
export const checkStream = (stream: string): void => {
  if (stream === "") throw bad("a stream needs a name");
  if (!stream.isWellFormed()) throw bad("the name of a stream is not well-formed Unicode");
};

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws {EventStoreError} `bad-request` */
export const checkEvent = ({ id, type }: NewEvent): void => {
  if (!uuid.test(id)) throw bad(`an event id is not a UUID: ${id.slice(0, 40)}`);
  if (type === "") throw bad("a type needs a name");
};

/** @throws {EventStoreError} `bad-request` */
export const checkExpected = (expected: Expected): void => {
  if (typeof expected === "bigint" && expected < 0n)
    throw bad(`a stream has no revision ${expected}`);
};

/**
 * How many events a read may have.
 *
 * @throws {EventStoreError} `bad-request`
 */
export const toCount = ({ maxCount }: ReadOptions): number => {
  if (maxCount !== undefined && !(Number.isSafeInteger(maxCount) && maxCount > 0))
    throw bad(`a read cannot have at most ${maxCount} events`);
  return maxCount ?? Number.MAX_SAFE_INTEGER;
};
