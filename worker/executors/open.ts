/** Opens the programs behind the catalogue's names, loading only what is asked for. */

import { isAppName } from "../../domain/catalogue.ts";
import { AppError, type Executor } from "../executor.ts";
import type { EngineName, InferenceEngine } from "./inference.ts";
import { openEngine } from "./open-engine.ts";

/**
 * One executor for each name, in that order, ready to compute.
 *
 * @param names - From the catalogue.
 * @throws {AppError} `unknown-app` for a name that is not in the catalogue.
 * @throws {Error} When a model file is missing or is not the one that the catalogue names.
 *
 * @example
 * const [ocr] = await openExecutors(["ocr"], { engine: "ort-node" });
 */
export const openExecutors = async (
  names: readonly string[],
  { engine: engineName }: { readonly engine: EngineName },
): Promise<readonly Executor[]> => {
  let engine: Promise<InferenceEngine> | undefined;
  const theEngine = () => {
    engine ??= openEngine(engineName);
    return engine;
  };

  const openOne = async (name: string): Promise<Executor> => {
    if (!isAppName(name)) throw new AppError("unknown-app", `there is no app "${name}"`);
    switch (name) {
      case "ocr":
        return (await import("./ocr.ts")).openOcr(await theEngine());
      case "faces":
        return (await import("./faces.ts")).openFaces(await theEngine());
      case "onnx":
        return (await import("./onnx.ts")).openOnnx(await theEngine());
      case "noop":
        return (await import("./plain.ts")).openNoop();
      case "echo":
        return (await import("./plain.ts")).openEcho();
    }
  };

  const opened: Executor[] = [];
  try {
    for (const name of names) opened.push(await openOne(name));
  } catch (error) {
    await Promise.all(opened.map((executor) => executor.close()));
    throw error;
  }
  return opened;
};
