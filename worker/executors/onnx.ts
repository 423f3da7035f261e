/** App `onnx`: any ONNX model, on tensors that the job brings. */

import { AppError, type Executor } from "../executor.ts";
import type { InferenceEngine } from "./inference.ts";
import { explainLoad, explainRun } from "./onnx-faults.ts";
import { checkOutputs, readFeeds } from "./onnx-tensors.ts";
import { refuseOtherParams, requiredInput } from "./request.ts";
import { openSessionCache } from "./session-cache.ts";
import { encodeTensors } from "./tensor-bytes.ts";

/** Idle models that stay in memory. */
const modelsMax = 8;

/**
 * Input `model`, and one input for each of the model's own, as `tensor-bytes.ts` reads them. The
 * output has all of the model's outputs by name, in the same form.
 *
 * Codes: `missing-input`, `bad-model` (not ONNX, cut off, an operator set that the runtime does not
 * have, weights in another file), `bad-tensor`, `shape-mismatch`, `output-too-large`, `bad-params`; and `out-of-memory` for what takes more than `memoryBytes` to load.
 */
export const openOnnx = (engine: InferenceEngine, memoryBytes: number): Executor => {
  const cache = openSessionCache(
    { ...engine, load: (model) => explainLoad(model, engine.load, memoryBytes) },
    modelsMax,
  );

  return {
    apps: ["onnx"],
    executionClass: engine.executionClass,

    async execute({ app, params, inputs, signal }) {
      if (app !== "onnx")
        throw new AppError("unknown-app", `this executor computes onnx, not ${app}`);
      refuseOtherParams(params, []);
      const model = requiredInput(inputs, "model");
      signal.throwIfAborted();
      const output = await cache.withSession(model, async (session) => {
        const feeds = readFeeds(session, inputs);
        signal.throwIfAborted();
        const outputs = await explainRun(() => session.run(feeds));
        checkOutputs(outputs);
        return encodeTensors(outputs);
      });
      return { output, mediaType: "application/json" };
    },

    close: () => cache.close(),
  };
};
