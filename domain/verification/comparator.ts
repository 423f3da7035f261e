/**
 * How a job says when two results agree. The comparator is part of the job's spec, so that client,
 * worker and validator hold the same view of "the same result"; `compare.ts` carries it out.
 */

/** The meaning of every comparator below. A change of meaning raises it; verdicts record it. */
export const comparatorsVersion = 1;

export type Comparator =
  /** The same bytes. Only inside one execution class. */
  | { readonly kind: "exact" }
  /** Tensors: each |a - b| <= atol + rtol * max(|a|, |b|), see `tolerance.ts` for the defaults. */
  | { readonly kind: "tolerance"; readonly atol?: number; readonly rtol?: number }
  /** The same text; `maxDistance` is the share of characters that may differ, by default none. */
  | { readonly kind: "text"; readonly maxDistance?: number }
  /** The same boxes; `threshold` is the least intersection over union, by default 0.9. */
  | { readonly kind: "iou"; readonly threshold?: number }
  /**
   * The same collection; `maxDifferent` is the share of items that may differ, by default 0.1, and
   * `maxDistance` the share of word pairs of one text that may, by default 0.02.
   */
  | { readonly kind: "items"; readonly maxDifferent?: number; readonly maxDistance?: number };

export type ComparatorFault =
  | "not-an-object"
  | "unknown-kind"
  | "unknown-field"
  | "not-a-number"
  | "negative"
  | "accepts-everything"
  | "accepts-nothing";

export type ParsedComparator =
  | { readonly ok: true; readonly comparator: Comparator }
  | { readonly ok: false; readonly reason: ComparatorFault };

/** From which a bound says nothing: an atol that large would accept zeros for most models. */
const atolMax = 1;
const rtolMax = 0.1;
const maxDistanceMax = 0.5;
const iouThresholdMin = 0.1;
const maxDifferentMax = 0.5;

/**
 * Reads a comparator from outside; the same value may be parsed twice.
 *
 * Refuses bounds that would accept nearly any answer: atol above 1, rtol above 0.1, a text distance
 * above 0.5, an intersection over union below 0.1, a share of different items above 0.5.
 */
export const parseComparator = (value: unknown): ParsedComparator => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse("not-an-object");
  const { kind, ...bounds } = value as Readonly<Record<string, unknown>>;
  if (!isKind(kind)) return refuse("unknown-kind");

  for (const [name, bound] of Object.entries(bounds)) {
    const check = Object.hasOwn(fields[kind], name) ? fields[kind][name] : undefined;
    if (!check) return refuse("unknown-field");
    if (typeof bound !== "number" || !Number.isFinite(bound)) return refuse("not-a-number");
    if (bound < 0) return refuse("negative");
    const fault = check(bound);
    if (fault) return refuse(fault);
  }
  return { ok: true, comparator: { kind, ...bounds } as Comparator };
};

const refuse = (reason: ComparatorFault): ParsedComparator => ({ ok: false, reason });

type Check = (bound: number) => ComparatorFault | undefined;

const atMost =
  (max: number): Check =>
  (bound) =>
    bound > max ? "accepts-everything" : undefined;

const fields: Readonly<Record<Comparator["kind"], Readonly<Record<string, Check>>>> = {
  exact: {},
  tolerance: { atol: atMost(atolMax), rtol: atMost(rtolMax) },
  text: { maxDistance: atMost(maxDistanceMax) },
  iou: {
    threshold: (bound) => {
      if (bound > 1) return "accepts-nothing";
      return bound < iouThresholdMin ? "accepts-everything" : undefined;
    },
  },
  items: { maxDifferent: atMost(maxDifferentMax), maxDistance: atMost(maxDistanceMax) },
};

const isKind = (value: unknown): value is Comparator["kind"] =>
  typeof value === "string" && Object.hasOwn(fields, value);

/** Whether comparing needs the outputs themselves, or their digests do. */
export const needsOutputs = ({ kind }: Comparator): boolean => kind !== "exact";

/**
 * Whether results of these execution classes can be held against each other at all.
 *
 * Exact ones only inside one class, and never in a class that could not be measured.
 */
export const comparable = (
  { kind }: Comparator,
  { classA, classB }: { readonly classA: string; readonly classB: string },
): boolean => kind !== "exact" || (classA === classB && !classA.includes("unmeasured"));
