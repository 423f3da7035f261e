/** What a simulation of verification is of, and which settings make no sense. */

export const schemes = [
  "ours-standard",
  "ours-high",
  "boinc",
  "poco",
  "gonka",
  "majority",
] as const;
/** Whose rules decide. `majority` believes the first answer that two nodes give. */
export type Scheme = (typeof schemes)[number];

/**
 * What saboteurs do in a share s of the jobs, their *sabotage*:
 *
 * - `colluding`: all pick the same jobs and the same wrong answer;
 * - `careful`: as colluding, but only where every node that was given the job is one of them;
 * - `lazy`: each for itself answers something that it did not compute;
 * - `copying`: hand in another's answer where they can see one, and guess where they cannot;
 * - `sleeping`: as colluding, after 200 honest tasks, and come back under a new name once expelled.
 *
 * A rare cheat is a colluding one with a sabotage of 0.01.
 */
export const kinds = ["colluding", "careful", "lazy", "copying", "sleeping"] as const;
export type Kind = (typeof kinds)[number];

/**
 * What an arbiter that does not do its duty does where all results that it is to check agree: `lazy`
 * says the same, whatever it is; `colluding` vouches for what the saboteurs agreed on. Where results
 * differ both compute, since others would be asked as well.
 */
export const arbiterKinds = ["lazy", "colluding"] as const;
export type ArbiterKind = (typeof arbiterKinds)[number];

export interface Settings {
  readonly scheme: Scheme;
  readonly kind: Kind;
  /** Share of the nodes that are saboteurs, 0 to 0.9. */
  readonly saboteurs: number;
  /** Share of jobs in which a saboteur cheats, 0 to 1. */
  readonly sabotage: number;
  /** 1 to 10,000,000. */
  readonly jobs: number;
  /** 0 to 2^32 - 1: the same seed gives the same run. */
  readonly seed: number;
  /** Nodes, 10 to 10,000. */
  readonly workers: number;
  /** Arbiters of our own schemes, 3 to 100; each of another owner. */
  readonly arbiters: number;
  /** So many of them do not do their duty, from 0 to all. */
  readonly badArbiters: number;
  readonly arbiterKind: ArbiterKind;
}

export const settingsDefaults: Settings = {
  scheme: "ours-standard",
  kind: "colluding",
  saboteurs: 0.2,
  sabotage: 0.1,
  jobs: 100_000,
  seed: 1,
  workers: 200,
  arbiters: 5,
  badArbiters: 0,
  arbiterKind: "lazy",
};

/** Tasks that a sleeper computes before it cheats. */
export const sleepTasks = 200;

export type SettingsFault =
  | "bad-policy"
  | "bad-kind"
  | "bad-saboteurs"
  | "bad-sabotage"
  | "bad-jobs"
  | "bad-seed"
  | "bad-workers"
  | "bad-arbiters";

/** What is wrong with settings from outside, if anything is: a stable code and one sentence. */
export const faultIn = (
  settings: Settings,
): { readonly code: SettingsFault; readonly message: string } | undefined => {
  const { scheme, kind, saboteurs, sabotage, jobs, seed, workers } = settings;
  const { arbiters, badArbiters, arbiterKind } = settings;
  const fault = (code: SettingsFault, message: string) => ({ code, message });
  if (!schemes.includes(scheme))
    return fault("bad-policy", `the policy must be one of ${schemes.join(", ")}`);
  if (!kinds.includes(kind))
    return fault("bad-kind", `the kind must be one of ${kinds.join(", ")}`);
  if (!(saboteurs >= 0 && saboteurs <= 0.9))
    return fault("bad-saboteurs", "the share of saboteurs must be a number from 0 to 0.9");
  if (!(sabotage >= 0 && sabotage <= 1))
    return fault("bad-sabotage", "the sabotage must be a number from 0 to 1");
  if (!isWhole(jobs, 1, 10_000_000))
    return fault("bad-jobs", "the jobs must be a whole number from 1 to 10000000");
  if (!isWhole(seed, 0, 2 ** 32 - 1))
    return fault("bad-seed", "the seed must be a whole number from 0 to 4294967295");
  if (!isWhole(workers, 10, 10_000))
    return fault("bad-workers", "the workers must be a whole number from 10 to 10000");
  if (!isWhole(arbiters, 3, 100))
    return fault("bad-arbiters", "the arbiters must be a whole number from 3 to 100");
  if (!isWhole(badArbiters, 0, arbiters))
    return fault("bad-arbiters", "the bad arbiters must be a whole number from 0 to all of them");
  if (!arbiterKinds.includes(arbiterKind))
    return fault("bad-arbiters", `the arbiters' kind must be one of ${arbiterKinds.join(", ")}`);
  return undefined;
};

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && value >= least && value <= most;
