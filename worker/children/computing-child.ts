/**
 * One child as the supervisor sees it.
 *
 *     starting --opened--> idle --run--> busy --answer--> idle
 *         '-----------------'-------------'---> gone
 */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, OutOfMemory } from "../executor.ts";
import { saysNoMemory } from "../memory-fault.ts";
import type { Fence } from "./fence.ts";
import { FrameError, frameReader, writeFrame } from "./frames.ts";
import { endOf, launch } from "./launch.ts";
import {
  type Answer,
  answerIn,
  answerLimits,
  type ChildSettings,
  type Offer,
  type Request,
  requestFrame,
} from "./messages.ts";

export type TaskAnswer = Exclude<Answer, { readonly type: "opened" | "unopened" }>;

export interface ComputingChild {
  /** @throws {AppError} As the child's openers did. @throws {Error} When it cannot start. */
  readonly opened: Promise<readonly Offer[]>;
  /**
   * One at a time, after `opened`.
   *
   * @throws {AppError} `output-too-large`; the child is killed.
   * @throws {OutOfMemory} When the child ends because it took too much.
   * @throws {Error} When the child ends first or says nonsense: this machine's fault.
   */
  run(request: Request): Promise<TaskAnswer>;
  /** By itself, when it has no task. */
  leave(): void;
  /** At once, whatever it does. */
  kill(): void;
  /** Never rejects; says how it ended, such as `signal SIGKILL`. */
  readonly gone: Promise<string>;
}

/** What a failed start may quote of stderr. Once tasks run, nothing is kept: it could be payload. */
const stderrMax = 2_000;
/** Between the end of what we started and the last end of its pipes: a fence goes first, its child after it. */
const lastWordsMs = 1_000;
/** Reading the largest models on a busy machine takes seconds. */
const openWithinMs = 60_000;

interface Waiting {
  readonly hear: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
}

export const startChild = (
  settings: ChildSettings,
  { outputBytesMax, fence }: { readonly outputBytesMax: number; readonly fence: Fence },
): ComputingChild => {
  const { process: child, stderr, frames, lifeline, kill } = launch(settings, fence);
  let waiting: Waiting | undefined;
  let ended: string | undefined;
  let lastWords = "";
  let errors = "";
  /** Of what a task makes it say, only whether it is about memory is kept. */
  let noMemory = false;

  const wait = (): Promise<Answer> =>
    new Promise((hear, fail) => {
      if (ended === undefined) waiting = { hear, fail };
      else fail(new Error(ended));
    });
  const settle = (how: (one: Waiting) => void) => {
    const one = waiting;
    waiting = undefined;
    if (one) how(one);
  };
  /** The child broke the rules: nothing more that it says is heard. */
  const giveUp = (error: Error) => {
    frames.off("data", hearBytes);
    frames.resume();
    settle(({ fail }) => fail(error));
    kill();
  };

  const read = frameReader(answerLimits(outputBytesMax), (frame) => {
    const answer = answerIn(frame);
    if (waiting === undefined) throw new FrameError("malformed", "a child answered unasked");
    settle(({ hear }) => hear(answer));
  });
  const hearBytes = (chunk: Uint8Array) => {
    try {
      read(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      giveUp(
        error.reason === "too-large" ? new AppError("output-too-large", error.message) : error,
      );
    }
  };
  frames.on("data", hearBytes);
  lifeline.on("data", (chunk: Uint8Array) => {
    if (lastWords.length < 100) lastWords += String(chunk);
  });
  stderr.on("data", (chunk: Uint8Array) => {
    errors = (errors + String(chunk)).slice(-stderrMax);
  });
  // A pipe breaks when the child ends, and `exit` says that better.
  for (const stream of [frames, lifeline, stderr]) stream.on("error", () => undefined);

  const gone = new Promise<string>((resolve) => {
    const leave = (how: string) => {
      ended ??= `the process ended (${how})`;
      for (const stream of [frames, lifeline, stderr]) stream.destroy();
      const why = ended;
      settle(({ fail }) =>
        fail(
          noMemory ? new OutOfMemory("it takes more memory than its app may have") : new Error(why),
        ),
      );
      setImmediate(resolve, how); // Who waits for the task hears it first.
    };
    child.once("error", (error) => leave(error.message));
    child.once("exit", async (code, signal) => {
      // What it said last may still be in the pipes.
      const read = [frames, lifeline].map((pipe) => pipe.destroyed || once(pipe, "close"));
      await Promise.race([Promise.all(read), sleep(lastWordsMs)]);
      const memory = /^memory (\d{1,16})\n/.exec(lastWords)?.[1];
      const how = endOf(code, signal);
      noMemory ||= memory !== undefined;
      leave(memory === undefined ? how : `${how}, it took ${mebibytes(Number(memory))} of memory`);
    });
  });

  const opened = (async () => {
    const timer = setTimeout(
      () => giveUp(new Error(`it was not ready within ${openWithinMs} ms`)),
      openWithinMs,
    );
    try {
      const answer = await wait();
      if (answer.type === "opened") return answer.offers;
      if (answer.type !== "unopened") throw new Error(`a child began with ${answer.type}`);
      const { code, message } = answer;
      throw code === undefined ? new Error(message) : new AppError(code, message);
    } catch (error) {
      kill();
      const quoted = errors.trim();
      throw ended === undefined || quoted === "" ? error : new Error(`${ended}: ${quoted}`);
    } finally {
      clearTimeout(timer);
      errors = "";
      let tail = "";
      stderr.removeAllListeners("data").on("data", (chunk: Uint8Array) => {
        tail = `${tail}${chunk}`.slice(-stderrMax);
        noMemory ||= saysNoMemory(tail);
        if (noMemory) stderr.removeAllListeners("data").resume();
      });
    }
  })();
  opened.catch(() => undefined); // Who waits for it hears it; nobody has to.

  return {
    opened,
    leave: () => frames.end(),
    kill,
    gone,
    run: async (request) => {
      const answer = wait();
      if (ended === undefined) writeFrame(frames, requestFrame(request));
      const heard = await answer;
      if (heard.type !== "opened" && heard.type !== "unopened") return heard;
      const error = new FrameError("malformed", `a child answered a task with ${heard.type}`);
      giveUp(error);
      throw error;
    },
  };
};

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
