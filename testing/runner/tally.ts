/** Counts the tests of one file from the events of `node:test`. */
import type { TestEvent } from "node:test/reporters";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const noTests: Tally = { passed: 0, failed: 0, skipped: 0 };

export const plus = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

/** The line that ends a run: `12 passed, 0 failed`, and `, 3 skipped` where there are any. */
export const closingLine = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/** A run is good if something ran and nothing failed. A run that only skipped has shown nothing. */
export const isGood = ({ passed, failed }: Tally): boolean => failed === 0 && passed > 0;

/**
 * Counts leaves: a suite, or a test made of subtests, only stands for what is inside. It counts as a
 * failure of its own where the reason is not inside (a hook, an assertion after the subtests, a
 * timeout). A file that ended badly after its tests counts as one failure more, and so does a file
 * that has no test at all. A test marked as todo counts as skipped.
 *
 * @param events - All events of one file, children before parents, as `run()` gives them.
 * @param file - Its path: `node:test` reports the file itself as a test of that name.
 */
export const tally = (events: readonly TestEvent[], file: string): Tally => {
  let counts = noTests;
  let fileFailed = false;
  /** By nesting: whether a test one level deeper has been seen since the last one of this level. */
  const hasInside: boolean[] = [];
  for (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { nesting, name, details, skip, todo } = event.data;
    if (name === file && nesting === 0) {
      fileFailed ||= event.type === "test:fail";
      continue;
    }
    const isLeaf = hasInside[nesting + 1] !== true && details.type !== "suite";
    hasInside[nesting + 1] = false;
    hasInside[nesting] = true;
    const waived = isWaived(skip) || isWaived(todo);
    if (event.type === "test:fail" && !waived) {
      const ownFault = failureTypeOf(event.data.details.error) !== "subtestsFailed";
      if (isLeaf || ownFault) counts = plus(counts, { ...noTests, failed: 1 });
    } else if (isLeaf) {
      counts = plus(counts, waived ? { ...noTests, skipped: 1 } : { ...noTests, passed: 1 });
    }
  }
  const isEmpty = counts.passed + counts.failed + counts.skipped === 0;
  const failsByItself = (fileFailed && counts.failed === 0) || isEmpty;
  return failsByItself ? plus(counts, { ...noTests, failed: 1 }) : counts;
};

/** `skip` and `todo` are true or a reason; an empty string is a reason too. */
const isWaived = (mark: string | boolean | undefined): boolean =>
  mark !== undefined && mark !== false;

const failureTypeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "failureType" in error
    ? error.failureType
    : undefined;
