/**
 * Compares the outputs of one job after the other, in a thread of its own: what strangers made can be
 * costly to read, and while a validator reads, nobody else must have to wait but those who want the same.
 */
import { Worker } from "node:worker_threads";
import type { Millis } from "../../domain/decider.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Comparator } from "../../domain/verification/comparator.ts";
import { comparedBytesMax } from "../../domain/verification/compare.ts";
import type { Comparison, ComparisonReason } from "../../domain/verification/comparison.ts";
import type { Clock } from "../../streams/clock.ts";

export interface Comparer {
  /**
   * Compares each two outputs, small ones first, for `jobMs` at most; those that are not reached by
   * then are `too-costly`.
   *
   * @returns What was found of two that differ; undefined where an output is not there.
   */
  compareAll(what: {
    readonly comparator: Comparator;
    readonly names: readonly Digest[];
    readonly fetch: (name: Digest) => Promise<Uint8Array | "too-large" | undefined>;
  }): Promise<(a: Digest, b: Digest) => Comparison | undefined>;
  close(): Promise<void>;
}

/** What the thread is asked for: pairs of outputs by their place. */
export interface Asked {
  readonly comparator: Comparator;
  readonly outputs: readonly Uint8Array[];
  readonly pairs: readonly (readonly [number, number])[];
}
/** What it answers, one for each pair and in their order. */
export type Answered = Comparison;

/** A thread that wants more is ended: the largest outputs took 1.2 GiB. */
const memoryMbMax = 1_536;

/**
 * @param jobMs - What the outputs of one job may take.
 * @returns Its `compareAll` rejects when the thread has a bug, or the comparer is closed meanwhile.
 */
export const openComparer = ({
  clock,
  jobMs = 20_000,
}: {
  readonly clock: Clock;
  readonly jobMs?: Millis;
}): Comparer => {
  let thread: Worker | undefined;
  let closed = false;
  let line: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = line.then(work, work);
    line = turn.catch(() => undefined);
    return turn;
  };
  const end = async (): Promise<void> => {
    const ending = thread;
    thread = undefined;
    await ending?.terminate();
  };
  const start = (): Worker => {
    const started = new Worker(new URL("./comparing.ts", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: memoryMbMax },
      stderr: true, // What Node says when it runs out of memory is no news to the operator.
    });
    started.unref();
    return started;
  };

  /** As many answers as came in time. */
  const asked = async (question: Asked): Promise<readonly Answered[]> => {
    if (closed) throw new Error("the comparer is closed");
    thread ??= start();
    const worker = thread;
    const answers: Answered[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(jobMs, () => resolve(end()));
        const settle = (error?: unknown): void => {
          timer.cancel();
          if (error === undefined) resolve();
          else reject(error);
        };
        worker.removeAllListeners();
        worker.on("message", (answer: Answered) => {
          if (answers.push(answer) === question.pairs.length) settle();
        });
        worker.on("error", (error: NodeJS.ErrnoException) => {
          thread = undefined;
          settle(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? undefined : error);
        });
        worker.on("exit", () => settle(closed ? new Error("the comparer is closed") : undefined));
        worker.postMessage(question);
      });
    } catch (error) {
      await end();
      throw error;
    }
    return answers.slice();
  };

  return {
    compareAll: ({ comparator, names, fetch }) =>
      inTurn(async () => {
        const found = await Promise.all(names.map(fetch));
        const outputs = found.map((output) => (output instanceof Uint8Array ? output : nothing));
        const pairs = pairsOf(found);
        const answers = pairs.length === 0 ? [] : await asked({ comparator, outputs, pairs });
        const comparisons = new Map<string, Comparison>();
        for (const [i, [a, b]] of pairs.entries())
          comparisons.set(`${names[a]} ${names[b]}`, answers[i] ?? different("too-costly"));
        const sizes = new Map(names.map((name, i) => [name, found[i]]));
        return (a, b) => {
          if ([a, b].some((name) => isTooLarge(sizes.get(name)))) return different("too-large");
          return comparisons.get(`${a} ${b}`) ?? comparisons.get(`${b} ${a}`);
        };
      }),
    close: async () => {
      closed = true;
      await end();
      await line;
    },
  };
};

type Found = Uint8Array | "too-large" | undefined;
const nothing = new Uint8Array();

const isTooLarge = (output: Found): boolean =>
  output === "too-large" || (output !== undefined && output.length > comparedBytesMax);

/** Of outputs that can be compared; the cheapest first, so that a large one keeps no others waiting. */
const pairsOf = (found: readonly Found[]): readonly (readonly [number, number])[] => {
  const pairs: { readonly pair: readonly [number, number]; readonly bytes: number }[] = [];
  for (const [i, one] of found.entries())
    for (const [j, other] of found.entries())
      if (i < j && one instanceof Uint8Array && other instanceof Uint8Array)
        if (!isTooLarge(one) && !isTooLarge(other))
          pairs.push({ pair: [i, j], bytes: one.length + other.length });
  return pairs.sort((p, q) => p.bytes - q.bytes).map(({ pair }) => pair);
};

const different = (reason: ComparisonReason): Comparison => ({ agree: false, distance: 1, reason });
