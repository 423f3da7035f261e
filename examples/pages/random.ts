/** Numbers that look like chance and are the same for the same seed. */

/**
 * A source of numbers from 0 to below 1.
 *
 * @see Marsaglia's xorshift (2003), 32 bits with the shifts 13, 17, 5; the seed is scrambled first,
 * so that neighbouring seeds start far apart.
 */
export const randomFrom = (seed: number): (() => number) => {
  let state = Math.imul((seed ^ 0x9e3779b9) >>> 0, 0x85ebca6b) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};
