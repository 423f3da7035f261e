/** ONNX Runtime's native build: fast, and reproducible only inside one instruction set. */

import { InferenceSession, Tensor } from "onnxruntime-node";
import type { InferenceEngine } from "./inference.ts";
import { instructionSet } from "./instruction-set.ts";
import { adaptSession } from "./ort-adapter.ts";
import { packageVersion } from "./package-files.ts";

export const openOrtNode = async (): Promise<InferenceEngine> => {
  const version = await packageVersion("onnxruntime-node");
  // Another system has the runtime built by another compiler, with other mathematical functions.
  const provider = process.platform === "linux" ? "cpu" : `cpu-${process.platform}`;
  return {
    executionClass: `ort-node@${version}/${provider}/${await instructionSet()}/1t/all`,
    load: async (model) => {
      const session = await InferenceSession.create(model, {
        executionProviders: ["cpu"],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 4, // Errors reach us as exceptions; the log would only repeat them.
      });
      return adaptSession(session, (dtype, data, shape) => new Tensor(dtype, data, shape));
    },
  };
};
