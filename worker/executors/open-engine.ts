/** Opens an inference engine by its name. */

import type { EngineName, InferenceEngine } from "./inference.ts";

/** Loads the runtime itself, which takes 0.1 s and more, only now. */
export const openEngine = async (name: EngineName): Promise<InferenceEngine> =>
  name === "ort-node"
    ? (await import("./ort-node.ts")).openOrtNode()
    : (await import("./ort-web.ts")).openOrtWeb();
