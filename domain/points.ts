/**
 * Points in whole micro-points: 1 point = 1,000,000 micro-points. Events carry them as decimal
 * strings, since JSON numbers end at 2^53.
 */

/** A count of micro-points in decimal, without sign or leading zeros. */
export type MicroPointsText = string & { readonly __brand?: "MicroPointsText" };

/** 2^63 - 1: what one account can hold, so that any database can store it. */
export const microPointsMax = 9_223_372_036_854_775_807n;
export const microPointsPerPoint = 1_000_000n;

const form = /^(0|[1-9][0-9]{0,18})$/;

export const isMicroPoints = (value: unknown): value is MicroPointsText =>
  typeof value === "string" && form.test(value) && BigInt(value) <= microPointsMax;

export const toText = (amount: bigint): MicroPointsText => amount.toString();

/** For people: `1234567n` is `1.234567`; trailing zeros go, the unit is points. */
export const formatPoints = (microPoints: bigint): string => {
  const sign = microPoints < 0n ? "-" : "";
  const size = microPoints < 0n ? -microPoints : microPoints;
  const whole = size / microPointsPerPoint;
  const rest = (size % microPointsPerPoint).toString().padStart(6, "0").replace(/0+$/, "");
  return `${sign}${whole}${rest === "" ? "" : `.${rest}`}`;
};
