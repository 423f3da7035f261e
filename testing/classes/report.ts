/** What the outcomes of all processors say together. */

import type { Outcome } from "./compute.ts";
import type { Processor } from "./processors.ts";

/** What is to be: one tag everywhere, at least two, or none. */
export type Expectation = "equal" | "different" | "refused";

export interface Finding {
  readonly job: string;
  readonly expected: Expectation;
  readonly holds: boolean;
  /** The first eight digits of each tag, or why there is none, by processor. */
  readonly tags: Readonly<Record<string, string>>;
}

/** One for each job. A job that failed anywhere is neither equal nor different. */
export const findingOf = (
  expected: Expectation,
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
  prefix = "",
): readonly Finding[] => {
  const [first] = outcomes.values();
  return (first ?? []).map(({ job }, at) => {
    const all = [...outcomes].map(([processor, of]) => [processor, of[at] as Outcome] as const);
    const tags = all.flatMap(([, of]) => ("tag" in of ? [of.tag] : []));
    const computed = tags.length === all.length;
    const holds = {
      equal: computed && all.length > 1 && new Set(tags).size === 1,
      different: computed && new Set(tags).size > 1,
      refused: all.every(([, of]) => "failed" in of && of.failed === "bad-module"),
    }[expected];
    const shown = all.map(([name, of]) => [name, "tag" in of ? of.tag.slice(0, 8) : of.failed]);
    return { job: prefix + job, expected, holds, tags: Object.fromEntries(shown) };
  });
};

export const reportText = (
  findings: readonly Finding[],
  processors: readonly Processor[],
  skipped: Readonly<Record<string, string>>,
): string => {
  const names = processors.map(({ name }) => name);
  const rows = findings.map(({ job, expected, holds, tags }) => [
    ...[job, expected, holds ? "yes" : "NO"],
    ...names.map((name) => tags[name] ?? "-"),
  ]);
  const head = ["job", "expected", "so it is", ...names];
  const table = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  const skips = Object.entries(skipped).map(([name, why]) => `SKIPPED ${name}: ${why}`);
  return `${[...table, ...skips].join("\n")}\n`;
};
