/** What is measured, in the order of one round: CNCT and its peer in turn, so that both have the same neighbours. */
import type { Latency } from "./loads.ts";
import { type NetworkOptions, startNetwork } from "./network.ts";
import { startPeer } from "./peer.ts";
import { profileText, summarize } from "./profile.ts";
import { measureRebuild, type Rebuild } from "./rebuild.ts";
import { type Bulk, measureLatency, measureThroughput, type System } from "./system.ts";

export interface BenchOptions {
  readonly jobs: number;
  /** Where the peer's server is; undefined if it cannot run here. */
  readonly redisServer: string | undefined;
  /** Of latency measurements. */
  readonly seconds: number;
  /** Names of processes whose CPU profile is printed. */
  readonly profile: readonly string[];
  readonly onProfile: (text: string) => void;
}

/** One run of a scenario. */
export type Run = Bulk | LatencyRun;
export type LatencyRun = Latency & { readonly perSecond: number };

export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  readonly needsPeer: boolean;
  run(options: BenchOptions): Promise<Outcome>;
}
export interface Outcome {
  readonly run: Run;
  readonly rebuild?: Rebuild;
}

export type ScenarioName =
  | "inProcess"
  | "bullmq"
  | "latency"
  | "bullmqLatency"
  | "single"
  | "bullmqSingle"
  | "wire"
  | "quorum"
  | "plain"
  | "secure"
  | "plainQuorum"
  | "secureQuorum"
  | "nodes100"
  | "nodes1000"
  | "nodes100Single"
  | "nodes1000Single";

const bulk = { batch: 500, inFlight: 4 };
const single = { batch: 1, inFlight: 64 };
const perSecond = 50;
/** What the pairs with and without protection compute: each job has bytes of its own, and gives them back. */
const echoing = { input: { bytes: 1_024 } };
const pair = { quorum: 2, workers: 4, ...echoing };

const profiling = async <Result>(
  { profiled }: System,
  { profile, onProfile }: BenchOptions,
  work: () => Promise<Result>,
): Promise<Result> => {
  const wanted = profiled.filter(({ name }) => profile.includes(name));
  for (const child of wanted) await child.ask("profile");
  const result = await work();
  for (const child of wanted)
    onProfile(profileText(child.name, summarize(await child.ask("profiled"))));
  return result;
};

const onNetwork = async (
  network: NetworkOptions,
  work: (system: System) => Promise<Run>,
  options: BenchOptions,
  { rebuilds = false } = {},
): Promise<Outcome> => {
  const system = await startNetwork(network);
  try {
    const run = await profiling(system, options, () => work(system));
    await system.end();
    return rebuilds ? { run, rebuild: await measureRebuild(system.dataDirectory) } : { run };
  } finally {
    await system.end();
    await system.removeFiles();
  }
};

const onPeer = async (
  { redisServer }: BenchOptions,
  work: (system: System) => Promise<Run>,
): Promise<Outcome> => {
  if (redisServer === undefined) throw new Error("the peer cannot run here");
  const system = await startPeer(redisServer);
  try {
    return { run: await work(system) };
  } finally {
    await system.end();
  }
};

const throughput = (jobs: number, load: typeof bulk) => (system: System) =>
  measureThroughput(system, { jobs, ...load });
const latency =
  ({ seconds }: BenchOptions) =>
  async (system: System): Promise<LatencyRun> => ({
    perSecond,
    ...(await measureLatency(system, { perSecond, seconds })),
  });
/** Slower ones get fewer jobs. */
const fewer = (jobs: number): number => Math.ceil(jobs / 4);

export const scenarios: readonly Scenario[] = [
  {
    name: "inProcess",
    title: "no-op jobs, batches of 500, 4 in flight",
    needsPeer: false,
    run: (options) => onNetwork({}, throughput(options.jobs, bulk), options, { rebuilds: true }),
  },
  {
    name: "bullmq",
    title: "the same on BullMQ, Redis `appendfsync always`",
    needsPeer: true,
    run: (options) => onPeer(options, throughput(options.jobs, bulk)),
  },
  {
    name: "latency",
    title: "submit → verified, 50 jobs/s",
    needsPeer: false,
    run: (options) => onNetwork({}, latency(options), options),
  },
  {
    name: "bullmqLatency",
    title: "submit → completed on BullMQ, 50 jobs/s",
    needsPeer: true,
    run: (options) => onPeer(options, latency(options)),
  },
  {
    name: "single",
    title: "one job a call, 64 in flight",
    needsPeer: false,
    run: (options) => onNetwork({}, throughput(fewer(options.jobs), single), options),
  },
  {
    name: "bullmqSingle",
    title: "the same on BullMQ",
    needsPeer: true,
    run: (options) => onPeer(options, throughput(fewer(options.jobs), single)),
  },
  {
    name: "wire",
    title: "batches, event store in a process of its own",
    needsPeer: false,
    run: (options) =>
      onNetwork({ overTheWire: true }, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "quorum",
    title: "batches, quorum 2, 4 workers",
    needsPeer: false,
    run: (options) =>
      onNetwork({ quorum: 2, workers: 4 }, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "plain",
    title: "1 KiB in and out, open to anybody",
    needsPeer: false,
    run: (options) => onNetwork(echoing, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "secure",
    title: "the same with identities, seals and signatures",
    needsPeer: false,
    run: (options) =>
      onNetwork({ ...echoing, secure: true }, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "plainQuorum",
    title: "1 KiB in and out, quorum 2, 4 workers, open to anybody",
    needsPeer: false,
    run: (options) => onNetwork(pair, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "secureQuorum",
    title: "the same with identities, seals, signatures and commits",
    needsPeer: false,
    run: (options) =>
      onNetwork({ ...pair, secure: true }, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "nodes100",
    title: "batches, 100 nodes of one slot",
    needsPeer: false,
    run: (options) => onNetwork({ nodes: 100 }, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "nodes1000",
    title: "batches, 1,000 nodes of one slot",
    needsPeer: false,
    run: (options) => onNetwork({ nodes: 1_000 }, throughput(fewer(options.jobs), bulk), options),
  },
  {
    name: "nodes100Single",
    title: "one job a call, 100 nodes of one slot",
    needsPeer: false,
    run: (options) => onNetwork({ nodes: 100 }, throughput(fewer(options.jobs), single), options),
  },
  {
    name: "nodes1000Single",
    title: "one job a call, 1,000 nodes of one slot",
    needsPeer: false,
    run: (options) => onNetwork({ nodes: 1_000 }, throughput(fewer(options.jobs), single), options),
  },
];
