/**
 * The work of a simulation: inputs that say how long they take and what is wrong with them, the right
 * answers to them, and executors that give right or wrong ones.
 */
import type { Random } from "../../domain/chance.ts";
import type { JobSpec } from "../../domain/job/spec.ts";
import type { Clock } from "../../streams/clock.ts";
import { AppError, type Executor } from "../../worker/executor.ts";
import type { Faults } from "./faults.ts";

/** What a job's one input says. */
export interface Puzzle {
  /** Another one for each job. */
  readonly n: number;
  /** How long an ordinary node computes, ms. */
  readonly costMs: number;
  /** Every honest node refuses it. */
  readonly bad: boolean;
}

/** How a node answers: alone or together with the others of its kind. */
export type Character = "honest" | "liar" | "colluder" | "boaster" | "refuser";

export const app = "echo";
export const classes = ["sim-one@1/cpu/any/1t/all", "sim-two@1/cpu/any/1t/all"] as const;
export type SimulatedClass = (typeof classes)[number];

/** The same text everywhere, the same bytes only inside one class. */
export const rightAnswer = ({ n }: Puzzle, executionClass: string): string =>
  executionClass === classes[0] ? `the answer is ${n * 7}` : `the  answer is\n${n * 7}`;

const wrongAnswer = ({ n }: Puzzle, liar: string): string => `the answer is ${n * 7 + 1}, ${liar}`;

export const encodePuzzle = (puzzle: Puzzle): Uint8Array => Buffer.from(JSON.stringify(puzzle));

export const simulatedExecutor = ({
  executionClass,
  name,
  character,
  slowness,
  clock,
  random,
  faults,
}: {
  readonly executionClass: string;
  readonly name: string;
  readonly character: () => Character;
  /** 1 for an ordinary node. */
  readonly slowness: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: () => Pick<Faults, "executionBreaks" | "executionHangs">;
}): Executor => ({
  apps: [app],
  executionClass,
  execute: async ({ inputs }) => {
    const puzzle = JSON.parse(Buffer.from(inputs["data"] ?? []).toString()) as Puzzle;
    const { executionBreaks, executionHangs } = faults();
    const chance = random();
    await new Promise<void>((resolve) => {
      if (chance >= 1 - executionHangs) return;
      clock.after(puzzle.costMs * slowness * (0.8 + 0.4 * random()), resolve);
    });
    if (chance < executionBreaks) throw new Error("the machine stumbled");
    if (character() === "refuser") throw new AppError("bad-params", "it says that it cannot");
    const lies = character() === "liar" || character() === "colluder";
    if (puzzle.bad && !lies) throw new AppError("missing-input", "the input makes no sense");
    const liar = character() === "liar" ? name : "as agreed";
    const text = lies ? wrongAnswer(puzzle, liar) : rightAnswer(puzzle, executionClass);
    return { output: Buffer.from(text), mediaType: "text/plain" };
  },
  close: async () => {},
});

/** Which answers to a job are right, as the comparator sees it. */
export const rightAnswers = (puzzle: Puzzle, _: JobSpec): readonly string[] =>
  puzzle.bad ? [] : classes.map((executionClass) => rightAnswer(puzzle, executionClass));
