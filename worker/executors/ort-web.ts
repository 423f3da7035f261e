/** ONNX Runtime's wasm build: 2 to 10 times slower, and bit-identical on every processor tried. */

import { env, InferenceSession, Tensor } from "onnxruntime-web";
import type { InferenceEngine } from "./inference.ts";
import { adaptSession } from "./ort-adapter.ts";
import { packageVersion } from "./package-files.ts";

export const openOrtWeb = async (): Promise<InferenceEngine> => {
  env.wasm.numThreads = 1; // With 2 threads some models give other bits.
  env.logLevel = "fatal";
  const version = await packageVersion("onnxruntime-web");
  return {
    executionClass: `ort-web@${version}/wasm/any/1t/all`,
    load: async (model) => {
      const session = await InferenceSession.create(model, {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "all",
        logSeverityLevel: 4, // Errors reach us as exceptions; the log would only repeat them.
      });
      return adaptSession(session, (dtype, data, shape) => new Tensor(dtype, data, shape));
    },
  };
};
