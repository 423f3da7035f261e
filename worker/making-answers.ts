/** The thread behind `known-answers.ts`. */
import { hash } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { Sha256 } from "../domain/hashing.ts";
import { probeTask } from "../domain/probe/task.ts";
import { memoryPagesMax } from "../domain/wasm/limits.ts";
import { runModule } from "./executors/wasm/run-module.ts";
import type { AnsweredTask, AskedTask } from "./known-answers.ts";

const sha256: Sha256 = (bytes) => hash("sha256", bytes);

const answerTo = ({ seed, size }: AskedTask): AnsweredTask => {
  try {
    const { module, data, instructions } = probeTask(seed, size, sha256);
    const args = new Uint8Array(0);
    const output = runModule({ module, data, args, memoryPages: memoryPagesMax });
    return { module, data, instructions, outputDigest: sha256(output) };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
};

parentPort?.on("message", (asked: AskedTask) => parentPort?.postMessage(answerTo(asked)));
