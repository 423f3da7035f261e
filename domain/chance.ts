/** A stream of numbers that look random and follow from a seed, so that a draw can be repeated. */

/** Answers numbers from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/**
 * The generator mulberry32: 32 bits of state, passes gjrand's small tests, fine for draws among nodes
 * and for simulations, useless for secrets.
 *
 * @see Tommy Ettinger, public domain (2017).
 */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** A seed for `seededRandom`: a whole number from 0 to 2^32 - 1. */
export const drawSeed = (random: Random): number => Math.floor(random() * 4_294_967_296);
