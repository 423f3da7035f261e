/** What comparing two outputs says. */

export interface Comparison {
  readonly agree: boolean;
  /** 0 for the same, 1 for entirely different or not to be compared; what it measures depends on the comparator. */
  readonly distance: number;
  /** Says why, for verdicts and people. Never holds a part of an output. */
  readonly reason: ComparisonReason;
}

export type ComparisonReason =
  | "same-bytes"
  | "different-bytes"
  /** One of the two is not what the comparator reads. */
  | "unreadable"
  /** One of the two has more than `comparedBytesMax` bytes. */
  | "too-large"
  /** To compare the outputs of the job took longer than a validator gives to one job. */
  | "too-costly"
  | "within-tolerance"
  | "out-of-tolerance"
  | "names-differ"
  | "dtypes-differ"
  | "shapes-differ"
  | "same-text"
  | "text-within-distance"
  | "text-differs"
  | "forms-differ"
  | "boxes-match"
  | "boxes-differ"
  | "counts-differ"
  | "too-many-boxes"
  | "items-match"
  | "items-differ"
  | "same-tag"
  | "different-tags";
