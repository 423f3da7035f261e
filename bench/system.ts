/** What is measured: a system of processes with a submitter in front. */
import type { Child } from "./link.ts";
import type { Latency, Throughput } from "./loads.ts";
import { measureProcesses, type Processes, type ProcessFigures } from "./usage.ts";

export interface System {
  readonly submitter: Child;
  readonly processes: Processes;
  /** Those whose CPU profile can be taken. */
  readonly profiled: readonly Child[];
  end(): Promise<void>;
}

export interface ProcessCosts {
  /** Of all processes together; undefined where the system does not tell. */
  readonly cpuMicrosPerJob: number | undefined;
  readonly processes: Readonly<Record<string, ProcessFigures>>;
}
export type Bulk = Throughput & ProcessCosts;

/** Jobs before the measured ones, so that both systems have compiled their code. */
const warmUpJobs = 2_000;

const warmUp = ({ submitter }: System): Promise<unknown> =>
  submitter.ask("throughput", { jobs: warmUpJobs, batch: 100, inFlight: 1 });

export const measureThroughput = async (
  system: System,
  load: { readonly jobs: number; readonly batch: number; readonly inFlight: number },
): Promise<Bulk> => {
  await warmUp(system);
  const costs = measureProcesses(system.processes);
  const throughput = await system.submitter.ask<Throughput>("throughput", load);
  const processes = costs.read(load.jobs);
  const all = Object.values(processes);
  const sum = all.reduce((total, { cpuMicrosPerJob }) => total + cpuMicrosPerJob, 0);
  return { ...throughput, cpuMicrosPerJob: all.length > 0 ? sum : undefined, processes };
};

export const measureLatency = async (
  system: System,
  load: { readonly perSecond: number; readonly seconds: number },
): Promise<Latency> => {
  await warmUp(system);
  return system.submitter.ask<Latency>("latency", load);
};
