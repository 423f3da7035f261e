/** How old an answer is, and whether a copy of it may be given again. */

import type { Instant, Millis } from "../decider.ts";

const secondsMax = 2 ** 31;

/**
 * How long the content of an answer had been in caches when it came: its `Age`, or 0 without a
 * whole number there.
 *
 * @see RFC 9111, section 5.1. `Date` is not counted in: a server's wrong clock is no old content.
 */
export const ageMsIn = (age: string | undefined): Millis =>
  age !== undefined && /^\d{1,10}$/.test(age.trim())
    ? Math.min(Number(age), secondsMax) * 1_000
    : 0;

/**
 * When the server itself last stood for the content.
 *
 * @param answeredAt - When the answer came.
 */
export const confirmedAt = (answeredAt: Instant, ageMs: Millis): Instant => answeredAt - ageMs;

/** Whether something confirmed then is fresh enough now; without a bound a copy never is. */
export const isFresh = (
  confirmed: Instant,
  { now, freshnessMs }: { readonly now: Instant; readonly freshnessMs: Millis | undefined },
): boolean => freshnessMs !== undefined && now - confirmed <= freshnessMs;

/** Whether an answer that came just now is older than the job allows; without a bound none is. */
export const isStale = (ageMs: Millis, freshnessMs: Millis | undefined): boolean =>
  freshnessMs !== undefined && ageMs > freshnessMs;

/** Whether the server forbids to keep a copy. */
export const forbidsKeeping = (cacheControl: string | undefined): boolean =>
  /(?:^|[\s,])no-store(?:$|[\s,;=])/i.test(cacheControl ?? "");

/**
 * How long a host asks to be left alone, by `Retry-After`; undefined when it says nothing readable.
 *
 * @see RFC 9110, section 10.2.3: seconds, or a date.
 */
export const retryAfterMs = (value: string | undefined, now: Instant): Millis | undefined => {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,10}\s*$/.test(value)) return Math.min(Number(value), secondsMax) * 1_000;
  const at = /^\s*[A-Z][a-z]{2}, \d{2} /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
};
