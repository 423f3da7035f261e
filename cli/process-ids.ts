/** Ids of the events that this process writes. */
import { randomBytes } from "node:crypto";
import { type EventIds, eventIds, tailDigits } from "../streams/event-ids.ts";

/** Tails that are drawn at once: each by itself would cost a microsecond. */
const drawnAtOnce = 512;

/** Unlike those of any other process, and nobody can guess the next one. */
export const processIds = (): EventIds => {
  let digits = "";
  let at = 0;
  const tail = (): string => {
    if (at === digits.length) {
      digits = randomBytes((drawnAtOnce * tailDigits) / 2).toString("hex");
      at = 0;
    }
    at += tailDigits;
    return digits.slice(at - tailDigits, at);
  };
  return eventIds(randomBytes(6).toString("hex"), tail);
};
