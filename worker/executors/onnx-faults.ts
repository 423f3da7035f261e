/** Turns what ONNX Runtime says when it fails into one sentence, and decides whose fault it is. */

import { AppError, OutOfMemory } from "../executor.ts";
import type { InferenceSession } from "./inference.ts";
import { scanOnnx } from "./onnx-scan.ts";

/** Not the job's fault: another machine, or this one later, may well compute it. */
const machineFault =
  /bad_alloc|out of memory|allocat(?:e|ion) .*fail|fail.* to allocate|RangeError/i;

const notOnnx = "the model is not ONNX, or it is cut off";

const loadFaults: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [/protobuf|No graph|data pointer is null/i, notOnnx],
  [
    /opset|ir_version|IR version/i,
    "the model needs an operator set that the runtime does not have",
  ],
  [
    /No Op registered|not a registered function|NOT_IMPLEMENTED|Could not find an implementation/i,
    "the model uses an operator that the runtime does not have",
  ],
];

const scanFaults = {
  malformed: notOnnx,
  "external-data": "the model keeps its weights in another file",
  overstated: "a tensor of the model has other sizes than its data",
} as const;

/**
 * @param memoryBytes - What this process may have.
 * @throws {AppError} `bad-model`, when the model is at fault.
 * @throws {OutOfMemory} Before it is loaded, when it would take too much.
 */
export const explainLoad = async (
  model: Uint8Array,
  load: (model: Uint8Array) => Promise<InferenceSession>,
  memoryBytes: number,
): Promise<InferenceSession> => {
  const found = scanOnnx(model, memoryBytes);
  if (found.fault !== undefined) throw new AppError("bad-model", scanFaults[found.fault]);
  if (found.loadBytes > memoryBytes)
    throw new OutOfMemory("to load the model takes more memory than onnx may have");
  try {
    return await load(model);
  } catch (cause) {
    const message = messageOf(cause);
    if (machineFault.test(message)) throw cause;
    const known = loadFaults.find(([pattern]) => pattern.test(message));
    throw new AppError("bad-model", known?.[1] ?? "the model's graph is not valid", cause);
  }
};

/**
 * The tensors already fit what the model declares, so that the values, or sizes that it leaves
 * open, are at fault.
 *
 * @throws {AppError} `shape-mismatch` or `bad-tensor`.
 */
export const explainRun = async <T>(run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    const message = messageOf(cause);
    if (machineFault.test(message)) throw cause;
    const [, operator, name] = /running (\w+) node\. Name:'([^']*)'/.exec(message) ?? [];
    const where = operator === undefined ? "the model" : `the model's ${operator} node "${name}"`;
    throw /shape|dimension|\brank\b|broadcast|reshape/i.test(message)
      ? new AppError("shape-mismatch", `${where} cannot take tensors of these sizes`, cause)
      : new AppError("bad-tensor", `${where} cannot compute these values`, cause);
  }
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
