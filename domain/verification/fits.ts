/** Which comparators can read the outputs of an app, and how loose each may be. */

import type { Comparator } from "./comparator.ts";

/**
 * By kind; a kind that is not there cannot read the outputs. A bound that is not there is the one
 * that holds for every app.
 */
export interface Fits {
  readonly exact?: true;
  readonly tolerance?: { readonly atolMax?: number; readonly rtolMax?: number };
  readonly text?: { readonly maxDistanceMax: number };
  readonly iou?: { readonly thresholdMin: number };
  readonly items?: { readonly maxDifferentMax: number; readonly maxDistanceMax: number };
}

export interface Misfit {
  readonly code: "comparator-misfit" | "tolerance-too-wide";
  readonly message: string;
}

/** Why this comparator says nothing about outputs of the app; undefined if it does. */
export const misfitOf = (comparator: Comparator, app: string, fits: Fits): Misfit | undefined => {
  const { kind } = comparator;
  if (fits[kind] === undefined)
    return {
      code: "comparator-misfit",
      message: `the comparator ${kind} cannot read outputs of ${app}; it takes ${Object.keys(fits).join(", ")}`,
    };
  const wide = tooWide(comparator, fits);
  return wide === undefined
    ? undefined
    : {
        code: "tolerance-too-wide",
        message: `for ${app} ${wide}: more would let wrong results pass`,
      };
};

const tooWide = (comparator: Comparator, fits: Fits): string | undefined => {
  switch (comparator.kind) {
    case "exact":
      return undefined;
    case "tolerance":
      return (
        above("atol", comparator.atol, fits.tolerance?.atolMax) ??
        above("rtol", comparator.rtol, fits.tolerance?.rtolMax)
      );
    case "text":
      return above("maxDistance", comparator.maxDistance, fits.text?.maxDistanceMax);
    case "iou": {
      const { threshold } = comparator;
      const least = fits.iou?.thresholdMin ?? 0;
      return threshold !== undefined && threshold < least
        ? `threshold is at least ${least}, not ${threshold}`
        : undefined;
    }
    case "items":
      return (
        above("maxDifferent", comparator.maxDifferent, fits.items?.maxDifferentMax) ??
        above("maxDistance", comparator.maxDistance, fits.items?.maxDistanceMax)
      );
  }
};

const above = (
  name: string,
  bound: number | undefined,
  most: number | undefined,
): string | undefined =>
  bound !== undefined && most !== undefined && bound > most
    ? `${name} is at most ${most}, not ${bound}`
    : undefined;
