/**
 * Things that are good for a while and once: the numbers of proofs, the nonces of challenges. Time is
 * cut into periods. Each has a secret, so that nothing has to be remembered of what was given out, and
 * a list of what was used in it. A list that is full ends its period early: whoever holds something of
 * an ended period asks anew, and nothing is ever good twice.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../../streams/clock.ts";

export interface Period {
  /** 32 bytes that bind a text to this period. */
  readonly mac: (text: string) => Buffer;
  /** Whether the name is used for the first time; from then on it is used. */
  readonly spend: (name: string) => boolean;
}

export interface Periods {
  /** What is given out now belongs to this one. */
  readonly current: () => Period;
  /** What is accepted may also belong to the one before. */
  readonly accepted: () => readonly Period[];
}

/**
 * @param lengthMs - What was given out is good for at least this long, and for twice as long at most.
 * @param most - Names that one period holds.
 */
export const periods = ({
  clock,
  lengthMs,
  most,
}: {
  readonly clock: Clock;
  readonly lengthMs: number;
  readonly most: number;
}): Periods => {
  let began = clock.now();
  let used = new Set<string>();
  let current = begin(used);
  let previous: Period | undefined;

  const turn = (): void => {
    const age = clock.now() - began;
    if (age < lengthMs && age >= 0 && used.size < most) return;
    previous = age < 2 * lengthMs && age >= 0 ? current : undefined;
    used = new Set();
    current = begin(used);
    began = clock.now();
  };
  return {
    current: () => {
      turn();
      return current;
    },
    accepted: () => {
      turn();
      return previous === undefined ? [current] : [current, previous];
    },
  };
};

const begin = (used: Set<string>): Period => {
  const key = randomBytes(32);
  return {
    mac: (text) => createHmac("sha256", key).update(text).digest(),
    spend: (name) => {
      if (used.has(name)) return false;
      used.add(name);
      return true;
    },
  };
};
