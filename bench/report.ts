/** The figures for people, as Markdown that can be pasted into `docs/performance.md`. */
import type { DispatchCost } from "./dispatch-cost.ts";
import type { Rebuild } from "./rebuild.ts";
import { type Run, type ScenarioName, scenarios } from "./scenarios.ts";

export interface Figures {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly policy: string;
  readonly jobs: number;
  readonly rounds: number;
  /** Median of the rounds; null for what was skipped. */
  readonly runs: Readonly<Partial<Record<ScenarioName, Run | null>>>;
  readonly rebuild: Rebuild | undefined;
  readonly dispatch: readonly DispatchCost[];
  /** Why, by scenario. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly failed: Readonly<Record<string, string>>;
}

/** Measured over measured, in one run: what stays true on another machine. */
export const ratiosOf = ({ runs }: Figures): Readonly<Record<string, number>> => {
  const ratios: Record<string, number> = {};
  const add = (name: string, ours: number | undefined, theirs: number | undefined) => {
    if (ours !== undefined && theirs !== undefined) ratios[name] = ours / theirs;
  };
  add("inProcessVsBullmq", rateOf(runs.inProcess), rateOf(runs.bullmq));
  add("singleVsBullmq", rateOf(runs.single), rateOf(runs.bullmqSingle));
  add("wireVsInProcess", rateOf(runs.wire), rateOf(runs.inProcess));
  add("cpuVsBullmq", cpuOf(runs.inProcess), cpuOf(runs.bullmq));
  add("latencyVsBullmq", p50Of(runs.latency), p50Of(runs.bullmqLatency));
  add("secureVsPlain", rateOf(runs.secure), rateOf(runs.plain));
  add("cpuSecureVsPlain", cpuOf(runs.secure), cpuOf(runs.plain));
  add("secureQuorumVsPlainQuorum", rateOf(runs.secureQuorum), rateOf(runs.plainQuorum));
  add("cpuSecureQuorumVsPlainQuorum", cpuOf(runs.secureQuorum), cpuOf(runs.plainQuorum));
  add("nodes1000Vs100", rateOf(runs.nodes1000), rateOf(runs.nodes100));
  add("nodes1000Vs100Single", rateOf(runs.nodes1000Single), rateOf(runs.nodes100Single));
  add("cpuNodes1000Vs100", cpuOf(runs.nodes1000), cpuOf(runs.nodes100));
  add("cpuNodes1000Vs100Single", cpuOf(runs.nodes1000Single), cpuOf(runs.nodes100Single));
  return ratios;
};

const rateOf = (run: Run | null | undefined): number | undefined =>
  run && "jobsPerSecond" in run ? run.jobsPerSecond : undefined;
const cpuOf = (run: Run | null | undefined): number | undefined =>
  run && "jobsPerSecond" in run ? run.cpuMicrosPerJob : undefined;
const p50Of = (run: Run | null | undefined): number | undefined =>
  run && "endToEndMs" in run ? run.endToEndMs.p50 : undefined;

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const oneDecimal = (value: number): string => value.toFixed(1);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

export const reportText = (figures: Figures): string => {
  const { machine, policy, jobs, rounds, runs, rebuild, dispatch, skipped, failed } = figures;
  const parts = [
    `${Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}; ${policy}; ${whole(jobs)} jobs; ${
      rounds === 1 ? "one run" : `medians of ${rounds} runs`
    }.`,
  ];
  const throughputs: string[][] = [];
  const latencies: string[][] = [];
  for (const { name, title } of scenarios) {
    const run = runs[name];
    if (!run) continue;
    if ("jobsPerSecond" in run) {
      const { jobsPerSecond, cpuMicrosPerJob, processes } = run;
      const each = Object.entries(processes);
      throughputs.push([
        title,
        whole(jobsPerSecond),
        cpuMicrosPerJob === undefined ? "-" : whole(cpuMicrosPerJob),
        each.map(([process, cost]) => `${process} ${whole(cost.cpuMicrosPerJob)}`).join(", "),
        each.map(([process, cost]) => `${process} ${whole(cost.pssMib)}`).join(", "),
      ]);
    } else {
      const { endToEndMs: end, acknowledgedMs: ack } = run;
      latencies.push([title, ...[end.p50, end.p95, end.p99, ack.p50, ack.p99].map(oneDecimal)]);
    }
  }
  if (throughputs.length > 0)
    parts.push(
      table(["throughput", "jobs/s", "CPU µs/job", "of which", "PSS MiB at the end"], throughputs),
    );
  if (latencies.length > 0)
    parts.push(
      table(["latency, ms", "p50", "p95", "p99", "durable ack p50", "ack p99"], latencies),
    );
  const rest: string[][] = [];
  if (rebuild)
    rest.push([
      "views folded anew",
      `${whole(rebuild.eventsPerSecond)} events/s, ${oneDecimal(rebuild.cpuMicrosPerEvent)} µs CPU an event`,
    ]);
  for (const { nodes, nanosPerDecision } of dispatch)
    rest.push([`choosing among ${whole(nodes)} nodes`, `${whole(nanosPerDecision)} ns`]);
  for (const [name, ratio] of Object.entries(ratiosOf(figures)))
    rest.push([name, ratio.toFixed(2)]);
  if (rest.length > 0) parts.push(table(["other", ""], rest));
  for (const [name, why] of Object.entries(skipped)) parts.push(`SKIPPED ${name}: ${why}`);
  for (const [name, why] of Object.entries(failed)) parts.push(`FAILED ${name}: ${why}`);
  return `${parts.join("\n\n")}\n`;
};
