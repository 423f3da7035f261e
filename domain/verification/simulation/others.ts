/**
 * The systems that ours is compared with, on the same simulated nodes, by their own rules
 * (`../others/`). What they leave open is stated here: PoCo's stake is one award and its trust 20;
 * Gonka runs where there is enough to do, with an epoch of 1,000 jobs.
 */
import { isReplicated, validAfter } from "../others/boinc.ts";
import { type Checks, isBad, reputationAfter, targetChecks } from "../others/gonka.ts";
import { firstWith, lacking } from "../others/majority.ts";
import { consensusOf, contribute, noContributions, scoreAfter, weightOf } from "../others/poco.ts";
import { noteConviction, type Tally } from "./tally.ts";
import { type Answer, right, type Worker, type World } from "./world.ts";

type RunJob = (job: number) => void;

/** Nodes that are asked about one job at most, where a system has no bound of its own. */
const answersMax = 50;

/** Nothing is held and nothing found out later: what is believed is final. */
const accept = (tally: Tally, answers: readonly Answer[], value: number): void => {
  tally.accepted++;
  if (value !== right) {
    tally.wrongAccepted++;
    tally.wrongSettled++;
  }
  for (const answer of answers) if (answer.value !== value && answer.free) answer.worker.denied++;
};

const fail = (tally: Tally, answers: readonly Answer[]): void => {
  tally.failed++;
  for (const { worker, free } of answers) if (free) worker.denied++;
};

export const majority = (world: World, tally: Tally, quorum = 2): RunJob => {
  return () => {
    world.begin();
    vote(world, tally, [], quorum);
  };
};

/** Asks nodes until so many agree; says what was believed. */
const vote = (
  world: World,
  tally: Tally,
  answers: Answer[],
  quorum: number,
): number | undefined => {
  for (;;) {
    const values = answers.map(({ value }) => value);
    const believed = firstWith(values, quorum);
    if (believed !== undefined) {
      accept(tally, answers, believed);
      return believed;
    }
    if (answers.length >= answersMax) {
      fail(tally, answers);
      return undefined;
    }
    const given = world.answers(world.pick(lacking(values, quorum), answers), answers);
    tally.executions += given.length;
    answers.push(...given);
  }
};

export const boinc = (world: World, tally: Tally): RunJob => {
  const valid: number[] = [];
  return () => {
    world.begin();
    const [host] = world.pick(1, []) as [Worker];
    const replicated = isReplicated(valid[host.id] ?? 0, world.random());
    if (!replicated) {
      tally.executions++;
      const answers = world.answers([host], []);
      accept(tally, answers, answers[0]?.value ?? right);
      return;
    }
    const partner = world.pick(1, [{ worker: host, value: right, free: false }]);
    const answers = [...world.answers([host, ...partner], [])];
    tally.executions += answers.length;
    const believed = vote(world, tally, answers, 2);
    if (believed === undefined) return;
    for (const { worker, value } of answers)
      valid[worker.id] = validAfter(
        valid[worker.id] ?? 0,
        value === believed ? "agreed" : "differed",
      );
  };
};

export const poco = (world: World, tally: Tally, trust = 20): RunJob => {
  const scores: number[] = [];
  return () => {
    world.begin();
    const answers: Answer[] = [];
    let contributions = noContributions;
    for (;;) {
      const believed = consensusOf(contributions, trust);
      if (believed !== undefined) {
        accept(tally, answers, believed);
        for (const { worker, value } of answers) {
          const accurate = value === believed;
          scores[worker.id] = scoreAfter(scores[worker.id] ?? 0, {
            accurate,
            contributors: answers.length,
          });
          if (accurate) continue;
          worker.lost++; // Its stake.
          noteConviction(tally, worker);
        }
        return;
      }
      if (answers.length >= answersMax) {
        fail(tally, answers);
        return;
      }
      const [given] = world.answers(world.pick(1, answers), answers);
      if (given === undefined) return;
      tally.executions++;
      answers.push(given);
      contributions = contribute(contributions, {
        answer: given.value,
        weight: weightOf(scores[given.worker.id] ?? 0),
      });
    }
  };
};

const jobsPerEpoch = 1_000;
const busy = 10_000;

export const gonka = (world: World, tally: Tally, workers: number): RunJob => {
  const joined: number[] = [];
  const checks: Checks[] = [];
  return (job) => {
    world.begin();
    const [executor] = world.pick(1, []) as [Worker];
    joined[executor.id] ??= executor.id < workers ? 0 : job;
    const [answer] = world.answers([executor], []);
    if (answer === undefined) return;
    tally.executions++;

    const epochs = Math.floor((job - (joined[executor.id] ?? 0)) / jobsPerEpoch);
    const target = targetChecks(reputationAfter(epochs), busy);
    // All have the same power: each other node checks with the same probability.
    let checkers = 0;
    for (let rest = target; rest > 0; rest -= 1) if (world.random() < rest) checkers++;
    const team = world.pick(checkers, [answer]);
    tally.executions += checkers;
    tally.audits += checkers;
    if (checkers === 0) return accept(tally, [answer], answer.value);

    // A check by a saboteur finds nothing wrong with what its friends say.
    const invalid =
      answer.value !== right && team.some(({ saboteur }) => !saboteur || answer.value !== 1);
    const before = checks[executor.id] ?? { checked: 0, invalid: 0, invalidInARow: 0 };
    const after = {
      checked: before.checked + 1,
      invalid: before.invalid + (invalid ? 1 : 0),
      invalidInARow: invalid ? before.invalidInARow + 1 : 0,
    };
    checks[executor.id] = after;
    if (!invalid) return accept(tally, [answer], answer.value);
    fail(tally, [answer]); // Not paid, not done again.
    if (!isBad(after)) return;
    noteConviction(tally, executor);
    world.expel(executor);
  };
};
