/** Instants as people type them: `15m` (ago), or a date. */

import type { Instant } from "../domain/decider.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failures.ts";

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @throws {CliFailure} `bad-option` for what is neither a time ago nor a date. */
export const instantIn = (option: string, text: string, now: Instant = Date.now()): Instant => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * unitMs[unit as keyof typeof unitMs];
  const instant = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(instant)) return instant;
  throw new CliFailure(
    "bad-option",
    `${option} takes 30s, 15m, 1h or 7d, or an instant such as 2026-01-31T12:00Z, not "${text}"`,
    exitCodes.usage,
  );
};

/** The longest that a timer can wait. */
const aheadMsMax = 2 ** 31 - 1;

/**
 * `2h` from now, or a date that is still to come, at most 24 days ahead.
 *
 * @throws {CliFailure} `bad-option` for anything else.
 */
export const instantAheadIn = (
  option: string,
  text: string,
  now: Instant = Date.now(),
): Instant => {
  const at = text.includes("-")
    ? instantIn(option, text, now)
    : 2 * now - instantIn(option, text, now);
  if (at > now && at - now <= aheadMsMax) return at;
  throw new CliFailure(
    "bad-option",
    `${option} must lie ahead, at most 24 days, not ${new Date(at).toISOString()}`,
    exitCodes.usage,
  );
};
