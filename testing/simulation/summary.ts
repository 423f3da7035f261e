/** What many runs amount to, for people and for programs. */
import type { RunReport } from "./run.ts";

export interface Share {
  readonly reports: readonly RunReport[];
  /** Seeds that were run twice. */
  readonly repeated: number;
}

export interface Summary {
  readonly seeds: number;
  readonly repeated: number;
  /** Traces that no other seed gave. */
  readonly distinctTraces: number;
  readonly failed: readonly { readonly seed: number; readonly violations: readonly string[] }[];
  readonly jobs: number;
  readonly events: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly elapsedMs: number | undefined;
  readonly ends: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

const sum = (
  reports: readonly RunReport[],
  of: (report: RunReport) => Readonly<Record<string, number>>,
): Record<string, number> => {
  const total: Record<string, number> = {};
  for (const report of reports)
    for (const [name, count] of Object.entries(of(report)))
      total[name] = (total[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(total).sort(([, a], [, b]) => b - a));
};

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");

export const sumUp = ({
  reports,
  repeated,
  elapsedMs,
}: Share & { readonly elapsedMs?: number }): { readonly text: string; readonly json: Summary } => {
  const total = (of: (report: RunReport) => number): number =>
    reports.reduce((so, report) => so + of(report), 0);
  const json: Summary = {
    seeds: reports.length,
    repeated,
    distinctTraces: new Set(reports.map(({ trace }) => trace)).size,
    failed: reports
      .filter(({ violations }) => violations.length > 0)
      .map(({ seed, violations }) => ({ seed, violations })),
    jobs: total(({ jobs }) => jobs),
    events: total(({ events }) => events),
    steps: total(({ steps }) => steps),
    virtualMs: total(({ virtualMs }) => virtualMs),
    elapsedMs: elapsedMs === undefined ? undefined : Math.round(elapsedMs),
    ends: sum(reports, ({ ends }) => ends),
    faults: sum(reports, ({ faults }) => faults),
  };
  const { seeds, failed, jobs, events, steps, virtualMs, distinctTraces } = json;
  const pace =
    elapsedMs === undefined ? "" : `, ${(seeds / (elapsedMs / 1_000)).toFixed(1)} seeds/s`;
  const text = [
    `${seeds} seeds, ${failed.length} failed${pace}; ${repeated} run twice; ${distinctTraces} traces`,
    `${jobs} jobs, ${events} facts, ${steps} steps, ${(virtualMs / 60_000).toFixed(0)} virtual minutes`,
    `ends: ${listed(json.ends)}`,
    `faults: ${listed(json.faults)}`,
    ...failed.map(({ seed, violations }) => `seed ${seed}: ${violations[0]}`),
  ].join("\n");
  return { text, json };
};
