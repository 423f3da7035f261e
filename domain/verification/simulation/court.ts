/** The arbiters of a simulated network: those that compute, and those that do not. */
import { seededRandom } from "../../chance.ts";
import type { Settings } from "./settings.ts";
import { planned, right } from "./world.ts";

/** Counts change. */
export interface Arbiter {
  readonly id: number;
  readonly isBad: boolean;
  /** Results that another arbiter found right. */
  survived: number;
  expelled: boolean;
}

export interface Court {
  /** One of those that are not among these, drawn at random; undefined if there is none. */
  pick(taken: readonly Arbiter[]): Arbiter | undefined;
  /** What it answers, when nodes and arbiters before it have shown these values. */
  answer(arbiter: Arbiter, shown: readonly number[]): number;
  /** Out for ever; the operator lists an honest one in its place. */
  expel(arbiter: Arbiter): void;
}

export const createCourt = ({ arbiters, badArbiters, arbiterKind, seed }: Settings): Court => {
  // Of their own, so that arbiters that all compute change nothing about the nodes' luck.
  const random = seededRandom((seed ^ 0x5eed_a4b1) >>> 0);
  let named = 0;
  const newcomer = (isBad: boolean): Arbiter => ({
    ...{ id: named++, isBad },
    ...{ survived: 0, expelled: false },
  });
  const seats = Array.from({ length: arbiters }, (_, seat) => newcomer(seat < badArbiters));

  return {
    pick: (taken) => {
      const free = seats.filter((arbiter) => !taken.includes(arbiter));
      return free[Math.floor(random() * free.length)];
    },
    answer: ({ isBad }, shown) => {
      const [first] = shown;
      // Where others differ it would stand against an honest arbiter, so it computes.
      const isSafe = first !== undefined && shown.every((value) => value === first);
      if (!isBad || !isSafe) return right;
      return arbiterKind === "lazy" || first === planned ? first : right;
    },
    expel: (arbiter) => {
      arbiter.expelled = true;
      seats[seats.indexOf(arbiter)] = newcomer(false);
    },
  };
};
