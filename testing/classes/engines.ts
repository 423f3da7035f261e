/** Engines that compute the same models with other bits, or other models. */

import { InferenceSession, Tensor } from "onnxruntime-node";
import { catalogue } from "../../domain/catalogue.ts";
import type { Executor } from "../../worker/executor.ts";
import { openFaces } from "../../worker/executors/faces.ts";
import type { InferenceEngine } from "../../worker/executors/inference.ts";
import { openOcr } from "../../worker/executors/ocr.ts";
import { openOnnx } from "../../worker/executors/onnx.ts";
import { adaptSession } from "../../worker/executors/ort-adapter.ts";
import { openOrtNode } from "../../worker/executors/ort-node.ts";
import type { Subject } from "./subjects.ts";
import { withWeights } from "./weights.ts";

/** The native runtime, with each operator of the model by itself: other kernels, other roundings. */
export const unoptimised: InferenceEngine = {
  executionClass: "ort-node/1t/disabled",
  load: async (model) => {
    const session = await InferenceSession.create(model, {
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: "disabled",
      logSeverityLevel: 4,
    });
    return adaptSession(session, (dtype, data, shape) => new Tensor(dtype, data, shape));
  },
};

/** A planted fault: every model that it loads has these weights instead. */
export const withOtherWeights = async (
  change: Parameters<typeof withWeights>[1],
): Promise<InferenceEngine> => {
  const engine = await openOrtNode();
  return { ...engine, load: (model) => engine.load(withWeights(model, change)) };
};

export const openExecutor = (
  { app }: Subject,
  engine: InferenceEngine,
): Executor | Promise<Executor> => {
  switch (app) {
    case "faces":
      return openFaces(engine);
    case "ocr":
      return openOcr(engine);
    case "onnx":
      return openOnnx(engine, catalogue.onnx.limits.memoryMb * 2 ** 20);
    default:
      throw new RangeError(`${app} uses no engine`);
  }
};
