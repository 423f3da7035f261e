/** The thread behind `comparer.ts`. */
import { parentPort } from "node:worker_threads";
import { compareOutputs } from "../../domain/verification/compare.ts";
import type { Asked } from "./comparer.ts";

parentPort?.on("message", ({ comparator, outputs, pairs }: Asked) => {
  for (const [a, b] of pairs)
    parentPort?.postMessage(
      compareOutputs(comparator, outputs[a] as Uint8Array, outputs[b] as Uint8Array),
    );
});
