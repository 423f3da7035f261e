/** What is counted in a simulation, and the report that comes of it. */
import type { Settings } from "./settings.ts";
import type { Worker } from "./world.ts";

/** Counts that a scheme raises as it goes. */
export interface Tally {
  /** Every computation: replicas, audits, checks, re-runs. */
  executions: number;
  /** Those of them that were done by arbiters or checkers. */
  audits: number;
  /** Jobs that ended with a result, right or wrong. */
  accepted: number;
  wrongAccepted: number;
  /** Wrong results that were found out while their awards were held, and replaced. */
  corrected: number;
  /** Wrong results whose awards became final. */
  wrongSettled: number;
  /** Jobs that ended without a result. */
  failed: number;
  honestSlashed: number;
  /** Arbiters that were convicted: bad ones, and honest ones. */
  badArbitersConvicted: number;
  honestArbitersConvicted: number;
  /** Tasks of each convicted node from its first lie to its conviction. */
  readonly tasksToDetection: number[];
}

export const newTally = (): Tally => ({
  executions: 0,
  audits: 0,
  accepted: 0,
  wrongAccepted: 0,
  corrected: 0,
  wrongSettled: 0,
  failed: 0,
  honestSlashed: 0,
  badArbitersConvicted: 0,
  honestArbitersConvicted: 0,
  tasksToDetection: [],
});

/** A node lost its name, its stake or its bond. */
export const noteConviction = (tally: Tally, worker: Worker): void => {
  if (worker.lies === 0) tally.honestSlashed++;
  else tally.tasksToDetection.push(worker.tasks - worker.tasksAtFirstLie);
};

export interface Report extends Settings {
  /** Share of the jobs that were ever believed with a wrong result. */
  readonly wrongAccepted: number;
  /** Share of the jobs whose wrong result became final, its awards paid out. */
  readonly wrongSettled: number;
  /** Share of the jobs that are wrong at the end, corrections made: settled ones and held ones. */
  readonly wrongLeft: number;
  /** Executions of all kinds for each job. */
  readonly redundancy: number;
  /** Executions by arbiters or checkers for each job. */
  readonly audits: number;
  readonly failed: number;
  readonly honestSlashed: number;
  readonly badArbitersConvicted: number;
  readonly honestArbitersConvicted: number;
  readonly convicted: number;
  /** Names that cheated and are still in. */
  readonly undetected: number;
  /** Tasks of a convicted node from its first lie to its conviction, on average; none convicted: null. */
  readonly jobsToDetection: number | null;
  /**
   * What cheating was worth beside honest work, in awards, on average of the names that cheated: the
   * work that it saved, less the awards that it did not get or lost again, its bond and its stakes.
   */
  readonly netGain: number | null;
}

/** What a result costs who computes it, as a part of its award: nobody works for nothing. */
const workCost = 0.9;

export const reportOf = (settings: Settings, tally: Tally, workers: readonly Worker[]): Report => {
  const { jobs } = settings;
  const cheats = workers.filter(({ lies }) => lies > 0);
  const detected = tally.tasksToDetection;
  return {
    ...settings,
    wrongAccepted: tally.wrongAccepted / jobs,
    wrongSettled: tally.wrongSettled / jobs,
    wrongLeft: (tally.wrongAccepted - tally.corrected) / jobs,
    redundancy: tally.executions / jobs,
    audits: tally.audits / jobs,
    failed: tally.failed,
    honestSlashed: tally.honestSlashed,
    badArbitersConvicted: tally.badArbitersConvicted,
    honestArbitersConvicted: tally.honestArbitersConvicted,
    convicted: detected.length,
    undetected: cheats.filter(({ expelled }) => !expelled).length,
    jobsToDetection: meanOf(detected),
    netGain: meanOf(cheats.map(({ lies, denied, lost }) => workCost * lies - denied - lost)),
  };
};

export const meanOf = (numbers: readonly number[]): number | null =>
  numbers.length === 0 ? null : numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** The figures of a report that runs with other seeds are compared by. */
export const figures = [
  "wrongAccepted",
  "wrongSettled",
  "wrongLeft",
  "redundancy",
  "audits",
  "failed",
  "honestSlashed",
  "badArbitersConvicted",
  "honestArbitersConvicted",
  "convicted",
  "undetected",
  "jobsToDetection",
  "netGain",
] as const satisfies readonly (keyof Report)[];
export type Figures = Readonly<Record<(typeof figures)[number], number | null>>;

export interface Summary {
  readonly seeds: number;
  readonly mean: Figures;
  /** The greatest of each figure: the worst of all but `convicted`. */
  readonly greatest: Figures;
}

/** What runs that differ in their seeds alone have in common. */
export const summaryOf = (reports: readonly Report[]): Summary => {
  const each = (of: (values: readonly number[]) => number | null): Figures =>
    Object.fromEntries(
      figures.map((figure) => [
        figure,
        of(reports.map((report) => report[figure]).filter((value) => value !== null)),
      ]),
    ) as Figures;
  const greatestOf = (values: readonly number[]) =>
    values.length === 0 ? null : Math.max(...values);
  return { seeds: reports.length, mean: each(meanOf), greatest: each(greatestOf) };
};
