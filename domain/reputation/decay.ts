/**
 * Forgetting, the same on every machine: it uses multiplication and the square root alone, whose
 * results IEEE 754 fixes to the last bit. `Math.pow` and `Math.exp` may differ between engines.
 *
 * Time goes in ticks of 84.375 s, 1,024 a day, so that a day's factor is reached by ten square roots.
 */
import type { Instant } from "../decider.ts";

const tickMs = 84_375;
const rootsPerDay = 10; // 2^10 ticks a day.
const bits = 31;

export const tickOf = (at: Instant): number => Math.floor(at / tickMs);

interface Powers {
  readonly keptPerDay: number;
  /** What is kept after 2^i ticks. */
  readonly after: readonly number[];
}

const powersOf = (keptPerDay: number): Powers => {
  let factor = keptPerDay;
  for (let root = 0; root < rootsPerDay; root++) factor = Math.sqrt(factor);
  const after: number[] = [];
  for (let bit = 0; bit < bits; bit++) {
    after.push(factor);
    factor *= factor;
  }
  return { keptPerDay, after };
};

/** Of the parameters in force: there is one such set at a time. */
let last = powersOf(1);

/**
 * The share of an outcome that still counts so many ticks later.
 *
 * @param ticks - Whole, 0 to 2^31 - 1 (5,700 years).
 * @param keptPerDay - Above 0, at most 1.
 */
export const keptAfter = (ticks: number, keptPerDay: number): number => {
  if (last.keptPerDay !== keptPerDay) last = powersOf(keptPerDay);
  let kept = 1;
  for (let bit = 0, rest = ticks; rest > 0; bit++, rest >>>= 1)
    if (rest & 1) kept *= last.after[bit] ?? 0;
  return kept;
};
