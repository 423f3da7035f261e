/** The bounds by which results were compared, as verdicts record them: also those that the job left to us. */
import { type Comparator, comparatorsVersion } from "./comparator.ts";
import { iouThresholdDefault } from "./iou.ts";
import { maxDifferentDefault, maxPairDistanceDefault } from "./items.ts";
import { maxDistanceDefault } from "./text.ts";
import { atolOfScale } from "./tolerance.ts";

/**
 * By name, such as `{ version: 1, maxDistance: 0.1 }`. `version` is that of the comparators' meaning
 * (`comparatorsVersion`); `atolOfScale` stands where a job gave no `atol`.
 */
export type Bounds = Readonly<Record<string, number>>;

/** Undefined for a comparator that has none: same bytes are same bytes. */
export const boundsOf = (comparator: Comparator): Bounds | undefined => {
  const version = comparatorsVersion;
  switch (comparator.kind) {
    case "exact":
      return undefined;
    case "tolerance": {
      const { atol, rtol = 0 } = comparator;
      return atol === undefined ? { version, atolOfScale, rtol } : { version, atol, rtol };
    }
    case "text":
      return { version, maxDistance: comparator.maxDistance ?? maxDistanceDefault };
    case "iou":
      return { version, threshold: comparator.threshold ?? iouThresholdDefault };
    case "items": {
      const { maxDifferent, maxDistance } = comparator;
      return {
        version,
        maxDifferent: maxDifferent ?? maxDifferentDefault,
        maxDistance: maxDistance ?? maxPairDistanceDefault,
      };
    }
  }
};
