/** `cnct simulate verification`: the real verification rules against cheats, beside others' rules. */

import type { Command } from "commander";
import { policyDefaults, type VerificationPolicy } from "../../domain/policy/policy.ts";
import {
  type ArbiterKind,
  faultIn,
  type Kind,
  type Scheme,
  type Settings,
} from "../../domain/verification/simulation/settings.ts";
import type { Figures, Summary } from "../../domain/verification/simulation/tally.ts";
import { flagsOf } from "../cli.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failures.ts";
import { print, printJson, table } from "../output.ts";

const seedsMax = 1_000;

interface SimulateFlags {
  readonly policy: string;
  readonly kind: string;
  readonly saboteurs: string;
  readonly sabotage: string;
  readonly jobs: string;
  readonly workers: string;
  readonly seed: string;
  readonly seeds: string;
  readonly arbiters: string;
  readonly badArbiters: string;
  readonly arbiterKind: string;
  readonly arbiterChecks?: string;
}

export const addSimulate = (program: Command): void => {
  program
    .command("simulate")
    .description("try the network's rules where nothing is at stake")
    .command("verification")
    .description("what cheats achieve against a policy, on simulated nodes")
    .option(
      "--policy <name>",
      "ours-standard, ours-high, boinc, poco, gonka or majority",
      "ours-standard",
    )
    .option("--kind <kind>", "colluding, careful, lazy, copying or sleeping cheats", "colluding")
    .option("--saboteurs <share>", "share of the nodes that cheat, 0 to 0.9", "0.2")
    .option("--sabotage <share>", "share of the jobs in which they do, 0 to 1", "0.1")
    .option("--jobs <n>", "jobs of a run", "100000")
    .option("--workers <n>", "nodes", "200")
    .option("--arbiters <n>", "of our own policies", "5")
    .option("--bad-arbiters <n>", "so many of them do not do their duty", "0")
    .option("--arbiter-kind <kind>", "which is lazy or colluding then", "lazy")
    .option("--arbiter-checks <share>", "of their results; 0.1 is the policy's own")
    .option("--seed <n>", "of the first run", "1")
    .option("--seeds <n>", `runs, each with the next seed, 1 to ${seedsMax}`, "1")
    .action(async (flags: SimulateFlags, command: Command) => {
      const settings = settingsIn(flags);
      const seeds = numberIn("seeds", flags.seeds);
      if (!Number.isSafeInteger(seeds) || seeds < 1 || seeds > seedsMax)
        throw failure("bad-seeds", `the seeds must be a whole number from 1 to ${seedsMax}`);
      const last = faultIn({ ...settings, seed: settings.seed + seeds - 1 });
      if (last !== undefined) throw failure("bad-seeds", `of the last run, ${last.message}`);
      const [{ simulateVerification }, { summaryOf }, { nativeSha256 }] = await Promise.all([
        import("../../domain/verification/simulation/simulate.ts"),
        import("../../domain/verification/simulation/tally.ts"),
        import("../native-proofs.ts"),
      ]);
      const policy = checkedAs(flags.arbiterChecks);
      const runs = Array.from({ length: seeds }, (_, index) =>
        simulateVerification(
          { ...settings, seed: settings.seed + index },
          { sha256: nativeSha256, policy },
        ),
      );
      const summary = summaryOf(runs);
      if (flagsOf(command).json === true) return printJson({ settings, ...summary, runs });
      print(table(columns, rowsOf(summary)));
    });
};

const failure = (code: string, message: string) => new CliFailure(code, message, exitCodes.usage);

const numberIn = (name: string, text: string): number => {
  if (/^\d+(\.\d+)?(e-?\d+)?$/.test(text)) return Number(text);
  throw failure(`bad-${name}`, `--${name} takes a number, not "${text.slice(0, 60)}"`);
};

const settingsIn = (flags: SimulateFlags): Settings => {
  const settings = {
    scheme: flags.policy as Scheme,
    kind: flags.kind as Kind,
    saboteurs: numberIn("saboteurs", flags.saboteurs),
    sabotage: numberIn("sabotage", flags.sabotage),
    jobs: numberIn("jobs", flags.jobs),
    workers: numberIn("workers", flags.workers),
    seed: numberIn("seed", flags.seed),
    arbiters: numberIn("arbiters", flags.arbiters),
    badArbiters: numberIn("bad-arbiters", flags.badArbiters),
    arbiterKind: flags.arbiterKind as ArbiterKind,
  };
  const fault = faultIn(settings);
  if (fault !== undefined) throw failure(fault.code, fault.message);
  return settings;
};

const checkedAs = (share: string | undefined): VerificationPolicy => {
  const { verification } = policyDefaults;
  if (share === undefined) return verification;
  const arbiterCheckShare = numberIn("arbiter-checks", share);
  if (arbiterCheckShare <= 1) return { ...verification, arbiterCheckShare };
  throw failure("bad-arbiter-checks", `--arbiter-checks takes a share from 0 to 1, not ${share}`);
};

interface Row {
  readonly figure: keyof Figures;
  readonly mean: number | null;
  readonly greatest: number | null;
}

const meanings: Readonly<Record<keyof Figures, string>> = {
  wrongAccepted: "share of jobs with a wrong result that was believed",
  wrongSettled: "… and of which the awards became final",
  wrongLeft: "… and is wrong at the end, corrections made",
  redundancy: "executions of all kinds for each job",
  audits: "executions by arbiters or checkers for each job",
  failed: "jobs without a result",
  honestSlashed: "honest nodes that lost a bond, a stake or their name",
  badArbitersConvicted: "arbiters that did not do their duty and lost their name",
  honestArbitersConvicted: "honest arbiters that did",
  convicted: "cheats that did",
  undetected: "cheats that are still in",
  jobsToDetection: "tasks of a cheat from its first lie to its conviction",
  netGain: "awards that cheating was worth to a cheat, beside honest work",
};

const rowsOf = ({ mean, greatest }: Summary): readonly Row[] =>
  (Object.keys(meanings) as (keyof Figures)[]).map((figure) => ({
    figure,
    mean: mean[figure],
    greatest: greatest[figure],
  }));

const shown = (value: number | null): string =>
  value === null ? "-" : String(Number(value.toPrecision(3)));

const columns: Parameters<typeof table<Row>>[0] = [
  { title: "FIGURE", text: ({ figure }) => figure },
  { title: "MEAN", text: ({ mean }) => shown(mean), right: true },
  { title: "GREATEST", text: ({ greatest }) => shown(greatest), right: true },
  { title: "IS", text: ({ figure }) => meanings[figure] },
];
