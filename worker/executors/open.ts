/** Opens the programs behind the catalogue's names, loading only what is asked for. */

import { isAppName } from "../../domain/catalogue.ts";
import type { CollectOptions } from "../collect/collect.ts";
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
  {
    engine: engineName,
    collect,
    memoryBytes = Number.POSITIVE_INFINITY,
  }: {
    readonly engine: EngineName;
    /** What this process may have; without it nothing is refused beforehand. */
    readonly memoryBytes?: number;
    /** For the app of that name, in a process that may use the network: no computing child. */
    readonly collect?: CollectOptions;
  },
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
        return (await import("./onnx.ts")).openOnnx(await theEngine(), memoryBytes);
      case "wasm":
        return (await import("./wasm.ts")).openWasm();
      case "collect":
        if (!collect) throw new Error("collect needs the hosts that the node's owner allows");
        return (await import("../collect/collect.ts")).openCollect(collect);
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
