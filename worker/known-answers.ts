/**
 * Makes tasks whose answer is known, in a thread of its own: to compute one takes some tenths of a
 * second. The answer comes from the program that workers compute with.
 */
import { Worker } from "node:worker_threads";
import type { AnsweredProbe, ProbeSize } from "../domain/probe/task.ts";

/** What the thread is asked for. */
export interface AskedTask {
  readonly seed: string;
  readonly size: ProbeSize;
}
export type AnsweredTask = AnsweredProbe | { readonly fault: string };

/** Three pages of memory, the compiled code, and what Node needs. */
const memoryMbMax = 256;

/** @returns Its `make` rejects when the thread has a bug, or is closed meanwhile. */
export const openKnownAnswers = () => {
  let thread: Worker | undefined;
  let closed = false;
  let line: Promise<unknown> = Promise.resolve();

  const ask = (asked: AskedTask): Promise<AnsweredProbe> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new Error("known answers are closed"));
      if (!thread) {
        thread = new Worker(new URL("./making-answers.ts", import.meta.url), {
          resourceLimits: { maxOldGenerationSizeMb: memoryMbMax },
        });
        thread.unref();
      }
      const end = (error: unknown): void => {
        thread = undefined;
        reject(error);
      };
      thread.removeAllListeners();
      thread.once("message", (answer: AnsweredTask) => {
        if ("fault" in answer) reject(new Error(answer.fault));
        else resolve(answer);
      });
      thread.once("error", end);
      thread.once("exit", () => end(new Error("the thread for known answers ended")));
      thread.postMessage(asked);
    });

  return {
    /** One after the other. @param seed - As of `isProbeSeed`. */
    make: (seed: string, size: ProbeSize): Promise<AnsweredProbe> => {
      const turn = line.then(() => ask({ seed, size }));
      line = turn.catch(() => undefined);
      return turn;
    },
    close: async (): Promise<void> => {
      closed = true;
      await thread?.terminate();
      await line;
    },
  };
};
