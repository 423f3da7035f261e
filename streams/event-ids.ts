/**
 * Names for new events. An id is made once for each decision, and the same ids are sent again when
 * an append's outcome is unknown. They are a random prefix for each process and a counter: hashing
 * the cause of each event, as UUIDv5 does, costs more than the rest of its encoding, and an id that
 * two processes could both derive for one revision would let a store take two facts for one.
 *
 * What ends an id must be a secret until it is written, where anything is drawn by lot from ids: the
 * prefix and the count can be read from the log, and who knows the next id can try out what it makes
 * of the beacon (`domain/beacon/beacon.ts`) before he is bound to anything.
 */
export interface EventIds {
  /** A UUID (version 8) that no other call ever answers. */
  next(): string;
}

/** The last 12 bits of a count. */
const lows: readonly string[] = Array.from({ length: 0x1000 }, (_, low) =>
  low.toString(16).padStart(3, "0"),
);

/** So many hex digits end an id: 36 bits. */
export const tailDigits = 9;
const blankTail = "0".repeat(tailDigits);

/**
 * @param prefix - 12 hex digits, random for each process.
 * @param tail - `tailDigits` hex digits that nobody can guess, new ones each time; zeros if left out, for tests.
 */
export const eventIds = (prefix: string, tail: () => string = () => blankTail): EventIds => {
  if (!/^[0-9a-f]{12}$/.test(prefix)) throw new RangeError("an id prefix has 12 hex digits");
  const head = `${prefix.slice(0, 8)}-${prefix.slice(8)}`;
  let high = 0;
  let low = -1;
  const beginning = (): string => {
    const n = high.toString(16).padStart(6, "0");
    return `${head}-8${n.slice(0, 3)}-8${n.slice(3)}-`;
  };
  let lead = beginning();
  return {
    next: () => {
      if (++low === lows.length) {
        low = 0;
        high++;
        lead = beginning();
      }
      return lead + (lows[low] as string) + tail();
    },
  };
};
