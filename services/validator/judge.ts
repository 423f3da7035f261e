/** Compares the received results of a job and says which agree. */
import type { Digest } from "../../domain/ids.ts";
import { type Judgement, type OpenJob, received } from "../../domain/job/job.ts";
import { cluster } from "../../domain/verification/cluster.ts";
import { comparable } from "../../domain/verification/comparator.ts";
import { comparedBytesMax } from "../../domain/verification/compare.ts";
import type { Comparison } from "../../domain/verification/comparison.ts";
import { BlobError, type BlobSource, type BlobStore } from "../../streams/blob-store.ts";
import type { Comparer } from "./comparer.ts";

type Received = ReturnType<typeof received>[number];
type Result = Received & { readonly id: string };

/** Where outputs are read from; one that can tell sizes spares the reading of those that are too large. */
export type Outputs = BlobSource & Partial<Pick<BlobStore, "stat">>;

/** Whether judging takes more than what the log says: outputs that differ, and a comparator that allows it. */
export const mustCompareOutputs = (job: OpenJob): boolean => {
  const { spec } = job;
  if (spec.sealed || spec.comparator.kind === "exact") return false;
  const [first, ...others] = received(job);
  return others.some(({ outputDigest }) => outputDigest !== first?.outputDigest);
};

/**
 * Sealed results are compared by their tags, and no output is fetched. Of the others, equal digests
 * agree without a look at the bytes; only where digests differ and the comparator allows a difference
 * are the outputs fetched. An output that is not there agrees with none.
 *
 * @throws {BlobError} `unavailable`: the outputs cannot be had now, so nothing can be said.
 */
export const judgeResults = async (
  job: OpenJob,
  { blobs, comparer }: { readonly blobs: Outputs; readonly comparer: Comparer },
): Promise<Judgement> => {
  const results = received(job).map((task): Result => ({ ...task, id: String(task.replica) }));
  if (job.spec.sealed) return judgementOf("tag", results, compareTags);
  const { comparator } = job.spec;
  const distinct = [...new Set(results.map(({ outputDigest }) => outputDigest))];
  const compared = mustCompareOutputs(job)
    ? await comparer.compareAll({ comparator, names: distinct, fetch: (it) => fetched(it, blobs) })
    : () => undefined;

  const compare = (a: Result, b: Result): Comparison => {
    const classes = { classA: a.executionClass, classB: b.executionClass };
    if (!comparable(comparator, classes)) return different("different-bytes");
    if (a.outputDigest === b.outputDigest)
      return { agree: true, distance: 0, reason: "same-bytes" };
    if (comparator.kind === "exact") return different("different-bytes");
    return compared(a.outputDigest, b.outputDigest) ?? different("unreadable");
  };

  return judgementOf(comparator.kind, results, compare);
};

/** Sealed results can be seen by their tags alone: equal for equal outputs. */
const compareTags = (a: Result, b: Result): Comparison =>
  a.executionClass === b.executionClass && a.resultTag !== undefined && a.resultTag === b.resultTag
    ? { agree: true, distance: 0, reason: "same-tag" }
    : different("different-tags");

const judgementOf = (
  comparator: string,
  results: readonly Result[],
  compare: (a: Result, b: Result) => Comparison,
): Judgement => {
  const groups = cluster(results, compare);
  const [largest] = groups;
  let distanceInside = 0;
  for (const member of largest?.members ?? [])
    if (largest && member !== largest.medoid)
      distanceInside = Math.max(distanceInside, compare(largest.medoid, member).distance);
  let distanceBetween = 0;
  let reason: string = comparator === "tag" ? "same-tag" : sameBytes(results);
  for (const other of groups.slice(1))
    if (largest) {
      const comparison = compare(largest.medoid, other.medoid);
      if (comparison.distance >= distanceBetween) reason = comparison.reason;
      distanceBetween = Math.max(distanceBetween, comparison.distance);
    }
  return {
    comparator,
    groups: groups.map(({ medoid, members }) => [
      medoid.replica,
      ...members.filter((member) => member !== medoid).map(({ replica }) => replica),
    ]),
    distanceInside,
    distanceBetween,
    reason,
  };
};

const sameBytes = (results: readonly Result[]): string =>
  new Set(results.map(({ outputDigest }) => outputDigest)).size === 1
    ? "same-bytes"
    : "within-bounds";

const different = (reason: Comparison["reason"]): Comparison => ({
  agree: false,
  distance: 1,
  reason,
});

/** Undefined if the node names an output that it never stored, or a broken one: it agrees with none. */
const fetched = async (
  digest: Digest,
  blobs: Outputs,
): Promise<Uint8Array | "too-large" | undefined> => {
  try {
    const stat = await blobs.stat?.(digest);
    if (stat !== undefined && stat.size > comparedBytesMax) return "too-large";
    return await blobs.get(digest);
  } catch (error) {
    if (!(error instanceof BlobError) || error.code === "unavailable") throw error;
    return undefined;
  }
};
